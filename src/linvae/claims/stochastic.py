"""Claim 6: stochastic against analytic training of the linear VAE, paired by seed.

Two questions, each at equal learning rates and with each kind at the rate that suits it best:

- *Slower*: updates until the exact ELBO comes within the smallest of the section's gaps. An update
  sees all images where no batch size is set, by either objective, so that updates are passes over
  the data; a stochastic one takes about twice the processor time. Rates at which neither kind comes
  so near on every seed are not asked: far from the maximum sampling noise is small beside the
  gradient, whoever is slower. A kind that does not arrive took its whole budget at least.
- *Ends lower*: the ELBO over the last fifth, asked where the learning rate falls. At a constant
  one stochastic training ends on a noise floor, which is the rate's doing; that is reported.

What would turn the verdicts: at any of these rates, or each kind at its best, stochastic training
taking fewer updates by the section's ratio or ending higher by its margin, or both kinds differing
by no more than a tenth of these. A best rate on the edge of those tried leaves its comparison open.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from linvae.claims.claim import Claim, Earlier
from linvae.claims.deciding import paired
from linvae.claims.evidence import Evidence, verdicts_of
from linvae.claims.finding import Finding
from linvae.claims.results import Results
from linvae.claims.stochastic_rows import (
    LOWER,
    SLOWER,
    Limits,
    arriving_row,
    cases,
    edge_row,
    highest,
    lower_row,
    not_asked_row,
    slower_row,
    soonest,
)
from linvae.claims.training_pairs import TrainingPair, ends, updates_to
from linvae.digits import short
from linvae.noise import parse_noise

__all__ = ["STOCHASTIC_TRAINING", "pair_curves", "stochastic_training"]

# Shares of training after which the ELBOs are compared, beside its end.
_HORIZONS = (0.1, 0.3, 1.0)


def _from_results(results: Results) -> Finding:
    section, margins = results.study.stochastic, results.margins
    limits = Limits(section.margin, section.ratio_margin, section.gaps, margins.none, margins.level)
    return stochastic_training(pair_curves(results), limits)


STOCHASTIC_TRAINING = Claim(
    number=6,
    text="Stochastic training is slower than analytic training, and ends lower: at equal learning "
    "rates, and each at its best.",
    made_by="paper (the report says no)",
    question=1,
    section="stochastic",
    judge=_from_results,
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


def pair_curves(results: Results) -> pd.DataFrame:
    """Tabulate the curves of all analytic and stochastic runs, one row a recorded step.

    Columns: ``step``, the exact ``elbo`` and ``gap`` to the pPCA maximum in nats per datum; of the
    run ``model``, ``stochastic``, ``seed``, ``learning_rate``, ``initial`` sigma^2 and
    ``cpu_seconds``; and of its pair ``schedule``, ``images`` (what a stochastic update sees) and
    ``alike``, which pairs share that differ in nothing but their learning rate.
    """
    tables = []
    for pair in dict.fromkeys(results.study.stochastic.pairs):
        sampled = results.models[pair[1]].training
        of_pair = {
            "schedule": sampled.schedule,
            "images": f"{sampled.batch_size} images" if sampled.batch_size else "all images",
            "alike": sampled.model_dump_json(exclude={"learning_rate"}),
        }
        for stochastic, model in zip((False, True), pair, strict=True):
            training = results.models[model].training
            for run in (run for run in results.runs("stochastic") if run.model == model):
                labels = {"learning_rate": training.learning_rate, "stochastic": stochastic}
                labels |= {"model": model, "initial": parse_noise(run.noise).variance}
                labels |= {"seed": run.seed, "cpu_seconds": results.cpu_seconds(run)}
                curve = results.curve(run)[["step", "elbo", "gap"]]
                tables.append(curve.assign(**labels, **of_pair))
    return pd.concat(tables, ignore_index=True)


def stochastic_training(curves: pd.DataFrame, limits: Limits) -> Finding:
    """Claim 6. Whether stochastic training is slower and ends lower than analytic training.

    Parameters
    ----------
    curves : DataFrame
        As `pair_curves` gives them; both kinds are recorded at the same steps.
    limits
        Of the study.
    """
    slower, lower = (list(cases(curves, score)) for score in (soonest(limits.near), highest))
    near = [case for case in slower if case.pair.arrives(limits.near)]
    asked = [case for case in lower if case.falls]
    # At a constant rate a few are shown: far from the maximum curves go up and down by any amount.
    shown = [case for case in lower if case.is_best or case.pair.arrives(limits.near)]
    limits = replace(limits, level=1.0 - (1.0 - limits.level) / max(1, len(near) + len(asked)))
    rows = [slower_row(case, limits) for case in near]
    rows += [edge_row(case, SLOWER) for case in near if case.is_alike and case.pair.untried]
    rows.append(arriving_row(slower, limits.near))
    rows += [lower_row(case, limits) for case in asked or shown]
    rows += [edge_row(case, LOWER) for case in asked if case.is_alike and case.pair.untried]
    if not asked:
        rows.append(not_asked_row(curves))
    pairs = {case.condition: case.pair for case in (*slower, *lower)}
    numbers = {condition: _numbers(pair, limits) for condition, pair in pairs.items()}
    return Finding.by_subject(rows, _sentence(rows, limits, asked=bool(asked)), numbers)


def _numbers(pair: TrainingPair, limits: Limits) -> dict[str, object]:
    """Return by how much the analytic ELBO is ahead after parts of training, and all updates."""
    ahead = {}
    for share in _HORIZONS:
        step = max(1, round(share * pair.budget))
        ahead[str(step)] = paired(*(ends(rows, step) for rows in pair.kinds), limits.level)
    updates = {}
    for gap in limits.gaps:
        steps = [float(np.median(updates_to(rows, gap))) for rows in pair.kinds]
        updates[f"{gap:g}"] = [step if math.isfinite(step) else None for step in steps]
    return {
        "rates": list(pair.rates),
        "analytic_ahead": {step: found.to_dict() for step, found in ahead.items()},
        "updates_to_gap": updates,
    }


def _sentence(rows: Sequence[Evidence], limits: Limits, *, asked: bool) -> str:
    """Say first who is slower, then who ends lower."""
    said = verdicts_of(rows)
    ratio = max((row for row in rows if row.subject == SLOWER), key=lambda row: row.main).interval
    slower = {
        "supported": f"Each at its best rate, stochastic training takes {short(ratio.mean)} times "
        f"the updates to come within {limits.near:g} nats",
        "not supported": "Stochastic training is not slower at every rate",
        "inconclusive": "Whether stochastic training is slower stays open",
    }
    lower = {
        "supported": ", and ends lower.",
        "not supported": ", and it does not always end lower.",
        "inconclusive": "; whether it ends lower stays open.",
    }
    end = lower[said[LOWER]]
    if not asked:
        end = "; whether it ends lower is not asked at a constant rate."
    return f"{slower[said.get(SLOWER, 'inconclusive')]}{end}"
