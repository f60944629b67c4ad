"""A model and its training: networks, start, optimisation, and what the job records.

These classes are the one definition of a model's settings: `config.yaml` is validated by them, and
a notebook builds them directly.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from linvae.settings.values import Real, Strict, Whole

__all__ = ["Decoder", "Encoder", "JobSettings", "ModelSettings", "Network", "Start", "Training"]

Hidden = tuple[Annotated[Whole, Field(gt=0, le=100_000)], ...]
Activation = Literal["identity", "relu", "tanh", "gelu", "softplus"]


class Network(Strict):
    """A network between data and latents; `linvae.training.networks` builds each kind."""

    kind: Literal["perceptron"] = Field("perceptron", description="kind of network")
    hidden: Hidden = Field((), description="sizes of the hidden layers, from input to output")
    activation: Activation = Field("relu", description="what each hidden layer ends with")
    skip: bool = Field(
        False,
        description="a linear map past the hidden layers, from input to output, beside them; the "
        "encoder's mean has it alone, not its variance",
    )

    @model_validator(mode="after")
    def _skip_passes_something(self) -> Self:
        if self.skip and (not self.hidden or self.activation == "identity"):
            msg = (
                "skip passes hidden layers that are not linear; give hidden sizes and an "
                "activation, or set skip: false"
            )
            raise ValueError(msg)
        return self

    @property
    def is_single_matrix(self) -> bool:
        """Whether it is one affine map, with no layer between input and output."""
        # Said of the kinds of which it is known, not of any without hidden layers.
        return self.kind == "perceptron" and not self.hidden

    @property
    def is_linear(self) -> bool:
        """Whether its output is an affine function of its input."""
        return self.is_single_matrix or (
            self.kind == "perceptron" and self.activation == "identity"
        )

    @property
    def passes_through(self) -> bool:
        """Whether its layers can be set to compute a linear map: hidden ones, rectified linear."""
        rectified = self.kind == "perceptron" and bool(self.hidden) and self.activation == "relu"
        # With a way past them, which of the two carried the map would be one more choice.
        return rectified and not self.skip

    @property
    def narrowest(self) -> int | None:
        """Number of units in its smallest layer; None of a single matrix, which has no such."""
        return min(self.hidden, default=None)

    @property
    def size(self) -> str:
        """The sizes of its layers, such as ``512-512``; ``linear`` of a single matrix.

        Of another kind than perceptrons its name, unless it says more here.
        """
        if self.hidden:
            return "-".join(map(str, self.hidden))
        return "linear" if self.is_single_matrix else self.kind

    def without_size(self) -> Self:
        """Return the network without its sizes: equal of networks that differ in these alone."""
        return self.model_copy(update={"hidden": ()})

    def matrices(self, n_inputs: int, n_outputs: int) -> list[tuple[int, int]]:
        """Return the shapes of its weight matrices from n inputs to n outputs."""
        sizes = (n_inputs, *self.hidden, n_outputs)
        past = [(n_inputs, n_outputs)] if self.skip else []
        return [*zip(sizes[:-1], sizes[1:], strict=True), *past]


class Encoder(Network):
    """The encoder q(z|x): a network for the mean, and a diagonal variance."""

    posterior: Literal["shared", "amortised"] = Field(
        "shared", description="one variance per latent for all data, or one per datum"
    )

    def matrices(self, n_inputs: int, n_outputs: int) -> list[tuple[int, int]]:
        """Return the shapes of its weight matrices, that of an amortised variance among them."""
        found = super().matrices(n_inputs, n_outputs)
        if self.posterior == "amortised":
            # As the head of the mean, which comes last but for a skip.
            found.append(found[-2] if self.skip else found[-1])
        return found


class Decoder(Network):
    """The decoder: a network for the mean of p(x|z)."""


class Start(Strict):
    """What training starts from."""

    weights: Literal["random", "principal"] = Field(
        "random",
        description="random, or such that mean and reconstruction are those of the k leading "
        "principal components, the rest random",
    )
    scale: Real = Field(1.0, ge=0, description="factor on the initial weights")
    log_variance: Real = Field(0.0, description="initial log posterior variance")
    standardize: bool = Field(
        False,
        description="divide the encoder's input and multiply the decoder's output by the "
        "data's root mean variance",
    )


class Training(Strict):
    """How the ELBO is maximised: objective, optimiser, schedule and budget."""

    objective: Literal["analytic", "solved", "stochastic", "reconstruction"] = Field(
        description="analytic: the exact ELBO; solved: the same, with the linear decoder, sigma^2 "
        "and a shared posterior variance solved for the encoder at every step; stochastic: the "
        "ELBO by sampling; reconstruction: the squared error alone"
    )
    optimizer: Literal["adam", "muon", "lbfgs"] = Field(
        "adam",
        description="adam; muon: for weight matrices, with adam for the rest; or lbfgs: for the "
        "plain linear VAE and the analytic objective alone, with the encoder and its variance "
        "solved for",
    )
    never_rotate: bool = Field(
        False,
        description="optimizer lbfgs: never rotate the decoder to its principal axes, which leaves "
        "the likelihood as it is and closes the inference gap",
    )
    learning_rate: Real = Field(
        1e-3, gt=0, description="of the optimiser, for all that has none of its own"
    )
    adam_learning_rate: Real | None = Field(
        None,
        gt=0,
        description="optimizer muon: rate of Adam, for biases, sigma^2 and shared variances; null: "
        "0.001",
    )
    newton_schulz_steps: Annotated[Whole, Field(ge=3, le=5)] | None = Field(
        None, description="optimizer muon: polynomials to the polar factor, 3 to 5; null: 5"
    )
    noise_learning_rate: Real | None = Field(
        None,
        gt=0,
        description="learning rate of the log noise variance, which also gets a shorter memory in "
        "Adam (beta2 0.9); null: the weights' rate and memory. Adam moves a parameter by about "
        "its rate a step, too little in a short training for one that may travel over decades",
    )
    variance_learning_rate: Real | None = Field(
        None,
        gt=0,
        description="learning rate of a shared log posterior variance, which may have as far to "
        "travel; null: the weights' rate",
    )
    scale_by_noise: bool = Field(
        False,
        description="let the weights follow the gradient of sigma^2 ELBO, sigma^2 held constant in "
        "it, in place of the ELBO's: the maxima stay, and Adam's memory of past gradients stays "
        "right while sigma^2 travels over decades",
    )
    schedule: Literal["constant", "cosine"] = Field(
        "constant", description="of the learning rates; cosine: down to zero at the end"
    )
    warmup_steps: Whole = Field(
        0, ge=0, description="steps over which the learning rates rise to their value"
    )
    steps: Whole | None = Field(None, gt=0, description="updates; give these or epochs")
    epochs: Whole | None = Field(None, gt=0, description="passes over the data; or give steps")
    batch_size: Whole | None = Field(None, gt=0, description="null: the whole training set")
    samples: Whole = Field(1, gt=0, description="draws of z for each datum and step")
    kl_annealing: Real = Field(
        0.0, ge=0, le=1, description="share of training over which the KL weight rises to 1"
    )
    gradient_clip: Real | None = Field(None, gt=0, description="largest gradient norm; null: none")
    precision: Literal["float64", "float32", "bfloat16"] = Field(
        "float64", description="of the arithmetic; bfloat16: of products alone"
    )

    @model_validator(mode="after")
    def _budget_fits(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            msg = "give exactly one of steps and epochs"
            raise ValueError(msg)
        if self.optimizer == "lbfgs" and self.objective != "analytic":
            msg = "optimizer lbfgs maximises the analytic ELBO; set objective: analytic"
            raise ValueError(msg)
        if self.optimizer == "lbfgs" and self.steps is None:
            msg = "optimizer lbfgs counts steps; give steps, not epochs"
            raise ValueError(msg)
        given = (self.adam_learning_rate, self.newton_schulz_steps)
        if self.optimizer != "muon" and given != (None, None):
            msg = "adam_learning_rate and newton_schulz_steps are for optimizer muon"
            raise ValueError(msg)
        if self.never_rotate and self.optimizer != "lbfgs":
            msg = "never_rotate is for optimizer lbfgs: adam never rotates"
            raise ValueError(msg)
        if self.objective == "solved" and self.batch_size is not None:
            msg = "objective solved solves the decoder for all data; leave batch_size out"
            raise ValueError(msg)
        return self


class JobSettings(Strict):
    """How the job is run."""

    records: Whole = Field(100, gt=0, description="points of the curve")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "cpu", description="auto: a GPU if there is one where the workflow is planned"
    )


class ModelSettings(Strict):
    """One entry of `models` in `config.yaml`."""

    encoder: Encoder = Field(Encoder(), description="q(z|x)")
    decoder: Decoder = Field(Decoder(), description="the mean of p(x|z)")
    start: Start = Field(Start(), description="what training starts from")
    training: Training = Field(description="how the ELBO is maximised")
    job: JobSettings = Field(JobSettings(), description="how the job is run")

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
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
        if self.start.weights == "principal" and not all(n.passes_through for n in networks):
            msg = (
                "start.weights principal needs hidden layers of relu units in encoder and decoder, "
                "and skip: false; set start.weights: random"
            )
            raise ValueError(msg)
        if training.variance_learning_rate is not None and self.encoder.posterior != "shared":
            msg = (
                "training.variance_learning_rate is for encoder.posterior: shared; an amortised "
                "variance is a network's output"
            )
            raise ValueError(msg)
        if training.optimizer == "lbfgs" and (not self.is_linear or self.has_hidden_layers):
            msg = (
                "optimizer lbfgs needs the plain linear VAE: no hidden layers, and "
                "encoder.posterior: shared"
            )
            raise ValueError(msg)
        return self

    @property
    def is_linear(self) -> bool:
        """Whether encoder and decoder are linear and the posterior variance is shared."""
        return (
            self.encoder.is_linear and self.decoder.is_linear and self.encoder.posterior == "shared"
        )

    @property
    def has_hidden_layers(self) -> bool:
        """Whether encoder or decoder is more than one matrix."""
        return not (self.encoder.is_single_matrix and self.decoder.is_single_matrix)

    @property
    def narrowest(self) -> int | None:
        """Number of units in the smallest layer of encoder and decoder; None if there is none."""
        sizes = (self.encoder.narrowest, self.decoder.narrowest)
        return min((size for size in sizes if size is not None), default=None)

    def without_size(self) -> Self:
        """Return the model without the sizes of its networks."""
        parts = {"encoder": self.encoder.without_size(), "decoder": self.decoder.without_size()}
        return self.model_copy(update=parts)

    @property
    def needs_data(self) -> bool:
        """Whether training reads the data themselves, and not their covariance alone."""
        return self.training.objective in ("stochastic", "solved") or not self.is_linear
