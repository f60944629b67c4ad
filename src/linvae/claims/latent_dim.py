"""Claim 5: what more latents do to the likelihood at a noise variance that is held."""

from collections.abc import Iterator, Mapping

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.results import Results
from linvae.claims.verdicts import Answer, Finding, joint
from linvae.digits import short, significant

__all__ = ["LIKELIHOOD_OVER_LATENTS", "likelihood_over_latents"]


def _from_results(results: Results) -> Finding:
    section, names = results.study.latent_dim, results.names
    paths = zip(section.data, section.evidence(names), strict=True)
    tables = {names.data(variant): results.table(path) for variant, path in paths}
    return likelihood_over_latents(tables, section.fixed_at, section.margin)


def _main_numbers(numbers: Mapping) -> Iterator[str]:
    for data, row in numbers.items():
        yield (
            f"{data}: {short(row['rise'])} nats up to k = {row['peak']}, then "
            f"{short(row['fall'])} down by k = {row['last']}"
        )


LIKELIHOOD_OVER_LATENTS = Claim(
    number=5,
    text="At the maximum-likelihood sigma^2 of fewer latents, the likelihood rises past their "
    "number and then falls.",
    made_by="paper, report",
    question=1,
    section="latent_dim",
    judge=_from_results,
    shown_in=("fig6",),
    main_numbers=_main_numbers,
)


def likelihood_over_latents(
    tables: Mapping[str, pd.DataFrame], fixed_at: int, margin: float
) -> Finding:
    """Claim 5. Whether the likelihood at a held noise variance rises past its k, then falls.

    The values are exact and have no interval. What would turn the verdict round: a likelihood that
    only rises, or only falls, by more than the margin on some data.

    Parameters
    ----------
    tables
        By data name, columns ``n_latent`` and ``fixed_log_likelihood`` for every k.
    fixed_at
        k whose noise variance is held.
    margin
        A rise or a fall below it is none, in nats per datum.
    """
    numbers, answers, parts = {}, [], []
    for data, table in tables.items():
        values = table.set_index("n_latent")["fixed_log_likelihood"]
        # From the held k on: what lies before it says nothing of the claim.
        values = values[values.index >= fixed_at]
        peak, last = int(values.idxmax()), int(values.index[-1])
        rise = float(values[peak] - values[fixed_at])
        fall = float(values[peak] - values[last])
        numbers[data] = {"peak": peak, "rise": rise, "fall": fall, "last": last}
        answers.append(_rises_and_falls(rise, fall, margin))
        parts.append(
            f"{data}: {significant(rise)} nats up to k = {peak}, then "
            f"{significant(fall)} down by k = {last}"
        )
    text = f"From k = {fixed_at}, in closed form, {'; '.join(parts)}."
    return Finding(joint(answers), text, numbers)


def _rises_and_falls(rise: float, fall: float, margin: float) -> Answer:
    if rise > margin and fall > margin:
        return "yes"
    return "no" if max(rise, fall) > margin else "undecided"
