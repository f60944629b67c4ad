"""Claim 6: stochastic against analytic training of the linear VAE, paired by seed.

Two questions, each at equal learning rates and with each kind at the rate that suits it best:

- *Slower*: updates until the exact ELBO comes within the smallest of the section's gaps. An update
  sees all images where no batch size is set, by either objective, so that updates are passes over
  the data; a stochastic one takes about twice the processor time. Rates at which neither kind comes
  so near on every seed are not asked: far from the maximum sampling noise is small beside the
  gradient, whoever is slower. A kind that does not arrive took its whole budget at least.
- *Ends lower*: the ELBO over the last fifth, asked at the same rates, where they fall. At a
  constant one stochastic training ends on a noise floor, which is the rate's doing; that is
  reported.

What would turn the verdicts: at any of these rates, or each kind at its best, stochastic training
taking fewer updates by the section's ratio or ending higher by its margin, or both kinds differing
by no more than a tenth of these. A best rate on the edge of those tried leaves its comparison open.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from linvae.claims.cells import paired
from linvae.claims.claim import Claim, Earlier
from linvae.claims.deciding import cost_of, exceeds, what_settles
from linvae.claims.evidence import Evidence, Finding, missing, verdicts_of
from linvae.claims.training_pairs import (
    TrainingPair,
    ends,
    highest,
    pair_curves,
    pairs_of,
    soonest,
    updates_to,
)
from linvae.claims.verdicts import Answer, Interval
from linvae.digits import short
from linvae.settings.margins import Margins
from linvae.study.linear import Stochastic

__all__ = ["STOCHASTIC_TRAINING", "stochastic_training"]

# Subjects of the claim.
_SLOWER, _LOWER = "slower", "ends lower"


STOCHASTIC_TRAINING = Claim(
    number=6,
    text="Stochastic training is slower than analytic training, and ends lower: at equal learning "
    "rates, and each at its best.",
    made_by="paper (the report says no)",
    question=1,
    section="stochastic",
    judge=lambda results: stochastic_training(
        pair_curves(results), results.study.stochastic, results.margins
    ),
    shown_in=("fig4",),
    earlier=(
        Earlier(
            4,
            "3",
            "Stochastic training is not slower, nor does it end lower.",
            "Stochastic training is slower and ends lower than analytic training.",
            report_side=False,
            paper_side=True,
            why="At a constant rate the exact ELBO goes up and down, and neither kind comes to "
            "rest at the maximum: learning rate and step decide what is seen.",
        ),
    ),
    checked="from memory",
)


def stochastic_training(curves: pd.DataFrame, section: Stochastic, margins: Margins) -> Finding:
    """Claim 6. Whether stochastic training is slower and ends lower than analytic training.

    `curves` are as `pair_curves` gives them; both kinds are recorded at the same steps. Of the
    section's gaps the smallest decides.
    """
    gap = min(section.gaps)
    slower, lower = (list(pairs_of(curves, score)) for score in (soonest(gap), highest))
    near = [pair for pair in slower if pair.arrives(gap)]
    asked = [pair for pair in lower if pair.falls and pair.arrives(gap)]
    # At a constant rate a few are shown: far from the maximum curves go up and down by any amount.
    shown = [pair for pair in lower if pair.is_best or pair.arrives(gap)]
    # All intervals of both verdicts share the level.
    level = 1.0 - (1.0 - margins.level) / max(1, len(near) + len(asked))
    rows = [_slower(pair, gap, section.ratio_margin, margins.none, level) for pair in near]
    rows += [*_edges(near, _SLOWER), _arriving(slower, gap)]
    rows += [_lower(pair, section.margin, margins.none, level) for pair in asked or shown]
    rows += _edges(asked, _LOWER) if asked else [_not_asked(curves)]
    numbers = {pair.condition: _updates(pair, section.gaps) for pair in (*slower, *lower)}
    # Training that has not come near has not ended: where it stands decides nothing, but is told.
    numbers["not asked who ends lower"] = {
        pair.condition: paired(*map(ends, pair.kinds), level).to_dict()
        for pair in lower
        if pair.falls and not pair.arrives(gap)
    }
    return Finding.by_subject(rows, _sentence(rows, gap, asked=bool(asked)), numbers)


def _slower(
    pair: TrainingPair, gap: float, ratio_margin: float, none: float, level: float
) -> Evidence:
    """Compare updates. A kind that does not arrive took all that were made, at least."""
    updates = [updates_to(rows, gap) for rows in pair.kinds]
    arrived = [bool(np.isfinite(steps).all()) for steps in updates]
    budget = min(rows["step"].max() for rows in pair.kinds)
    logs = paired(*(np.log(steps.clip(max=budget)) for steps in updates[::-1]), level)
    bound = "" if all(arrived) else f", at {'least' if arrived[0] else 'most'}"
    ratio = (None if v is None else math.exp(v) for v in (logs.mean, logs.low, logs.high))
    what = (
        f"updates on {pair.images} to come within {gap:g} nats of the maximum, stochastic over "
        f"analytic{bound}"
    )
    told = {"subject": _SLOWER, "condition": pair.condition, "split": "train", "main": pair.is_best}
    told |= {"reference": 1.0, "margin": ratio_margin - 1.0}
    row = Evidence(what, Interval(*ratio, logs.n), **told)
    margin, said = math.log(ratio_margin), exceeds(logs, math.log(ratio_margin), none)
    # Of a ratio that is known from one side, only that side says anything.
    if all(arrived) or said == ("yes" if arrived[0] else "no"):
        return _answered(row, pair, said, logs, margin)
    return row.answered("undecided", f"twice the updates, {cost_of(pair.runs, 2)}")


def _lower(pair: TrainingPair, margin: float, none: float, level: float) -> Evidence:
    """Compare ends; where the rate does not fall they are only reported."""
    ahead = paired(*(ends(rows) for rows in pair.kinds), level)
    told = {"subject": _LOWER, "condition": pair.condition, "split": "train", "main": pair.is_best}
    what = "ELBO over the last fifth, analytic less stochastic"
    row = Evidence(what, ahead, "nats", margin=margin, **told)
    said = exceeds(ahead, margin, none)
    return _answered(row, pair, said, ahead, margin) if pair.falls else row


def _answered(
    row: Evidence, pair: TrainingPair, said: Answer, found: Interval, margin: float
) -> Evidence:
    """Add the answer; a best rate on the edge of those tried leaves it open."""
    if pair.untried and not pair.is_alike:
        return row.answered("undecided", pair.would_settle())
    nearest = math.copysign(margin, found.mean)
    return row.answered(said, what_settles(found, margin, pair.runs, nearest))


def _edges(pairs: Sequence[TrainingPair], subject: str) -> list[Evidence]:
    """Keep comparisons at the best rates open that stand at equal rates already."""
    what = "learning rates tried on both sides of the best one"
    return [
        missing(what, pair.would_settle(), subject, condition=pair.condition)
        for pair in pairs
        if pair.is_alike and pair.untried
    ]


def _arriving(pairs: Sequence[TrainingPair], gap: float) -> Evidence:
    """Return at how many rates who is slower is asked: of none it stays open."""
    alike = [pair for pair in pairs if pair.is_alike]
    n = sum(pair.arrives(gap) for pair in alike)
    what = (
        f"learning rates, of {len(alike)}, at which either kind comes within {gap:g} nats of the "
        "maximum on every seed"
    )
    row = missing(what, "more updates, or other rates", _SLOWER, n, split="train")
    return row.answered(None) if n else row


def _not_asked(curves: pd.DataFrame) -> Evidence:
    """Return what keeps it open who ends lower: at a constant rate the noise floor decides."""
    cost = cost_of(curves.drop_duplicates(["model", "seed"]))
    settles = f"the same pairs with schedule: cosine, {cost}"
    return missing("pairs whose learning rate falls to zero", settles, _LOWER)


def _updates(pair: TrainingPair, gaps: Sequence[float]) -> dict[str, object]:
    """Return the median updates of both kinds to each gap; None where they do not come so near."""
    found = {}
    for gap in gaps:
        steps = [float(np.median(updates_to(rows, gap))) for rows in pair.kinds]
        found[f"{gap:g}"] = [step if math.isfinite(step) else None for step in steps]
    return {"updates_to_gap": found}


def _sentence(rows: Sequence[Evidence], gap: float, *, asked: bool) -> str:
    """Say first who is slower, then who ends lower."""
    said = verdicts_of(rows)
    ratio = max((row for row in rows if row.subject == _SLOWER), key=lambda row: row.main).interval
    slower = {
        "supported": f"Each at its best rate, stochastic training takes {short(ratio.mean)} times "
        f"the updates to come within {gap:g} nats",
        "not supported": "Stochastic training is not slower at every rate",
        "inconclusive": "Whether stochastic training is slower stays open",
    }
    lower = {
        "supported": ", and ends lower.",
        "not supported": ", and it does not always end lower.",
        "inconclusive": "; whether it ends lower stays open.",
    }
    not_asked = "; whether it ends lower is not asked at a constant rate."
    end = lower[said[_LOWER]] if asked else not_asked
    return f"{slower[said.get(_SLOWER, 'inconclusive')]}{end}"
