"""Graft a linear bypass on a trained VAE and train on, beside controls without one and at random.

The bypass is carried by latents that are cut out of the networks: they are zero before the decoder,
and encode what the networks have left of the data instead, r = y - f(m(y)), the residual at the
mean of the other latents. It may be made by the certificate of the run
(`linvae.bypass.linear_bypass`), or start at small random values.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from linvae.bypass.linear_bypass import Bypass
from linvae.seeds import derive_seed
from linvae.settings.arms import Arm
from linvae.settings.model import ModelSettings
from linvae.training.models import GaussianVAE, Units
from linvae.training.optimizer import ADAM_LEARNING_RATE

__all__ = ["GraftedVAE", "graft", "settings_of_graft"]

# Of torch's usual initial values, so that little is lost at once.
_RANDOM = 0.1


class GraftedVAE(nn.Module):
    """A VAE of which some latents carry a linear bypass of its networks.

    It is trained and measured like a `linvae.training.models.GaussianVAE`.

    Parameters
    ----------
    base
        The VAE, whose weights are trained on too.
    cut
        Latents that its networks lose, shape (k,).
    weights, encoder, log_variance, shift
        W (d, c), V (c, d), log D (c,) and b (d,) of the bypass in data units, c the number of
        latents that are cut.
    """

    def __init__(
        self,
        base: GaussianVAE,
        cut: NDArray[np.bool_],
        weights: NDArray[np.floating],
        encoder: NDArray[np.floating],
        log_variance: NDArray[np.floating],
        shift: NDArray[np.floating],
    ) -> None:
        super().__init__()
        self.base = base
        like = next(base.parameters())
        self.register_buffer("kept", torch.as_tensor(~cut))
        self.register_buffer("carriers", torch.as_tensor(np.flatnonzero(cut)))
        # In the network's own units, in which the optimiser's rate is meant.
        scale = float(base.units.scale)
        bypass = {
            "weights": weights / scale,
            "reads": encoder * scale,
            "log_variance": log_variance,
            "shift": shift / scale,
        }
        for name, values in bypass.items():
            setattr(self, name, nn.Parameter(torch.as_tensor(np.array(values)).to(like)))

    @property
    def units(self) -> Units:
        """The units of the base."""
        return self.base.units

    @property
    def log_noise_variance(self) -> Tensor:
        """Log sigma^2 of the base, a parameter where it is learned."""
        return self.base.log_noise_variance

    @property
    def n_latent(self) -> int:
        """Number k of latent dimensions, those that carry the bypass among them."""
        return self.base.n_latent

    @property
    def n_features(self) -> int:
        """Number d of features."""
        return self.base.n_features

    def encoder(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance, both (n, k), of data (n, d) in the network's units."""
        mean, log_variance = self.base.encoder(y)
        mean = mean * self.kept
        left = y - self.base.decoder(mean) - self.shift
        carried = nn.functional.linear(left, self.reads)
        spread = self.log_variance.expand(len(y), -1)
        log_variance = (log_variance * self.kept).index_copy(1, self.carriers, spread)
        return mean.index_copy(1, self.carriers, carried), log_variance

    def decoder(self, z: Tensor) -> Tensor:
        """Mean of p(y|z), shape (..., d), for latents z (..., k), in the network's units."""
        linear = nn.functional.linear(z[..., self.carriers], self.weights)
        return self.base.decoder(z * self.kept) + linear + self.shift

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z|x) for data x (n, d)."""
        return self.encoder(self.units.inward(x))

    def decode(self, z: Tensor) -> Tensor:
        """Mean of p(x|z), shape (..., d), for latents z (..., k)."""
        return self.units.outward(self.decoder(z))


def graft(
    base: GaussianVAE, arm: Arm, cut: NDArray[np.bool_], made: Bypass, seed: int
) -> GaussianVAE | GraftedVAE:
    """Return what one arm of the experiment starts from.

    Parameters
    ----------
    base
        A trained model.
    arm
        Which of the three.
    cut
        Latents that the certificate takes, shape (k,).
    made
        Its bypass, of c directions at most. Latents beyond those start at random values in either
        arm: at zero they would never carry anything.
    seed
        Of the random values.
    """
    n_cut = int(cut.sum())
    if arm == "none" or n_cut == 0:
        return base
    weights, encoder, log_variance = _random(base, n_cut, seed)
    shift = np.zeros(base.n_features)
    if arm == "certificate":
        m = len(made.variances)
        weights[:, :m], encoder[:m] = made.weights, made.encoder
        log_variance[:m], shift = np.log(made.posterior_variance), made.shift
    return GraftedVAE(base, cut, weights, encoder, log_variance, shift)


def _random(base: GaussianVAE, n_cut: int, seed: int) -> tuple[NDArray, NDArray, NDArray]:
    """Return W, V and log D at a tenth of usual initial values of linear maps, and of the prior."""
    generator = torch.Generator().manual_seed(derive_seed(seed, "graft/init"))
    d, scale = base.n_features, float(base.units.scale)
    found = []
    for shape, unit in (((d, n_cut), scale), ((n_cut, d), 1 / scale)):
        bound = _RANDOM / shape[1] ** 0.5
        drawn = torch.empty(shape, dtype=torch.float64).uniform_(-bound, bound, generator=generator)
        found.append(unit * drawn.numpy())
    return found[0], found[1], np.zeros(n_cut)


def settings_of_graft(
    settings: ModelSettings, updates: int, rate: float | None = None
) -> ModelSettings:
    """Return settings to train on by: those of the run, for some updates with half a cosine.

    Every arm starts with an optimiser that remembers nothing, and with the run's own warm-up; the
    KL has its full weight. All learning rates are multiplied by `rate` if one is given, that of
    Adam beside Muon too.
    """
    changed = {"steps": updates, "epochs": None, "schedule": "cosine", "kl_annealing": 0.0}
    if rate is not None:
        named = (f"{name}learning_rate" for name in ("", "adam_", "noise_", "variance_"))
        rates = {name: getattr(settings.training, name) for name in named}
        if settings.training.optimizer == "muon":
            # Where it has its usual rate, no setting says so that could be multiplied.
            rates["adam_learning_rate"] = rates["adam_learning_rate"] or ADAM_LEARNING_RATE
        changed |= {name: rate * own for name, own in rates.items() if own is not None}
    training = settings.training.model_copy(update=changed)
    return settings.model_copy(update={"training": training})
