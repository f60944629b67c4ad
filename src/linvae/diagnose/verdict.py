"""The verdict in one or two sentences, from numbers that were measured."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linvae.bypass.residual import gain
from linvae.shown import short_repr

__all__ = ["Facts", "judge", "short", "with_error"]

# "Failed" is said above this and 3 standard errors.
_NATS = 1.0


@dataclass(frozen=True, eq=False)
class Facts:
    """What a verdict is made of.

    Attributes
    ----------
    noise_variance, n_latent, n_features
        sigma^2, k and d.
    n_used
        Latents in use, by epsilon in nats, ascending.
    proved
        Whether total collapse is proved to be the optimum.
    largest
        lambda_1 of the data.
    gain, gain_error
        Nats per datum that cut and bypass gain, with standard error.
    below_linear, below_linear_error
        By how much the ELBO lies below the linear optimum's.
    eigenvalues
        Of the residual, descending.
    """

    noise_variance: float
    n_latent: int
    n_features: int
    n_used: dict[float, int]
    proved: bool
    largest: float
    gain: float
    gain_error: float
    below_linear: float
    below_linear_error: float
    eigenvalues: NDArray[np.float64]

    __repr__ = short_repr

    @property
    def depends_on_epsilon(self) -> bool:
        """Whether the number of latents in use does: by more than 2 and 10 % of all."""
        counts = self.n_used.values()
        return max(counts) - min(counts) > max(2, 0.1 * self.n_latent)


def judge(facts: Facts) -> tuple[str, str]:
    """Return the kind of the verdict, and the verdict."""
    for kind, told in (
        ("proved", _proved),
        ("failed", _failed),
        ("k is too small", _too_small),
        ("nothing linear left", _nothing_left),
    ):
        verdict = told(facts)
        if verdict:
            return kind, verdict
    return "not decided", _not_decided(facts)


def short(value: float) -> str:
    """Write a number in three digits, a large one in full."""
    return f"{value:,.0f}".replace(",", " ") if abs(value) >= 1000 else f"{value:.3g}"


def _proved(facts: Facts) -> str:
    if not facts.proved:
        return ""
    s, d = facts.noise_variance, facts.n_features
    verdict = (
        f"At sigma^2 = {short(s)} every Gaussian VAE on these data collapses, whatever the network"
        f" (bound from above). A smaller sigma^2, below {short(facts.largest)}, would use latents"
    )
    if math.isclose(s, d / 2, rel_tol=1e-3):
        told = f"{verdict}: sum the squared error over the features instead of averaging it"
        # Summed, sigma^2 is 1/2, which is too large as well for data of a small variance.
        if facts.largest > 0.5:
            return f"{told}."
        return f"{told}, and weigh the KL less by more than {short(0.5 / facts.largest)}."
    factor = s / facts.largest
    return f"{verdict}: weigh the KL less, or the squared error more, by more than {short(factor)}."


def _failed(facts: Facts) -> str:
    """Say what is left: to a bypass of latents that are cut, or to a linear VAE in its place."""
    by_bypass = _clear(facts.gain, facts.gain_error)
    by_linear = _clear(facts.below_linear, facts.below_linear_error)
    if not (by_bypass or by_linear):
        return ""
    if by_bypass and not facts.below_linear > facts.gain + 3 * facts.below_linear_error:
        nats, of = (facts.gain, facts.gain_error), "the same model with one linear bypass"
    else:
        nats = (facts.below_linear, facts.below_linear_error)
        of = "a linear VAE of the same k and sigma^2"
    return (
        f"At least {with_error(*nats)} nats per datum are left to {of}: training, the network's"
        " size or its output range failed, not sigma^2."
    )


def _too_small(facts: Facts) -> str:
    s, k = facts.noise_variance, facts.n_latent
    more = gain(facts.eigenvalues, s, len(facts.eigenvalues))
    if next(iter(facts.n_used.values())) < k or facts.depends_on_epsilon or more <= _NATS:
        return ""
    above = int((facts.eigenvalues > s).sum())
    return (
        f"k is too small: all {k} latents are used, and about {above} more, linear ones, would gain"
        f" up to {short(more)} nats per datum (rho_1 = {short(facts.eigenvalues[0])} > {short(s)})."
    )


def _nothing_left(facts: Facts) -> str:
    s, k = facts.noise_variance, facts.n_latent
    first = float(facts.eigenvalues[0])
    if first > s:
        return ""
    (lowest, n_used), *_, (highest, n_most) = facts.n_used.items()
    unused = k - n_used
    rho = f"(rho_1 = {short(first)} <= {short(s)})"
    # Where sigma^2 is above lambda_1 the KL weighs too much for another start to help.
    another = "" if facts.largest <= s else ": try another start"
    if facts.depends_on_epsilon:
        return (
            f"{unused} of {k} latents are unused at epsilon = {lowest:g}, {k - n_most} at"
            f" {highest:g} nats, and no linear use is left for them {rho}. A nonlinear one is not"
            f" excluded{another}."
        )
    if unused == 0:
        return f"All {k} latents are used, and no linear use is left for more {rho}."
    are, them = ("is", "it") if unused == 1 else ("are", "them")
    return (
        f"{unused} of {k} latents {are} unused, and no linear use is left for {them} {rho}."
        f" A nonlinear one is not excluded{another}."
    )


def _not_decided(facts: Facts) -> str:
    return (
        f"Not decided: a linear bypass gains {with_error(facts.gain, facts.gain_error)} nats per"
        f" datum, too little to call it failed ({_NATS:g} nat and 3 standard errors), and rho_1 ="
        f" {short(float(facts.eigenvalues[0]))} is not below sigma^2 ="
        f" {short(facts.noise_variance)}."
    )


def _clear(nats: float, error: float) -> bool:
    return nats > max(_NATS, 3 * error)


def with_error(nats: float, error: float) -> str:
    """Write a number to the digit that its error leaves, as in 209 +- 2."""
    digits = 0 if error == 0 else max(0, min(3, -math.floor(math.log10(error))))
    # What rounds to zero has no sign.
    return f"{round(nats, digits) + 0.0:.{digits}f} +- {error:.{digits}f}"
