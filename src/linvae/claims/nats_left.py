"""Claim 13: nats that the residual spectrum says are left can be had; wider networks leave less.

What would turn the verdict: where the certificate says that nats are left, a run with its bypass
grafted that ends below one that goes on without, by the margin and its interval, on train or on
test; grafted latents that end unused; or a largest eigenvalue of the residuals that rises with the
networks' width. A difference that stays open is none: the certificate promises its nats at once,
and not that going on without a bypass does not find as many.
"""

from collections.abc import Iterator, Mapping

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.deciding import side, would_decide
from linvae.claims.pooled import PooledCells
from linvae.claims.results import Results
from linvae.claims.verdicts import Answer, Finding, Interval, Verdict, joint
from linvae.claims.widths import falls_with_width, width_runs
from linvae.digits import by_number, rounded, shown_interval, significant
from linvae.faults import KEY
from linvae.measure.splits import SPLITS
from linvae.naming import Run
from linvae.noise import number, parse_noise
from linvae.settings.arms import ARMS
from linvae.settings.margins import Margins

__all__ = ["NATS_CAN_BE_HAD", "nats_can_be_had", "nats_left"]

# Shares of the grafted latents: with the first alive they are, below the second they are not.
ALIVE, DEAD = 0.9, 0.5
# What counts as left: as many nats, and standard errors.
LEFT_NATS, LEFT_ERRORS = 1.0, 3.0
_CELL = ["model", "initial"]


def nats_left(gain: float, error: float) -> bool:
    """Whether a measured gain says that training has failed to find it."""
    return gain > max(LEFT_NATS, LEFT_ERRORS * error)


def _from_results(results: Results) -> Finding:
    rows = (_row(results, run) for run in results.runs("grafts"))
    found = nats_can_be_had(pd.DataFrame([row for row in rows if row]), results.margins)
    widths = falls_with_width(width_runs(results), results.margins)
    verdicts = {found.verdict, widths.verdict}
    return Finding(
        # Refuted by one part, supported by both.
        "not supported" if "not supported" in verdicts else max(verdicts, key=_doubt),
        f"{found.explanation} {widths.explanation}",
        {"grafts": found.numbers, "widths": widths.numbers},
        found.verdicts | widths.verdicts,
    )


def _doubt(verdict: Verdict) -> bool:
    return verdict == "inconclusive"


def _row(results: Results, run: Run) -> dict[str, object]:
    """Return the row of a run that was trained on, as `nats_can_be_had` takes it.

    It is empty where an arm could not be measured.
    """
    section, metrics = results.study.grafts, results.metrics(run)
    arms = {arm: results.values(section.file(run, arm)) for arm in ARMS}
    if any(KEY in values for values in arms.values()):
        return {}
    grafted = arms["certificate"]
    row = {
        "model": run.model,
        "initial": parse_noise(run.noise).variance,
        "seed": run.seed,
        "cpu_seconds": results.cpu_seconds(run),
    }
    for prefix in SPLITS.values():
        elbo, start = f"{prefix}elbo", f"{prefix}start_elbo"
        row |= {
            f"{prefix}gain": metrics[f"{prefix}residual_gain"],
            f"{prefix}gain_error": metrics[f"{prefix}residual_gain_error"],
            f"{prefix}above_none": grafted[elbo] - arms["none"][elbo],
            f"{prefix}above_random": grafted[elbo] - arms["random"][elbo],
            f"{prefix}at_once": grafted[start] - arms["none"][start],
            f"{prefix}alive": _share(grafted[f"{prefix}grafted_used"], grafted["grafted"]),
        }
    return row


def _share(n_used: int, n_grafted: int) -> float:
    """Share of the grafted latents that are in use; a mere shift has none that could die."""
    return n_used / n_grafted if n_grafted else 1.0


def _main_numbers(numbers: Mapping) -> Iterator[str]:
    for recipe, row in numbers.get("grafts", {}).items():
        for variance in sorted(row, key=by_number):
            parts = (
                f"{split} {shown_interval(row[variance][split]['above_none'])}"
                for split in ("train", "test")
                if split in row[variance]
            )
            yield f"{recipe} at {variance}: {', '.join(parts)} above going on without"


