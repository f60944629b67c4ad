"""Claim 11: what annealing the KL term changes at equal updates: used latents, and both ELBOs.

What would turn the verdict: at any noise variance more latents in use with annealing, by the margin
and its interval at every threshold, and a train ELBO that is not lower by more than its margin. The
claim is supported where what is revived costs train ELBO, where latents are lost, or where an
interval shows that none are revived.
"""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.deciding import Side, side, would_decide
from linvae.claims.pooled import PooledCells
from linvae.claims.recipes import deep_runs, scope
from linvae.claims.results import Results
from linvae.claims.rows import THRESHOLDS
from linvae.claims.verdicts import Answer, Finding, Interval, joint
from linvae.digits import by_number, shown_interval
from linvae.noise import number
from linvae.settings.margins import Margins

__all__ = ["ANNEALING_LEAVES_COLLAPSE", "annealing_leaves_collapse"]

# Differences of annealed and plain runs, paired by seed, and their units.
_COMPARED = {
    "collapse": "points of collapse",
    "elbo": "nats of train ELBO",
    "test_elbo": "nats of test ELBO",
    **{f"used_{number(epsilon)}": f"% in use at {epsilon:g}" for epsilon in THRESHOLDS},
}


def _from_results(results: Results) -> Finding:
    runs = deep_runs(results, "recipes", kind="fixed")
    pairs = results.study.recipes.annealing
    return annealing_leaves_collapse(runs, pairs, results.margins)


def _main_numbers(numbers: Mapping) -> Iterator[str]:
    for recipe, row in numbers.items():
        for variance in sorted(row, key=by_number):
            found = row[variance]
            used = shown_interval(found["percent_used_gained"]["used_0.1"])
            elbo = shown_interval(found["test_elbo_gained"])
            yield f"{recipe} at {variance}: {used} % more in use, test ELBO {elbo}"


ANNEALING_LEAVES_COLLAPSE = Claim(
    number=11,
    text="KL annealing does not remove collapse: at equal updates it revives no latents, or at a "
    "cost in train ELBO.",
    made_by="paper",
    question=4,
    section="recipes",
    judge=_from_results,
    shown_in=("fig13",),
    main_numbers=_main_numbers,
)


def annealing_leaves_collapse(
    runs: pd.DataFrame, pairs: Sequence[tuple[str, str]], margins: Margins
) -> Finding:
    """Claim 11. What KL annealing changes, paired by seed, variances pooled over noises.

    Parameters
    ----------
    runs : DataFrame
        Runs with the noise variance fixed.
    pairs
        Recipes without and with annealing.
    margins
        Of the study.
    """
    parts, numbers, verdicts, answers = [], {}, {}, []
    for without, annealed in pairs:
        differences = _differences(runs, without, annealed)
        if differences.empty:
            continue
        found = _cells(differences, margins)
        verdicts[annealed] = joint(cell["holds"] for cell in found.values())
        answers += [cell["holds"] for cell in found.values()]
        numbers[annealed] = {number(variance): cell for variance, cell in found.items()}
        told = "; ".join(
            _sentence(variance, cell, differences, margins) for variance, cell in found.items()
        )
        of_pair = runs[runs["model"] == annealed]
        parts.append(
            f"{annealed} against {without} ({verdicts[annealed]}): {told}. "
            f"{scope(of_pair, margins)}".strip()
        )
    text = " ".join(parts) or "No runs with and without annealing have noise and seed in common."
    return Finding(joint(answers), text, numbers, verdicts)


def _differences(runs: pd.DataFrame, without: str, annealed: str) -> pd.DataFrame:
    """Subtract runs without annealing from those with it, of one noise variance and seed."""
    keys = ["initial", "seed"]
    names = list(_COMPARED)
    before, after = (runs[runs["model"] == model].set_index(keys) for model in (without, annealed))
    paired = after.join(before.add_suffix("_before"), how="inner")
    found = paired[names] - paired[[f"{name}_before" for name in names]].to_numpy()
    both = paired[["cpu_seconds", "cpu_seconds_before"]].sum(axis=1)
    gaps = paired["linear_bound"] - paired["elbo"]
    gaps_before = paired["linear_bound_before"] - paired["elbo_before"]
    return found.assign(
        model=annealed,
        cpu_seconds=both,
        short=gaps,
        short_before=gaps_before,
        kept=paired["collapse"],
        kept_before=paired["collapse_before"],
        latents=paired["n_latent"],
    ).reset_index()


