"""What a terminal shows of jobs: why they run and what failed, without what fills whole screens."""

import logging
import re
from collections.abc import Sequence

__all__ = ["Brief", "brief_reason", "without_spec"]

# Of the files that are listed: jobs that aggregate have hundreds.
_SHOWN = 2
# A specification as a shell command holds it: JSON in quotes.
_SPEC = re.compile(r"--spec [\\'\"]*\{.*\}[\\'\"]*")
_PARAMS = re.compile(r"(Params have changed since last execution): .*?(?=; Software|$)", re.DOTALL)


def brief_reason(reason: str) -> str:
    """Shorten the reason for which a job runs: the first files of each kind, and how many more.

    Parameters
    ----------
    reason
        As Snakemake writes it: clauses divided by semicolons, with files divided by commas. Of
        changed parameters it is left out what they were and are: two specifications in JSON.
    """
    clauses = _PARAMS.sub(r"\1", reason).split("; ")
    return "; ".join(_brief_clause(clause) for clause in clauses)


def without_spec(text: str) -> str:
    """Put ``--spec ...`` in place of the JSON that a job's command line holds."""
    return _SPEC.sub("--spec ...", text)


class Brief(logging.Filter):
    """Shortens Snakemake's messages in place, and lets all of them pass.

    It is a filter of the logger and not of a handler, so that the log file says the same. What
    ``--printshellcmds`` prints stays whole.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten what a record says of a job's reason, or of a job that failed."""
        if isinstance(reason := getattr(record, "reason", None), str):
            record.reason = brief_reason(reason)
        if record.levelno >= logging.WARNING:
            record.msg = without_spec(str(record.msg))
            if isinstance(command := getattr(record, "shellcmd", None), str):
                record.shellcmd = without_spec(command)
            if isinstance(files := getattr(record, "input", None), list):
                record.input = _first(files)
        return True


def _brief_clause(clause: str) -> str:
    head, colon, files = clause.partition(": ")
    return head + colon + ", ".join(_first(files.split(", ")))


def _first(files: Sequence[str]) -> list[str]:
    if len(files) <= _SHOWN + 1:
        return list(files)
    return [*files[:_SHOWN], f"... and {len(files) - _SHOWN} more"]
