"""What each section of `study` in `config.yaml` may ask for."""

from typing import Annotated

from pydantic import AfterValidator, Field

from linvae.naming import MODEL_PATTERN, parse_noise, parse_variant
from linvae.settings.model import Real, Strict, Whole

__all__ = ["Collapse", "ModelName", "Seed", "Study"]

N_FEATURES = 784


def _variant(value: str) -> str:
    parse_variant("mnist", value)
    return value


def _noise(value: str) -> str:
    _variance(parse_noise(value).variance)
    return value


def _variance(value: float) -> float:
    # Far beyond any use, and names in paths stay short.
    if not 1e-9 <= value <= 1e9:
        msg = "a noise variance must lie between 1.0e-9 and 1.0e9"
        raise ValueError(msg)
    return value


def _distinct(values: tuple) -> tuple:
    if len(set(values)) != len(values):
        msg = "values must differ from one another"
        raise ValueError(msg)
    return values


Variant = Annotated[str, AfterValidator(_variant)]
Noise = Annotated[str, AfterValidator(_noise)]
ModelName = Annotated[str, Field(pattern=f"^{MODEL_PATTERN}$", max_length=80)]
Latents = Annotated[Whole, Field(gt=0, lt=N_FEATURES)]
Seed = Annotated[Whole, Field(ge=0, lt=2**31)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1), AfterValidator(_distinct)]
Positive = Annotated[Real, Field(gt=0)]
Positives = Annotated[tuple[Positive, ...], Field(min_length=1), AfterValidator(_distinct)]
Variance = Annotated[Real, AfterValidator(_variance)]
Variances = Annotated[tuple[Variance, ...], Field(min_length=1), AfterValidator(_distinct)]
Models = Annotated[tuple[ModelName, ...], Field(min_length=1), AfterValidator(_distinct)]


class Linear(Strict):
    """The linear VAE at one latent dimension, by two optimisers."""

    data: Variant
    n_latent: Latents
    noise: Noise
    adam: ModelName
    lbfgs: ModelName
    seeds: Seeds


class LatentDim(Strict):
    """The linear VAE over the number of latent dimensions."""

    data: Annotated[tuple[Variant, ...], Field(min_length=1), AfterValidator(_distinct)]
    n_latents: Annotated[tuple[Latents, ...], Field(min_length=1), AfterValidator(_distinct)]
    fixed_at: Latents = 50
    model: ModelName
    noise: Noise
    seed: Seed = 0


class Stochastic(Strict):
    """Analytic against stochastic training, in pairs of models with the same learning rate."""

    data: Variant
    n_latent: Latents
    noise: Noise
    pairs: Annotated[tuple[tuple[ModelName, ModelName], ...], Field(min_length=1)]
    seeds: Seeds


class Encoders(Strict):
    """Several encoders with the same linear decoder."""

    data: Variant
    n_latent: Latents
    noise: Noise
    models: Models
    seeds: Seeds


class Autoencoder(Strict):
    """The linear autoencoder against the linear VAE by two optimisers."""

    data: Variant
    n_latent: Latents
    noise: Noise
    autoencoder: ModelName
    adam: ModelName
    lbfgs: ModelName
    seeds: Seeds


class Restarts(Strict):
    """Restarts of the linear VAE from many scales, collapsed starts and perturbed saddle points."""

    data: Variant
    n_latent: Latents
    scales: Positives
    seeds: Seeds


class Stationary(Strict):
    """Stationary points of the marginal likelihood, as in figure 1 of Lucas et al. (2019)."""

    data: Variant
    n_latent: Annotated[Whole, Field(ge=2, lt=N_FEATURES)] = 5
    directions: Annotated[tuple[Latents, Latents], AfterValidator(_distinct)] = (5, 7)
    noise_at: Annotated[tuple[Latents, ...], Field(min_length=1)] = (4, 6, 8)


class Collapse(Strict):
    """Deep Gaussian VAEs over the observation noise variance, fixed and learned."""

    data: Variant
    n_latent: Latents
    model: ModelName
    noise_variances: Variances
    seeds: Seeds
    epsilon: Positive = 0.01
    delta: Annotated[Real, Field(ge=0, lt=1)] = 0.01
    elbo_samples: Annotated[Whole, Field(gt=0)] = 8


class Variations(Strict):
    """The deep VAE at chosen fixed noise variances, trained in other ways."""

    models: Models
    noise_variances: Variances
    seeds: Seeds


class Study(Strict):
    """What is computed; a section that is null is left out, with its figures and claims."""

    linear: Linear | None = None
    latent_dim: LatentDim | None = None
    stochastic: Stochastic | None = None
    encoders: Encoders | None = None
    autoencoder: Autoencoder | None = None
    restarts: Restarts | None = None
    stationary: Stationary | None = None
    collapse: Collapse | None = None
    annealing: Variations | None = None
    optimisation: Variations | None = None
