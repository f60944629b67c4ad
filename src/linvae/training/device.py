"""Where a training job runs."""

import os

import torch

__all__ = ["device_of", "make_deterministic"]


def device_of(name: str) -> torch.device:
    """Device of a training job.

    Raises
    ------
    ValueError
        If cuda is asked for and there is none.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        msg = "job.device is cuda, but torch sees no GPU; set it to auto or cpu"
        raise ValueError(msg)
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def make_deterministic(device: torch.device) -> None:
    """Let a GPU use only algorithms that repeat their bytes; those of a CPU that linvae calls do.

    Asking for it on a CPU would import torch's compiler, which takes longer than many jobs.
    """
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
