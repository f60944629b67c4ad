"""Whether data and a model are what they are said to be: if not, one clear line."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linvae.diagnose.functions import Rows
from linvae.diagnose.output_range import output_range
from linvae.seeds import derive_seed

__all__ = ["as_rows", "check_decoder", "check_posterior", "check_repeatable", "encoded"]

_BLOCK = 2048
# Fewer cannot be halved twice for a held-out verdict.
_FEWEST = 8
_SOME = 256


def as_rows(data: object, name: str, shape: tuple[int, ...] | None = None) -> NDArray:
    """Return data of shape (n, ...) as a NumPy array (n, d), without a copy where that can be.

    Raises
    ------
    ValueError
        If there are fewer than 8, their shape is not that of others, they are no numbers, or not
        all finite.
    """
    if isinstance(data, Tensor):
        data = data.detach().cpu()
        # NumPy has no bfloat16.
        data = (data.float() if data.dtype == torch.bfloat16 else data).numpy()
    if isinstance(data, torch.utils.data.Dataset | torch.utils.data.DataLoader):
        msg = (
            f"{name} is a {type(data).__name__}; an array or tensor (n, ...) of the data alone is"
            " needed, as torch.stack([x for x, _ in dataset]) makes of pairs with labels"
        )
        raise ValueError(msg)
    array = np.asarray(data)
    if array.dtype == bool:
        array = array.astype(np.uint8)
    if array.ndim < 2 or len(array) < _FEWEST or array.dtype.kind not in "fiu":
        msg = (
            f"{name} is of shape {array.shape} and {array.dtype}; (n, ...) numbers are needed, of"
            f" n >= {_FEWEST} data"
        )
        raise ValueError(msg)
    if shape is not None and array.shape[1:] != shape:
        msg = f"{name} is of shape {array.shape[1:]} a datum, where data is of {shape}"
        raise ValueError(msg)
    rows = array.reshape(len(array), -1)
    if min(rows.strides) < 0 or not rows.dtype.isnative:
        # Torch takes neither images that are flipped in place nor foreign byte orders.
        rows = np.ascontiguousarray(rows, rows.dtype.newbyteorder("="))
    for start in range(0, len(rows), _BLOCK):
        bad = ~np.isfinite(rows[start : start + _BLOCK]).all(1)
        if bad.any():
            msg = f"{name} holds a value that is not finite (row {start + int(bad.argmax())})"
            raise ValueError(msg)
    return rows


def check_repeatable(model: Rows, data: NDArray) -> None:
    """Raise ValueError unless an encoder gives the same of a datum whenever it is asked."""
    x = torch.as_tensor(data[:16]).to(model.dtype)
    first, again, alone = (_called(model.raw, part) for part in (x, x, x[: len(x) // 2]))
    hint = (
        "put the model into evaluation mode (name its torch modules in modules= where they are not"
        " found), and let encode draw no samples"
    )
    for one, two, half in zip(first, again, alone, strict=True):
        scale = 1e-3 * float(one.abs().max()) + 1e-6
        if float((one - two).abs().max()) > scale:
            msg = f"encode gives two values of the same data (dropout?): {hint}"
            raise ValueError(msg)
        if float((one[: len(half)] - half).abs().max()) > scale:
            msg = f"encode gives a datum other values in another batch (batch norm?): {hint}"
            raise ValueError(msg)
    z = first[0][:8]
    one, two = (_called(model.decode, z) for _ in range(2))
    if float((one - two).abs().max()) > 1e-3 * float(one.abs().max()) + 1e-6:
        msg = f"decode gives two values of the same latents (dropout?): {hint}"
        raise ValueError(msg)


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

    A log variance that is never below zero would be of a posterior that is wider than the prior for
    every datum. Over the data a used latent has about the variance of the prior, E m^2 + E s^2 = 1:
    where that holds for the square of what was given, and not for itself, in every latent in use,
    it is a deviation. Of one latent it may be chance: training may not be at its end.

    Parameters
    ----------
    mean, log_variance
        Each of shape (n, k).
    posterior
        What the second output of ``encode`` was said to be.
    """
    lowest, highest = float(log_variance.min()), float(log_variance.max())
    if posterior == "log_variance" and lowest > 0 and highest > 0.05:
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


def _called(function: Callable, given: Tensor) -> object:
    with torch.no_grad():
        return function(given)
