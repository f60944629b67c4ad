"""The diagnosis of a trained VAE: what the study measures of its own runs, for any model."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from linvae.arrays import positive, whole
from linvae.diagnose.diagnosis import Diagnosis
from linvae.diagnose.given_data import as_rows, check_varied
from linvae.diagnose.stages import Stages
from linvae.linear.ppca import check_noise_variance
from linvae.threads import limited

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["diagnose"]


def diagnose(
    data: NDArray | Tensor,
    encode: Callable,
    decode: Callable,
    noise_variance: float | Literal["tuned"],
    *,
    held_out: NDArray | Tensor | None = None,
    posterior: Literal["log_variance", "variance", "standard_deviation"] = "log_variance",
    noise_learned: bool = False,
    epsilon: float = 0.01,
    delta: float = 0.01,
    draws: int = 16,
    step: float = 1.0,
    batch_size: int = 512,
    modules: Sequence[nn.Module] = (),
    seed: int = 0,
    threads: int = 1,
    progress: bool = True,
) -> Diagnosis:
    """Tell whether a Gaussian VAE's collapse is its optimum or its training.

    For a prior N(0, I), a diagonal Gaussian q(z|x), and a squared error as reconstruction. Other
    likelihoods, learned priors, vector quantisation and hierarchical or autoregressive decoders
    are not this.

    Parameters
    ----------
    data
        That the model was trained on, as it sees them: shape (n, ...), an array or a tensor.
    encode
        Gives mean and log variance of q(z|x), each (m, k), of a batch (m, ...).
    decode
        Gives the mean of p(x|z), shape (m, ...), of latents (m, k). Both are functions of tensors
        where the data are a tensor or a torch module is found in the functions, and of NumPy arrays
        otherwise. Modules are put into evaluation mode, and back; no buffer of theirs changes.
    noise_variance
        sigma^2 of the loss, in squared units of the data: `linvae.diagnose.implied_noise_variance`
        or `noise_variance_of` give it. ``"tuned"`` takes the best one for the model.
    held_out
        Other data.
    posterior
        What the second output of ``encode`` is.
    noise_learned
        Whether sigma^2 is a weight that was trained. It is then told where another one would be
        better for the model as it is: one that was fixed on purpose need not be the best.
    epsilon, delta
        A latent is unused if its KL is below epsilon nats for a share 1 - delta of the data.
    draws
        Of z for each datum, for the ELBO.
    step
        Difference of neighbouring values in the units of the data, 1 / 255 for bytes scaled to
        [0, 1]: bits per dimension are those of the data in steps.
    batch_size
        Of what the functions are given at once, 512 at most. A function that takes no fewer rows
        gets just so many: the last one is repeated, and what comes of that is dropped.
    modules
        Torch modules that the functions use, where these cannot be found in them.
    seed
        Of all draws.
    threads
        Of the linear algebra, and of torch on the CPU. One is enough for small networks, and gives
        the same digits on every machine; more help large ones where no other program computes.
    progress
        Whether a line on standard error says how far it is, once it has taken three seconds.

    Raises
    ------
    ValueError
        In one line, if data or model are not as said above, or give themselves away as something
        else: logits, variances, a model in training mode.
    """
    import torch

    # So that to import this imports no torch.
    from linvae.diagnose.evaluation_mode import evaluation_mode
    from linvae.diagnose.examination import Examination
    from linvae.diagnose.functions import adapted

    _check_numbers(noise_variance, draws, epsilon, delta, step)
    if whole("threads", threads) < 1:
        msg = f"threads={threads} must be 1 or more"
        raise ValueError(msg)
    rows = {"train": as_rows(data, "data")}
    if not isinstance(data, torch.Tensor):
        data = np.asarray(data)
    shape = tuple(data.shape[1:])
    if held_out is not None:
        rows["test"] = as_rows(held_out, "held_out", shape)
    check_varied(rows["train"])
    model = adapted(data, encode, decode, posterior, batch_size, modules)
    model.stages = Stages(shown=progress)
    quiet = warnings.catch_warnings()
    with limited(threads), evaluation_mode(model.modules), torch.no_grad(), quiet:
        # Nothing is written into the user's arrays.
        warnings.filterwarnings("ignore", message=".*not writable")
        # Nor is a compiled module harmed by what looks at every module that is called.
        warnings.filterwarnings("ignore", message=".*global hooks on modules")
        examination = Examination(model, rows, draws, seed, epsilon, delta, step)
        return examination.diagnosis(noise_variance, noise_learned)


def _check_numbers(
    noise_variance: object, draws: int, epsilon: float, delta: float, step: float
) -> None:
    if isinstance(noise_variance, str):
        if noise_variance != "tuned":
            msg = (
                f"noise_variance={noise_variance!r} must be a number, or 'tuned': noise_variance_of"
                " reads it off a loss"
            )
            raise ValueError(msg)
    elif math.prod(np.shape(noise_variance)) != 1:
        msg = (
            f"noise_variance is of shape {np.shape(noise_variance)}; one number is needed: a"
            " variance for each pixel is not this"
        )
        raise ValueError(msg)
    else:
        check_noise_variance(noise_variance)
    positive("step", step)
    positive("epsilon", epsilon)
    if whole("draws", draws) < 1 or not 0 <= delta < 1:
        msg = f"draws={draws} must be 1 or more, and delta={delta} from 0 to below 1"
        raise ValueError(msg)
