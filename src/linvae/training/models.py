"""Gaussian VAEs: an encoder, a decoder and a noise model, of which the linear VAE is a case."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from linvae.linear.moments import Moments
from linvae.noise import NoiseName
from linvae.seeds import derive_seed
from linvae.settings.model import Encoder, ModelSettings
from linvae.training.networks import (
    Draw,
    Shape,
    Skip,
    composed,
    decoder_network,
    encoder_body,
    perceptron,
)

__all__ = ["GaussianVAE", "PosteriorEncoder", "Units", "build"]


class PosteriorEncoder(nn.Module):
    """q(z|x) = N(m(x), diag s(x)), with s the same for all data or amortised.

    A linear encoder has no biases: data are centred, and at the optimum they would be zero.
    """

    def __init__(
        self, settings: Encoder, shape: Shape, n_latent: int, log_variance: float, draw: Draw
    ) -> None:
        super().__init__()
        self.amortised = settings.posterior == "amortised"
        self.skip = Skip(math.prod(shape), n_latent) if settings.skip else None
        self.trunk, self.activation, width = encoder_body(settings, shape, draw)
        sizes = (width, n_latent)
        self.mean = perceptron(sizes, settings.activation, draw, bias=not settings.is_linear)
        if self.amortised:
            self.log_variance = perceptron(sizes, settings.activation, draw, bias=True)
            with torch.no_grad():
                self.log_variance[-1].bias.add_(log_variance)
        else:
            self.log_variance = nn.Parameter(torch.full((n_latent,), log_variance))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (n, k) and log variance (n, k) or (k,) of q(z|x) for centred data x (n, d)."""
        hidden = self.activation(self.trunk(x))
        log_variance = self.log_variance(hidden) if self.amortised else self.log_variance
        mean = self.mean(hidden)
        return (mean if self.skip is None else mean + self.skip(x)), log_variance


class Units(nn.Module):
    """The affine map x = mu + c y from network units y to data x, with one scale c."""

    def __init__(self, moments: Moments, *, standardize: bool) -> None:
        super().__init__()
        variance = moments.total_variance / moments.mean.size if standardize else 1.0
        self.register_buffer("mean", torch.tensor(moments.mean, dtype=torch.float64))
        self.register_buffer("scale", torch.tensor(np.sqrt(variance), dtype=torch.float64))

    def inward(self, x: Tensor) -> Tensor:
        """Return y (..., d) of data x (..., d)."""
        return (x - self.mean) / self.scale

    def outward(self, y: Tensor) -> Tensor:
        """Return x (..., d) of y (..., d)."""
        return y * self.scale + self.mean

    def squared_norm(self, y: Tensor) -> Tensor:
        """Return ||c y||^2 for y (..., d): the squared length in data units."""
        return (y * self.scale).square().sum(-1)

    def mean_squared_norm(self, y: Tensor) -> Tensor:
        """Return the mean of `squared_norm` over all vectors of y (..., d)."""
        # One pass over the largest array of a training step instead of three.
        flat = y.flatten()
        return torch.dot(flat, flat) * (self.scale.square() * (y.shape[-1] / flat.shape[0]))


class GaussianVAE(nn.Module):
    """p(z) = N(0, I_k), p(x|z) = N(f(z), sigma^2 I_d), q(z|x) = N(m(x), diag s(x)).

    Parameters
    ----------
    settings
        Encoder, decoder and start of the model.
    moments
        Of the training data, or their `Spectrum`: the mean is subtracted before the encoder and
        added after the decoder.
    n_latent
        Number k of latent dimensions.
    noise
        Observation noise variance sigma^2, its initial value if it is learned.
    generator
        Source of the initial weights.
    image_shape
        Height, width and channels of one datum where the data are images; None of rows of numbers.

    Raises
    ------
    ValueError
        If the shape is not that of d features.

    References
    ----------
    Lucas et al. (2019), sections 2 and 5.
    """

    def __init__(
        self,
        settings: ModelSettings,
        moments: Moments,
        n_latent: int,
        noise: NoiseName,
        generator: torch.Generator,
        image_shape: Shape | None = None,
    ) -> None:
        super().__init__()
        shape = image_shape or (moments.mean.size,)
        if math.prod(shape) != moments.mean.size:
            msg = f"image_shape is {shape}, and the data have {moments.mean.size} features"
            raise ValueError(msg)
        self.n_latent = n_latent
        start, draw = settings.start, Draw(generator, settings.start.scale)
        self.units = Units(moments, standardize=start.standardize)
        self.encoder = PosteriorEncoder(settings.encoder, shape, n_latent, start.log_variance, draw)
        self.decoder = decoder_network(settings.decoder, n_latent, shape, draw)
        log_noise_variance = torch.tensor(np.log(noise.variance), dtype=torch.float64)
        if noise.kind == "learned":
            self.log_noise_variance = nn.Parameter(log_noise_variance)
        else:
            self.register_buffer("log_noise_variance", log_noise_variance)

    @property
    def n_features(self) -> int:
        """Number d of features."""
        return self.units.mean.shape[0]

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z|x) for data x (n, d)."""
        return self.encoder(self.units.inward(x))

    def decode(self, z: Tensor) -> Tensor:
        """Mean of p(x|z), shape (..., d), for latents z (..., k)."""
        return self.units.outward(self.decoder(z))

    def decoder_matrix(self) -> Tensor:
        """W (d, k) of a linear decoder, in data units."""
        return self.network_matrix() * self.units.scale

    def network_matrix(self) -> Tensor:
        """Return the matrix (d, k) of a linear decoder in the network's own units."""
        return composed(self.decoder)

    def encoder_matrix(self) -> Tensor:
        """V (k, d) of a linear encoder, in data units."""
        trunk = composed(self.encoder.trunk)
        head = composed(self.encoder.mean)
        matrix = head if trunk is None else head @ trunk
        return matrix / self.units.scale


def build(
    settings: ModelSettings,
    moments: Moments,
    n_latent: int,
    noise: NoiseName,
    seed: int,
    image_shape: Shape | None = None,
) -> GaussianVAE:
    """Make a model with initial weights drawn from (seed, "init"), in the training precision.

    Parameters
    ----------
    settings, n_latent, noise, image_shape
        As `GaussianVAE` takes them.
    moments
        Of the training data, or their `Spectrum`.
    """
    generator = torch.Generator().manual_seed(derive_seed(seed, "init"))
    model = GaussianVAE(settings, moments, n_latent, noise, generator, image_shape)
    return model.to(torch.float64 if settings.training.precision == "float64" else torch.float32)
