"""The files that a figure, a table or a claim is computed from, found by what they are.

Runs that could not be measured (`linvae.faults`) are left out, and named.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import PurePosixPath

import pandas as pd

from linvae.faults import KEY
from linvae.files import DamagedFileError, read_arrays, read_json
from linvae.linear.spectrum import Spectrum
from linvae.naming import Run, parse_run, product_of

__all__ = ["Inputs", "read_table"]

# Columns that a table of this name has at least.
_COLUMNS = {
    "curve.csv": ("step",),
    "times.csv": ("step", "images", "cpu_seconds"),
    "maxima.csv": ("n_latent",),
    "restarts.csv": ("kind", "rotate", "gap", "curvature"),
    "points.csv": ("n_latent", "gap", "end_gap"),
    "paths.csv": ("n_latent", "path", "position", "gap"),
    "hessian.csv": ("noise_at", "direction", "eigenvalue", "autograd", "formula"),
}


def read_table(path: str) -> pd.DataFrame:
    """Read a table that a job wrote.

    Raises
    ------
    DamagedFileError
        If it is no table, or lacks columns that a table of its name has.
    """
    try:
        found = pd.read_csv(path)
    except ValueError as error:  # as pandas's own are
        raise DamagedFileError(path, error) from error
    missing = [name for name in _COLUMNS.get(PurePosixPath(path).name, ()) if name not in found]
    if missing:
        raise DamagedFileError(path, f"it has no column {', '.join(missing)}")
    return found


# What measuring a deep run writes beside its metrics.
_MEASURED = ("kl.npz", "samples.npz", "residual.npz")
# Of the runs that are left out, how many a figure has room for.
_NAMED = 3


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
        left_out = {run for run, found in self._metrics.items() if KEY in found}
        return {
            run: read_table(path) for run, path in self._runs("curve.csv") if run not in left_out
        }

    def times(self) -> dict[Run, pd.DataFrame]:
        """Return the processor time over the steps of every run whose times are among the files."""
        return {run: read_table(path) for run, path in self._runs("times.csv")}

    def grafts(self) -> dict[Run, dict]:
        """Return what each run came to by the one graft of it that is among the files."""
        found = {run: read_json(path) for run, path in self._runs("graft.json")}
        return {run: told for run, told in found.items() if KEY not in told}

    def metrics(self) -> dict[Run, dict]:
        """Return the metrics of every run whose metrics are among the files."""
        return {run: found for run, found in self._metrics.items() if KEY not in found}

    def arrays(self, name: str) -> dict[Run, dict]:
        """Return the arrays of every run's file of this name, for example ``kl.npz``."""
        found = {run: read_arrays(path) for run, path in self._runs(name)}
        return {run: arrays for run, arrays in found.items() if KEY not in arrays}

    def faults(self) -> dict[Run, str]:
        """Return what is wrong with the runs that are left out."""
        found = {run: told[KEY] for run, told in self._metrics.items() if KEY in told}
        for name in _MEASURED:
            for run, path in self._runs(name):
                if run not in self._metrics and KEY in (arrays := read_arrays(path)):
                    found[run] = str(arrays[KEY])
        return found

    def is_empty(self) -> bool:
        """Whether all runs whose measurements are among the files are left out."""
        names = ("metrics.json", *_MEASURED)
        runs = {run for name in names for run, _ in self._runs(name)}
        return bool(runs) and runs == self.faults().keys()

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
        (path,) = (path for path in self.paths if path.endswith("/spectrum.npz"))
        return Spectrum.load(path)

    def maxima(self) -> dict[str, pd.DataFrame]:
        """Return the tables of pPCA maxima by data name."""
        found = ((product_of(path), path) for path in self.paths if path.endswith("/maxima.csv"))
        return {file.data: read_table(path) for file, path in found}

    def table(self, name: str) -> pd.DataFrame:
        """Return the only table with this file name.

        Raises
        ------
        ValueError
            If there is not exactly one.
        """
        (path,) = (path for path in self.paths if PurePosixPath(path).name == name)
        return read_table(path)

    def data_label(self) -> str:
        """Where the data come from and which runs are left out, as printed on every figure."""
        told = [
            f"{run.model} {run.noise} seed {run.seed}: {fault}"
            for run, fault in self.faults().items()
        ]
        more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
        without = f"; left out: {'; '.join(told[:_NAMED])}{more}" if told else ""
        return f"{self.provenance()['label']}{without}"

    def provenance(self) -> dict:
        """Return the data's provenance: source, files and their hashes."""
        (path,) = (p for p in self.paths if p.endswith("/provenance.json"))
        return read_json(path)

    @cached_property
    def _metrics(self) -> dict[Run, dict]:
        return {run: read_json(path) for run, path in self._runs("metrics.json")}
