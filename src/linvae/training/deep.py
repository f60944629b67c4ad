"""Training of deep Gaussian VAEs: networks, start, and the loop, from a specification to files.

The networks are `linvae.training.models`; the objective is the ELBO by the reparameterisation trick
(`linvae.training.objectives`), maximised by Adam (`linvae.training.optimizer`) in the loop of
`linvae.training.loop`. Nothing here knows the closed forms of the linear VAE.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from linvae.files import write_csv
from linvae.spectrum import Spectrum
from linvae.training.archive import save_model
from linvae.training.device import device_of
from linvae.training.job import begin, checkpoint_of, initial_model, train
from linvae.training.models import GaussianVAE
from linvae.training.processor import at_full_speed
from linvae.training.progress import progress_of

__all__ = ["start_at_principal_components", "train_and_save"]


@at_full_speed()
def train_and_save(
    spec: dict,
    spectrum: Spectrum,
    data: Mapping[str, NDArray[np.float64]],
    model_file: str | Path,
    curve_file: str | Path,
) -> None:
    """Train the deep VAE that `spec` describes, and write its weights and its curve.

    The curve holds what `linvae.training.progress` sees on some images of each split. Progress is
    saved in ``checkpoint.safetensors`` beside the weights, and that file is removed at the end.

    Parameters
    ----------
    spec
        As `linvae.training.job.begin` takes it.
    spectrum
        Of the training data.
    data
        ``train``, and ``test`` for the curve alone, each of shape (n, d).
    model_file, curve_file
        Files to write.
    """
    settings = begin(spec)
    model = initial_model(spec, settings, spectrum)
    if settings.start.weights == "principal":
        start_at_principal_components(model, spectrum)
    model.to(device_of(settings.job.device))
    checkpoint = checkpoint_of(spec, model_file)
    measure = progress_of(model, data, spec["seed"])
    curve = train(model, spec, settings, checkpoint, measure=measure, data=data["train"])
    save_model(model_file, model, spec)
    write_csv(curve_file, curve)
    checkpoint.remove()


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
    scale = model.units.scale.double().cpu().numpy()
    encoder = [*model.encoder.trunk, *model.encoder.mean]
    _pass_through(encoder, first=(axes * inverse).T * scale, last=np.eye(k))
    _pass_through(model.decoder, first=np.eye(k), last=(axes * deviation).T / scale)


def _pass_through(
    layers: Sequence[nn.Module], first: NDArray[np.float64], last: NDArray[np.float64]
) -> None:
    """Let a perceptron compute z -> last^T first z, for first (k, d_in) and last (k, d_out)."""
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    width = 2 * len(first)
    narrowest = min(layer.out_features for layer in linear[:-1])
    if narrowest < width:
        msg = (
            f"start.weights: principal needs hidden layers of at least 2 k = {width} units, "
            f"found {narrowest}; widen them in config.yaml or set start.weights: random"
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
