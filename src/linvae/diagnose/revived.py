"""Any torch VAE with a linear bypass grafted on, by the graft of the study's own experiment."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from linvae.diagnose.diagnosis import Diagnosis
from linvae.diagnose.module_search import modules_of
from linvae.training.graft import GraftedVAE, graft

__all__ = ["Revived", "revived"]

_STARTS = ("certificate", "random")


class Revived(nn.Module):
    """A VAE of which some latents carry a linear bypass of its networks.

    Parameters
    ----------
    grafted
        The graft, of rows.
    shape, latent_shape
        Of one datum and of its latents, as the model has them.
    told
        What there is to be said of it.
    """

    def __init__(
        self, grafted: GraftedVAE, shape: Sequence[int], latent_shape: Sequence[int], told: str
    ) -> None:
        super().__init__()
        self.grafted, self.told = grafted, told
        self.shape, self.latent_shape = tuple(shape), tuple(latent_shape)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z|x), shape (m, ...), for data x (m, ...)."""
        mean, log_variance = self.grafted.encode(x.flatten(1))
        there = (len(x), *self.latent_shape)
        return mean.reshape(there), log_variance.reshape(there)

    def decode(self, z: Tensor) -> Tensor:
        """Mean of p(x|z), shape (m, ...), for latents z (m, ...)."""
        return self.grafted.decode(z.flatten(1)).reshape(len(z), *self.shape)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return x_hat of one draw of z, mean and log variance: what a loss is made of."""
        mean, log_variance = self.encode(x)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return self.decode(z), mean, log_variance

    def extra_repr(self) -> str:
        """Say what the bypass is worth."""
        return self.told


class _Units:
    """The units of a foreign model: those of its data."""

    scale = 1.0

    @staticmethod
    def inward(x: Tensor) -> Tensor:
        return x

    @staticmethod
    def outward(y: Tensor) -> Tensor:
        return y


class _Foreign(nn.Module):
    """A user's model as the graft takes one: encoder and decoder of rows, trainable."""

    units = _Units()

    def __init__(
        self, encode: Callable, decode: Callable, parts: Sequence[nn.Module], found: Diagnosis
    ) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        # In a tuple, so that a module is not registered a second time.
        self.functions = (encode, decode)
        self.found = found
        self.n_latent, self.n_features = found.n_latent, found.n_features

    def encoder(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, second = self.functions[0](x.reshape(len(x), *self.found.shape))
        mean, second = mean.flatten(1), second.flatten(1)
        if mean.shape[1] != self.n_latent:
            msg = (
                f"encode gives {mean.shape[1]} latents where the diagnosis is of {self.n_latent}:"
                " is it of this model?"
            )
            raise ValueError(msg)
        if self.found.posterior == "log_variance":
            return mean, second
        log = second.log()
        return mean, log if self.found.posterior == "variance" else 2 * log

    def decoder(self, z: Tensor) -> Tensor:
        return self.functions[1](z.reshape(len(z), *self.found.latent_shape)).flatten(1)


def revived(
    encode: Callable,
    decode: Callable,
    diagnosis: Diagnosis,
    start: str,
    modules: Sequence[nn.Module],
    seed: int,
) -> Revived:
    """Return the graft, as `linvae.diagnose.revive` says."""
    if start not in _STARTS:
        msg = f"start={start!r} is unknown; allowed are {', '.join(_STARTS)}"
        raise ValueError(msg)
    parts = modules_of((*modules, encode, decode))
    like = next((weights for part in parts for weights in part.parameters()), None)
    if like is None:
        msg = "no torch module with weights is found in encode and decode: name them in modules="
        raise ValueError(msg)
    n_cut, n_made = int(diagnosis.cut.sum()), len(diagnosis.bypass.variances)
    if n_cut == 0 or (n_made == 0 and start == "certificate"):
        msg = (
            f"the diagnosis ({diagnosis.kind}) has no bypass to graft: {n_cut} latents are cut, and"
            f" {n_made} directions exceed sigma^2"
        )
        raise ValueError(msg)
    base = _Foreign(encode, decode, parts, diagnosis)
    grafted = graft(base, start, diagnosis.cut, diagnosis.bypass, seed).to(like.device)
    told = (
        f"{n_cut} of {diagnosis.n_latent} latents carry a linear bypass, {start} start; the"
        f" diagnosis: {n_made} directions, {diagnosis.gain:.3g} nats. The remedy is the linear way"
        " past the networks: its values give a head start"
    )
    return Revived(grafted, diagnosis.shape, diagnosis.latent_shape, told)
