"""Gaussian VAEs: an encoder, a decoder and a noise model, of which the linear VAE is a case."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from linvae.naming import NoiseName
from linvae.seeds import derive_seed
from linvae.settings.model import Decoder, Encoder, ModelSpec, Training
from linvae.spectrum import Spectrum

__all__ = ["GaussianVAE", "PosteriorEncoder", "Units", "build"]

_ACTIVATIONS = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "softplus": nn.Softplus,
}


def _perceptron(
    sizes: Sequence[int], activation: str, *, bias: bool, generator: torch.Generator, scale: float
) -> nn.Sequential:
    """Linear maps with activations between them, uniformly initialised in +-scale/sqrt(fan in)."""
    layers: list[nn.Module] = []
    for i, (fan_in, fan_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        if i > 0:
            layers.append(_ACTIVATIONS[activation]())
        layer = nn.Linear(fan_in, fan_out, bias=bias)
        bound = scale / fan_in**0.5
        with torch.no_grad():
            layer.weight.uniform_(-bound, bound, generator=generator)
            if bias:
                layer.bias.uniform_(-bound, bound, generator=generator)
        layers.append(layer)
    return nn.Sequential(*layers)


def _composed(network: nn.Sequential) -> Tensor:
    """Matrix of a perceptron whose activations are the identity."""
    product = None
    for layer in network:
        if isinstance(layer, nn.Linear):
            product = layer.weight if product is None else layer.weight @ product
    return product


class PosteriorEncoder(nn.Module):
    """q(z|x) = N(m(x), diag s(x)), with s the same for all data or amortised.

    A linear encoder has no biases: data are centred, and at the optimum they would be zero.
    """

    def __init__(
        self,
        spec: Encoder,
        n_features: int,
        n_latent: int,
        generator: torch.Generator,
        scale: float,
        log_variance: float,
    ) -> None:
        super().__init__()
        self.amortised = spec.posterior == "amortised"
        bias = not spec.is_linear
        sizes = (n_features, *spec.hidden)
        options = {"bias": bias, "generator": generator, "scale": scale}
        self.trunk = _perceptron(sizes, spec.activation, **options)
        self.activation = _ACTIVATIONS[spec.activation]() if spec.hidden else nn.Identity()
        self.mean = _perceptron((sizes[-1], n_latent), spec.activation, **options)
        if self.amortised:
            options["bias"] = True
            self.log_variance = _perceptron((sizes[-1], n_latent), spec.activation, **options)
            with torch.no_grad():
                self.log_variance[-1].bias.add_(log_variance)
        else:
            self.log_variance = nn.Parameter(torch.full((n_latent,), log_variance))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (n, k) and log variance (n, k) or (k,) of q(z|x) for centred data x (n, d)."""
        hidden = self.activation(self.trunk(x))
        log_variance = self.log_variance(hidden) if self.amortised else self.log_variance
        return self.mean(hidden), log_variance


class Units(nn.Module):
    """The affine map x = mu + A diag(c) y from network units y to data x, with A orthogonal.

    A is the identity or the principal axes. It is not saved with the weights, as it follows from
    the spectrum of the training data.
    """

    def __init__(self, spectrum: Spectrum, training: Training) -> None:
        super().__init__()
        mean_variance = spectrum.total_variance / spectrum.n_features
        variance, axes = mean_variance if training.standardize else 1.0, None
        if training.whiten:
            # The floor keeps directions of mere noise from drowning the others.
            variance = np.maximum(spectrum.eigenvalues, mean_variance)
            axes = torch.tensor(spectrum.eigenvectors, dtype=torch.float64)
        self.register_buffer("mean", torch.tensor(spectrum.mean, dtype=torch.float64))
        self.register_buffer("scale", torch.tensor(np.sqrt(variance), dtype=torch.float64))
        self.register_buffer("axes", axes, persistent=False)

    def inward(self, x: Tensor) -> Tensor:
        """Return y (..., d) of data x (..., d)."""
        centred = x - self.mean
        return (centred if self.axes is None else centred @ self.axes) / self.scale

    def outward(self, y: Tensor) -> Tensor:
        """Return x (..., d) of y (..., d)."""
        return self.rotated(y * self.scale) + self.mean

    def rotated(self, y: Tensor) -> Tensor:
        """Return A y for y (..., d)."""
        return y if self.axes is None else y @ self.axes.T

    def squared_norm(self, y: Tensor) -> Tensor:
        """Return ||A diag(c) y||^2 for y (..., d): the squared length in data units."""
        return (y * self.scale).square().sum(-1)

    def mean_squared_norm(self, y: Tensor) -> Tensor:
        """Return the mean of `squared_norm` over all vectors of y (..., d)."""
        if self.scale.ndim == 1:
            return self.squared_norm(y).mean()
        # One pass over the largest array of a training step instead of three.
        flat = y.flatten()
        return torch.dot(flat, flat) * (self.scale.square() * (y.shape[-1] / flat.shape[0]))


class GaussianVAE(nn.Module):
    """p(z) = N(0, I_k), p(x|z) = N(f(z), sigma^2 I_d), q(z|x) = N(m(x), diag s(x)).

    Parameters
    ----------
    spec
        Encoder, decoder and training of the model.
    spectrum
        Of the training data: their mean is subtracted before the encoder and added after the
        decoder.
    n_latent
        Number k of latent dimensions.
    noise
        Observation noise variance sigma^2, its initial value if it is learned.
    generator
        Source of the initial weights.

    References
    ----------
    Lucas et al. (2019), sections 2 and 5.
    """

    def __init__(
        self,
        spec: ModelSpec,
        spectrum: Spectrum,
        n_latent: int,
        noise: NoiseName,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        n_features = spectrum.n_features
        self.n_latent = n_latent
        init_scale, log_variance = spec.training.init_scale, spec.training.init_log_variance
        self.units = Units(spectrum, spec.training)
        self.encoder = PosteriorEncoder(
            spec.encoder, n_features, n_latent, generator, init_scale, log_variance
        )
        self.decoder = _decoder(spec.decoder, n_latent, n_features, generator, init_scale)
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
        return self.units.rotated(self.network_matrix().T * self.units.scale).T

    def network_matrix(self) -> Tensor:
        """Return the matrix (d, k) of a linear decoder in the network's own units."""
        return _composed(self.decoder)

    def encoder_matrix(self) -> Tensor:
        """V (k, d) of a linear encoder, in data units."""
        trunk = _composed(self.encoder.trunk)
        head = _composed(self.encoder.mean)
        matrix = head if trunk is None else head @ trunk
        return self.units.rotated(matrix / self.units.scale)


def _decoder(
    spec: Decoder, n_latent: int, n_features: int, generator: torch.Generator, scale: float
) -> nn.Sequential:
    sizes = (n_latent, *spec.hidden, n_features)
    return _perceptron(
        sizes, spec.activation, bias=not spec.is_linear, generator=generator, scale=scale
    )


def build(
    spec: ModelSpec, spectrum: Spectrum, n_latent: int, noise: NoiseName, seed: int
) -> GaussianVAE:
    """Make a model with initial weights drawn from (seed, "init"), in the training precision.

    Parameters
    ----------
    spectrum
        Of the training data.
    """
    generator = torch.Generator().manual_seed(derive_seed(seed, "init"))
    model = GaussianVAE(spec, spectrum, n_latent, noise, generator)
    return model.to(torch.float64 if spec.training.precision == "float64" else torch.float32)
