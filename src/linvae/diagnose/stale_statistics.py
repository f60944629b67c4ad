"""Running statistics of normalisation layers that are not those of the data."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from linvae.diagnose.functions import Rows
from linvae.measure.gaussian import measure
from linvae.seeds import derive_seed, numpy_generator

__all__ = ["batch_statistics", "stale_statistics"]

_N_DATA = 1024
# Statistics of fewer data say little of any others.
_FEWEST = 8
_NATS = 1.0
# Of squared error or KL, from which on evaluation counts as worse.
_WORSE = 1.1
_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")
_OTHERS = ("training", "track_running_stats")


@torch.no_grad()
def stale_statistics(
    model: Rows, data: NDArray, noise_variance: float, seed: int
) -> tuple[float, str]:
    """Return what running statistics cost, in nats per datum, and a note; 0 and none if nothing.

    In evaluation mode a BatchNorm, or an InstanceNorm that keeps statistics, takes those that
    it kept in training. Where these are of other weights or data, the model is worse than it was
    trained to be. Some data are measured with both, by the same draws of z.

    Parameters
    ----------
    model
        In evaluation mode. Its normalisation layers alone are switched, and back; nothing is
        written into their statistics.
    data
        Shape (n, d).
    noise_variance
        sigma^2.
    seed
        Of the choice of data and of the draws.
    """
    layers = _layers(model.modules)
    # Whole batches, as the model has them everywhere else.
    size = min(model.batch_size, len(data))
    if not layers or size < _FEWEST:
        return 0.0, ""
    # Data in the order of their classes are no batches of training.
    order = numpy_generator(seed, "diagnose/statistics").permutation(len(data))
    n_batches = max(1, min(_N_DATA, len(data)) // size)
    batches = [data[order[i * size : (i + 1) * size]] for i in range(n_batches)]
    drawn = derive_seed(seed, "diagnose/statistics")
    kept_error, kept_kl = _measured(model, batches, drawn)
    try:
        with batch_statistics(layers):
            own_error, own_kl = _measured(model, batches, drawn)
    except ValueError:
        # A model that takes no statistics of a batch, as of a single value each, has none to lose.
        return 0.0, ""
    nats = (kept_error - own_error) / (2 * noise_variance) + kept_kl - own_kl
    worse = kept_error > _WORSE * own_error or kept_kl > _WORSE * own_kl
    if not (nats > _NATS and worse):
        return 0.0, ""
    names = " and ".join(sorted({type(layer).__name__ for layer in layers}))
    return nats, (
        f"The running statistics of {names} are stale: with those of each batch the ELBO is"
        f" {nats:.3g} nats per datum higher (squared error {own_error:.3g} instead of"
        f" {kept_error:.3g}). Pass training data through the model in training mode, without steps"
        " of the optimiser, before you evaluate it."
    )


@contextmanager
def batch_statistics(layers: Iterable[nn.Module]) -> Iterator[None]:
    """Let normalisation layers take statistics of each batch, and keep none of them.

    Their buffers are taken out for as long, so that nothing can be written into them, and the same
    tensors are put back.
    """
    layers = list(layers)
    names = (*_BUFFERS, *_OTHERS)
    before = [{name: getattr(layer, name) for name in names} for layer in layers]
    try:
        for layer in layers:
            for name in _BUFFERS:
                setattr(layer, name, None)
            layer.training, layer.track_running_stats = True, False
        yield
    finally:
        for layer, values in zip(layers, before, strict=True):
            for name, value in values.items():
                setattr(layer, name, value)


def _layers(modules: Iterable[nn.Module]) -> list[nn.Module]:
    found = {id(part): part for module in modules for part in module.modules()}
    return [
        part
        for part in found.values()
        if isinstance(part, _NormBase) and part.running_mean is not None
    ]


def _measured(model: Rows, batches: list[NDArray], seed: int) -> tuple[float, float]:
    """Squared error, in squared units of the data, and KL, each a mean over the data."""
    found = [
        measure(model.encode, model.decode, rows, draws=1, seed=seed + i, dtype=model.dtype)
        for i, rows in enumerate(batches)
    ]
    error = np.mean([one.squared_error.mean() for one in found])
    return float(error), float(np.mean([one.kl.sum(1).mean() for one in found]))
