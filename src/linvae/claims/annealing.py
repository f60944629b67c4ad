"""Claim 11: whether latents collapse again once the KL's weight has risen to 1.

The paper says that they will typically do so, in our words. Of the latents in use when the weight
reaches 1, the net deaths until the end are compared with those of the same recipe without
annealing over the same updates, and so are the latents in use at the end: those that annealing
revived and that outlive the full ELBO speak against the claim. What would turn the verdict: no more
deaths than without annealing, or more latents in use at the end than without, by the margin. A rate
that falls when annealing ends leaves them little time to die, so only deaths count there, and not
that there are none: that takes a constant rate.
"""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from linvae.claims.cells import own_interval
from linvae.claims.claim import Claim
from linvae.claims.deciding import cost_of, side, what_settles, with_seeds
from linvae.claims.evidence import Evidence, Finding, not_run
from linvae.claims.recipes import answer_first, arrived, at, by_threshold, deep_columns, one_latent
from linvae.claims.results import Results
from linvae.claims.verdicts import Interval
from linvae.noise import number
from linvae.settings.margins import Margins

__all__ = ["ANNEALING_LEAVES_COLLAPSE", "after_annealing", "annealing_leaves_collapse"]

# Share of its value that a rate keeps until the end if it is constant.
CONSTANT = 0.99
_USED = by_threshold("used")


def _from_results(results: Results) -> Finding:
    rows = []
    for annealed, runs in results.study.recipes.annealing_runs(results.names).items():
        share = results.models[annealed].training.kl_annealing
        for run in (run for run in runs if run not in results.faults):
            row = {"pair": annealed, **deep_columns(results, run)}
            rows.append(row | after_annealing(results.curve(run), share))
    return annealing_leaves_collapse(pd.DataFrame(rows), results.margins)


def after_annealing(curve: pd.DataFrame, share: float) -> dict[str, float]:
    """Return what a run's curve shows of the updates after a share of them.

    ``alive`` and ``at_end``: latents in use at the first record after that share, and at the last;
    ``updates`` between the two; ``rate_kept``, the last rate over the first.
    """
    end = curve.iloc[-1]
    full = curve[curve["step"] >= share * end["step"]].iloc[0]
    return {
        "alive": float(full["used_latents"]),
        "at_end": float(end["used_latents"]),
        "updates": int(end["step"] - full["step"]),
        "rate_kept": float(end["learning_rate"] / full["learning_rate"]),
    }


ANNEALING_LEAVES_COLLAPSE = Claim(
    number=11,
    text="After annealing of the KL ends, latents collapse again: more of those in use when its "
    "weight reaches 1 die than without annealing, and no more stay in use.",
    made_by="paper",
    question=4,
    section="recipes",
    judge=_from_results,
    shown_in=("fig13",),
    checked="from memory",
)


def annealing_leaves_collapse(runs: pd.DataFrame, margins: Margins) -> Finding:
    """Claim 11. Whether latents die after annealing ends, for each annealed recipe.

    `runs` have one row a run at a fixed noise variance, with or without annealing: ``pair`` (the
    annealed recipe of the comparison), the columns of `linvae.claims.rows.deep_row` and `used_row`,
    ``cpu_seconds``, and `after_annealing` of its curve, by the annealed recipe's share.
    """
    rows, numbers, falls = [], {}, False
    for pair, own in runs.groupby("pair", sort=False) if len(runs) else ():
        both = _paired(own, str(pair))
        if len(both):
            rows += [*_recipe(both, margins), *_not_trained(own, str(pair), margins)]
            numbers[str(pair)] = _numbers(both)
            falls |= bool((both["rate_kept"] < CONSTANT).any())
    if not rows:
        return not_run("No runs with and without annealing have noise, seed and later updates.")
    found = Finding.by_subject(rows, "", numbers)
    sentence = f"{answer_first(found.verdicts)}: after annealing ends, latents collapse again"
    end = ", as far as a learning rate that falls can tell." if falls else "."
    return replace(found, sentence=f"{sentence}{end}")


