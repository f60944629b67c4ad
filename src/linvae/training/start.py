"""A start of training from which nothing has collapsed: the principal components.

A perceptron of rectified linear units computes a linear map z -> M z exactly if each layer passes
both z and -z on, as max(z, 0) - max(-z, 0) = z. Its other units keep their random weights.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from linvae.spectrum import Spectrum
from linvae.training.models import GaussianVAE

__all__ = ["start_at_principal_components"]


@torch.no_grad()
def start_at_principal_components(model: GaussianVAE, spectrum: Spectrum) -> None:
    """Make a model encode and decode along the k leading principal axes, in place.

    m(x) = Lambda^{-1/2} U^T (x - mu) and f(z) = mu + U Lambda^{1/2} z, whatever the noise variance:
    latents that have collapsed at the end of training have done so under its objective.

    Raises
    ------
    ValueError
        If a hidden layer has less than 2k units.
    """
    k = model.n_latent
    axes = spectrum.eigenvectors[:, :k]
    deviation = np.sqrt(spectrum.eigenvalues[:k])
    # Directions in which the data do not vary are neither encoded nor decoded.
    inverse = np.divide(1, deviation, out=np.zeros(k), where=deviation > 0)
    rotation = np.eye(model.n_features) if model.units.axes is None else spectrum.eigenvectors
    scale = model.units.scale.double().cpu().numpy()
    encoder = [*model.encoder.trunk, *model.encoder.mean]
    _pass_through(encoder, first=(axes * inverse).T @ rotation * scale, last=np.eye(k))
    _pass_through(model.decoder, first=np.eye(k), last=(rotation.T @ axes * deviation).T / scale)


def _pass_through(
    layers: Sequence[nn.Module], first: NDArray[np.float64], last: NDArray[np.float64]
) -> None:
    """Let a perceptron compute z -> last^T first z, for first (k, d_in) and last (k, d_out)."""
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    width = 2 * len(first)
    narrowest = min(layer.out_features for layer in linear[:-1])
    if narrowest < width:
        msg = (
            f"training.init: principal needs hidden layers of at least 2 k = {width} units, "
            f"found {narrowest}; widen them in config.yaml or set init: random"
        )
        raise ValueError(msg)
    for index, layer in enumerate(linear):
        if index < len(linear) - 1:
            passed = np.vstack([first, -first]) if index == 0 else np.eye(width)
            layer.weight[:width] = 0
            layer.weight[:width, : passed.shape[1]] = torch.as_tensor(passed).to(layer.weight)
            layer.bias[:width] = 0
        else:
            layer.weight.zero_()
            layer.weight[:, :width] = torch.as_tensor(np.vstack([last, -last]).T).to(layer.weight)
            layer.bias.zero_()
