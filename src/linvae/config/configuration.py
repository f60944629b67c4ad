"""What `config.yaml` may hold, checked before anything is planned."""

from collections.abc import Mapping
from math import prod
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from linvae.config.consistency import model_problems, size_problems, unknown_models
from linvae.config.messages import ConfigError, brief, error_lines, nearest
from linvae.images.registry import NAMES, SHAPES
from linvae.settings.margins import Margins
from linvae.settings.measurement import Measurement
from linvae.settings.model import ModelSettings
from linvae.settings.values import Real, Strict, Whole
from linvae.study.fields import ModelName, Seed
from linvae.study.figures import FIGURES
from linvae.study.names import Names
from linvae.study.study import Study

__all__ = ["SHARED", "ConfigError", "StudyConfig", "load", "merged"]


def _dataset(value: str) -> str:
    if value not in NAMES.values():
        msg = f"allowed are {', '.join(NAMES.values())}{nearest(value, NAMES.values())}"
        raise ValueError(msg)
    return value


class Dataset(Strict):
    """Where the images come from."""

    name: Annotated[str, AfterValidator(_dataset)] = Field(
        "MNIST", description="which images", json_schema_extra={"enum": list(NAMES.values())}
    )
    source: Literal["auto", "download", "local", "embedded"] = Field(
        "auto", description="auto: the first of local, download, embedded that works"
    )
    local_dir: str | None = Field(
        None, description="folder with the IDX files; LINVAE_DATA_DIR does the same"
    )
    n_test: Annotated[Whole, Field(gt=0)] = Field(
        1000, description="test images by which deep models are measured"
    )

    @property
    def key(self) -> str:
        """The dataset's name in paths."""
        return self.name.lower()


class Preprocess(Strict):
    """How pixels become data."""

    seed: Seed = Field(0, description="of the dither u in y = (x + u) / 256, of logit variants")
    logit_lambda: Annotated[Real, Field(gt=0, lt=0.5)] = Field(
        1e-6, description="lambda in logit(lambda + (1 - 2 lambda) y)"
    )


class FigureStyle(Strict):
    """How one figure is drawn; what is null is as the figure has it."""

    width: Annotated[Real, Field(gt=1, le=20)] | None = Field(None, description="inches")
    height: Annotated[Real, Field(gt=1, le=20)] | None = Field(None, description="inches")
    dpi: Annotated[Whole, Field(ge=50, le=1200)] | None = Field(None, description="dots an inch")
    title: str | None = Field(None, description="above the figure")


STUDY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
# Folders below results/ that all studies share.
SHARED = (
    "benchmarks", "compared", "data", "hessian", "logs", "ppca", "report", "restarts", "rotated",
    "saddles", "spectrum", "train",
)  # fmt: skip


def _study_name(value: str) -> str:
    if value.lower() in SHARED:
        msg = f"results/{value} holds what studies share; give the study another name"
        raise ValueError(msg)
    return value


