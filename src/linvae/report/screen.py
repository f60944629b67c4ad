"""What a terminal shows of jobs: why they run and what failed, without what fills whole screens."""

import logging
from collections.abc import Sequence

__all__ = ["Brief", "brief_reason"]

# Of the files that are listed: jobs that aggregate have hundreds.
_SHOWN = 2


def brief_reason(reason: str) -> str:
    """Shorten the reason for which a job runs: the first files of each kind, and how many more.

    Parameters
    ----------
    reason
        As Snakemake writes it: clauses divided by semicolons, with files divided by commas.
    """
    return "; ".join(_brief_clause(clause) for clause in reason.split("; "))


class Brief(logging.Filter):
    """Shortens Snakemake's messages in place, and lets all of them pass.

    It is a filter of the logger and not of a handler, so that the log file says the same.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten what a record says of a job's reason, or of a job that failed."""
        if isinstance(reason := getattr(record, "reason", None), str):
            record.reason = brief_reason(reason)
        if record.levelno >= logging.WARNING:
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
