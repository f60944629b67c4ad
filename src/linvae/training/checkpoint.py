"""Checkpoints of a training job: written whole, used only for the job that wrote them."""

import logging
import os
import socket
import uuid
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from linvae.files import DamagedFileError, write_csv
from linvae.jobs.atomic import discard_leftovers, replacing
from linvae.weights import read_archive, write_tensors

__all__ = ["Checkpoint", "Superseded"]

_log = logging.getLogger(__name__)


class Superseded(RuntimeError):
    """Another process has taken this job over; this one must stop and write nothing."""


class Checkpoint:
    """The checkpoint file of one job.

    A job that is started while an older process still works on it (an orphan of a killed Snakemake)
    takes it over: the older one notices at its next checkpoint, or before it writes its outputs.

    Parameters
    ----------
    path
        File, of no declared output: Snakemake deletes those before a job starts.
    specification
        All that decides the job's result. A checkpoint with another specification is not used.
    seconds
        Time between checkpoints; by default that of the environment variable
        LINVAE_CHECKPOINT_SECONDS, else 20. It decides no result.
    """

    def __init__(self, path: str | Path, specification: str, seconds: float | None = None) -> None:
        self.path = Path(path)
        self.specification = specification
        given = os.environ.get("LINVAE_CHECKPOINT_SECONDS", "20") if seconds is None else seconds
        self.seconds = float(given)
        self._curve_file = self.path.with_name("curve.partial.csv")
        self._owner_file = self.path.with_suffix(".owner")
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}"
        with replacing(self._owner_file) as temporary:
            temporary.write_text(self._owner, encoding="utf-8")

    def load(self) -> tuple[dict[str, Tensor], int] | None:
        """Tensors and number of finished steps of the last checkpoint, or None to start anew.

        A damaged file is set aside as ``*.damaged`` with a warning.
        """
        if not self.path.exists():
            return None
        try:
            arrays, metadata = read_archive(self.path)
        except (DamagedFileError, OSError) as error:
            aside = self.path.with_suffix(".damaged")
            os.replace(self.path, aside)
            _log.warning(
                "%s is damaged (%s); set aside as %s, starting anew",
                self.path,
                getattr(error, "reason", error),
                aside,
            )
            return None
        if metadata.get("specification") != self.specification:
            _log.warning("%s belongs to other settings or code; starting anew", self.path)
            return None
        return {name: torch.from_numpy(array) for name, array in arrays.items()}, metadata["step"]

    def save(self, tensors: dict[str, Tensor], step: int, curve: pd.DataFrame) -> None:
        """Write a checkpoint after `step` steps, and the curve so far beside it, to be looked at.

        Raises
        ------
        Superseded
            If another process has taken the job over.
        """
        self.require_ownership()
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
        write_tensors(self.path, arrays, {"specification": self.specification, "step": step})
        write_csv(self._curve_file, curve)

    def require_ownership(self) -> None:
        """Raise `Superseded` if another process has taken the job over."""
        try:
            owner = self._owner_file.read_text(encoding="utf-8")
        except FileNotFoundError:
            owner = "a process that has finished it"
        if owner != self._owner:
            msg = f"this job was taken over by {owner}; stopping without writing"
            raise Superseded(msg)

    def remove(self) -> None:
        """Remove the checkpoint: the job's outputs are written.

        If another process has taken the job over meanwhile, the checkpoint is that one's.
        """
        if self._owner_file.exists() and self._owner_file.read_text("utf-8") != self._owner:
            return
        discard_leftovers(self.path)
        self.path.unlink(missing_ok=True)
        self._curve_file.unlink(missing_ok=True)
        self._owner_file.unlink(missing_ok=True)
