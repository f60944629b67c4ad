"""Climbing the profiled ELBO of a linear VAE: L-BFGS in cycles, each ended by a rotation or not.

For any decoder the best encoder is known, so the ELBO is a function of the decoder's weights W and
of log s alone, where s is the noise variance. In the eigenbasis of the covariance S it costs
O(d k^2). Rotating W to its principal axes leaves log p(x) as it is and closes the inference gap,
which gradient steps do only very slowly.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky
from scipy.optimize import OptimizeResult, minimize

__all__ = ["Ascent", "Record", "Report", "profiled_gradient"]

Report = Callable[["Record", NDArray[np.float64]], None]


class Record(NamedTuple):
    """State of the solver after an iteration; values are nats per datum."""

    iteration: int
    elbo: float
    log_likelihood: float
    noise_variance: float


def profiled_gradient(
    weights: NDArray[np.float64], noise_variance: float, eigenvalues: NDArray[np.float64]
) -> tuple[float, float, NDArray[np.float64], float]:
    """Profiled ELBO and its gradient in coordinates where S = diag(eigenvalues).

    With A = M^-1 and Q = W^T S W the ELBO is
    -1/2 [d log 2 pi + (d - k) log s + sum_i log M_ii + (tr S - tr(A Q)) / s].

    Parameters
    ----------
    weights : ndarray of shape (d, k)
    noise_variance : float
    eigenvalues : ndarray of shape (d,)

    Returns
    -------
    elbo, log_likelihood : float
    weights_gradient : ndarray of shape (d, k)
        Of the ELBO.
    log_noise_variance_gradient : float
        Of the ELBO.
    """
    w, s, lam = weights, noise_variance, eigenvalues
    d, k = w.shape
    m = w.T @ w
    m.flat[:: k + 1] += s
    lower = cholesky(m, lower=True, check_finite=False)
    a = cho_solve((lower, True), np.eye(k), check_finite=False)
    root = np.sqrt(lam)[:, None] * w
    q = root.T @ root  # a matrix times its own transpose costs half a product
    a_q = a @ q
    residual = lam.sum() - np.trace(a_q)
    diagonal = np.diag(m)
    log_diagonal = np.log(diagonal).sum()
    value = -0.5 * (
        d * math.log(2.0 * math.pi) + (d - k) * math.log(s) + log_diagonal + residual / s
    )
    log_likelihood = value + 0.5 * log_diagonal - np.log(np.diag(lower)).sum()
    # 1/2 grad tr(A Q) = S W A - W A Q A
    gradient = (lam[:, None] * w - w @ a_q) @ a / s - w / diagonal
    slope = -0.5 * (d - k - residual / s + np.sum(s / diagonal) + np.sum(a_q * a))
    return float(value), float(log_likelihood), gradient, float(slope)


# Furthest that log s may move in a cycle.
LOG_RANGE = 10.0


class Ascent:
    """The iterate (W, log s) in the eigenbasis of S, and its history."""

    def __init__(
        self,
        eigenvalues: NDArray[np.float64],
        weights: NDArray[np.float64],
        noise_variance: float,
        fixed_noise_variance: float | None,
        report: Report,
    ) -> None:
        self.eigenvalues = eigenvalues
        self.weights = weights
        self.fixed = fixed_noise_variance
        self.noise_variance = noise_variance if self.fixed is None else self.fixed
        self.report = report
        self.iteration = -1
        self.history: list[Record] = []
        self._centre = math.log(self.noise_variance)
        self._last: tuple[NDArray, float, tuple[float, float, NDArray, float]] | None = None
        self._record()

    def cycle(self, max_steps: int, *, rotate: bool = True) -> int:
        """Run L-BFGS from an empty memory, then rotate W to its principal axes, if at all.

        Returns
        -------
        int
            Steps of L-BFGS made; the rotation counts as an iteration of its own.
        """
        first = self.iteration

        def after_step(intermediate_result: OptimizeResult) -> None:
            self._accept(intermediate_result.x)
            self._record()

        log_s = math.log(self.noise_variance)
        self._centre = log_s
        minimize(
            self._objective,
            np.append(self.weights.ravel(), log_s),
            jac=True,
            method="L-BFGS-B",
            # Its own rules to stop are off: progress is judged after the rotation.
            options={"maxiter": max_steps, "maxfun": 10**6, "ftol": 0.0, "gtol": 0.0},
            callback=after_step,
        )
        n_steps = self.iteration - first
        if rotate:
            # Eigenvectors of W^T W, the longest column first.
            axes = np.linalg.eigh(self.weights.T @ self.weights)[1][:, ::-1]
            self.weights = self.weights @ axes
            self._record()
        return n_steps

    def gradient_size(self) -> float:
        """Largest derivative of the ELBO by a dimensionless measure of W or s.

        Of the entries of W over the noise standard deviation, and of the logarithm of each column's
        length: beside a column much longer than the noise, the entries' slopes are small anywhere.
        """
        w, s = self.weights, self.noise_variance
        _, _, gradient, slope = profiled_gradient(w, s, self.eigenvalues)
        by_entry = math.sqrt(s) * float(np.abs(gradient).max())
        by_length = float(np.abs((w * gradient).sum(0)).max())
        return max(by_entry, by_length, 0.0 if self.fixed else abs(slope))

    def _noise_variance(self, log_noise_variance: float) -> float:
        """Noise variance that stands for a log s, which must stay near the cycle's first."""
        low, high = self._centre - LOG_RANGE, self._centre + LOG_RANGE
        return (
            math.exp(min(max(log_noise_variance, low), high)) if self.fixed is None else self.fixed
        )

    def _accept(self, x: NDArray[np.float64]) -> None:
        self.weights = x[:-1].reshape(self.weights.shape).copy()
        self.noise_variance = self._noise_variance(x[-1])

    def _objective(self, x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Negative ELBO and its gradient in (W, log s)."""
        w = x[:-1].reshape(self.weights.shape)
        s = self._noise_variance(x[-1])
        values = profiled_gradient(w, s, self.eigenvalues)
        self._last = (w.copy(), s, values)
        if self.fixed is not None:
            return -values[0], -np.append(values[2].ravel(), 0.0)
        # A blind first line search may leave the range of floats: beyond LOG_RANGE log s costs a
        # quadratic penalty and changes nothing else, which turns the search back.
        excess = x[-1] - math.log(s) if abs(x[-1] - self._centre) > LOG_RANGE else 0.0
        return excess**2 - values[0], -np.append(values[2].ravel(), values[3] - 2.0 * excess)

    def _record(self) -> None:
        """Add the present state to the history."""
        # The point that L-BFGS accepts is as a rule the one it evaluated last.
        w, s, values = self._last or (self.weights, math.nan, None)
        if s != self.noise_variance or not np.array_equal(w, self.weights):
            values = profiled_gradient(self.weights, self.noise_variance, self.eigenvalues)
        self.iteration += 1
        record = Record(self.iteration, values[0], values[1], self.noise_variance)
        self.history.append(record)
        self.report(record, self.weights)