class StudyConfig(Strict):
    """The whole configuration."""

    name: Annotated[
        str, Field(pattern=STUDY_PATTERN, max_length=60), AfterValidator(_study_name)
    ] = Field(description="what the study says goes to results/<name>/")
    dataset: Dataset = Field(Dataset(), description="where the images come from")
    preprocess: Preprocess = Field(Preprocess(), description="how pixels become data")
    threads: Annotated[Whole, Field(gt=0, le=256)] = Field(
        1, description="of each job; part of what decides its result, unlike --cores"
    )
    checkpoint_seconds: Annotated[Real, Field(ge=0)] = Field(
        20.0, description="seconds between the checkpoints from which a training goes on"
    )
    models: Annotated[dict[ModelName, ModelSettings], Field(min_length=1)] = Field(
        description="encoder, decoder and training, by a name of lower-case letters and digits"
    )
    measurement: Measurement = Field(Measurement(), description="how deep VAEs are measured")
    margins: Margins = Field(Margins(), description="what counts as a difference, fixed beforehand")
    study: Study = Field(description="what is computed; a section that is null is left out")
    figures: dict[str, FigureStyle] = Field({}, description="style of single figures, by name")
    note: Annotated[str, Field(max_length=300)] | None = Field(
        None, description="what to make of the study, said at the head of its page"
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        problems = unknown_models(self.study, self.models) or model_problems(
            self.study, self.models
        )
        problems += size_problems(self.study, prod(SHAPES[self.dataset.name]))
        problems += [
            f"figures.{name}: there is no such figure{nearest(name, FIGURES)}"
            for name in self.figures
            if name not in FIGURES
        ]
        if self.dataset.source == "embedded" and self.dataset.name != "MNIST":
            problems.append(
                f"dataset.source: embedded holds MNIST only, not {self.dataset.name}; "
                "set it to local or download"
            )
        if problems:
            # One line a problem, as `error_lines` expects.
            raise ValueError("\n".join(problems))
        return self

    def model_on(self, name: str, device: str) -> ModelSettings:
        """Return a model's settings with the device settled.

        Parameters
        ----------
        device
            What `auto` means where the workflow is planned: ``cpu`` or ``cuda``.
        """
        settings = self.models[name]
        if settings.job.device == "auto":
            job = settings.job.model_copy(update={"device": device})
            settings = settings.model_copy(update={"job": job})
        return settings

    def names(self) -> Names:
        """Return how the study's data and runs are named."""
        return Names(
            dataset=self.dataset.key,
            n_test=self.dataset.n_test,
            seed=self.preprocess.seed,
            logit_lambda=self.preprocess.logit_lambda,
        )


def load(raw: Mapping[str, object]) -> StudyConfig:
    """Validate a configuration as read from YAML.

    Raises
    ------
    ConfigError
        With one line a problem: the key's path, what was found, what is allowed.
    """
    if not isinstance(raw, Mapping):
        msg = f"the configuration must be a mapping of sections, not {type(raw).__name__}"
        raise ConfigError(msg)
    try:
        return StudyConfig.model_validate({**raw, "models": _extended(raw.get("models"))})
    except ValidationError as error:
        details = error.errors()
        found = {detail["loc"]: detail["input"] for detail in details}
        own = [detail for detail in details if not _inherited(detail, found, raw.get("models"))]
        raise ConfigError("\n".join(error_lines(StudyConfig, own))) from None


def _inherited(detail: Mapping, found: Mapping[tuple, object], models: object) -> bool:
    """Whether a problem is told already, of the model that this one extends."""
    match detail["loc"]:
        case ("models", name, *rest) if isinstance(models, Mapping):
            base = models[name].get("extends") if isinstance(models.get(name), Mapping) else None
            place = ("models", base, *rest)
            return place in found and found[place] == detail["input"]
    return False


def _extended(models: object) -> object:
    """Resolve `extends: other-model`: the other model's settings with this one's on top."""
    if not isinstance(models, Mapping):
        return models

    def resolve(name: str, seen: tuple[str, ...]) -> object:
        own = models[name]
        if not isinstance(own, Mapping) or "extends" not in own:
            return own
        base = own["extends"]
        if not isinstance(base, str) or base not in models:
            msg = f"models.{name}.extends: no model {brief(base)}{nearest(str(base), models)}"
            raise ConfigError(msg)
        if base in seen:
            msg = f"models.{name}.extends: {' -> '.join((*seen, str(base)))} is a circle"
            raise ConfigError(msg)
        rest = {key: value for key, value in own.items() if key != "extends"}
        return merged(resolve(base, (*seen, base)), rest)

    return {name: resolve(name, (name,)) for name in models}


def merged(base: object, over: object) -> object:
    """Return nested mappings with another's values on top, as Snakemake merges them.

    What is no mapping is replaced; an empty mapping changes nothing.
    """
    if not isinstance(over, Mapping):
        return over
    if not over:
        return base
    before = base if isinstance(base, Mapping) else {}
    return {**before, **{key: merged(before.get(key, {}), value) for key, value in over.items()}}