def _paired(runs: pd.DataFrame, pair: str) -> pd.DataFrame:
    """Set runs with annealing beside those without of one noise variance and seed."""
    keys = ["initial", "seed"]
    annealed = runs["model"] == pair
    control = runs[~annealed].set_index(keys).add_suffix("_control")
    both = runs[annealed].set_index(keys).join(control, how="inner").reset_index()
    scale = 100.0 / both["n_latent"]
    own, other = (scale * (both[f"alive{end}"] - both[f"at_end{end}"]) for end in ("", "_control"))
    return both.assign(
        deaths=own - other,
        control_deaths=other,
        cpu_seconds=both["cpu_seconds"] + both["cpu_seconds_control"],
        **{f"more_{column}": both[column] - both[f"{column}_control"] for column in _USED},
    )[both["updates"] > 0]


def _recipe(both: pd.DataFrame, margins: Margins) -> Iterator[Evidence]:
    """Give for each noise variance the control's deaths, their difference, and what is left."""
    n = both["initial"].nunique() * (1 + len(_USED))
    for variance, here in both.groupby("initial"):
        told = {"unit": "% of k", "subject": str(here["pair"].iloc[0]), "condition": at(variance)}
        control = own_interval(here["control_deaths"], margins.level, unit=one_latent(here))
        quantity = "net deaths without annealing over the same updates"
        yield Evidence(quantity, control, split="train", **told)
        for row in (_deaths(here, margins, n), _left(here, margins, n)):
            yield _at_its_rate(row.but(main=True, **told), here)


def _deaths(here: pd.DataFrame, margins: Margins, n: int) -> Evidence:
    """Compare net deaths at one noise variance; the verdict rests on n intervals."""
    found = _intervals(here, "deaths", margins, n)
    at_level, corrected = (side(one, margins.latents, margins.none) for one in found)
    # As many deaths with as without say nothing where annealing had revived none.
    answer = "yes" if at_level == "above" else "no" if corrected == "below" else "undecided"
    told = {"split": "train", "margin": margins.latents, "answer": answer}
    what = "net deaths after annealing ends, less those without annealing"
    row = Evidence(what, found[0], **told)
    return with_seeds(row, here)


def _left(here: pd.DataFrame, margins: Margins, n: int) -> Evidence:
    """Compare latents in use at the end: at all thresholds and on both splits, or it is open."""
    rows, margin = [], margins.latents
    for column, (split, epsilon) in _USED.items():
        at_level, corrected = _intervals(here, f"more_{column}", margins, n)
        more, no_more = corrected.above(margin), at_level.below(margin)
        quantity = f"used latents at the end (epsilon = {epsilon}), less those without annealing"
        answer = "no" if more else "yes" if no_more else "undecided"
        rows.append(Evidence(quantity, at_level, split=split, margin=margin, answer=answer))
    row = min(rows, key=lambda row: abs(row.mean - margin))
    agreed = len({row.answer for row in rows}) == 1
    settles = what_settles(row.interval, margin, here, margin)
    return row.answered(row.answer if agreed else "undecided", settles)


def _intervals(
    here: pd.DataFrame, column: str, margins: Margins, n: int
) -> tuple[Interval, Interval]:
    """Interval of a difference at the level, and corrected for n."""
    # A difference of two counts is rounded twice.
    unit = 2**0.5 * one_latent(here)
    at_level, corrected = (own_interval(here[column], margins.level, of, unit) for of in (1, n))
    return at_level, corrected


def _at_its_rate(row: Evidence, here: pd.DataFrame) -> Evidence:
    """Leave open that latents live on where the rate falls: too little moves for them to die."""
    if (here["rate_kept"] >= CONSTANT).all():
        return row
    row = row.but(quantity=f"{row.quantity}, at a falling rate")
    settles = f"both at a constant rate after annealing, {cost_of(here)}"
    return row.answered("undecided", settles) if row.answer == "no" else row


def _not_trained(runs: pd.DataFrame, pair: str, margins: Margins) -> Iterator[Evidence]:
    """Give a row that keeps the verdict open for a recipe whose training failed."""
    for model, own in runs.groupby("model", sort=False):
        row = arrived(own, margins)
        if row.answer is not None:
            yield row.but(subject=pair, condition=str(model))


def _numbers(both: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return means over seeds by noise variance: latents in use, updates and rates."""
    names = [f"{name}{end}" for name in ("alive", "at_end") for end in ("", "_control")]
    means = both.groupby("initial")[[*names, "updates", "rate_kept"]].mean()
    return {number(variance): row.to_dict() for variance, row in means.iterrows()}
