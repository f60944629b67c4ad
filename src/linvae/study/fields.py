"""The kinds of values that sections of `study` in `config.yaml` hold."""

from typing import Annotated

from pydantic import AfterValidator, Field

from linvae.naming import MODEL_PATTERN, DataName, parse_variant
from linvae.noise import parse_noise
from linvae.settings.values import Real, Whole

__all__ = [
    "Latents",
    "ModelName",
    "Models",
    "Noise",
    "Positives",
    "Seed",
    "Seeds",
    "Variances",
    "Variant",
    "Variants",
    "distinct",
]


def _variant(value: str) -> str:
    name = parse_variant("mnist", value)
    plain = str(DataName("", name.preprocessing, name.n_images, after=name.after)).removeprefix("-")
    if value != plain:
        msg = (
            f"data variant {value!r} says more than {plain!r}: test images are set in dataset, "
            "the dither's seed and lambda in preprocess, for all data of the study"
        )
        raise ValueError(msg)
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


def distinct(values: tuple) -> tuple:
    """Return the values, none of which may be there twice."""
    if len(set(values)) != len(values):
        msg = "values must differ from one another"
        raise ValueError(msg)
    return values


# What a schema says of values that a function checks.
_UNIQUE = {"uniqueItems": True}
Variant = Annotated[
    str,
    AfterValidator(_variant),
    Field(
        description="pixels or logit, and how many training images: logit-first1000, pixels-all; "
        "logit-after50000-first8000 passes 50,000 over, and holds out those that follow",
        json_schema_extra={
            "pattern": r"^(pixels|logit)-((after[1-9][0-9]*-)?first[1-9][0-9]*|all)$"
        },
    ),
]
Variants = Annotated[
    tuple[Variant, ...],
    Field(min_length=1),
    AfterValidator(distinct),
    Field(description="data variants", json_schema_extra=_UNIQUE),
]
Noise = Annotated[
    str,
    AfterValidator(_noise),
    Field(
        description="sigma^2: fixed-<value>, or learned-<initial value>",
        json_schema_extra={"pattern": r"^(fixed|learned)-[0-9]+(\.[0-9]+)?$"},
    ),
]
ModelName = Annotated[str, Field(pattern=f"^{MODEL_PATTERN}$", max_length=80)]
Latents = Annotated[Whole, Field(gt=0, description="number of latents k")]
Seed = Annotated[Whole, Field(ge=0, lt=2**31)]
Seeds = Annotated[
    tuple[Seed, ...],
    Field(min_length=1),
    AfterValidator(distinct),
    Field(description="a run of each", json_schema_extra=_UNIQUE),
]
Positive = Annotated[Real, Field(gt=0)]
Positives = Annotated[
    tuple[Positive, ...],
    Field(min_length=1),
    AfterValidator(distinct),
    Field(json_schema_extra=_UNIQUE),
]
Variance = Annotated[
    Real, AfterValidator(_variance), Field(json_schema_extra={"minimum": 1e-9, "maximum": 1e9})
]
Variances = Annotated[
    tuple[Variance, ...],
    Field(min_length=1),
    AfterValidator(distinct),
    Field(description="values of sigma^2", json_schema_extra=_UNIQUE),
]
Models = Annotated[
    tuple[ModelName, ...],
    Field(min_length=1),
    AfterValidator(distinct),
    Field(description="names of models", json_schema_extra=_UNIQUE),
]
