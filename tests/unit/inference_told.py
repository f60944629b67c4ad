"""What a deep run's metrics say of inference, for runs that are made up."""

from linvae.measure.splits import SPLITS

__all__ = ["with_gaps"]


def with_gaps(metrics: dict, amortisation: float = 2.0, approximation: float = 1.0) -> dict:
    """Add the gaps of both splits to metrics that have ``elbo`` and ``test_elbo``."""
    told = dict(metrics)
    for prefix in SPLITS.values():
        elbo = metrics[f"{prefix}elbo"]
        gaps = {
            "amortisation_gap": amortisation,
            "approximation_gap": approximation,
            "inference_gap": amortisation + approximation,
            "elbo_optimised": elbo + amortisation,
            "log_likelihood": elbo + amortisation + approximation,
            "unreliable_data": 4,
        }
        told |= {f"{prefix}{name}": value for name, value in gaps.items()}
    return told
