"""The negative ELBO for gradient training: exact where the decoder is linear, else sampled.

Every objective is a pair (reconstruction, kl) per datum: the expected squared error
E_q ||x - f(z)||^2 and KL(q(z|x) || p(z)) in nats. The negative ELBO follows from it in one place.
"""

import math

import torch
from torch import Tensor

from linvae.training.models import GaussianVAE

__all__ = [
    "exact_terms",
    "gaussian_kl",
    "moment_terms",
    "negative_elbo",
    "sampled_terms",
]


def negative_elbo(
    reconstruction: Tensor,
    kl: Tensor,
    log_noise_variance: Tensor,
    n_features: int,
    weight: float = 1.0,
) -> Tensor:
    """Return E||x - f(z)||^2 / (2 s) + d/2 log(2 pi s) + weight * KL, in nats per datum."""
    constant = 0.5 * n_features * (math.log(2 * math.pi) + log_noise_variance)
    return 0.5 * reconstruction * torch.exp(-log_noise_variance) + constant + weight * kl


def gaussian_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(m, diag s) || N(0, I)) of each dimension, in nats: 1/2 (m^2 + s - 1 - log s)."""
    return 0.5 * (mean.square() + torch.expm1(log_variance) - log_variance)


def moment_terms(model: GaussianVAE, covariance: Tensor) -> tuple[Tensor, Tensor]:
    """Terms of a linear VAE from the data covariance S (d, d) alone.

    tr S - 2 tr(W V S) + tr(B G) + tr(B D) and 1/2 [tr G + tr D - log|D| - k], where B = W^T W and
    G = V S V^T (Lucas et al. 2019, appendix on the analytic ELBO).
    """
    decoder, encoder = model.decoder_matrix(), model.encoder_matrix()
    log_variance = model.encoder.log_variance
    encoded = encoder @ covariance
    gram = decoder.T @ decoder
    second_moment = encoded @ encoder.T
    spread = torch.diagonal(gram) @ torch.exp(log_variance)
    cross = (decoder.T * encoded).sum()
    reconstruction = torch.trace(covariance) - 2 * cross + (gram * second_moment).sum() + spread
    kl = 0.5 * (torch.trace(second_moment) + (torch.expm1(log_variance) - log_variance).sum())
    return reconstruction, kl


def exact_terms(model: GaussianVAE, y: Tensor) -> tuple[Tensor, Tensor]:
    """Terms of a model with a linear decoder and any encoder, without sampling.

    E_q ||x - mu - W z||^2 = ||x - mu - W m||^2 + sum_i ||w_i||^2 s_i.

    Parameters
    ----------
    y
        Data in the network's units, shape (n, d), as ``model.units.inward`` gives them.
    """
    decoder = model.network_matrix()
    mean, log_variance = model.encoder(y)
    error = model.units.mean_squared_norm(y - mean @ decoder.T)
    spread = (torch.exp(log_variance) * model.units.squared_norm(decoder.T)).sum(-1).mean()
    return error + spread, gaussian_kl(mean, log_variance).sum(1).mean()


def sampled_terms(model: GaussianVAE, y: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Terms by the reparameterisation trick: the KL exact, the squared error by sampling.

    Parameters
    ----------
    y
        Data in the network's units, shape (n, d), as ``model.units.inward`` gives them.
    noise
        Standard normal, shape (samples, n, k).
    """
    mean, log_variance = model.encoder(y)
    z = mean + torch.exp(0.5 * log_variance) * noise
    error = model.units.mean_squared_norm(y - model.decoder(z))
    return error, gaussian_kl(mean, log_variance).sum(1).mean()
