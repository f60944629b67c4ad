"""What `config.yaml` may hold, checked before anything is planned."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from linvae.config.consistency import model_problems, size_problems, unknown_models
from linvae.config.messages import ConfigError, brief, error_lines, nearest
from linvae.naming import DATASETS
from linvae.settings.model import ModelSpec, Real, Strict, Whole
from linvae.study.figures import FIGURES
from linvae.study.sections import ModelName, Seed, Study

__all__ = ["ConfigError", "StudyConfig", "load"]


class Dataset(Strict):
    """Where the images come from."""

    name: Literal["MNIST", "FashionMNIST", "KMNIST"] = "MNIST"
    source: Literal["auto", "download", "local", "embedded"] = "auto"
    local_dir: str | None = None
    n_test: Annotated[Whole, Field(gt=0)] = 1000

    @property
    def key(self) -> str:
        """The dataset's name in paths."""
        return {value: key for key, value in DATASETS.items()}[self.name]


class Preprocess(Strict):
    """How pixels become data."""

    seed: Seed = 0
    logit_lambda: Annotated[Real, Field(gt=0, lt=0.5)] = 1e-6


class FigureStyle(Strict):
    """How one figure is drawn."""

    width: Annotated[Real, Field(gt=1, le=20)] = 6.0
    height: Annotated[Real, Field(gt=1, le=20)] = 4.0
    dpi: Annotated[Whole, Field(ge=50, le=1200)] = 200
    title: str | None = None


class StudyConfig(Strict):
    """The whole configuration."""

    dataset: Dataset = Dataset()
    preprocess: Preprocess = Preprocess()
    threads: Annotated[Whole, Field(gt=0, le=256)] = 1
    models: Annotated[dict[ModelName, ModelSpec], Field(min_length=1)]
    study: Study
    figures: dict[str, FigureStyle] = {}

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        problems = unknown_models(self.study, self.models) or model_problems(
            self.study, self.models
        )
        problems += size_problems(self.study)
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
        return _merged(resolve(base, (*seen, base)), rest)

    return {name: resolve(name, (name,)) for name in models}


def _merged(base: object, over: object) -> object:
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return over
    return {**base, **{key: _merged(base.get(key), value) for key, value in over.items()}}
