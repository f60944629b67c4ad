"""Weights and ELBO of models with a linear decoder, exact and in data units."""

import numpy as np
import torch
from numpy.typing import NDArray

from linvae.training import objectives
from linvae.training.models import GaussianVAE
from linvae.weights import LinearWeights

__all__ = ["decoder_weights", "exact_elbo", "linear_weights"]

_CHUNK = 4096


def linear_weights(model: GaussianVAE) -> LinearWeights:
    """W, V, D and sigma^2 of a linear VAE, in data units and float64."""
    weights, noise_variance = decoder_weights(model)
    with torch.no_grad():
        encoder = model.encoder_matrix().double().cpu().numpy()
        posterior_variance = model.encoder.log_variance.double().exp().cpu().numpy()
    return LinearWeights(weights, encoder, posterior_variance, noise_variance)


@torch.no_grad()
def decoder_weights(model: GaussianVAE) -> tuple[NDArray[np.float64], float]:
    """W (d, k) of a linear decoder, and sigma^2, in data units and float64."""
    noise_variance = float(model.log_noise_variance.double().exp())
    return model.decoder_matrix().double().cpu().numpy(), noise_variance


@torch.no_grad()
def exact_elbo(model: GaussianVAE, data: NDArray[np.floating]) -> float:
    """ELBO over all data (n, d) of a model with a linear decoder: no sampling, nats per datum."""
    total = 0.0
    for start in range(0, len(data), _CHUNK):
        batch = torch.as_tensor(data[start : start + _CHUNK]).to(model.units.mean)
        reconstruction, kl = objectives.exact_terms(model, model.units.inward(batch))
        loss = objectives.negative_elbo(
            reconstruction, kl, model.log_noise_variance, model.n_features
        )
        total -= float(loss) * len(batch)
    return total / len(data)
