"""The study's results as files, and which of them were read."""

from collections.abc import Mapping
from pathlib import PurePosixPath

import pandas as pd

from linvae.files import read_json
from linvae.inputs import Inputs
from linvae.naming import Run

__all__ = ["Results"]


class Results:
    """Files of the workflow beside the study that they belong to.

    Parameters
    ----------
    inputs : Inputs
    spec : mapping
        ``dataset`` (its name in paths), ``study`` and ``models`` of the configuration.

    Attributes
    ----------
    study, models : mapping
    dataset : str
    used : list of str
        Paths that were read, in order.
    """

    def __init__(self, inputs: Inputs, spec: Mapping) -> None:
        self.study: Mapping[str, Mapping | None] = spec["study"]
        self.models: Mapping[str, Mapping] = spec["models"]
        self.used: list[str] = []
        self.dataset: str = spec["dataset"]
        self._paths = inputs.paths
        self._metrics = inputs.files("metrics.json")
        self._curves = inputs.files("curve.csv")

    def data(self, variant: str) -> str:
        """Return the full name of a data variant."""
        return f"{self.dataset}-{variant}"

    def metrics(self, run: Run) -> dict:
        """Return a run's metrics."""
        return read_json(self._note(self._metrics[run]))

    def curve(self, run: Run) -> pd.DataFrame:
        """Return a run's curve."""
        return pd.read_csv(self._note(self._curves[run]))

    def table(self, folder: str, name: str) -> pd.DataFrame:
        """Read ``<folder>/<name>.csv`` from among the files."""
        end = (folder, f"{name}.csv")
        path = next(path for path in self._paths if PurePosixPath(path).parts[-2:] == end)
        return pd.read_csv(self._note(path))

    def _note(self, path: str) -> str:
        if path not in self.used:
            self.used.append(path)
        return path
