"""Claim 14: what stationary points the ELBO of the linear VAE adds to those of the likelihood."""

from collections.abc import Iterator, Mapping

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.spurious_maxima import FLAT, REACHED_NATS, STATIONARY, outcomes
from linvae.claims.verdicts import Finding
from linvae.digits import by_number, short, significant

__all__ = ["ADDED_SADDLES", "added_saddles"]

# Length of the likelihood's gradient where it is not stationary: a hundred times what is zero.
NOT_STATIONARY = 100 * STATIONARY


def _main_numbers(numbers: Mapping) -> Iterator[str]:
    found = {key: row for key, row in numbers.items() if key.startswith("k=")}
    for key in sorted(found, key=by_number):
        yield f"{key}: {short(found[key]['gap'])} below"


ADDED_SADDLES = Claim(
    number=14,
    text="The ELBO adds saddle points to the likelihood's, but no maxima: from the maximum rotated "
    "by Hadamard matrices L-BFGS without rotations stops at one, and ends at the maximum if it "
    "follows a direction of ascent from there.",
    made_by="this project",
    question=2,
    section="saddles",
    judge=lambda results: added_saddles(results.table(results.study.saddles.table(results.names))),
    shown_in=("fig16",),
    main_numbers=_main_numbers,
)


def added_saddles(points: pd.DataFrame) -> Finding:
    """Claim 14. Whether points that are stationary for the ELBO alone are saddle points.

    The points follow from the spectrum, exactly: there is no interval. What would turn the verdict:
    a stationary point below the maximum, first met or at the end of a way on, from which no
    direction rises. Where no point was met that is stationary for the ELBO and not for the
    likelihood nothing was added as far as was seen, and where an end is still below the maximum and
    climbing the second half is open: both are inconclusive.

    Parameters
    ----------
    points : DataFrame
        As `linvae.landscape.saddle_climbs.saddle_climbs` gives it.
    """
    first = outcomes(points["gap"], points["gradient"], points["curvature"])
    end = outcomes(points["end_gap"], points["end_gradient"], points["end_curvature"])
    added = (first == "saddle point") & (points["likelihood_gradient"] > NOT_STATIONARY)
    numbers = {f"k={k}": _numbers(rows) for k, rows in points.groupby("n_latent")} | {
        "margin": REACHED_NATS,
        "curvature_margin": FLAT,
    }
    text = " ".join(_sentence(int(k), rows) for k, rows in points.groupby("n_latent"))
    if "maximum below" in {*first, *end}:
        reason = "A stationary point below the maximum has no direction of ascent."
        return Finding("not supported", f"{text} {reason}", numbers)
    if not added.any():
        reason = "No point was met that is stationary for the ELBO and not for the likelihood."
        return Finding("inconclusive", f"{text} {reason}", numbers)
    if not (added | (first == "at the maximum")).all() or (end != "at the maximum").any():
        reason = "Not every climb had ended; more iterations would decide."
        return Finding("inconclusive", f"{text} {reason}", numbers)
    n = int(points.loc[added, "n_latent"].nunique())
    reason = f"The {n} saddle points are the ELBO's own, and every way on ends at the maximum."
    return Finding("supported", f"{text} {reason}", numbers)


def _numbers(rows: pd.DataFrame) -> dict[str, object]:
    told = rows.iloc[0]
    names = ("gap", "predicted_gap", "marginal_gap", "gradient", "likelihood_gradient")
    return {
        **{name: float(told[name]) for name in names},
        "curvature": None if pd.isna(told["curvature"]) else float(told["curvature"]),
        "turning_curvature": float(told["turning_curvature"]),
        "end_gap": float(rows["end_gap"].max()),
        "saddles": int(rows["saddles"].max()),
        "iterations": int(rows["iterations"].max()),
    }


def _sentence(n_latent: int, rows: pd.DataFrame) -> str:
    row = _numbers(rows)
    bent = (
        ""
        if row["curvature"] is None
        else (
            f", gradient {row['gradient']:.1g} (likelihood: {row['likelihood_gradient']:.2g}), "
            f"largest curvature {row['curvature']:.2g} (by theory above "
            f"{row['turning_curvature']:.2g})"
        )
    )
    return (
        f"At k = {n_latent} L-BFGS stops {significant(row['gap'])} nats below the maximum "
        f"({significant(row['marginal_gap'])} of them marginal; closed form "
        f"{significant(row['predicted_gap'])}){bent}; followed both ways it ends "
        f"{significant(row['end_gap'], 2)} below or nearer."
    )
