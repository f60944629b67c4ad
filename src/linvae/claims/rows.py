"""The row that a run makes in a table: what verdicts and table 1 need of its files."""

from collections.abc import Mapping

from linvae.measure.splits import SPLITS
from linvae.naming import Run
from linvae.noise import number, parse_noise

__all__ = ["COPIED", "THRESHOLDS", "deep_row", "linear_row", "used_row"]

# Thresholds of the KL, in nats, at which statements on numbers of used latents must agree.
THRESHOLDS = (0.03, 0.1, 0.3)

# Of the metrics of deep VAEs, under their own names.
COPIED = (
    "elbo",
    "above_linear",
    "linear_bound",
    "linear_elbo",
    "test_linear_elbo",
    "noise_variance",
    "largest_eigenvalue",
    "kl",
    "tuned_elbo",
    "tuned_noise_variance",
    "test_elbo",
    "test_above_linear",
    "elbo_optimised",
    "test_elbo_optimised",
    "log_likelihood",
    "test_log_likelihood",
    "amortisation_gap",
    "test_amortisation_gap",
    "approximation_gap",
    "test_approximation_gap",
    "test_inference_gap",
    "unreliable_data",
    "test_unreliable_data",
)


def linear_row(run: Run, metrics: Mapping) -> dict[str, object]:
    """Return the row of a run with a linear decoder: its metrics, and what run it is.

    Parameters
    ----------
    run, metrics
        A run and its ``metrics.json``.
    """
    return {**metrics, "model": run.model, "n_latent": run.n_latent, "seed": run.seed}


def deep_row(run: Run, metrics: Mapping, epsilon: float) -> dict[str, object]:
    """Return the row of a run with a deep decoder.

    Parameters
    ----------
    run, metrics
        A run and its ``metrics.json``.
    epsilon
        Threshold of collapse, in nats.
    """
    noise, key = parse_noise(run.noise), number(epsilon)
    return {
        "model": run.model,
        "data": run.data,
        "n_latent": run.n_latent,
        "kind": noise.kind,
        "initial": noise.variance,
        "seed": run.seed,
        "collapse": metrics["collapse_percent"][key],
        "used": metrics["used_latents"][key],
        "test_collapse": metrics["test_collapse_percent"][key],
        "test_used": metrics["test_used_latents"][key],
        "predicted": metrics["predicted_inactive_percent"],
        **{name: metrics[name] for name in COPIED},
    }


def used_row(metrics: Mapping) -> dict[str, float]:
    """Return the percentage of the latents that a deep run uses, by split and threshold.

    Columns ``used_0.03``, ``test_used_0.03`` and so on, for each of `THRESHOLDS`.
    """
    return {
        f"{prefix}used_{number(epsilon)}": 100.0
        - metrics[f"{prefix}collapse_percent"][number(epsilon)]
        for prefix in SPLITS.values()
        for epsilon in THRESHOLDS
    }
