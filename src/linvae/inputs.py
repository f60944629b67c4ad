"""The files that a figure, a table or a claim is computed from, found by what they are."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

import pandas as pd

from linvae.files import read_arrays, read_json
from linvae.naming import Run, parse_run
from linvae.spectrum import Spectrum

__all__ = ["Inputs"]


class Inputs:
    """Files of the workflow, given in any order.

    Parameters
    ----------
    paths
        Paths below ``results/``.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = list(paths)

    def _runs(self, name: str) -> Iterator[tuple[Run, str]]:
        for path in self.paths:
            if PurePosixPath(path).name == name:
                yield parse_run(path), path

    def curves(self) -> dict[Run, pd.DataFrame]:
        """Return the training curve of every run whose curve is among the files."""
        return {run: pd.read_csv(path) for run, path in self._runs("curve.csv")}

    def metrics(self) -> dict[Run, dict]:
        """Return the metrics of every run whose metrics are among the files."""
        return {run: read_json(path) for run, path in self._runs("metrics.json")}

    def arrays(self, name: str) -> dict[Run, dict]:
        """Return the arrays of every run's file of this name, for example ``kl.npz``."""
        return {run: read_arrays(path) for run, path in self._runs(name)}

    def files(self, name: str) -> dict[Run, str]:
        """Return the path of every run's file of this name."""
        return dict(self._runs(name))

    def spectrum(self) -> Spectrum:
        """Return the only spectrum.

        Raises
        ------
        ValueError
            If there is not exactly one.
        """
        (path,) = self._below("spectrum")
        return Spectrum.load(path)

    def maxima(self) -> dict[str, pd.DataFrame]:
        """Return the tables of pPCA maxima by data name."""
        parts = ((PurePosixPath(path).parts, path) for path in self.paths)
        return {part[-2]: pd.read_csv(path) for part, path in parts if part[-3:-2] == ("ppca",)}

    def table(self, name: str) -> pd.DataFrame:
        """Return the only table with this file name.

        Raises
        ------
        ValueError
            If there is not exactly one.
        """
        (path,) = (path for path in self.paths if PurePosixPath(path).name == name)
        return pd.read_csv(path)

    def data_label(self) -> str:
        """Where the data come from, in a few words, as printed on every figure."""
        return self.provenance()["label"]

    def provenance(self) -> dict:
        """Return the data's provenance: source, files and their hashes."""
        (path,) = (p for p in self.paths if p.endswith("/provenance.json"))
        return read_json(path)

    def _below(self, folder: str) -> list[str]:
        return [path for path in self.paths if PurePosixPath(path).parts[-2:-1] == (folder,)]
