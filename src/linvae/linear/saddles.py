r"""Saddle points that the ELBO of a linear VAE has and the likelihood has not, in closed form.

Let W = U_k (m - s)^{1/2} R with a rotation R whose squared entries are all 1 / k. Every M_ii is
then the mean of the m_i, and the gradient of the profiled ELBO in W is

.. math:: U_k (m - s)^{1/2} (\lambda / m^2 - 1 / \bar m) R

which is zero where m_i = lambda_i^{1/2} r, r being the mean of the lambda_i^{1/2}; s is the mean of
the eigenvalues left over, as at the maximum. The point lies

.. math:: k \log \frac{\frac1k \sum_i \lambda_i^{1/2}}{\prod_i \lambda_i^{1 / 2k}}

nats below the maximum, half of it in the likelihood and half in inference. The likelihood is not
stationary there unless all m_i = lambda_i, that is, unless the lambda_i are equal. Columns in
groups work alike, each group with a mean of its own.

No such point is a maximum. Wherever the ELBO is stationary and M_ij is not zero, turning columns i
and j by an angle t leaves log p(x) alone and changes -1/2 log(M_ii M_jj), which has slope zero only
where M_ii = M_jj, and bends upward there, by 4 (M_ij / M_ii)^2. Where all M_ij are zero the ELBO
touches the likelihood and is stationary with it.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag, hadamard

from linvae.linear import ppca
from linvae.linear.spectrum import Spectrum

__all__ = [
    "elbo_saddle",
    "hadamard_rotation",
    "rotated_maximum",
    "saddle_gap",
    "turning_curvature",
]


def hadamard_rotation(n_latent: int) -> NDArray[np.float64]:
    """Rotation (k, k) of Hadamard matrices, divided by the root of their size, along the diagonal.

    Their sizes are the powers of two that sum to k, the largest first; 16 has one, 20 has 16 and 4.
    """
    blocks = [hadamard(size) / math.sqrt(size) for size in _sizes(n_latent)]
    return block_diag(*blocks).astype(np.float64)


def rotated_maximum(spectrum: Spectrum, n_latent: int) -> tuple[NDArray[np.float64], float]:
    """Weights (d, k) and noise variance of the likelihood's maximum, rotated by Hadamard matrices.

    The likelihood is at its maximum, the ELBO is not; by symmetry its gradient leads to
    `elbo_saddle` and not past it.
    """
    best = ppca.fit(spectrum, n_latent)
    return best.weights @ hadamard_rotation(n_latent), best.noise_variance


def elbo_saddle(spectrum: Spectrum, n_latent: int) -> tuple[NDArray[np.float64], float]:
    """Weights (d, k) and noise variance of the ELBO's saddle point with Hadamard's rotation."""
    noise_variance = ppca.mle_noise_variance(spectrum, n_latent)
    roots = np.sqrt(spectrum.eigenvalues[:n_latent])
    means = np.concatenate([np.full(len(group), group.mean()) for group in _groups(roots)])
    lengths = np.sqrt(np.clip(roots * means - noise_variance, 0.0, None))
    columns = spectrum.eigenvectors[:, :n_latent] * lengths
    return columns @ hadamard_rotation(n_latent), noise_variance


def saddle_gap(spectrum: Spectrum, n_latent: int) -> float:
    """Nats by which the ELBO at `elbo_saddle` is below its maximum."""
    roots = np.sqrt(spectrum.eigenvalues[:n_latent])
    return float(
        sum(len(g) * (math.log(g.mean()) - float(np.log(g).mean())) for g in _groups(roots))
    )


def turning_curvature(weights: NDArray[np.float64], noise_variance: float) -> float:
    """Curvature of the ELBO as two columns turn: a lower bound on its largest.

    The largest over all pairs of 4 (M_ij / M_ii)^2 s / (|w_i|^2 + |w_j|^2). It holds at stationary
    points of the ELBO, where M_ii = M_jj wherever M_ij is not zero. Dimensionless as in
    `linvae.linear.curvature`; zero where all columns are orthogonal, and for one column.
    """
    gram = weights.T @ weights
    m = np.diag(gram) + noise_variance
    lengths = np.diag(gram)[:, None] + np.diag(gram)[None, :]
    turned = 4.0 * (gram - np.diag(np.diag(gram))) ** 2 / np.outer(m, m)
    # Two zero columns are not turned at all.
    return float((noise_variance * turned / np.where(lengths > 0, lengths, 1.0)).max())


def _sizes(n_latent: int) -> list[int]:
    """Powers of two that sum to k, the largest first."""
    if n_latent < 1:
        message = f"n_latent={n_latent} must be at least 1 (n_latent in config.yaml)."
        raise ValueError(message)
    return [1 << bit for bit in reversed(range(n_latent.bit_length())) if n_latent >> bit & 1]


def _groups(values: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """Give the values of each block of `hadamard_rotation`."""
    start = 0
    for size in _sizes(len(values)):
        yield values[start : start + size]
        start += size
