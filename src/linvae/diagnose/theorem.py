"""What is known of a Gaussian VAE's collapse from its data and its noise variance alone."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linvae.arrays import number, whole
from linvae.diagnose.blocks import blocks
from linvae.diagnose.given_data import as_rows
from linvae.seeds import numpy_generator
from linvae.shown import short_repr

__all__ = ["CollapseBound", "collapse_bound", "proof"]

_ITERATIONS = 200


@dataclass(frozen=True, eq=False)
class CollapseBound:
    """What any Gaussian VAE can gain over total collapse at a noise variance.

    Attributes
    ----------
    log_sup : float
        The largest log D(t) that was found, in nats per datum. No less than 0, its value at the
        mean: the supremum is this or more.
    point : ndarray of shape (d,)
        The t where it was found.
    proved : bool
        Whether total collapse is proved to be the optimum of every Gaussian VAE on these data.
    reason : str
        Why it is, or why this does not follow.
    """

    log_sup: float
    point: NDArray[np.float64]
    proved: bool
    reason: str

    __repr__ = short_repr


def collapse_bound(
    data: ArrayLike, noise_variance: float, *, starts: int = 32, seed: int = 0
) -> CollapseBound:
    r"""Bound from above what decoders and latents of any kind gain over total collapse.

    .. math:: D(t) = \frac{1}{n} \sum_i \exp \frac{(x_i - \mu)^T (t - \mu) - |t - \mu|^2 / 2}
        {\sigma^2}

    The likelihood of a Gaussian VAE is that of a mixture of N(t, sigma^2 I); over N(mu, sigma^2 I)
    no mixture gains more than log sup D, by Jensen's inequality. log D is concave, and 0 at mu its
    largest value, if sigma^2 >= diam^2 / 4 with the largest distance between two data: then total
    collapse is the optimum, whatever the networks. For data in [0, 1]^d sigma^2 >= d / 4 suffices.

    Parameters
    ----------
    data
        Shape (n, ...), of d features: an array, a tensor or lists of real numbers.
    noise_variance
        sigma^2.
    starts
        Data from which D is climbed by mean shift: half of them those farthest from the mean.
    seed
        Of the choice of the others.

    Raises
    ------
    ValueError
        In one line, if the noise variance is not positive, or the data are none, masked, sparse, no
        real numbers or not finite.

    References
    ----------
    Lindsay (1983), *The geometry of mixture likelihoods*, on D, the gradient function.
    """
    noise_variance = number("noise_variance", noise_variance)
    if not noise_variance > 0:
        msg = f"noise_variance={noise_variance!r} must be positive"
        raise ValueError(msg)
    if whole("starts", starts) < 1:
        msg = f"starts={starts} must be 1 or more"
        raise ValueError(msg)
    data = np.asarray(as_rows(data, "data", fewest=1), np.float64)
    mean = data.mean(0)
    centred = data - mean
    log_sup, offset = _climb(centred, noise_variance, _starts(centred, starts, seed))
    proved, reason = proof(data, noise_variance)
    return CollapseBound(log_sup, mean + offset, proved, reason)


def _starts(centred: NDArray[np.float64], n_starts: int, seed: int) -> NDArray[np.float64]:
    n_starts = min(n_starts, len(centred))
    farthest = np.argsort((centred**2).sum(1), kind="stable")[::-1]
    n_far = n_starts - n_starts // 2
    others = numpy_generator(seed, "diagnose/starts").permutation(farthest[n_far:])
    return centred[[*farthest[:n_far], *others[: n_starts - n_far]]]


def _climb(
    centred: NDArray[np.float64], noise_variance: float, points: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return the largest log D that mean shift from some points comes to, and where, less mu."""
    largest, best = 0.0, np.zeros(centred.shape[1])
    for _ in range(_ITERATIONS):
        exponents = (centred @ points.T) / noise_variance
        top = exponents.max(0)
        weights = np.exp(exponents - top)
        total = weights.sum(0)
        values = np.log(total / len(centred)) + top
        values -= (points**2).sum(1) / (2 * noise_variance)
        if values.max() > largest:
            largest, best = float(values.max()), points[values.argmax()].copy()
        # A step of mean shift is one of EM on D: D does not fall.
        shifted = (weights.T @ centred) / total[:, None]
        moving = ((shifted - points) ** 2).sum(1) > 1e-12 * noise_variance
        if not moving.any():
            break
        points = shifted[moving]
    return largest, best


def proof(
    data: NDArray[np.floating], noise_variance: float, *, largest: float = math.inf
) -> tuple[bool, str]:
    """Whether total collapse is proved optimal, and why, or why this does not follow.

    Whether log D is concave, from the cheapest bound on the data's diameter that decides. Memory
    is that of a block of data.

    Parameters
    ----------
    data
        Shape (n, d).
    noise_variance
        sigma^2.
    largest
        Number of pairs of data times d up to which all their distances are looked at.
    """
    n, d = data.shape
    quarter = d / 4
    if noise_variance >= quarter and data.min() >= 0 and data.max() <= 1:
        return True, f"data in [0, 1]^d, and sigma^2 >= d / 4 = {quarter:g}"
    mean = data.mean(0, dtype=np.float64)
    distances = _squared_distances(data, mean)
    squared_radius = float(distances.max())
    if noise_variance >= squared_radius:
        return True, f"sigma^2 >= diam^2 / 4, which is no more than {squared_radius:.6g}"
    known = _some_squared_distance(data, int(distances.argmax())) / 4
    if noise_variance < known:
        return False, f"sigma^2 < diam^2 / 4, which is {known:.6g} or more"
    if n * n * d > largest:
        return False, f"diam^2 / 4 lies between {known:.6g} and {squared_radius:.6g}"
    exact = _squared_diameter(data, mean) / 4
    compared = ">=" if noise_variance >= exact else "<"
    return noise_variance >= exact, f"sigma^2 {compared} diam^2 / 4 = {exact:.6g}"


def _blocks(data: NDArray[np.floating]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    for rows, part in blocks(data):
        yield rows, np.asarray(part, np.float64)


def _squared_distances(data: NDArray[np.floating], point: NDArray) -> NDArray[np.float64]:
    return np.concatenate([((rows - point) ** 2).sum(1) for _, rows in _blocks(data)])


def _some_squared_distance(data: NDArray[np.floating], index: int) -> float:
    """Return a squared distance between two data that is nearly the largest, or is."""
    found = 0.0
    for _ in range(4):
        distances = _squared_distances(data, np.asarray(data[index], np.float64))
        index, found = int(distances.argmax()), max(found, float(distances.max()))
    return found


def _squared_diameter(data: NDArray[np.floating], mean: NDArray[np.float64]) -> float:
    lengths, largest = _squared_distances(data, mean), 0.0
    for here, rows in _blocks(data):
        for there, others in _blocks(data[here.start :]):
            # The pairs with earlier blocks have been looked at.
            products = (rows - mean) @ (others - mean).T
            ahead = lengths[here.start :][there]
            distances = lengths[here, None] + ahead - 2 * products
            largest = max(largest, float(distances.max()))
    return largest
