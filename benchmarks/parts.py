"""What the parts of the benchmark page have in common: their shape, their clock, their images."""

import math
import statistics
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from linvae.images import load as data
from linvae.images import preprocess

__all__ = ["Clock", "Part", "interleaved", "logit_rows"]


class Part(NamedTuple):
    """A part of the page: a heading, what was done and on which data, and the numbers."""

    title: str
    text: str
    table: pd.DataFrame

    def markdown(self) -> str:
        """Return the part as Markdown; the table's cells are shown as they are."""
        table = self.table.astype(str).to_markdown(index=False, disable_numparse=True)
        text = textwrap.fill(self.text, 100, break_long_words=False, break_on_hyphens=False)
        return f"## {self.title}\n\n{text}\n\n{table}\n"


class Clock:
    """Processor time since it was made, less what was spent on looking at the results."""

    def __init__(self) -> None:
        self._start, self._paused = time.process_time(), 0.0
        self._stopped: float | None = None

    def __enter__(self) -> float:
        """Stop the clock while something is measured; return the seconds so far."""
        self._stopped = time.process_time()
        return self._stopped - self._start - self._paused

    def __exit__(self, *exception: object) -> None:
        """Let it go on."""
        self._paused += time.process_time() - self._stopped


def interleaved(
    works: Mapping[str, Callable[[], object]], rounds: int, repeats: Mapping[str, int] | None = None
) -> dict[str, float]:
    """Return the median processor time of each piece of work, in seconds.

    The pieces take turns, so that whatever else the machine does hurts all; the first turn of each,
    in which memory and threads are set up, does not count.

    Parameters
    ----------
    works
        What is timed, by name.
    rounds
        Turns that count.
    repeats
        How often a piece is done in a turn, where that is not once.
    """
    repeats = repeats or {}
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            n_times = repeats.get(name, 1)
            start = time.process_time()
            for _ in range(n_times):
                work()
            if turn > 0:
                times[name].append((time.process_time() - start) / n_times)
    return {name: statistics.median(values) for name, values in times.items()}


def logit_rows(n: int, splits: Sequence[str] = ("train", "test")) -> np.ndarray:
    """Return n rows of logit MNIST from the embedded images, float64 of shape (n, 784).

    Where there are fewer images they are repeated, each time with another dither.
    """
    images = np.concatenate([data.load(split=name, source="embedded")[0] for name in splits])[:n]
    copies = math.ceil(n / len(images))
    return np.concatenate([preprocess.logit(images, seed=seed) for seed in range(copies)])[:n]
