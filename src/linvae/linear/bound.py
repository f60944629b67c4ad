"""Whether a run ended below the linear bound by more than measuring leaves.

The largest ELBO of a linear VAE on the training data is known in closed form, that of a deep VAE is
measured by sampling. A run that is totally collapsed where the linear optimum is so too ends at the
bound but for what remains of its KL: 4e-5 nats after 12,500 updates. Draws of z scatter the mean
over 4,000 images by some hundredths of a nat where latents are in use. Neither is a failure to be
told of, and a run that has not found its optimum lies nats below.
"""

from numpy.typing import ArrayLike

__all__ = ["BOUND_NATS", "below_bound"]

BOUND_NATS = 0.1


def below_bound(elbo: ArrayLike, linear_bound: ArrayLike) -> ArrayLike:
    """Whether ELBOs lie below their linear bounds, all in nats per datum.

    Parameters
    ----------
    elbo, linear_bound : float, or arrays or columns of one shape (n,)

    Returns
    -------
    bool, or array or column of bool of that shape
    """
    return elbo < linear_bound - BOUND_NATS
