"""Which numbers of used latents are stable: the same after twice the updates and for every seed."""

from collections.abc import Mapping, Sequence

import pandas as pd

from linvae.claims.rows import THRESHOLDS
from linvae.digits import by_number
from linvae.naming import Run
from linvae.noise import number

__all__ = ["EPSILONS", "LATENTS", "SHARE", "stability_table"]

EPSILONS = THRESHOLDS
# Latents, and share of the larger number, by which they may differ.
LATENTS = 2
SHARE = 0.1


def stability_table(
    metrics: Mapping[Run, Mapping], pairs: Sequence[tuple[str, str]]
) -> pd.DataFrame:
    """Compare runs of N updates with those of 2 N, for every seed.

    Parameters
    ----------
    metrics
        Of the runs, of which those of the pairs are taken.
    pairs
        A recipe, and the same with its schedule stretched.

    Returns
    -------
    DataFrame
        One row a recipe and noise: ``recipe``, ``noise``, ``seeds``, ``used at 0.1, N updates`` and
        ``2 N updates`` (by seed), ``largest difference`` over seeds and lengths at one threshold,
        and ``stable``: ``yes``, ``no``, or ``one seed`` where a second one could still say no.
    """
    rows = []
    for short, long in pairs:
        noises = dict.fromkeys(run.noise for run in metrics if run.model == long)
        for noise in sorted(noises, key=by_number):
            groups = [_used(metrics, name, noise) for name in (short, long)]
            if not set(groups[0].index) & set(groups[1].index):
                continue
            rows.append({"recipe": short, "noise": noise, **_judged(*groups)})
    return pd.DataFrame(rows)


def _used(metrics: Mapping[Run, Mapping], model: str, noise: str) -> pd.DataFrame:
    """Tabulate numbers of used latents, one row a seed and one column a threshold."""
    found = {
        run.seed: {epsilon: told["used_latents"][number(epsilon)] for epsilon in EPSILONS}
        for run, told in metrics.items()
        if (run.model, run.noise) == (model, noise)
    }
    return pd.DataFrame.from_dict(found, orient="index").sort_index()


def _judged(short: pd.DataFrame, long: pd.DataFrame) -> dict[str, object]:
    seeds = sorted(set(short.index) & set(long.index))
    numbers = pd.concat([short.loc[seeds], long.loc[seeds]])
    spread = numbers.max() - numbers.min()
    agree = bool((spread <= (SHARE * numbers.max()).clip(lower=LATENTS)).all())
    shown = {
        f"used at 0.1, {name}": ", ".join(str(part.loc[seed, 0.1]) for seed in seeds)
        for name, part in (("N updates", short), ("2 N updates", long))
    }
    stable = "no" if not agree else "yes" if len(seeds) > 1 else "one seed"
    return {"seeds": len(seeds), **shown, "largest difference": int(spread.max()), "stable": stable}
