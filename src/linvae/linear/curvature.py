"""Gradient and Hessian of the profiled ELBO of a linear VAE, and its direction of steepest ascent.

Points are (W, log s) in coordinates where S = diag(eigenvalues), s being the noise variance. All
derivatives are taken in the dimensionless (W / s^(1/2), log s), with s held in that unit: they are
nats per datum, free of the data's scale. The Hessian is never formed: products with it cost about
twice a gradient, and Lanczos' method needs no more.

The ELBO in all its parameters (W, V, D, log s) has exactly as many directions of ascent as the
profiled one where it is stationary: it is strictly concave in V and log D (V where S has full
rank), and by Haynsworth's formula the inertia of a Hessian is that of such a block plus that of its
Schur complement, which is the profiled ELBO's Hessian.

References
----------
Haynsworth (1968), *Determination of the inertia of a partitioned Hermitian matrix*, Linear Algebra
and its Applications 1.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh
from threadpoolctl import threadpool_limits

from linvae.seeds import numpy_generator

__all__ = ["RESIDUAL", "Bend", "Surface", "largest_curvature"]

# A reported curvature is that near to an eigenvalue of the Hessian, in nats.
RESIDUAL = 1e-6


class Bend(NamedTuple):
    """The largest curvature at a point, and its direction.

    Attributes
    ----------
    curvature : float
        Second derivative along the direction.
    direction : ndarray of shape (n,)
        Of length one.
    """

    curvature: float
    direction: NDArray[np.float64]


def largest_curvature(
    product: Callable[[NDArray[np.float64]], NDArray[np.float64]], size: int, seed: int = 0
) -> Bend:
    """Find the largest eigenvalue of a symmetric matrix that is given by its products.

    Lanczos' method from a random start, to a residual of `RESIDUAL`.

    Parameters
    ----------
    product : callable
        The matrix times a vector of shape (size,).
    size : int
    seed : int
        Of the start.
    """
    if size < 3:  # Lanczos' method needs room for more vectors than it is asked for.
        values, vectors = np.linalg.eigh(np.column_stack([product(e) for e in np.eye(size)]))
        return Bend(float(values[-1]), vectors[:, -1])
    # ARPACK's tolerance is relative to the eigenvalue: one is added, or a zero took forever.
    shifted = LinearOperator(
        (size, size), matvec=lambda x: product(x.ravel()) + x.ravel(), dtype=np.float64
    )
    start = numpy_generator(seed, "curvature").standard_normal(size)
    values, vectors = eigsh(shifted, k=1, which="LA", v0=start, tol=RESIDUAL)
    return Bend(float(values[0]) - 1.0, vectors[:, 0])


class Surface:
    """The profiled ELBO around a point: gradients of it and of log p(x), products with its Hessian.

    Parameters
    ----------
    weights : ndarray of shape (d, k)
    noise_variance : float
    eigenvalues : ndarray of shape (d,)
    """

    def __init__(
        self,
        weights: NDArray[np.float64],
        noise_variance: float,
        eigenvalues: NDArray[np.float64],
    ) -> None:
        w, s = weights, noise_variance
        self.weights, self.noise_variance, self.eigenvalues = w, s, eigenvalues
        self._lw = eigenvalues[:, None] * w
        m = w.T @ w + s * np.eye(w.shape[1])
        self._diagonal = np.diag(m).copy()
        self._a = np.linalg.inv(m)
        self._q = w.T @ self._lw
        self._aq = self._a @ self._q
        self._residual = eigenvalues.sum() - np.trace(self._aq)

    @property
    def size(self) -> int:
        """Number of parameters, d k + 1."""
        return self.weights.size + 1

    def gradient(self) -> NDArray[np.float64]:
        """Gradient of the ELBO, of shape (d k + 1,)."""
        w, s, m = self.weights, self.noise_variance, self._diagonal
        shared, slope = self._shared()
        return self._joined(shared - w / m, slope - 0.5 * float(np.sum(s / m)))

    def likelihood_gradient(self) -> NDArray[np.float64]:
        """Gradient of log p(x), of shape (d k + 1,)."""
        w, s, a = self.weights, self.noise_variance, self._a
        shared, slope = self._shared()
        return self._joined(shared - w @ a, slope - 0.5 * s * float(np.trace(a)))

    def product(self, direction: NDArray[np.float64]) -> NDArray[np.float64]:
        """Hessian of the ELBO times a direction (d k + 1,): the gradient's derivative along it."""
        w, s, a, m = self.weights, self.noise_variance, self._a, self._diagonal
        dw = np.sqrt(s) * direction[:-1].reshape(w.shape)
        t = float(direction[-1])
        cross = dw.T @ w
        dm = cross + cross.T + s * t * np.eye(w.shape[1])
        da = -a @ dm @ a
        dq = dw.T @ self._lw
        daq = da @ self._q + a @ (dq + dq.T)
        left = self._lw - w @ self._aq
        dleft = self.eigenvalues[:, None] * dw - dw @ self._aq - w @ daq
        dmm = np.diag(dm) / m
        change = (dleft @ a + left @ (da - t * a)) / s - dw / m + w * (dmm / m)
        slope = -0.5 * (
            (np.trace(daq) + t * self._residual) / s
            + np.sum(s * (t - dmm) / m)
            + np.sum(daq * a)
            + np.sum(self._aq * da)
        )
        return self._joined(change, float(slope))

    @threadpool_limits.wrap(limits=1, user_api="blas")
    def steepest(self) -> Bend:
        """Largest curvature of the ELBO here, and its direction, of shape (d k + 1,)."""
        return largest_curvature(self.product, self.size)

    def moved(self, step: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """Weights and noise variance after a step, of shape (d k + 1,)."""
        s = self.noise_variance
        weights = self.weights + np.sqrt(s) * step[:-1].reshape(self.weights.shape)
        return weights, s * float(np.exp(step[-1]))

    def _shared(self) -> tuple[NDArray[np.float64], float]:
        """Parts of the gradients of ELBO and likelihood that both have, before scaling."""
        (d, k), s = self.weights.shape, self.noise_variance
        weights = (self._lw - self.weights @ self._aq) @ self._a / s
        return weights, -0.5 * float(d - k - self._residual / s + np.sum(self._aq * self._a))

    def _joined(self, weights: NDArray[np.float64], slope: float) -> NDArray[np.float64]:
        return np.append(np.sqrt(self.noise_variance) * weights.ravel(), slope)
