"""What Adam is told about a model, and where it runs."""

import os

import torch

from linvae.models import GaussianVAE
from linvae.spec import Training

__all__ = ["device_of", "make_deterministic", "parameter_groups"]


def parameter_groups(model: GaussianVAE, training: Training) -> list[dict[str, object]]:
    """Weights, and the noise variance at its own learning rate where one is set."""
    rate, noise = training.learning_rate, model.log_noise_variance
    weights = [p for p in model.parameters() if p is not noise]
    groups = [{"params": weights, "lr": rate, "rate_factor": 1.0}]
    if not noise.requires_grad:
        return groups
    own = {"params": [noise], "lr": rate, "rate_factor": 1.0}
    if training.noise_learning_rate is not None:
        # Its gradient shrinks with the variance's distance from the squared error, by orders of
        # magnitude: a long memory of the first ones would stop it on its way.
        factor = training.noise_learning_rate / rate
        own |= {"lr": rate * factor, "rate_factor": factor, "betas": (0.9, 0.99)}
    return [*groups, own]


def device_of(name: str) -> torch.device:
    """Device of a training job.

    Raises
    ------
    ValueError
        If cuda is asked for and there is none.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        msg = "training.device is cuda, but torch sees no GPU; set it to auto or cpu"
        raise ValueError(msg)
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def make_deterministic(device: torch.device) -> None:
    """Let a GPU use only algorithms that repeat their bytes; those of a CPU that linvae calls do.

    Asking for it on a CPU would import torch's compiler, which takes longer than many jobs.
    """
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
