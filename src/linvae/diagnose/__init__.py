"""Is a VAE's collapse its optimum or its training? For any VAE with Gaussian observation noise."""

from linvae.diagnose.diagnosis import Diagnosis, Split
from linvae.diagnose.remedy import revive
from linvae.diagnose.run import diagnose
from linvae.diagnose.theorem import CollapseBound, collapse_bound
from linvae.losses.probing import noise_variance_of
from linvae.losses.reductions import NoiseRange, implied_noise_variance, noise_variance_for

__all__ = [
    "CollapseBound",
    "Diagnosis",
    "NoiseRange",
    "Split",
    "collapse_bound",
    "diagnose",
    "implied_noise_variance",
    "noise_variance_for",
    "noise_variance_of",
    "revive",
]