def _cells(differences: pd.DataFrame, margins: Margins) -> dict[float, dict[str, object]]:
    """Judge each noise variance."""
    pooled = {name: PooledCells.of(differences, name, "initial") for name in _COMPARED}
    found = {}
    for variance, rows in differences.groupby("initial"):
        # A verdict rests on the latents of every noise variance.
        n = differences["initial"].nunique()
        intervals = {name: cells.mean(variance, margins.level, n) for name, cells in pooled.items()}
        intervals |= {
            name: pooled[name].mean(variance, margins.level) for name in ("elbo", "test_elbo")
        }
        trained = min((rows[name] <= margins.near).mean() for name in ("short", "short_before"))
        found[float(variance)] = {
            "collapse_without": float(rows["kept_before"].mean()),
            "collapse_with": float(rows["kept"].mean()),
            **_gains(intervals, int(rows["latents"].iloc[0])),
            "trained": bool(trained > 0.5),
            "holds": _holds(intervals, margins) if trained > 0.5 else "undecided",
        }
    return found


def _gains(intervals: Mapping[str, Interval], n_latent: int) -> dict[str, object]:
    """Return a, b and c of the claim, and the latents at other thresholds, as JSON holds them."""
    told = {f"{name}_gained": intervals[name].to_dict() for name in ("elbo", "test_elbo")}
    fewer = intervals["collapse"].to_dict()
    scale = -n_latent / 100
    ends = [None if fewer[key] is None else scale * fewer[key] for key in ("high", "low")]
    used = {"mean": scale * fewer["mean"], "low": ends[0], "high": ends[1], "n": fewer["n"]}
    others = {
        name: found.to_dict() for name, found in intervals.items() if name.startswith("used_")
    }
    return {"used_gained": used, **told, "percent_used_gained": others}


def _revived(intervals: Mapping[str, Interval], margins: Margins) -> Side:
    """Tell on which side the change of the used latents lies; open where thresholds disagree."""
    names = [name for name in intervals if name.startswith("used_")]
    sides = {side(intervals[name], margins.latents, margins.none) for name in names}
    return sides.pop() if len(sides) == 1 else "open"


def _holds(intervals: Mapping[str, Interval], margins: Margins) -> Answer:
    """Answer whether collapse stays, or goes at a cost only."""
    revived = _revived(intervals, margins)
    if revived in ("below", "none"):
        return "yes"
    if revived == "open":
        return "undecided"
    cost = intervals["elbo"]
    if side(cost, margins.elbo, margins.none) == "below":
        return "yes"
    return "no" if cost.above(-margins.elbo) else "undecided"


def _sentence(variance: float, cell: Mapping, differences: pd.DataFrame, margins: Margins) -> str:
    used, train, test = (
        Interval(**cell[name]) for name in ("used_gained", "elbo_gained", "test_elbo_gained")
    )
    text = (
        f"at sigma^2 = {number(variance)} annealing changes used latents by {used}, train ELBO by "
        f"{train} and test ELBO by {test}"
    )
    if not cell["trained"]:
        return f"{text}, but most runs ended more than {margins.near:g} nats below the linear bound"
    if cell["holds"] != "undecided":
        return text
    changes = {key: Interval(**found) for key, found in cell["percent_used_gained"].items()}
    sides = {key: side(found, margins.latents, margins.none) for key, found in changes.items()}
    if len(set(sides.values())) > 1:
        told = ", ".join(f"{key.removeprefix('used_')} {found}" for key, found in changes.items())
        return f"{text}; whether latents are revived depends on epsilon (% in use, at {told})"
    rows = differences[differences["initial"] == variance]
    if "open" not in sides.values():
        return f"{text} ({would_decide(train, margins.elbo, 'nats of train ELBO', rows)})"
    widest = max(changes.values(), key=lambda found: (found.high or 0.0) - (found.low or 0.0))
    lacking = would_decide(widest, margins.latents, "% of the latents", rows)
    return f"{text} ({widest} % of the latents, {lacking})"
