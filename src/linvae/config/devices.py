"""The kind of device that training asks for, where a model leaves it to the machine."""

import os
from collections.abc import Mapping

from linvae.settings.model import ModelSettings

__all__ = ["planned_device"]

# A profile of a cluster sets it: the machine where Snakemake runs knows nothing of the nodes.
VARIABLE = "LINVAE_DEVICE"


def planned_device(models: Mapping[str, ModelSettings]) -> str:
    """Return ``cpu`` or ``cuda``: what ``auto`` means, decided where the workflow is planned.

    It is left in the environment, since the jobs of a cluster read the configuration anew and must
    come to what was planned.

    Raises
    ------
    ValueError
        If the environment says something else.
    """
    if all(model.job.device != "auto" for model in models.values()):
        return "cpu"
    told = os.environ.get(VARIABLE)
    if told is None:
        # Torch is asked only where a model needs it.
        from linvae.training.device import device_of

        told = os.environ[VARIABLE] = device_of("auto").type
    if told not in ("cpu", "cuda"):
        msg = f"{VARIABLE} is {told!r}; it must be cpu or cuda"
        raise ValueError(msg)
    return told
