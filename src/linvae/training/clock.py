"""Processor time of a training, without what looking at it takes, over interruptions."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

__all__ = ["CpuClock"]


class CpuClock:
    """Processor time of this process, all threads together, from `start` on, but for stops.

    Of a training on a GPU it is the time of the processor beside it.

    Attributes
    ----------
    seconds_at : list of float
        The time at each stop.
    """

    def __init__(self) -> None:
        self.seconds_at: list[float] = []
        self._before, self._started = 0.0, time.process_time()

    def start(self) -> None:
        """Count from now on; what was restored is kept."""
        self._started = time.process_time()

    def seconds(self) -> float:
        """Return the time so far."""
        return self._before + time.process_time() - self._started

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Note the time, and do not count what is done within."""
        self._before = self.seconds()
        self.seconds_at.append(self._before)
        try:
            yield
        finally:
            self.start()

    def restore(self, seconds: Sequence[float]) -> None:
        """Go on from a checkpoint: the times at its stops, and its own at the end."""
        *self.seconds_at, self._before = seconds
        self.start()
