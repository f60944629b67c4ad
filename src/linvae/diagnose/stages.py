"""Lines that say how far long work is."""

import sys
import time

__all__ = ["Stages"]

# Seconds after which the first line comes, and between lines.
_FIRST, _EVERY = 3.0, 10.0


class Stages:
    """What a diagnosis is about, told on standard error once it has taken some seconds.

    Parameters
    ----------
    shown
        Whether anything is told at all.
    """

    def __init__(self, *, shown: bool = True) -> None:
        self.shown, self.name = shown, "looking at data and model"
        self.start = time.monotonic()
        self.due = self.start + _FIRST

    def enter(self, name: str) -> None:
        """Name what comes next."""
        self.name = name
        self.tick()

    def tick(self) -> None:
        """Tell where the work is, if that is due."""
        now = time.monotonic()
        if self.shown and now >= self.due:
            told = f"diagnose: {self.name}, {now - self.start:.0f} s so far"
            print(told, file=sys.stderr, flush=True)  # noqa: T201
            self.due = now + _EVERY
