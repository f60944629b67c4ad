"""Claims 8 to 10: what the observation noise decides in deep Gaussian VAEs.

Each verdict takes one row a run. Columns of the runs: ``kind`` (fixed or learned), ``initial``
(noise variance at the start), ``noise_variance`` (at the end), ``seed``, ``elbo`` and
``linear_bound`` in nats, ``collapse`` and ``predicted`` in percent.
"""

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.results import Results
from linvae.claims.rows import deep_row
from linvae.claims.trends import (
    by_seed,
    correlation,
    extremes,
    mean_absolute_error,
    rank_correlation,
)
from linvae.claims.verdicts import Answer, Finding, Interval, answer, both, interval

__all__ = [
    "CLOSE_NATS",
    "COLLAPSE_GROWS",
    "INITIAL_VALUE_DECIDES",
    "PREDICTED",
    "collapse_grows",
    "deep_runs",
    "initial_value_decides",
    "near_optimum",
    "predicted",
]

# How far below the linear bound a run may end and still count as near its optimum: what sampling
# and an encoder that is not the best one cost.
CLOSE_NATS = 10.0
MARGIN_NATS = 1.0
MARGIN_POINTS = 1.0
GOOD_POINTS = 10.0
SIGNIFICANCE = 0.05

_VERDICT = {"yes": "supported", "no": "not supported", "undecided": "inconclusive"}


def deep_runs(results: Results, *sections: str) -> pd.DataFrame:
    """Tabulate the deep runs of some sections, one row a run, each once."""
    runs = dict.fromkeys(run for name in sections for run in results.runs(name))
    epsilon = results.measurement.epsilon
    return pd.DataFrame([deep_row(run, results.metrics(run), epsilon) for run in runs])


def near_optimum(runs: pd.DataFrame) -> pd.Series:
    """Whether each run ended near or above the linear bound, which its optimum exceeds."""
    return runs["elbo"] >= runs["linear_bound"] - CLOSE_NATS


COLLAPSE_GROWS = Claim(
    number=8,
    text="With sigma^2 fixed, the collapse of the deep VAE grows with sigma^2.",
    made_by="paper, report",
    question=4,
    section="collapse",
    judge=lambda results: collapse_grows(deep_runs(results, "collapse")),
    shown_in=("fig8", "table1"),
)


def collapse_grows(runs: pd.DataFrame) -> Finding:
    """Claim 8. Whether collapse grows with a fixed noise variance: rank correlation, by seed."""
    fixed = runs[runs["kind"] == "fixed"]
    everywhere = by_seed(fixed, rank_correlation, bound=1.0)
    converged = by_seed(fixed[near_optimum(fixed)], rank_correlation, bound=1.0)
    numbers = {
        "by_noise_variance": _by_initial(fixed, ("collapse", "elbo")),
        "rank_correlation": _json(everywhere),
        "rank_correlation_near_optimum": _json(converged),
        **_counts(fixed),
    }
    means = fixed.groupby("initial")["collapse"].mean()
    text = (
        f"Collapse goes from {means.iloc[0]:.3g} % at sigma^2 = {means.index[0]:g} to "
        f"{means.iloc[-1]:.3g} % at {means.index[-1]:g}; rank correlation with sigma^2 "
        f"{_told(everywhere)}, of the runs near their optimum {_told(converged)}. {_short(fixed)}"
    )
    found = answer(everywhere, 0.0) if everywhere else "undecided"
    if converged and answer(converged, 0.0) == "no" and found == "yes":
        found, text = "undecided", f"{text} Runs near their optimum do not show the trend."
    return _judged(found, text, numbers, fixed)


INITIAL_VALUE_DECIDES = Claim(
    number=9,
    text="With sigma^2 learned, its initial value still decides collapse and final ELBO.",
    made_by="paper, report",
    question=4,
    section="collapse",
    judge=lambda results: initial_value_decides(deep_runs(results, "collapse")),
    shown_in=("fig7", "table1"),
)


