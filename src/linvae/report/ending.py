"""The last lines of a run: where to look, or what failed and how to go on."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from linvae.files import read_json

__all__ = ["failure_lines", "lacking_lines", "success_lines"]

_VERDICTS = ("supported", "not supported", "inconclusive")
# Of a failed job's log, and of jobs that failed: a screen shall hold them.
_LAST_LINES = 5
_JOBS = 3
_AGAIN = "The same command goes on: what is finished stands, training resumes where it was."
_ERROR = re.compile(
    r"^(?:Error in rule|RuleException in rule|Error in group) (?P<rule>\w+)[^\n]*\n"
    r"(?P<told>(?:[ \t]+[^\n]*\n|\n(?=[ \t]))*)",
    flags=re.MULTILINE,
)


def success_lines(folder: str | Path) -> list[str]:
    """Count the verdicts of a study and name its page.

    Parameters
    ----------
    folder
        ``results/<name>``.
    """
    claims = read_json(Path(folder, "claims.json"))
    counts = Counter(claim["verdict"] for claim in claims)
    lines = ["", f"The study is finished: {len(claims)} claims judged."]
    for verdict in _VERDICTS:
        numbers = ", ".join(str(c["id"]) for c in claims if c["verdict"] == verdict)
        lines.append(f"  {counts[verdict]:>2} {verdict}" + (f": {numbers}" if numbers else ""))
    return [*lines, f"Read it in a browser: {folder}/index.html"]


def lacking_lines(missing: Sequence[str]) -> list[str]:
    """Say that a study is not finished though no job failed.

    Parameters
    ----------
    missing
        Files that it should have.
    """
    shown = [f"    {path}" for path in missing[:_LAST_LINES]]
    if len(missing) > _LAST_LINES:
        shown.append(f"    ... and {len(missing) - _LAST_LINES} more")
    return ["", "error: the study is not finished, these files are missing:", *shown, _AGAIN]


def failure_lines(log: str) -> list[str]:
    """Name the jobs that failed, with the last lines of their own logs.

    Parameters
    ----------
    log
        Text of Snakemake's own log of the run.

    Returns
    -------
    list of str
        Also what to do; where no job failed but by Ctrl-C, that the run was stopped.
    """
    logs = dict(_failed(log))
    logs = {path: rule for path, rule in logs.items() if not _is_interrupted(path)}
    if not logs:
        return ["", "The run was stopped before its end.", _AGAIN]
    lines = [""]
    for path, rule in list(logs.items())[:_JOBS]:
        lines.append(f"Failed: {rule}" + (f", whose log ends ({path}):" if path else "."))
        lines += [f"    {line}" for line in _last_lines(path)]
    if len(logs) > _JOBS:
        lines.append(f"... and {len(logs) - _JOBS} more, in Snakemake's log.")
    return [*lines, f"Mend what it says. {_AGAIN}"]


def _failed(log: str) -> list[tuple[str, str]]:
    """Log file and rule of each job that failed; one that was tried again counts once."""
    found = []
    for match in _ERROR.finditer(log):
        path = re.search(r"^\s+log: (\S+)", match["told"], flags=re.MULTILINE)
        found.append((path[1].rstrip(",") if path else "", match["rule"]))
    return found


def _is_interrupted(path: str) -> bool:
    """Whether a job ended by Ctrl-C: it says so itself, or was still importing."""
    last = _last_lines(path)
    return bool(last) and last[-1].startswith(("interrupted:", "KeyboardInterrupt"))


def _last_lines(path: str) -> list[str]:
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace") if path else ""
    except OSError:
        return []
    lines = [line[:300] for line in text.splitlines() if line.strip()]
    return lines[-_LAST_LINES:] or ["(it is empty)"] * bool(path)
