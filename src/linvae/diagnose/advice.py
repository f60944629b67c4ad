"""What to change, in one or two sentences, where the verdict leaves something to be done."""

import math

import numpy as np
from numpy.typing import NDArray

from linvae.diagnose.verdict import Facts, short
from linvae.losses.reductions import noise_variance_for

__all__ = ["advise"]

# Of lambda_1: with less than this the data do not vary, but for round-off.
_FLAT = 1e-6
# Digits of a factor: as few as leave it where it should be.
_DIGITS = range(2, 7)
_ANEW = "Train for longer, or anew at a smaller learning rate or with larger networks."
_REVIVE = " Where that cannot be, `revive` adds the bypass to this model, to train on."


def advise(
    kind: str,
    facts: Facts,
    eigenvalues: NDArray[np.float64],
    *,
    learned: bool = False,
    revivable: bool = False,
    first: str = "",
) -> str:
    """Say what to change, or nothing.

    Parameters
    ----------
    kind
        Of the verdict. One that is proved says itself what to change.
    facts
        What the verdict is made of.
    eigenvalues
        lambda_i of the data, descending, k + 1 or all of them: in squared units of the data.
    learned
        Whether sigma^2 is learned, or fitted to the model: a weight of the KL is none then.
    revivable
        Whether there is a bypass for `linvae.diagnose.revive`.
    first
        What is to be mended before anything else, of a model that failed.
    """
    k, n_used = facts.n_latent, min(facts.n_used.values())
    n_linear = int((eigenvalues > facts.noise_variance).sum())
    if kind == "proved":
        return ""
    if n_linear == 0 and (kind == "failed" or n_used < k):
        return " ".join(filter(None, [first, _smaller(facts, eigenvalues, n_linear, learned)]))
    if kind == "failed":
        return first or _ANEW + (_REVIVE if revivable else "")
    if kind == "k is too small":
        more = int((facts.eigenvalues > facts.noise_variance).sum())
        return f"Take more latents: k = {k + more} or more."
    if n_linear < k and n_used <= k / 2:
        return _smaller(facts, eigenvalues, n_linear, learned)
    return ""


def _smaller(facts: Facts, eigenvalues: NDArray[np.float64], n_linear: int, learned: bool) -> str:
    """Say how many latents linear theory uses, and which smaller sigma^2 would use more."""
    s, k, largest = facts.noise_variance, facts.n_latent, float(eigenvalues[0])
    if n_linear == 0:
        told = (
            f"sigma^2 is {short(s / largest)} times lambda_1: even at its optimum a linear VAE uses"
            " no latent."
        )
    else:
        told = f"At this sigma^2 linear theory would use {n_linear} of {k} latents."
    limit = min(k, int((eigenvalues > _FLAT * largest).sum()))
    if limit <= n_linear:
        return f"{told} The data vary in no more directions: fewer latents would do."
    half = -(-k // 2)
    summed = min(k, int((eigenvalues > 0.5).sum()))
    meaned = not learned and math.isclose(s, facts.n_features / 2, rel_tol=1e-3)
    meaned = meaned and summed > n_linear
    ways: dict[int, str] = {}
    for wanted in (1, half) if n_linear == 0 else (half, k):
        more = [m for m in range(n_linear + 1, limit + 1) if not (meaned and m == summed)]
        for m in sorted(more, key=lambda m: abs(m - wanted)):
            way = _way(s, eigenvalues, m, learned, again=bool(ways))
            if way:
                ways.setdefault(m, way)
                break
    if meaned:
        ways[summed] = "sum the squared error over the features instead of averaging it"
    if not ways:
        return told
    ways_told = "; ".join(f"to use {m}, {way}" for m, way in ways.items())
    return f"{told} {ways_told[0].upper()}{ways_told[1:]}."


def _way(s: float, eigenvalues: NDArray[np.float64], m: int, learned: bool, again: bool) -> str:
    """Say how to use m latents, in numbers that do so as they are written, or nothing."""
    try:
        wanted = noise_variance_for(eigenvalues, m)
    except ValueError:
        return ""
    # Where lambda_{m+1} is next to nothing, the mean of both would be too.
    goal = max(wanted.noise_variance, wanted.highest / 2)
    for digits in _DIGITS:
        fixed, weight, inverse = (
            float(f"{value:.{digits}g}") for value in (goal, goal / s, s / goal)
        )
        reached = (fixed,) if learned else (weight * s, s / inverse)
        if all(int((eigenvalues > value).sum()) == m for value in reached):
            if learned:
                return f"{'at' if again else 'hold sigma^2 at'} {fixed:g}"
            if again:
                return f"by {weight:g} (or {_full(inverse)})"
            return (
                f"multiply the KL's weight by {weight:g} (or the squared error's by"
                f" {_full(inverse)})"
            )
    return ""


def _full(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ") if value >= 1000 else f"{value:g}"
