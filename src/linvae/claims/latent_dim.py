"""Claim 5: what more latents do to the likelihood at a noise variance that is held."""

from collections.abc import Mapping

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.results import Results
from linvae.claims.verdicts import Finding, joint

__all__ = ["LIKELIHOOD_OVER_LATENTS", "likelihood_over_latents"]


def _from_results(results: Results) -> Finding:
    section, names = results.study.latent_dim, results.names
    paths = zip(section.data, section.evidence(names), strict=True)
    tables = {names.data(variant): results.table(path) for variant, path in paths}
    return likelihood_over_latents(tables, section.fixed_at)


LIKELIHOOD_OVER_LATENTS = Claim(
    number=5,
    text="At the maximum-likelihood sigma^2 of fewer latents, the likelihood rises past their "
    "number and then falls.",
    made_by="paper, report",
    question=1,
    section="latent_dim",
    judge=_from_results,
    shown_in=("fig6",),
)


def likelihood_over_latents(tables: Mapping[str, pd.DataFrame], fixed_at: int) -> Finding:
    """Claim 5. Whether the likelihood at a held noise variance rises past its k, then falls.

    Parameters
    ----------
    tables
        By data name, columns ``n_latent`` and ``fixed_log_likelihood`` for every k.
    fixed_at
        k whose noise variance is held.
    """
    numbers, answers, parts = {}, [], []
    for data, table in tables.items():
        values = table.set_index("n_latent")["fixed_log_likelihood"]
        peak = int(values.idxmax())
        rise = float(values[peak] - values[fixed_at])
        fall = float(values[peak] - values.iloc[-1])
        last = int(values.index[-1])
        numbers[data] = {"peak": peak, "rise": rise, "fall": fall, "last": last}
        answers.append("yes" if fixed_at < peak < last else "no")
        parts.append(f"{data}: +{rise:.4g} nats up to k = {peak}, then -{fall:.4g} by k = {last}")
    verdict = joint(answers) if len(set(answers)) == 1 else "inconclusive"
    text = f"From k = {fixed_at}, in closed form, {'; '.join(parts)}."
    return Finding(verdict, text, numbers)
