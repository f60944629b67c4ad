"""What is measured of a model with a linear decoder, during training and at its end."""

import numpy as np
from numpy.typing import NDArray

from linvae.linear import alignment, elbo, ppca
from linvae.linear.spectrum import Spectrum
from linvae.weights import LinearWeights

__all__ = ["measure_decoder", "measure_linear", "measure_subspace"]


def measure_linear(
    model: LinearWeights, spectrum: Spectrum, *, noise_fixed: bool
) -> dict[str, float]:
    """ELBO, likelihood, gaps (nats per datum) and alignment of a linear VAE.

    Parameters
    ----------
    noise_fixed
        Whether the pPCA maximum is taken at the model's noise variance or over all.
    """
    exact = elbo.analytic(
        model.weights, model.encoder, model.posterior_variance, model.noise_variance, spectrum
    )
    return measure_decoder(
        model.weights, model.noise_variance, exact, spectrum, noise_fixed=noise_fixed
    )


def measure_decoder(
    weights: NDArray[np.float64],
    noise_variance: float,
    exact_elbo: float,
    spectrum: Spectrum,
    *,
    noise_fixed: bool,
) -> dict[str, float]:
    """Do the same for a linear decoder with any encoder, given the model's exact ELBO."""
    log_likelihood = ppca.log_likelihood(weights, noise_variance, spectrum)
    fixed = noise_variance if noise_fixed else None
    best = ppca.max_log_likelihood(spectrum, weights.shape[1], noise_variance=fixed)
    return {
        "elbo": exact_elbo,
        "log_likelihood": log_likelihood,
        "ppca_max": best,
        "gap": best - exact_elbo,
        "marginal_gap": best - log_likelihood,
        "inference_gap": log_likelihood - exact_elbo,
        **measure_subspace(weights, spectrum),
    }


def measure_subspace(weights: NDArray[np.float64], spectrum: Spectrum) -> dict[str, float]:
    """How well the columns of W match the principal components, and span their subspace."""
    components = spectrum.eigenvectors[:, : weights.shape[1]]
    return {
        "mean_abs_cos": alignment.mean_abs_cos(weights, spectrum.eigenvectors),
        "axis_alignment_distance": alignment.axis_alignment_distance(weights, components),
        "subspace_distance": alignment.subspace_distance(weights, components),
    }
