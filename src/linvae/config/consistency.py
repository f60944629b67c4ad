"""Requirements on a configuration that span several of its sections."""

from collections.abc import Mapping

from linvae.config.messages import nearest
from linvae.settings.model import ModelSettings
from linvae.study.study import Study

__all__ = ["model_problems", "size_problems", "unknown_models"]


def unknown_models(study: Study, models: Mapping[str, ModelSettings]) -> list[str]:
    """List the names of models that the study holds and `models` does not."""
    return [
        f"study.{section}.{key}: `models` holds no {name!r}{nearest(name, models)}"
        for section, content in study.sections()
        for key, name in content.named_models()
        if name not in models
    ]


def model_problems(study: Study, models: Mapping[str, ModelSettings]) -> list[str]:
    """List models that are not what the section which names them is about."""
    return [
        f"study.{section}.{problem}"
        for section, content in study.sections()
        for problem in content.problems(models)
    ]


def size_problems(study: Study) -> list[str]:
    """List numbers of latents, or of eigenvalues, that the named number of images cannot give."""
    return [
        f"study.{section}.{problem}"
        for section, content in study.sections()
        for problem in content.size_problems()
    ]
