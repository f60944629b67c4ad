"""Claim 6: stochastic against analytic training of the linear VAE."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from linvae.claims.claim import Claim
from linvae.claims.results import Results
from linvae.claims.verdicts import Answer, Finding, Interval, answer, both, interval, joint

__all__ = ["STOCHASTIC_TRAINING", "pair_curves", "stochastic_training"]

# Differences below these do not count: nats per datum, and a ratio of steps.
MARGIN_NATS = 0.1
MARGIN_RATIO = 1.01
GAPS = tuple(float(f"{digit}e{power}") for power in (3, 2, 1, 0, -1, -2) for digit in (5, 2, 1))
HORIZONS = (0.1, 0.3, 1.0)

STOCHASTIC_TRAINING = Claim(
    number=6,
    text="Stochastic training is slower and ends lower than analytic training at the same learning "
    "rate.",
    made_by="paper (the report says no)",
    question=1,
    section="stochastic",
    judge=lambda results: stochastic_training(pair_curves(results)),
    shown_in=("fig4",),
)


def stochastic_training(curves: pd.DataFrame) -> Finding:
    """Claim 6. Whether stochastic training is slower and ends lower at equal learning rate.

    Parameters
    ----------
    curves : DataFrame
        One row a recorded step: ``learning_rate``, ``stochastic``, ``seed``, ``step``, and the
        exact ``elbo`` and ``gap`` to the pPCA maximum, in nats. Both kinds are recorded at the same
        steps.
    """
    numbers, answers, parts = {}, [], []
    for rate, rows in curves.groupby("learning_rate"):
        found = _pair(rows)
        numbers[f"{rate:g}"] = found
        answers.append(both(found["slower"], found["ends_lower"]))
        parts.append(_pair_text(rate, found))
    general = "The claim is a general one: a learning rate at which it fails refutes it."
    text = " ".join([*parts, general if len(set(answers)) > 1 else ""]).strip()
    return Finding(joint(answers), text, numbers)


def pair_curves(results: Results) -> pd.DataFrame:
    """Tabulate the curves of all analytic and stochastic runs, one row a recorded step."""
    tables = []
    for pair in results.study.stochastic.pairs:
        for stochastic, model in zip((False, True), pair, strict=True):
            rate = results.models[model].training.learning_rate
            for run in (run for run in results.runs("stochastic") if run.model == model):
                labels = {"learning_rate": rate, "stochastic": stochastic, "seed": run.seed}
                tables.append(results.curve(run)[["step", "elbo", "gap"]].assign(**labels))
    return pd.concat(tables, ignore_index=True)


def _pair(rows: pd.DataFrame) -> dict[str, object]:
    """Compare analytic and stochastic training at one learning rate, paired by seed."""
    last = int(rows["step"].max())
    horizons = {}
    for share in HORIZONS:
        step = max(1, round(share * last))
        difference = interval(_elbo_at(rows, False, step) - _elbo_at(rows, True, step))
        lower = answer(difference, MARGIN_NATS)
        horizons[str(step)] = {"difference": difference.to_dict(), "lower": lower}
    slower, threshold, ratio = _slower(rows)
    return {
        "horizons": horizons,
        "ends_lower": horizons[str(last)]["lower"],
        "final_difference": horizons[str(last)]["difference"],
        "slower": slower,
        "gap_threshold": threshold,
        "step_ratio": ratio.to_dict() if ratio else None,
        "steps_to_gap": {f"{gap:g}": _medians(rows, gap) for gap in GAPS},
    }


def _elbo_at(rows: pd.DataFrame, stochastic: bool, step: int) -> NDArray[np.float64]:
    """Exact ELBO of every seed, in order, at the last record no later than a step."""
    chosen = rows[(rows["stochastic"] == stochastic) & (rows["step"] <= step)]
    return chosen.sort_values("step").groupby("seed")["elbo"].last().sort_index().to_numpy()


def _steps_to(rows: pd.DataFrame, stochastic: bool, gap: float) -> NDArray[np.float64]:
    """Step at which every seed comes within a gap of the maximum, between records; else inf."""
    chosen = rows[rows["stochastic"] == stochastic].sort_values("step")
    return np.array([_crossing(curve, gap) for _, curve in chosen.groupby("seed")])


def _crossing(curve: pd.DataFrame, gap: float) -> float:
    """Interpolate the first crossing linearly in log step, as records grow further apart."""
    gaps, steps = curve["gap"].to_numpy(), curve["step"].to_numpy(dtype=np.float64).clip(min=1.0)
    reached = np.flatnonzero(gaps <= gap)
    if reached.size == 0:
        return math.inf
    i = int(reached[0])
    if i == 0:
        return float(steps[0])
    share = (gaps[i - 1] - gap) / (gaps[i - 1] - gaps[i])
    return float(steps[i - 1] * (steps[i] / steps[i - 1]) ** share)


def _medians(rows: pd.DataFrame, gap: float) -> dict[str, float | None]:
    medians = [float(np.median(_steps_to(rows, kind, gap))) for kind in (False, True)]
    finite = [value if math.isfinite(value) else None for value in medians]
    return dict(zip(("analytic", "stochastic"), finite, strict=True))


def _slower(rows: pd.DataFrame) -> tuple[Answer, float | None, Interval | None]:
    """Compare the steps to the smallest gap that either kind reaches on every seed."""
    for gap in sorted(GAPS):
        steps = [_steps_to(rows, kind, gap) for kind in (False, True)]
        analytic, stochastic = (np.isfinite(values) for values in steps)
        if analytic.all() and stochastic.all():
            logs = interval(np.log(steps[1] / steps[0]))
            bounds = (None if v is None else math.exp(v) for v in (logs.low, logs.high))
            ratio = Interval(math.exp(logs.mean), *bounds, logs.n)
            return answer(ratio, MARGIN_RATIO), gap, ratio
        if analytic.all() or stochastic.all():
            if analytic.any() and stochastic.any():
                return "undecided", gap, None
            return ("yes" if analytic.all() else "no"), gap, None
    return "undecided", None, None


def _pair_text(rate: float, found: Mapping[str, object]) -> str:
    """Say for one learning rate where the paper is right, and where the report is."""
    horizons: Mapping[str, Mapping] = found["horizons"]
    differences = ", ".join(
        f"{Interval(**row['difference'])} after {step} steps" for step, row in horizons.items()
    )
    ratio = found["step_ratio"]
    if ratio:
        pace = f"{Interval(**ratio)} times the steps to a gap of {found['gap_threshold']:g} nats"
    elif found["gap_threshold"]:
        pace = f"only one kind comes within {found['gap_threshold']:g} nats on every seed"
    else:
        pace = "neither comes near the maximum"
    sides = {side: _steps_where(horizons, side) for side in ("yes", "no")}
    right = [
        f"{name} is right after {', '.join(sides[side])} steps"
        for name, side in (("the paper (lower)", "yes"), ("the report (not lower)", "no"))
        if sides[side]
    ]
    return (
        f"Learning rate {rate:g}: the analytic ELBO is ahead by {differences}, in nats; stochastic "
        f"training: {pace}. " + (f"By the ELBO {'; '.join(right)}." if right else "")
    ).strip()


def _steps_where(horizons: Mapping[str, Mapping], side: str) -> Sequence[str]:
    return [step for step, row in horizons.items() if row["lower"] == side]
