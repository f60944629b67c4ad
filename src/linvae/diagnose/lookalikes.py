"""What looks like posterior collapse and is none, or lets none be seen."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from linvae.diagnose.blocks import blocks

__all__ = ["farther_than_mean", "latents", "notes_on_posterior", "out_of_reach"]

# Share of the data at one and the same value, from which on a latent counts as clamped.
_CLAMPED = 0.1
_SAME = 1e-6
# Of the variance of the data, from which squared error on reconstructions are called far.
_FAR = 1.2
_NAMED = 8


def notes_on_posterior(
    mean: NDArray[np.float64], log_variance: NDArray[np.float64], mean_kl: NDArray, epsilon: float
) -> list[str]:
    """Say which latents have a posterior that no training would choose.

    Parameters
    ----------
    mean, log_variance
        Of q(z|x), each (n, k).
    mean_kl
        Of each latent in nats, shape (k,).
    epsilon
        Below it a latent counts as the prior.
    """
    return list(_notes(mean, log_variance, mean_kl >= epsilon))


def _notes(
    mean: NDArray[np.float64], log_variance: NDArray[np.float64], off_prior: NDArray[np.bool_]
) -> Iterator[str]:
    still = np.ptp(mean, axis=0) < _SAME
    same = np.ptp(log_variance, axis=0) < _SAME
    idle = still & same & off_prior
    if idle.any():
        yield (
            f"The posterior is the same for every x, and not the prior, in {latents(idle)}: they"
            " cost KL and carry nothing, which no epsilon shows."
        )
    constant = same & ~still & off_prior
    if constant.any():
        yield (
            f"The posterior variance is the same for every x in {latents(constant)}: as it should"
            " be of a linear VAE, or else a head that is stuck."
        )
    for name, values, allowed in (("mean", mean, still), ("log variance", log_variance, same)):
        for end, at in (("lowest", values.min(0)), ("highest", values.max(0))):
            clamped = ((values == at).mean(0) > _CLAMPED) & ~allowed
            if clamped.any():
                shown = sorted({float(f"{value:.4g}") for value in at[clamped]})[:3]
                yield (
                    f"The {name} sits at its {end} value ({', '.join(f'{v:g}' for v in shown)})"
                    f" for more than {_CLAMPED:.0%} of the data in {latents(clamped)}: a clamp or"
                    " ReLU, and no collapse."
                )


def latents(which: NDArray[np.bool_]) -> str:
    """Name latents by their numbers, the first few of many.

    Parameters
    ----------
    which
        Shape (k,).
    """
    places = np.flatnonzero(which)
    named = ", ".join(map(str, places[:_NAMED]))
    more = f", ... ({len(places)} in all)" if len(places) > _NAMED else ""
    return f"latent{'s' if len(places) > 1 else ''} {named}{more}"


def out_of_reach(
    data: NDArray[np.floating], bounds: tuple[float, float], noise_variance: float
) -> float:
    """Nats per datum that a decoder with a bounded range must lose: |x - clip(x)|^2 / (2 sigma^2).

    Parameters
    ----------
    data
        Shape (n, d).
    bounds
        Of the decoder's range.
    noise_variance
        sigma^2.
    """
    total = 0.0
    for _, part in blocks(data):
        rows = np.asarray(part, np.float64)
        total += float(np.square(rows - np.clip(rows, *bounds)).sum())
    return total / len(data) / (2 * noise_variance)


def farther_than_mean(
    data: NDArray[np.floating], mean: NDArray[np.float64], squared_error: float
) -> str:
    """Say so where reconstructions are farther from the data than their mean is, or nothing.

    Parameters
    ----------
    data
        Shape (n, d).
    mean
        Theirs, shape (d,).
    squared_error
        Of the reconstructions, E_q |x - f(z)|^2, averaged over the data.
    """
    total = sum(float(np.square(rows - mean).sum()) for _, rows in blocks(data))
    variance = total / len(data)
    if squared_error <= _FAR * variance:
        return ""
    return (
        f"The reconstructions are farther from the data than the data's mean is (squared error"
        f" {squared_error:.3g}, of the mean {variance:.3g}): training failed badly, or the data are"
        " not in the units that the model was trained on."
    )
