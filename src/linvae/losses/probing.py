"""Read the noise variance off a loss function, by probing it.

Errors, means and log variances of many sizes and in many places are given to the loss, and it must
answer as a |x - x_hat|^2 + b KL does: by how much tells a and b, and whether it is of this form.
"""

from collections.abc import Callable, Sequence

import numpy as np

from linvae.losses.asked_loss import AskedLoss
from linvae.losses.error_weight import error_weight
from linvae.losses.kl_weight import kl_weight, refuse_product
from linvae.losses.misreadings import ROOT, which_fourth
from linvae.losses.readings import close
from linvae.losses.reductions import implied_noise_variance
from linvae.seeds import numpy_generator

__all__ = ["noise_variance_of"]

_BATCHES = (2, 4)


def noise_variance_of(
    loss: Callable,
    n_features: int | Sequence[int],
    n_latent: int | Sequence[int],
    *,
    batch_size: int | None = None,
) -> float:
    """Noise variance sigma^2 of the Gaussian VAE that a loss trains.

    Parameters
    ----------
    loss
        Gives one number to be minimised, of ``(x, x_hat, mean, log_variance)``: float64 tensors
        (or, where it cannot take those, arrays) of shapes (n, d), (n, d), (n, k), (n, k). With the
        weight of the KL that the end of training has. It is called some hundreds of times: at x
        and x_hat in [0, 1], then at errors up to 256 and x from -1 on where it takes them; at
        means up to 16 and log variances from -2 to 2, or larger ones if round-off hides those.
    n_features
        d, or the shape of one datum where the loss needs images.
    n_latent
        k, or the shape of one datum's latents where the loss needs that.
    batch_size
        That of training; needed only where the weights depend on it.

    Raises
    ------
    ValueError
        If the loss is not a |x - x_hat|^2 + b KL(N(mean, variance) || N(0, I)): what it is instead
        as far as it shows. If it is computed in too low a precision to tell. If sigma^2 depends on
        the batch size, and none is given.
    """
    features, latents = _shape("n_features", n_features), _shape("n_latent", n_latent)
    sizes = _BATCHES if batch_size is None else (batch_size,)
    found = [_weights(AskedLoss(loss, n, features, latents)) for n in sizes]
    variances = [implied_noise_variance(error, kl) for error, kl in found]
    if not close(variances[0], variances[-1]):
        told = ", ".join(f"{v:.6g} at {n}" for v, n in zip(variances, sizes, strict=True))
        msg = (
            f"sigma^2 depends on the batch size ({told}): the loss takes the mean over the batch of"
            " one term and the sum of the other. Mend it, or give the batch_size of training"
        )
        raise ValueError(msg)
    # What is not known of it is in the digits behind.
    return float(f"{variances[0]:.6g}")


def _shape(name: str, given: int | Sequence[int]) -> tuple[int, ...]:
    shape = tuple(given) if np.iterable(given) else (given,)
    if not shape or not all(isinstance(n, int | np.integer) and n > 0 for n in shape):
        msg = f"{name}={given!r} must be a positive number, or a shape of such, as (3, 64, 64)"
        raise ValueError(msg)
    return tuple(int(n) for n in shape)


def _weights(loss: AskedLoss) -> tuple[float, float]:
    """Return the weights a and b of a datum's summed squared error and KL."""
    _refuse_what_fails(loss)
    error = _positive(error_weight(loss), "squared error")
    kl = _positive(kl_weight(loss), "KL")
    refuse_product(loss, error, kl)
    return error, kl


def _refuse_what_fails(loss: AskedLoss) -> None:
    """Refuse a loss that fails, or draws, or is infinite where there is no error or no KL."""
    draw = numpy_generator(0, "diagnose/probe")
    where = {
        "x": draw.uniform(0.3, 0.7, loss.data_shape),
        "error": draw.uniform(-0.2, 0.2, loss.data_shape),
        "mean": draw.uniform(-1.5, 1.5, loss.latent_shape),
        "log_variance": draw.uniform(-0.5, 0.5, loss.latent_shape),
    }
    try:
        value = loss.at(**where)
        loss.at(error=where["error"])
    except ValueError as error:
        told = which_fourth(loss)
        if told is None:
            raise
        raise ValueError(told) from error
    if loss.at(**where) != value:
        msg = "loss gives two values of the same batch: does it draw samples?"
        raise ValueError(msg)
    if loss.tried() is None:
        raise ValueError(ROOT)


def _positive(weight: float, name: str) -> float:
    if weight < 0:
        msg = f"the loss falls with the {name}: is it the ELBO itself? Give what is minimised"
        raise ValueError(msg)
    if weight == 0:
        msg = f"the loss does not depend on the {name} (weight 0 is no VAE)"
        raise ValueError(msg)
    return weight
