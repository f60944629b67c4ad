"""What a diagnosis measured of a model: on each data set, and on both together."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from linvae.bypass.linear_bypass import Bypass
from linvae.losses.reductions import NoiseRange, noise_variance_for
from linvae.measure.collapse import CollapseCurve
from linvae.shown import short_repr

__all__ = ["EPSILONS", "MeasuredModel", "Split"]

# In nats: how many latents are in use is told at these as well.
EPSILONS = (0.03, 0.1, 0.3)


@dataclass(frozen=True, eq=False)
class Split:
    """What a model makes of one data set. In nats per datum, errors over data.

    Attributes
    ----------
    n : int
        Number of data.
    elbo, elbo_error, kl : float
    reconstruction : float
        E_q |x - f(z)|^2, in squared data units.
    linear_elbo : float
        Of the linear VAE of largest ELBO on the training data, at the same k and sigma^2.
    above_linear, above_linear_error : float
        ELBO minus that, paired by datum.
    gain, gain_error : float
        What cutting the latents `Diagnosis.cut` and adding a linear bypass of them gains.
    change : float
        Of the gain by the cut alone.
    eigenvalues : ndarray of shape (m,)
        rho_j of the residual, descending; of held-out data those of one half along directions of
        the other, by rank.
    mean_kl : ndarray of shape (k,)
        Of each latent.
    curve : CollapseCurve
        Latents in use at every epsilon.
    n_used : int
        Latents in use at the epsilon and delta of the diagnosis.
    tuned_noise_variance, tuned_elbo : float
        sigma^2 of largest ELBO with these weights, and that ELBO.
    bits_per_dimension : float
        Of the ELBO, at the step between neighbouring values that was given.
    """

    n: int
    elbo: float
    elbo_error: float
    kl: float
    reconstruction: float
    linear_elbo: float
    above_linear: float
    above_linear_error: float
    gain: float
    gain_error: float
    change: float
    eigenvalues: NDArray[np.float64]
    mean_kl: NDArray[np.float64]
    curve: CollapseCurve
    n_used: int
    tuned_noise_variance: float
    tuned_elbo: float
    bits_per_dimension: float

    __repr__ = short_repr

    def used_at(self, epsilons: Iterable[float], delta: float = 0.01) -> list[int]:
        """Return how many latents are in use at thresholds in nats: at the next of the curve's."""
        percent = self.curve.percent(delta)
        at = np.searchsorted(self.curve.epsilon, np.asarray(list(epsilons)) * (1 - 1e-9))
        k = len(self.mean_kl)
        return [k - round(k * percent[i] / 100) for i in np.minimum(at, len(percent) - 1)]

    def to_dict(self) -> dict[str, object]:
        """Return plain numbers and lists, without the curve."""
        return {name: _plain(value) for name, value in _values(self) if name != "curve"}


@dataclass(frozen=True, eq=False)
class MeasuredModel:
    """What a diagnosis measured and concluded, without its texts and its figure.

    Attributes
    ----------
    kind : str
        ``"proved"``, ``"failed"``, ``"nothing linear left"``, ``"k is too small"`` or ``"not
        decided"``.
    verdict : str
        One to three sentences.
    advice : str
        What to change, in one or two sentences; empty where there is nothing to say, or where the
        verdict says it.
    notes : tuple of str
        What else was noticed: clamps, bounded decoders, stale statistics, the noise variance.
    noise_variance : float
        sigma^2.
    tuned : bool
        Whether it is the best one for the model, which judges no fixed objective.
    n_latent, n_features : int
        k and d.
    n_linear : int
        How many latents the linear VAE's optimum would use at this sigma^2, were there as many as
        features; at least so many where not `complete`.
    complete : bool
        Whether all eigenvalues of the data are known.
    data_eigenvalues : ndarray of shape (m,)
        lambda_i of the data, descending.
    proof : str
        Why total collapse is, or is not, proved to be the optimum whatever the networks.
    cut : ndarray of bool, shape (k,)
        Latents that the bypass takes.
    bypass : Bypass
        W, V, D and shift of the best linear bypass.
    epsilon, delta : float
        A latent is unused if its KL is below epsilon nats for a share 1 - delta of the data.
    shape, latent_shape : tuple of int
        Of one datum, and of its latents, as the model has them.
    posterior : str
        What the second output of the encoder is.
    train : Split
    held_out : Split or None
    """

    kind: str
    verdict: str
    advice: str
    notes: tuple[str, ...]
    noise_variance: float
    tuned: bool
    n_latent: int
    n_features: int
    n_linear: int
    complete: bool
    data_eigenvalues: NDArray[np.float64]
    proof: str
    cut: NDArray[np.bool_]
    bypass: Bypass
    epsilon: float
    delta: float
    shape: tuple[int, ...]
    latent_shape: tuple[int, ...]
    posterior: str
    train: Split
    held_out: Split | None

    __repr__ = short_repr

    @property
    def gain(self) -> float:
        """Nats per datum that are left at least, on the training data."""
        return self.train.gain

    @property
    def gain_error(self) -> float:
        """Standard error of it over data."""
        return self.train.gain_error

    def noise_variance_for(self, n_used: int) -> NoiseRange:
        """Return the sigma^2, and weight of the KL, at which linear theory would use m latents."""
        return noise_variance_for(self.data_eigenvalues, n_used)

    def to_dict(self) -> dict[str, object]:
        """Return plain numbers, texts and lists, as JSON has them, without curves and matrices."""
        found = {name: _plain(value) for name, value in _values(self) if name != "bypass"}
        found["bypass_variances"] = self.bypass.variances.tolist()
        return found


def _values(found: Split | MeasuredModel) -> list[tuple[str, object]]:
    return [(part.name, getattr(found, part.name)) for part in fields(found)]


def _plain(value: object) -> object:
    if isinstance(value, Split):
        return value.to_dict()
    if isinstance(value, np.ndarray | tuple):
        return np.asarray(value).tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.item() if isinstance(value, np.generic) else value
