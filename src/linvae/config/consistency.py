"""Requirements on a configuration that span several of its sections."""

from collections.abc import Iterable, Mapping

from linvae.config.messages import nearest
from linvae.naming import Run
from linvae.settings.model import ModelSettings
from linvae.study.study import Study

__all__ = ["model_problems", "remarks", "size_problems", "unknown_models"]


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


def size_problems(study: Study, n_features: int) -> list[str]:
    """List numbers of latents, or of eigenvalues, that the images cannot give.

    Parameters
    ----------
    n_features
        d of the study's images.
    """
    return [
        f"study.{section}.{problem}"
        for section, content in study.sections()
        for problem in content.size_problems(n_features)
    ]


def remarks(models: Mapping[str, ModelSettings], runs: Iterable[Run]) -> list[str]:
    """List what is allowed, and what a reader of the results should know.

    A perceptron passes k latents on, positive and negative parts, through 2 k rectified linear
    units; one with fewer cannot hold the linear solution, and may end far below the linear bound
    for that reason alone.
    """
    found = []
    for name, k in dict.fromkeys((run.model, run.n_latent) for run in runs):
        model = models[name]
        width = model.narrowest
        if not model.decoder.is_linear and width is not None and width < 2 * k:
            found.append(
                f"models.{name}: a hidden layer of {width} units cannot hold the linear "
                f"solution of {k} latents, which takes {2 * k}; its ELBO says nothing against the "
                "linear bound"
            )
    return found
