"""Deep runs of the study, and the row that each makes in a table."""

from collections.abc import Mapping

from linvae.naming import Run
from linvae.noise import NoiseName, number, parse_noise

__all__ = ["deep_row", "section_runs"]

_COPIED = (
    "elbo",
    "linear_bound",
    "noise_variance",
    "largest_eigenvalue",
    "kl",
    "tuned_elbo",
    "tuned_noise_variance",
)


def section_runs(study: Mapping[str, Mapping | None], name: str, dataset: str) -> list[Run]:
    """Return the runs of a section with deep models; none if it is left out.

    Parameters
    ----------
    study
        As in the configuration.
    name
        ``collapse``, ``annealing`` or ``optimisation``.
    dataset
        The dataset's name in paths.
    """
    section, collapse = study[name], study["collapse"]
    if section is None:
        return []
    varied = name != "collapse"
    data = f"{dataset}-{collapse['data']}"
    return [
        Run(model, data, collapse["n_latent"], str(NoiseName(kind, variance)), seed)
        for model in (section["models"] if varied else (section["model"],))
        for kind in (("fixed",) if varied else ("fixed", "learned"))
        for variance in section["noise_variances"]
        for seed in section["seeds"]
    ]


def deep_row(run: Run, metrics: Mapping, epsilon: float) -> dict[str, object]:
    """Return a run's row: what `linvae.claims.deep` and table 1 need of its metrics.

    Parameters
    ----------
    run, metrics
        A run and its ``metrics.json``.
    epsilon
        Threshold of collapse, in nats.
    """
    noise, test = parse_noise(run.noise), metrics["test"]
    return {
        "model": run.model,
        "kind": noise.kind,
        "initial": noise.variance,
        "seed": run.seed,
        "collapse": metrics["collapse_percent"][number(epsilon)],
        "test_elbo": test["elbo"],
        "test_collapse": test["collapse_percent"][number(epsilon)],
        "predicted": metrics["predicted_inactive_percent"],
        **{name: metrics[name] for name in _COPIED},
    }