NATS_CAN_BE_HAD = Claim(
    number=13,
    text="Where the residual spectrum says that nats are left, they can be had: with a linear "
    "bypass grafted and trained on, a run ends above one that goes on without it for the same "
    "updates, the grafted latents alive; and the largest residual eigenvalue falls with the "
    "networks' width at equal updates.",
    made_by="Z. Li (2026), this project",
    question=4,
    section="grafts",
    judge=_from_results,
    main_numbers=_main_numbers,
)


def nats_can_be_had(runs: pd.DataFrame, margins: Margins) -> Finding:
    """Claim 13, of the grafts. Whether those by the certificate end above runs without.

    Parameters
    ----------
    runs : DataFrame
        One row a run that was trained on: ``model``, ``initial``, ``seed``, ``cpu_seconds``, and
        for either split, the latter with the prefix ``test_``, ``gain`` and ``gain_error`` of its
        certificate, ``above_none`` and ``above_random`` (ELBO of the graft minus those of the
        others at the end), ``at_once`` (minus that without, at the start) and ``alive`` (share of
        the grafted latents in use).
    margins
        Of the study.
    """
    pooled = {
        f"{prefix}{name}": PooledCells.of(runs, f"{prefix}{name}", _CELL)
        for prefix in SPLITS.values()
        for name in ("above_none", "above_random")
    }
    answers: dict[str, list[Answer]] = {}
    parts, numbers = [], {}
    for (model, variance), rows in runs.groupby(_CELL, sort=False):
        # A recipe's verdict rests on both splits of all its cells.
        n = len(SPLITS) * runs.loc[runs["model"] == model, "initial"].nunique()
        found = {
            split: _on_split(rows, prefix, pooled, margins, n) for split, prefix in SPLITS.items()
        }
        given = [case["answer"] for case in found.values() if case["left"]]
        answers.setdefault(str(model), []).extend(given)
        numbers.setdefault(str(model), {})[number(variance)] = found
        told = "; ".join(
            f"{split} {_sentence(case, rows, margins)}" for split, case in found.items()
        )
        parts.append(f"{model} at sigma^2 = {number(variance)}: {told}.")
    every = [answer for given in answers.values() for answer in given]
    verdicts = {model: joint(given) for model, given in answers.items()}
    return Finding(joint(every), " ".join(parts), numbers, verdicts)


def _on_split(
    rows: pd.DataFrame, prefix: str, pooled: Mapping[str, PooledCells], margins: Margins, n: int
) -> dict[str, object]:
    """Judge one cell on one split: nats left, nats had, latents alive."""
    cell = tuple(rows[_CELL].iloc[0])
    above, random = (
        pooled[f"{prefix}{name}"].mean(cell, margins.level, n)
        for name in ("above_none", "above_random")
    )
    means = {
        name: float(rows[f"{prefix}{name}"].mean())
        for name in ("gain", "gain_error", "at_once", "alive")
    }
    where, alive = side(above, margins.elbo, margins.none), means["alive"]
    answer: Answer = "undecided"
    if where == "below" or alive < DEAD:
        answer = "no"
    elif where == "above" and alive >= ALIVE:
        answer = "yes"
    return {
        "answer": answer,
        "left": nats_left(means["gain"], means["gain_error"]),
        "above_none": above.to_dict(),
        "above_random": random.to_dict(),
        **means,
    }


def _sentence(case: Mapping, rows: pd.DataFrame, margins: Margins) -> str:
    above, random = (Interval(**case[name]) for name in ("above_none", "above_random"))
    text = f"{rounded(case['gain'], case['gain_error'])} nats left"
    if not case["left"]:
        return f"{text}: nothing to be had"
    text += (
        f", {significant(case['at_once'])} had at once; at the end the graft is above going on "
        f"without by {above} nats and above a random bypass by {random}, "
        f"{100 * case['alive']:.0f} % of its latents in use"
    )
    if case["answer"] != "undecided" or side(above, margins.elbo, margins.none) != "open":
        return text
    return f"{text} ({would_decide(above, margins.elbo, 'nats', rows)})"
