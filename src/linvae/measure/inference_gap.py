"""What the ELBO of a VAE lacks of log p(x), split into the encoder's part and the rest.

With the decoder held:

- *amortisation gap*: ELBO with q optimised for each datum, less ELBO with the encoder's q;
- *approximation gap*: log p(x) less ELBO with q optimised, what a diagonal Gaussian cannot do;
- *inference gap*: both together.

log p(x) is estimated from below, and so are the last two. Some hundred data are enough: each gap is
a difference paired by datum.

References
----------
Cremer, Li and Duvenaud (2018), *Inference suboptimality in variational autoencoders*.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from linvae.measure.gaussian import Decode, Encode
from linvae.measure.inference import optimised
from linvae.measure.log_likelihood import LogLikelihood, log_likelihood
from linvae.measure.numbers import standard_error
from linvae.measure.posterior import Posterior, elbo_of, encoded
from linvae.shown import short_repr

__all__ = ["InferenceGap", "inference_gap"]


@dataclass(frozen=True, eq=False)
class InferenceGap:
    """ELBOs and log p(x) of the same data, in nats.

    Attributes
    ----------
    encoder_elbo, optimised_elbo : ndarray of shape (n,)
        With the encoder's q and with the optimised one, on the same draws.
    likelihood : LogLikelihood
        Estimate of log p(x), and how far to trust it.
    posterior : Posterior
        The optimised q.
    """

    encoder_elbo: NDArray[np.float64]
    optimised_elbo: NDArray[np.float64]
    likelihood: LogLikelihood
    posterior: Posterior

    __repr__ = short_repr

    def numbers(self) -> dict[str, float]:
        """Return the mean gaps, unclipped, so that by chance they may be negative.

        Returns
        -------
        dict
            In nats per datum ``amortisation_gap``, ``approximation_gap``, ``inference_gap``, each
            with ``*_error``, its standard error over data; ``inference_data``, how many these are;
            ``unreliable_data``, for how many of them the estimate of log p(x) cannot be trusted
            (Pareto k above 0.7); ``effective_samples``, the
            smallest effective number of draws among them.
        """
        gaps = {
            "amortisation_gap": self.optimised_elbo - self.encoder_elbo,
            "approximation_gap": self.likelihood.log_likelihood - self.optimised_elbo,
            "inference_gap": self.likelihood.log_likelihood - self.encoder_elbo,
        }
        trust = self.likelihood.numbers()
        return {
            **{name: float(gap.mean()) for name, gap in gaps.items()},
            **{f"{name}_error": standard_error(gap) for name, gap in gaps.items()},
            "inference_data": len(self.encoder_elbo),
            "unreliable_data": int(trust["unreliable"]),
            "effective_samples": trust["effective_samples"],
        }


def inference_gap(
    encode: Encode,
    decode: Decode,
    data: NDArray[np.floating],
    noise_variance: float,
    *,
    seed: int,
    draws: int = 1000,
    dtype: torch.dtype = torch.float32,
) -> InferenceGap:
    """Optimise q for each datum, and estimate log p(x) with it.

    Parameters
    ----------
    encode, decode, noise_variance, seed, dtype
        As in `linvae.measure.inference.optimised`.
    data : ndarray of shape (n, d)
        At least two.
    draws
        Of z for each datum in the estimate of log p(x).

    Raises
    ------
    ValueError
        As `linvae.measure.inference.optimised` and `linvae.measure.log_likelihood.log_likelihood`.
    """
    of = {"decode": decode, "data": data, "noise_variance": noise_variance}
    options = {"seed": seed, "dtype": dtype}
    found = optimised(encode, **of, **options)
    return InferenceGap(
        elbo_of(encoded(encode, data, dtype=dtype), **of, **options),
        elbo_of(found, **of, **options),
        log_likelihood(found, **of, draws=draws, **options),
        found,
    )
