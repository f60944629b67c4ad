"""What may help a VAE of which nats are left to a linear bypass: that bypass, trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from linvae.diagnose.diagnosis import Diagnosis

if TYPE_CHECKING:
    from torch import nn

    from linvae.diagnose.revived import Revived

__all__ = ["revive"]


def revive(
    encode: Callable,
    decode: Callable,
    diagnosis: Diagnosis,
    *,
    start: Literal["certificate", "random"] = "certificate",
    modules: Sequence[nn.Module] = (),
    seed: int = 0,
) -> Revived:
    """Return the model with the bypass of its diagnosis grafted, to be trained on.

    Its ELBO starts near ``diagnosis.train.elbo + diagnosis.gain``. The remedy is the linear way
    past the networks: the diagnosis shows that it is missing and gives it a head start, while one
    that starts at random values may end as well.

    Parameters
    ----------
    encode, decode
        As `linvae.diagnose.diagnose` took them, of torch tensors. The modules in them are parts of
        what is returned, and are trained on with it: nothing is copied.
    diagnosis
        Of this model.
    start
        The bypass's values: those of the diagnosis, or small random ones. Latents that were cut
        beyond those it has directions for start at random either way.
    modules
        Torch modules that the functions use, where these cannot be found in them.
    seed
        Of random values.

    Raises
    ------
    ValueError
        If there is nothing to graft, no torch module is found, or `start` is unknown.
    """
    from linvae.diagnose.revived import revived

    return revived(encode, decode, diagnosis, start, modules, seed)
