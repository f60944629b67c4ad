"""The maximum of the pPCA likelihood tabulated over the number of latents."""

import pandas as pd

from linvae.linear import ppca
from linvae.linear.spectrum import Spectrum

__all__ = ["maxima"]


def maxima(spectrum: Spectrum, fixed_at: int | None = None) -> pd.DataFrame:
    """Tabulate the pPCA maximum for every number of latents that has one.

    Parameters
    ----------
    spectrum
        Of the training data.
    fixed_at
        Number of latents whose maximum-likelihood noise variance is imposed on the weights of all
        others, as in figure 2 of Lucas et al. (2019); None leaves that column out.

    Returns
    -------
    DataFrame
        Columns ``n_latent``, ``noise_variance``, ``max_log_likelihood`` and, with `fixed_at`,
        ``fixed_noise_variance`` and ``fixed_log_likelihood``; in nats per datum. It ends where more
        latents would explain all variance and the likelihood has no maximum.
    """
    fixed = None if fixed_at is None else ppca.mle_noise_variance(spectrum, fixed_at)
    rows = []
    for n_latent in range(1, spectrum.n_features):
        try:
            noise_variance = ppca.mle_noise_variance(spectrum, n_latent)
        except ValueError:
            break
        row = {
            "n_latent": n_latent,
            "noise_variance": noise_variance,
            "max_log_likelihood": ppca.max_log_likelihood(spectrum, n_latent),
        }
        if fixed is not None:
            row["fixed_noise_variance"] = fixed
            row["fixed_log_likelihood"] = ppca.mle_weights_log_likelihood(spectrum, n_latent, fixed)
        rows.append(row)
    return pd.DataFrame(rows)
