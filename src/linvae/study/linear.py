"""Sections of the study with a linear decoder, all measured exactly."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from linvae.naming import Product, Run
from linvae.settings.model import ModelSettings
from linvae.settings.values import Real
from linvae.study.fields import (
    Latents,
    ModelName,
    Models,
    Noise,
    Positives,
    Seed,
    Seeds,
    Variant,
    Variants,
    distinct,
)
from linvae.study.names import Names
from linvae.study.section import Requirement, Section

__all__ = [
    "Autoencoder",
    "Encoders",
    "LatentDim",
    "Linear",
    "Stochastic",
]

_LINEAR_ADAM = Requirement(
    lambda model: model.is_linear and model.training.optimizer == "adam",
    "that is linear, with optimizer adam",
)
_LBFGS = Requirement(lambda model: model.training.optimizer == "lbfgs", "with optimizer lbfgs")
_NEVER_ROTATING = Requirement(
    lambda model: model.training.optimizer == "lbfgs" and model.training.never_rotate,
    "with optimizer lbfgs and never_rotate: true",
)


class Linear(Section):
    """The linear VAE at one number of latents, by two optimisers and without rotations."""

    models_named: ClassVar = {
        "adam": _LINEAR_ADAM,
        "naive": _LINEAR_ADAM,
        "lbfgs": _LBFGS,
        "unrotated": _NEVER_ROTATING,
    }
    claim_files: ClassVar = ("metrics.json",)

    data: Variant
    n_latent: Latents
    noise: Noise
    adam: ModelName = Field(description="linear VAE by Adam")
    naive: ModelName | None = Field(
        None, description="Adam as one sets it up first: from the first seed alone, for figure 1"
    )
    lbfgs: ModelName = Field(description="linear VAE by L-BFGS")
    unrotated: ModelName | None = Field(None, description="linear VAE by L-BFGS without rotations")
    unrotated_latents: Latents = Field(
        10, description="its number of latents: one at which it comes to its end"
    )
    seeds: Seeds
    reached: Annotated[Real, Field(gt=0)] = Field(
        0.01, description="nats per datum: a gap to the maximum up to it counts as none"
    )
    aligned: Annotated[Real, Field(gt=0, lt=1)] = Field(
        0.99, description="mean |cos| from which columns count as the principal components"
    )

    def runs(self, names: Names) -> list[Run]:
        """Return all optimisers' runs."""

        def of(models: tuple[str | None, ...], k: int, seeds: tuple[int, ...]) -> Iterator[Run]:
            chosen = [model for model in models if model is not None]
            return names.runs(chosen, [self.data], [k], [self.noise], seeds)

        return [
            *of((self.adam, self.lbfgs), self.n_latent, self.seeds),
            *of((self.naive,), self.n_latent, self.seeds[:1]),
            *of((self.unrotated,), self.unrotated_latents, self.seeds),
        ]


class LatentDim(Section):
    """The linear VAE over the number of latent dimensions."""

    models_named: ClassVar = {"model": _LBFGS}

    data: Variants
    n_latents: Annotated[tuple[Latents, ...], Field(min_length=1), AfterValidator(distinct)] = (
        Field(description="numbers of latents")
    )
    fixed_at: Latents = Field(
        50,
        description="number of latents whose maximum-likelihood sigma^2 the third curve is under",
    )
    model: ModelName = Field(description="linear VAE by L-BFGS")
    noise: Noise
    seed: Seed = Field(0, description="of the runs")
    margin: Annotated[Real, Field(gt=0)] = Field(
        0.1, description="nats per datum: a rise or a fall of the likelihood below it is none"
    )

    def runs(self, names: Names) -> list[Run]:
        """Return one run for each data variant and number of latents."""
        return list(names.runs([self.model], self.data, self.n_latents, [self.noise], [self.seed]))

    def variants(self) -> tuple[str, ...]:
        """Return several data variants."""
        return self.data

    def evidence(self, names: Names) -> list[Product]:
        """Return the tables of maxima: the claim is one of closed forms."""
        at = f"at{self.fixed_at}"
        return [Product("maxima.csv", data=names.data(v), variant=at) for v in self.data]

    def drawn(self, names: Names) -> list[Product]:
        """Return the tables of maxima."""
        return self.evidence(names)