def initial_value_decides(runs: pd.DataFrame) -> Finding:
    """Claim 9. Whether runs that learn the noise variance still depend on where it started.

    By the difference between the two initial values with the highest and lowest mean, paired by
    seed, and by the F test of all initial values, seeds being the replicates.
    """
    learned = runs[runs["kind"] == "learned"]
    numbers: dict[str, object] = {
        "by_initial_value": _by_initial(learned, ("elbo", "collapse", "noise_variance")),
        **_counts(learned),
    }
    answers, parts = [], []
    for name, margin, unit in (
        ("elbo", MARGIN_NATS, "nats of ELBO"),
        ("collapse", MARGIN_POINTS, "percentage points of collapse"),
    ):
        spread, p_value = extremes(learned, name)
        decides = answer(spread, margin) if spread else "undecided"
        if decides == "yes" and (p_value is None or p_value >= SIGNIFICANCE):
            decides = "undecided"
        numbers[name] = {"spread": _json(spread), "p_value": p_value, "decides": decides}
        p_told = "" if p_value is None else f" (F test: p = {p_value:.2g})"
        parts.append(f"{_told(spread)} {unit}{p_told}")
        answers.append(decides)
    text = (
        f"The initial values that end furthest apart differ by {' and '.join(parts)}; "
        f"{_short(learned)}"
    )
    return _judged(both(*answers), text, numbers, learned)


PREDICTED = Claim(
    number=10,
    text="The number of lambda_i <= sigma^2 predicts the collapse of the deep VAE.",
    made_by="paper",
    question=4,
    section="collapse",
    judge=lambda results: predicted(deep_runs(results, "collapse")),
    shown_in=("fig11",),
)


def predicted(runs: pd.DataFrame) -> Finding:
    """Claim 10. Whether the share of lambda_i <= sigma^2 predicts collapse.

    By the mean absolute error in percentage points and the correlation, over the noise variances
    of each seed; for all runs with fixed noise, and for those near their optimum.
    """
    fixed, learned = (runs[runs["kind"] == kind] for kind in ("fixed", "learned"))
    groups = {"all": fixed, "near_optimum": fixed[near_optimum(fixed)], "learned": learned}
    numbers: dict[str, object] = {}
    answers: dict[str, Answer] = {}
    parts = []
    for name, rows in groups.items():
        error = by_seed(rows, mean_absolute_error)
        linked = by_seed(rows, correlation, bound=1.0)
        numbers[name] = {"mean_absolute_error": _json(error), "correlation": _json(linked)}
        label = {"all": "fixed sigma^2", "near_optimum": "those near their optimum"}.get(name, name)
        parts.append(f"{label}: error {_told(error)} points, correlation {_told(linked)}")
        answers[name] = _predicts(error, linked)
    numbers |= {"by_noise_variance": _by_initial(fixed, ("collapse", "predicted"))}
    numbers |= _counts(fixed)
    found = answers["all"] if answers["all"] == answers["near_optimum"] else "undecided"
    text = f"{'; '.join(parts)}. {_short(fixed)}"
    if "undecided" not in answers.values() and found == "undecided":
        text += " The two groups with fixed sigma^2 disagree."
    return _judged(found, text, numbers, fixed)


def _predicts(error: Interval | None, linked: Interval | None) -> Answer:
    if error is None or linked is None:
        return "undecided"
    opposite: dict[Answer, Answer] = {"yes": "no", "no": "yes", "undecided": "undecided"}
    return both(opposite[answer(error, GOOD_POINTS)], answer(linked, 0.0))


def _judged(found: Answer, text: str, numbers: dict[str, object], runs: pd.DataFrame) -> Finding:
    """Give a verdict, unless most runs are too far from their optimum to say anything."""
    if not near_optimum(runs).mean() > 0.5:
        reason = f"Most runs ended more than {CLOSE_NATS:g} nats below the linear bound: too short."
        return Finding("inconclusive", f"{text} {reason}", numbers)
    return Finding(_VERDICT[found], text, numbers)


def _by_initial(runs: pd.DataFrame, names: tuple[str, ...]) -> dict[str, dict]:
    return {
        f"{initial:g}": {name: interval(rows[name]).to_dict() for name in names}
        for initial, rows in runs.groupby("initial")
    }


def _counts(runs: pd.DataFrame) -> dict[str, int]:
    below = int((runs["elbo"] < runs["linear_bound"]).sum())
    return {"n_runs": len(runs), "n_below_bound": below, "n_near": int(near_optimum(runs).sum())}


def _short(runs: pd.DataFrame) -> str:
    counts = _counts(runs)
    return f"{counts['n_below_bound']} of {counts['n_runs']} runs ended below the linear bound."


def _json(found: Interval | None) -> dict | None:
    return found.to_dict() if found else None


def _told(found: Interval | None) -> str:
    return str(found) if found else "unknown (too few seeds or noise variances)"
