"""What a training job may be told: network shapes, objective, optimiser and schedule.

These models are the one definition of a model's settings; `config.yaml` is validated by them, and a
notebook builds them directly.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

__all__ = ["Decoder", "Encoder", "ModelSpec", "Real", "Strict", "Training", "Whole"]


def _not_bool(value: object) -> object:
    if isinstance(value, bool):
        msg = "Input should be a number, not true or false"
        raise ValueError(msg)
    return value


def _whole(value: object) -> object:
    if isinstance(value, str | bool):
        msg = "Input should be a whole number"
        raise ValueError(msg)
    return value


Real = Annotated[float, BeforeValidator(_not_bool)]
Whole = Annotated[int, BeforeValidator(_whole)]
Hidden = tuple[Annotated[Whole, Field(gt=0, le=100_000)], ...]
Activation = Literal["identity", "relu", "tanh", "gelu", "softplus"]


class Strict(BaseModel):
    """A frozen section of settings in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Encoder(Strict):
    """The encoder q(z|x): a multilayer perceptron for the mean, and a diagonal variance."""

    hidden: Hidden = ()
    activation: Activation = "relu"
    posterior: Literal["shared", "amortised"] = Field(
        "shared", description="one variance per latent for all data, or one per datum"
    )

    @property
    def is_linear(self) -> bool:
        """Whether the posterior mean is a linear function of the centred datum."""
        return not self.hidden or self.activation == "identity"


class Decoder(Strict):
    """The decoder: a multilayer perceptron for the mean of p(x|z)."""

    hidden: Hidden = ()
    activation: Activation = "relu"

    @property
    def is_linear(self) -> bool:
        """Whether the mean of p(x|z) is an affine function of the latent."""
        return not self.hidden or self.activation == "identity"


class Training(Strict):
    """How the model is trained."""

    objective: Literal["analytic", "stochastic", "reconstruction"]
    optimizer: Literal["adam", "lbfgs"] = "adam"
    learning_rate: Real = Field(1e-3, gt=0)
    noise_learning_rate: Real | None = Field(
        None,
        gt=0,
        description="learning rate of the log noise variance, which also gets a shorter memory in "
        "Adam (beta2 0.9); null: the weights' rate and memory. Adam moves a parameter by about "
        "its rate a step, too little in a short training for one that may travel over decades",
    )
    scale_by_noise: bool = Field(
        False,
        description="let the weights follow the gradient of sigma^2 ELBO, sigma^2 held constant in "
        "it, in place of the ELBO's: the maxima stay, and Adam's memory of past gradients stays "
        "right while sigma^2 travels over decades",
    )
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_steps: Whole = Field(0, ge=0)
    steps: Whole | None = Field(None, gt=0)
    epochs: Whole | None = Field(None, gt=0)
    batch_size: Whole | None = Field(None, gt=0, description="null: the whole training set")
    samples: Whole = Field(1, gt=0, description="draws of z for each datum and step")
    kl_annealing: Real = Field(
        0.0, ge=0, le=1, description="share of training over which the KL weight rises to 1"
    )
    gradient_clip: Real | None = Field(None, gt=0, description="largest gradient norm; null: none")
    precision: Literal["float64", "float32", "bfloat16"] = "float64"
    init: Literal["random", "principal"] = Field(
        "random",
        description="initial weights: random, or such that mean and reconstruction are those of "
        "the k leading principal components, the rest random",
    )
    init_scale: Real = Field(1.0, ge=0, description="factor on the initial weights")
    init_log_variance: Real = Field(0.0, description="initial log posterior variance")
    standardize: bool = Field(
        False,
        description="divide the encoder's input and multiply the decoder's output by the "
        "data's root mean variance",
    )
    whiten: bool = Field(
        False,
        description="let encoder and decoder work in principal axes, each divided by the root of "
        "its variance or, if larger, of the mean variance: a fixed linear map before the first and "
        "after the last layer, which changes the optimisation and not the set of models",
    )
    records: Whole = Field(100, gt=0, description="points of the curve")
    checkpoint_seconds: Real = Field(20.0, ge=0)
    device: Literal["auto", "cpu", "cuda"] = "cpu"

    @model_validator(mode="after")
    def _budget_is_given_once(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            msg = "give exactly one of steps and epochs"
            raise ValueError(msg)
        if self.standardize and self.whiten:
            msg = "give at most one of standardize and whiten"
            raise ValueError(msg)
        if self.optimizer == "lbfgs" and self.objective != "analytic":
            msg = "optimizer lbfgs maximises the analytic ELBO; set objective: analytic"
            raise ValueError(msg)
        if self.optimizer == "lbfgs" and self.steps is None:
            msg = "optimizer lbfgs counts steps; give steps, not epochs"
            raise ValueError(msg)
        return self


class ModelSpec(Strict):
    """A model and its training: one entry of `models` in `config.yaml`."""

    encoder: Encoder = Encoder()
    decoder: Decoder = Decoder()
    training: Training

    @model_validator(mode="after")
    def _objective_fits(self) -> Self:
        training = self.training
        if training.objective != "stochastic" and not self.decoder.is_linear:
            msg = (
                f"objective {training.objective} needs a linear decoder (hidden: [] or "
                "activation: identity); set training.objective: stochastic"
            )
            raise ValueError(msg)
        if training.objective == "reconstruction" and not self.encoder.is_linear:
            msg = "objective reconstruction is the linear autoencoder's and needs a linear encoder"
            raise ValueError(msg)
        networks = (self.encoder, self.decoder)
        if training.init == "principal" and not all(
            network.hidden and network.activation == "relu" for network in networks
        ):
            msg = (
                "init principal needs hidden layers of relu units in encoder and decoder; set "
                "training.init: random"
            )
            raise ValueError(msg)
        if training.optimizer == "lbfgs" and (self.encoder.hidden or self.decoder.hidden):
            msg = "optimizer lbfgs needs the plain linear VAE: no hidden layers"
            raise ValueError(msg)
        if training.optimizer == "lbfgs" and self.encoder.posterior != "shared":
            msg = "optimizer lbfgs needs encoder.posterior: shared"
            raise ValueError(msg)
        return self

    @property
    def is_linear(self) -> bool:
        """Whether encoder and decoder are linear and the posterior variance is shared."""
        return (
            self.encoder.is_linear and self.decoder.is_linear and self.encoder.posterior == "shared"
        )

    @property
    def needs_data(self) -> bool:
        """Whether training reads the data themselves, and not their covariance alone."""
        return self.training.objective == "stochastic" or not self.is_linear
