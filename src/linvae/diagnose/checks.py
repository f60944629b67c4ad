"""Whether a model is what it is said to be: if not, one clear line."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linvae.diagnose.functions import Rows
from linvae.diagnose.output_range import output_range
from linvae.seeds import derive_seed

__all__ = ["check_decoder", "check_posterior", "check_repeatable", "encoded"]

_BLOCK = 2048
_FEW = 16
_SOME = 256


@torch.no_grad()
def check_repeatable(model: Rows, data: NDArray) -> None:
    """Raise ValueError unless a model gives the same of a row whenever, and with whatever others.

    A module in training mode that is out of reach gives itself away so, in the encoder and in the
    decoder: dropout by two values, batch norm by other rows in the batch. The decoder is asked of
    draws as well: the means of latents that are not used may all be one.
    """
    x = torch.as_tensor(data[:_FEW]).to(model.dtype)
    mean = _same(model, model.raw, x, "encode", "data")[0]
    generator = torch.Generator().manual_seed(derive_seed(0, "diagnose/company"))
    drawn = torch.randn(mean.shape, generator=generator, dtype=torch.float64)
    half = len(mean) // 2
    z = torch.cat([mean[:half].double(), drawn[half:]]).to(model.dtype)
    _same(model, lambda z: (model.decode(z),), z, "decode", "latents")


def _same(model: Rows, function: Callable, rows: Tensor, name: str, of: str) -> tuple[Tensor, ...]:
    half = len(rows) // 2
    first, again = function(rows), function(rows)
    halves = [function(part) for part in (rows[:half], rows[half:])]
    backwards = function(rows.flip(0))
    hint = (
        "put the model into evaluation mode (name its torch modules in modules= where they are not"
        f" found), and let {name} draw no samples"
    )
    for i, one in enumerate(first):
        scale = _rounding(model) * float(one.abs().max()) + 1e-6
        if float((one - again[i]).abs().max()) > scale:
            msg = f"{name} gives two values of the same {of} (dropout?): {hint}"
            raise ValueError(msg)
        for other in (torch.cat([part[i] for part in halves]), backwards[i].flip(0)):
            if float((one - other).abs().max()) > scale:
                msg = (
                    f"{name} gives other values of the same {of} in another batch (batch norm?):"
                    f" {hint}"
                )
                raise ValueError(msg)
    return first


def _rounding(model: Rows) -> float:
    """Return how far two values of the same may differ, relative to the largest."""
    eps = torch.finfo(model.own_dtype).eps
    if model.device is not None and model.device.type == "cuda":
        # Products there may have 10 bits, and their order depends on the batch.
        eps = max(eps, 2**-10)
    return max(1e-3, 4 * eps)


@torch.no_grad()
def encoded(model: Rows, data: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and log variance of q(z|x) of all data, each (n, k)."""
    found = []
    for start in range(0, len(data), _BLOCK):
        parts = model.encode(torch.as_tensor(data[start : start + _BLOCK]).to(model.dtype))
        found.append([part.double().numpy() for part in parts])
    means, log_variances = zip(*found, strict=True)
    return np.concatenate(means), np.concatenate(log_variances)


def check_posterior(
    mean: NDArray[np.float64], log_variance: NDArray[np.float64], posterior: str
) -> None:
    """Raise ValueError where the spread of q(z|x) gives itself away as something else.

    Over the data every latent has about the variance of the prior, E m^2 + E s^2 = 1. A log
    variance that is never below zero is of a posterior that is wider than the prior for every
    datum: of latents that are not used it may be, near zero. It is taken for that where every
    latent misses the prior's variance by less than half of what it would as a variance or a
    deviation. Where the prior's variance comes of the square of what was given, and not of itself,
    in every latent in use, it is a deviation. Of one latent that may be chance: training may not be
    at its end.

    Parameters
    ----------
    mean, log_variance
        Each of shape (n, k).
    posterior
        What the second output of ``encode`` was said to be.
    """
    lowest, highest = float(log_variance.min()), float(log_variance.max())
    if (
        posterior == "log_variance"
        and lowest > 0
        and highest > 0.05
        and not _near_prior(mean, log_variance)
    ):
        msg = (
            f"the second output of encode is positive everywhere ({lowest:.3g} to {highest:.3g}),"
            " as a variance is and a log variance is not: say posterior='variance' or"
            " 'standard_deviation'"
        )
        raise ValueError(msg)
    if highest > 80:
        msg = (
            f"encode gives a log variance of {highest:.3g}: is it a log variance, and are the data"
            " in the units that the model was trained on (bytes where it saw [0, 1])?"
        )
        raise ValueError(msg)
    spread = np.square(mean - mean.mean(0)).mean(0)
    used = spread > 0.5
    if posterior == "standard_deviation" or used.sum() < 2:
        return
    misses = np.abs(spread + np.exp(log_variance).mean(0) - 1)[used]
    of_square = np.abs(spread + np.exp(2 * log_variance).mean(0) - 1)[used]
    as_given, squared = np.median(misses), np.median(of_square)
    if as_given > 0.1 and squared < min(0.05, as_given / 3) and (of_square < misses).all():
        given = "a standard deviation" if posterior == "variance" else "a log standard deviation"
        mend = "say posterior='standard_deviation'" if posterior == "variance" else "double it"
        msg = (
            f"the second output of encode seems to be {given}: with it the latents in use have the"
            f" prior's variance over the data, as a {posterior.replace('_', ' ')} they miss it by"
            f" {as_given:.2g}; {mend}"
        )
        raise ValueError(msg)


@torch.no_grad()
def check_decoder(
    model: Rows, data: NDArray, mean: NDArray[np.float64], seed: int
) -> tuple[float, float] | None:
    """Return the range of a decoder that its last activation bounds, on one side or both, or None.

    Raises
    ------
    ValueError
        If it gives values far outside of the data's range, as logits are.
    """
    step = max(1, len(data) // _SOME)
    x = np.asarray(data[::step][:_SOME], np.float64)
    found = model.decode(torch.as_tensor(mean[::step][:_SOME]).to(model.dtype)).double().numpy()
    lowest, highest = float(x.min()), float(x.max())
    span = highest - lowest
    error, spread = np.square(found - x).mean(), np.square(x - x.mean(0)).mean()
    if max(lowest - found.min(), found.max() - highest) > span and error > 2 * spread:
        msg = (
            f"decode gives values from {found.min():.3g} to {found.max():.3g} where the data are"
            f" from {lowest:.3g} to {highest:.3g}: logits? or data in other units? It must give the"
            " mean of x in the units that the model sees, and BatchNorm its statistics of them"
        )
        raise ValueError(msg)
    generator = torch.Generator().manual_seed(derive_seed(seed, "diagnose/range"))
    return output_range(model.decode, found, span, mean.shape[1], model.dtype, generator)


def _near_prior(mean: NDArray[np.float64], log_variance: NDArray[np.float64]) -> bool:
    """Whether values above zero are log variances of latents that are not used."""
    if log_variance.max() > 1:
        return False
    spread = mean.var(0)
    as_log, *others = (
        np.abs(spread + values.mean(0) - 1)
        for values in (np.exp(log_variance), log_variance, np.square(log_variance))
    )
    return bool((as_log < 0.5 * np.minimum(*others)).all())
