"""Claim 6: stochastic against analytic training of the linear VAE."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from linvae.claims.claim import Claim
from linvae.claims.deciding import would_decide
from linvae.claims.results import Results
from linvae.claims.verdicts import Finding, Interval, Verdict, answer, interval, joint
from linvae.digits import by_number, shown_interval
from linvae.noise import parse_noise

__all__ = ["STOCHASTIC_TRAINING", "pair_curves", "stochastic_training"]

# Shares of training after which the ELBOs are compared; the whole of it decides.
HORIZONS = (0.1, 0.3, 1.0)
# The ELBO is averaged over this last share of a horizon: at a constant rate it goes up and down.
LAST = 0.2


def _main_numbers(numbers: Mapping) -> Iterator[str]:
    for rate in sorted(numbers, key=by_number):
        if "final_difference" in numbers[rate]:
            ahead = shown_interval(numbers[rate]["final_difference"])
            yield f"rate {rate}: final ELBO, analytic less stochastic, {ahead} nats"


STOCHASTIC_TRAINING = Claim(
    number=6,
    text="Stochastic training is slower and ends lower than analytic training, at equal learning "
    "rates and each at its best.",
    made_by="paper (the report says no)",
    question=1,
    section="stochastic",
    judge=lambda results: stochastic_training(
        pair_curves(results),
        results.study.stochastic.margin,
        results.study.stochastic.ratio_margin,
        results.study.stochastic.gaps,
    ),
    shown_in=("fig4",),
    main_numbers=_main_numbers,
)


def stochastic_training(
    curves: pd.DataFrame, margin: float, ratio_margin: float, gaps: Sequence[float]
) -> Finding:
    """Claim 6. Whether stochastic training is slower and ends lower than analytic training.

    Runs are paired by seed: of a pair, start and budget agree. What would turn the verdict round:
    at some learning rate, or each kind at its best, the stochastic ELBO ending higher by the
    margin, or coming in fewer steps by the ratio within the smallest gap that either kind reaches
    on every seed: one such case refutes the claim, which is a general one. Two kinds that do not
    differ are "inconclusive".

    Parameters
    ----------
    curves : DataFrame
        One row a recorded step: ``learning_rate``, ``stochastic``, ``seed``, ``step``, and the
        exact ``elbo`` and ``gap`` to the pPCA maximum, in nats per datum. Both kinds are recorded
        at the same steps. Of the run ``model``, ``initial`` sigma^2 and ``cpu_seconds``.
    margin : float
        Differences of the ELBO below it do not count, in nats per datum.
    ratio_margin : float
        Ratios of steps below it do not count.
    gaps : sequence of float
        Distances to the pPCA maximum, in nats per datum, to which the steps are counted.
    """
    numbers, cases = {}, []
    for name, case in _cases(curves):
        found = _compare(*case, margin, ratio_margin, gaps)
        numbers[name] = found
        cases.append((name, found))
    parts: dict[str, Verdict] = {}
    for label, chosen in (("equal rates", cases[:-1]), ("each at its best rate", cases[-1:])):
        for key, said in (("ends_lower", "ends lower"), ("slower", "slower")):
            parts[f"{said}, {label}"] = joint(found[key] for _, found in chosen)
    answers = [found[key] for _, found in cases for key in ("ends_lower", "slower")]
    runs = curves.drop_duplicates(["model", "seed"])
    text = " ".join(_text(name, found, margin, runs) for name, found in cases)
    return Finding(joint(answers), text, numbers, parts)


def pair_curves(results: Results) -> pd.DataFrame:
    """Tabulate the curves of all analytic and stochastic runs, one row a recorded step."""
    tables = []
    for pair in results.study.stochastic.pairs:
        for stochastic, model in zip((False, True), pair, strict=True):
            rate = results.models[model].training.learning_rate
            for run in (run for run in results.runs("stochastic") if run.model == model):
                labels = {"learning_rate": rate, "stochastic": stochastic, "seed": run.seed}
                labels |= {"model": model, "initial": parse_noise(run.noise).variance}
                labels |= {"cpu_seconds": results.cpu_seconds(run)}
                tables.append(results.curve(run)[["step", "elbo", "gap"]].assign(**labels))
    return pd.concat(tables, ignore_index=True)


def _cases(curves: pd.DataFrame) -> Iterator[tuple[str, tuple[pd.DataFrame, pd.DataFrame]]]:
    """Give analytic and stochastic curves at each learning rate, and last each at its best."""
    kinds = {bool(kind): rows for kind, rows in curves.groupby("stochastic")}
    for rate in sorted(curves["learning_rate"].unique()):
        yield f"{rate:g}", tuple(kinds[s][kinds[s]["learning_rate"] == rate] for s in (False, True))
    best = {kind: _best_rate(rows) for kind, rows in kinds.items()}
    chosen = tuple(kinds[s][kinds[s]["learning_rate"] == best[s]] for s in (False, True))
    yield f"best: {best[False]:g} and {best[True]:g}", chosen


def _best_rate(rows: pd.DataFrame) -> float:
    """Learning rate at which one kind of training ends highest, in the mean over seeds."""
    last = int(rows["step"].max())
    ends = {rate: _ends(part, last).mean() for rate, part in rows.groupby("learning_rate")}
    return max(ends, key=ends.get)


def _compare(
    analytic: pd.DataFrame,
    stochastic: pd.DataFrame,
    margin: float,
    ratio_margin: float,
    gaps: Sequence[float],
) -> dict[str, object]:
    """Compare the two kinds, paired by seed."""
    last = int(analytic["step"].max())
    horizons = {}
    for share in HORIZONS:
        step = max(1, round(share * last))
        difference = interval(_ends(analytic, step) - _ends(stochastic, step))
        lower = answer(difference, margin, -margin)
        horizons[str(step)] = {"difference": difference.to_dict(), "lower": lower}
    paces = {f"{gap:g}": _pace(analytic, stochastic, gap, ratio_margin) for gap in sorted(gaps)}
    # From the nearest on: what training is slow in is coming near the maximum.
    counted = [row["slower"] for row in paces.values() if row["reached"]]
    rates = {*analytic["learning_rate"], *stochastic["learning_rate"]}
    return {
        "rates": sorted(map(float, rates)),
        "horizons": horizons,
        "ends_lower": horizons[str(last)]["lower"],
        "final_difference": horizons[str(last)]["difference"],
        "steps_to_gap": paces,
        "slower": counted[0] if counted else "undecided",
    }


def _ends(rows: pd.DataFrame, step: int) -> NDArray[np.float64]:
    """Mean exact ELBO of every seed, in order, over the last part of the steps up to one."""
    seen = rows[rows["step"] <= step]
    window = seen[seen["step"] > (1 - LAST) * step]
    # A sparse curve may have no record there.
    chosen = window if set(window["seed"]) == set(rows["seed"]) else seen.groupby("seed").tail(1)
    return chosen.groupby("seed")["elbo"].mean().sort_index().to_numpy()


def _pace(
    analytic: pd.DataFrame, stochastic: pd.DataFrame, gap: float, ratio_margin: float
) -> dict[str, object]:
    """Compare the steps that the two kinds take to come within a gap."""
    steps = [_steps_to(rows, gap) for rows in (analytic, stochastic)]
    reached = [np.isfinite(values) for values in steps]
    medians = [
        float(np.median(v)) if f.all() else None for v, f in zip(steps, reached, strict=True)
    ]
    row = {"analytic": medians[0], "stochastic": medians[1], "ratio": None}
    row |= {"reached": bool(reached[0].all() or reached[1].all()), "slower": "undecided"}
    if row["reached"] and reached[0].any() and reached[1].any():
        # What has not arrived takes as many steps as were made, at least.
        steps = [values.clip(max=analytic["step"].max()) for values in steps]
        logs = interval(np.log(steps[1] / steps[0]))
        bounds = (None if v is None else math.exp(v) for v in (logs.low, logs.high))
        row["ratio"] = Interval(math.exp(logs.mean), *bounds, logs.n).to_dict()
        found = answer(logs, math.log(ratio_margin), -math.log(ratio_margin))
        # A bound from below on one kind's steps shows it to be slower, and not faster.
        possible = {"yes": reached[0].all(), "no": reached[1].all()}
        row["slower"] = found if possible.get(found, False) else "undecided"
    elif reached[0].all() and not reached[1].any():
        row["slower"] = "yes"
    elif reached[1].all() and not reached[0].any():
        row["slower"] = "no"
    return row


def _steps_to(rows: pd.DataFrame, gap: float) -> NDArray[np.float64]:
    """Step at which every seed comes within a gap of the maximum, between records; else inf."""
    ordered = rows.sort_values("step")
    return np.array([_crossing(curve, gap) for _, curve in ordered.groupby("seed")])


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


def _text(name: str, found: Mapping[str, object], margin: float, runs: pd.DataFrame) -> str:
    """Say for one case by how much the two kinds differ, and whose impression it gives when."""
    horizons: Mapping[str, Mapping] = found["horizons"]
    differences = ", ".join(
        f"{Interval(**row['difference'])} after {step} steps" for step, row in horizons.items()
    )
    paces = ", ".join(
        f"{gap} nats: {_pace_text(row)}"
        for gap, row in found["steps_to_gap"].items()
        if row["reached"]
    )
    sides = {"yes": "the paper's (lower)", "no": "the report's (not lower)"}
    seen = [
        f"{sides[row['lower']]} after {step}"
        for step, row in horizons.items()
        if row["lower"] in sides
    ]
    last = Interval(**found["final_difference"])
    compared = runs[runs["learning_rate"].isin(found["rates"])]
    return (
        f"Learning rate {name}: the analytic ELBO, averaged over the last fifth, is ahead by "
        f"{differences} (nats; {margin:g} count). "
        + (f"Impression: {'; '.join(seen)}. " if seen else "")
        + (f"Steps of stochastic training over those of analytic, to {paces}. " if paces else "")
        + (
            f"Who ends higher is {would_decide(last, margin, 'nats', compared)}."
            if found["ends_lower"] == "undecided"
            else ""
        )
    ).strip()


def _pace_text(row: Mapping[str, object]) -> str:
    if row["ratio"]:
        return str(Interval(**row["ratio"]))
    only = {"yes": "analytic alone arrives", "no": "stochastic alone arrives"}
    return only.get(row["slower"], "not on every seed")
