"""The study's results as files, and which of them were read."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from linvae.files import read_arrays, read_json
from linvae.inputs import Inputs, read_table
from linvae.naming import Product, Run, product_of
from linvae.settings.margins import Margins
from linvae.settings.measurement import Measurement
from linvae.settings.model import ModelSettings
from linvae.study.names import Names, size_name
from linvae.study.study import Study

__all__ = ["Results"]


class Results:
    """Files of the workflow beside the study that they belong to.

    Parameters
    ----------
    inputs
        At least `Study.evidence`.
    settings
        As JSON holds them: ``study``, ``models`` (their settings by name), ``names`` (as
        `Names.to_dict` gives them), ``measurement``, ``margins`` and ``cpu_seconds``
        (what training a run takes, by `linvae.study.names.size_name`).

    Attributes
    ----------
    study, names, measurement, margins
    models
        Settings by name.
    used
        Paths that were read, in order.
    faults
        Runs that could not be measured, and why: they are left out.
    """

    def __init__(self, inputs: Inputs, settings: Mapping) -> None:
        self.study = Study.model_validate(settings["study"])
        self.models = {
            name: ModelSettings.model_validate(told) for name, told in settings["models"].items()
        }
        self.names = Names.from_dict(settings["names"])
        self.measurement = Measurement.model_validate(settings["measurement"])
        self.margins = Margins.model_validate(settings["margins"])
        self._cpu_seconds = settings["cpu_seconds"]
        self.used: list[str] = []
        self.faults = inputs.faults()
        self._paths = {product_of(path): path for path in inputs.paths}

    def runs(self, section: str) -> list[Run]:
        """Return the training runs of a section that could be measured; none of one left out."""
        runs = self.study.runs(section, self.names)
        return [run for run in runs if run not in self.faults]

    def all_failed(self, section: str) -> bool:
        """Whether a section has runs, and none could be measured."""
        return bool(self.study.runs(section, self.names)) and not self.runs(section)

    def metrics(self, run: Run) -> dict:
        """Return a run's metrics."""
        return self.values(Product("metrics.json", run=run))

    def curve(self, run: Run) -> pd.DataFrame:
        """Return a run's curve."""
        return self.table(Product("curve.csv", run=run))

    def arrays(self, run: Run, name: str) -> dict[str, np.ndarray]:
        """Return the arrays of one of a run's files, for example ``kl.npz``."""
        return read_arrays(self._noted(Product(name, run=run)))

    def values(self, file: Product) -> dict:
        """Read a file of values, which must be among the inputs."""
        return read_json(self._noted(file))

    def cpu_seconds(self, run: Run) -> float:
        """Return the estimate of what training a run takes, or another seed of it."""
        return float(self._cpu_seconds[size_name(run)])

    def table(self, file: Product) -> pd.DataFrame:
        """Read a table, which must be among the inputs."""
        return read_table(self._noted(file))

    def _noted(self, file: Product) -> str:
        # A file that the job does not name is no part of its address.
        if file not in self._paths:
            msg = f"{file} is not among the inputs; a claim may read only what it is given."
            raise ValueError(msg)
        path = self._paths[file]
        if path not in self.used:
            self.used.append(path)
        return path
