"""What linear theory says of data: eigenvalues, and the linear VAE's optimum on them.

Of many features the leading eigenpairs alone are found, on a part of the data where these are many:
the linear VAE that they make is then no better than the optimum, and what is said of it holds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linvae.bypass.eigenpairs import SMALL, leading_pairs
from linvae.bypass.residual import leading
from linvae.diagnose.blocks import blocks
from linvae.linear.ppca import PPCA
from linvae.shown import short_repr

__all__ = ["DataSpectrum", "data_spectrum", "linear_elbo"]

# Features up to which all eigenvalues are found, in some seconds.
COMPLETE = 4000


@dataclass(frozen=True, eq=False)
class DataSpectrum:
    """Mean and leading eigenpairs of the covariance of data.

    Attributes
    ----------
    mean : ndarray of shape (d,)
    eigenvalues : ndarray of shape (m,)
        Descending, none below zero; all d of them where they are known.
    eigenvectors : ndarray of shape (d, r)
        Of the first r, r <= m: beyond the rank of the data eigenvalues are zero.
    """

    mean: NDArray[np.float64]
    eigenvalues: NDArray[np.float64]
    eigenvectors: NDArray[np.float64]

    __repr__ = short_repr

    @property
    def complete(self) -> bool:
        """Whether all d eigenvalues are here."""
        return len(self.eigenvalues) == len(self.mean)

    def n_above(self, noise_variance: float) -> int:
        """Return how many eigenvalues exceed a noise variance: of those that are here."""
        return int((self.eigenvalues > noise_variance).sum())

    def optimum(self, n_latent: int, noise_variance: float) -> PPCA:
        """Return the linear VAE of largest ELBO at a fixed noise variance.

        Of more latents than features, as a deep VAE may have, the others add nothing.
        """
        vectors = self.eigenvectors[:, :n_latent]
        values = self.eigenvalues[: vectors.shape[1]]
        lengths = np.sqrt(np.maximum(values - noise_variance, 0.0))
        return PPCA(vectors * lengths, self.mean, noise_variance)


def data_spectrum(
    data: NDArray[np.floating], n_latent: int, part: NDArray[np.floating]
) -> DataSpectrum:
    """Return all eigenvalues of few data, or of few features, and the k + 1 leading ones of others.

    Parameters
    ----------
    data
        Shape (n, d).
    n_latent
        k.
    part
        Rows of the data, as many as fit in memory, for the leading ones.
    """
    mean = data.mean(0, dtype=np.float64)
    n, d = data.shape
    if n < d and n <= SMALL:
        centred = np.asarray(data, np.float64) - mean
        values, vectors = leading_pairs(centred, centred, n)
        return DataSpectrum(mean, np.pad(np.maximum(values, 0.0), (0, d - len(values))), vectors)
    if d > COMPLETE:
        # The precision of the iterations is that of the data: half of one is too little.
        rows = np.asarray(part, np.promote_types(part.dtype, np.float32))
        values, vectors = leading(rows, rows, min(n_latent + 1, len(rows) - 1, d - 1))
        return DataSpectrum(mean, np.maximum(values, 0.0), vectors)
    covariance = np.zeros((d, d))
    for _, rows in blocks(data):
        centred = rows - mean
        covariance += centred.T @ centred / len(data)
    values, vectors = np.linalg.eigh(covariance)
    return DataSpectrum(mean, np.maximum(values[::-1], 0.0), vectors[:, ::-1])


def linear_elbo(model: PPCA, data: NDArray[np.floating]) -> NDArray[np.float64]:
    """ELBO of each datum, (n,), of a linear VAE at its optimum, whose columns are orthogonal."""
    return np.concatenate([model.log_likelihood_per_example(rows) for _, rows in blocks(data)])