class Stochastic(Section):
    """Analytic against stochastic training, in pairs of models with the same learning rate."""

    models_named: ClassVar = {
        "pairs": Requirement(
            lambda model: model.is_linear and model.training.objective != "reconstruction",
            "that is a linear VAE",
        )
    }
    claim_files: ClassVar = ("curve.csv",)

    data: Variant
    n_latent: Latents
    noise: Noise
    pairs: Annotated[tuple[tuple[ModelName, ModelName], ...], Field(min_length=1)] = Field(
        description="an analytic and a stochastic model each, with the same learning rate"
    )
    seeds: Seeds
    margin: Annotated[Real, Field(gt=0)] = Field(
        0.5, description="nats per datum: differences of the ELBO below it do not count"
    )
    ratio_margin: Annotated[Real, Field(gt=1)] = Field(
        1.05, description="ratios of steps below it do not count"
    )
    gaps: Positives = Field(
        (100.0, 30.0, 10.0),
        description="nats per datum from the pPCA maximum, to which the steps are counted",
    )

    def runs(self, names: Names) -> list[Run]:
        """Return the runs of both models of every pair."""
        models = dict.fromkeys(name for pair in self.pairs for name in pair)
        return list(names.runs(models, [self.data], [self.n_latent], [self.noise], self.seeds))

    def problems(self, models: Mapping[str, ModelSettings]) -> list[str]:
        """List pairs that are no pairs, too."""
        problems = super().problems(models)
        for analytic, stochastic in self.pairs:
            a, b = models[analytic].training, models[stochastic].training
            pair = f"pairs: [{analytic}, {stochastic}]"
            if (a.objective, b.objective) != ("analytic", "stochastic"):
                problems.append(f"{pair} must be an analytic and a stochastic model, in this order")
            elif a.learning_rate != b.learning_rate:
                problems.append(f"{pair} have different learning rates")
        return problems


class Encoders(Section):
    """Several encoders with the same linear decoder."""

    models_named: ClassVar = {
        "models": Requirement(
            lambda model: (
                model.decoder.is_linear
                and model.training.objective not in ("reconstruction", "solved")
            ),
            "that is a VAE with a linear decoder, which is trained too",
        ),
        "solved": Requirement(
            lambda model: model.training.objective == "solved", "with objective solved"
        ),
    }
    claim_files: ClassVar = ("metrics.json",)

    data: Variant
    n_latent: Latents
    noise: Noise
    models: Models = Field(description="trained together with the decoder")
    solved: Annotated[tuple[ModelName, ...], AfterValidator(distinct)] = Field(
        (), description="trained with the decoder solved for them"
    )
    seeds: Seeds
    margin: Annotated[Real, Field(gt=0)] = Field(
        0.1,
        description="nats per datum: a ReLU encoder that ends less below the linear one counts as "
        "not below",
    )

    def runs(self, names: Names) -> list[Run]:
        """Return the runs of every encoder."""
        models = (*self.models, *self.solved)
        return list(names.runs(models, [self.data], [self.n_latent], [self.noise], self.seeds))


class Autoencoder(Section):
    """The linear autoencoder against the linear VAE by two optimisers."""

    models_named: ClassVar = {
        "autoencoder": Requirement(
            lambda model: model.training.objective == "reconstruction",
            "with objective reconstruction",
        ),
        "adam": _LINEAR_ADAM,
        "lbfgs": _LBFGS,
    }

    data: Variant
    n_latent: Latents
    noise: Noise
    autoencoder: ModelName = Field(description="linear autoencoder")
    adam: ModelName = Field(description="linear VAE by Adam")
    lbfgs: ModelName = Field(description="linear VAE by L-BFGS")
    seeds: Seeds

    def runs(self, names: Names) -> list[Run]:
        """Return the runs of the three models."""
        models = (self.autoencoder, self.adam, self.lbfgs)
        return list(names.runs(models, [self.data], [self.n_latent], [self.noise], self.seeds))
