"""Requirements on a configuration that span several of its sections."""

from collections.abc import Callable, Iterator, Mapping

from linvae.config.messages import nearest
from linvae.naming import parse_variant
from linvae.settings.model import ModelSpec
from linvae.study.sections import Study

__all__ = ["model_problems", "size_problems", "unknown_models"]

# A key that names a model: what the model must be, and how that is said.
Requirement = tuple[Callable[[ModelSpec], bool], str]

_LINEAR_ADAM: Requirement = (
    lambda model: model.is_linear and model.training.optimizer == "adam",
    "that is linear, with optimizer adam",
)
_LBFGS: Requirement = (lambda model: model.training.optimizer == "lbfgs", "with optimizer lbfgs")
_LINEAR_DECODER: Requirement = (
    lambda model: model.decoder.is_linear and model.training.objective != "reconstruction",
    "that is a VAE with a linear decoder",
)
_DEEP: Requirement = (
    lambda model: not model.decoder.is_linear,
    "with a decoder that is not linear (decoder.hidden and an activation)",
)
_REQUIREMENTS = {
    "linear.adam": _LINEAR_ADAM,
    "linear.lbfgs": _LBFGS,
    "latent_dim.model": _LBFGS,
    "stochastic.pairs": (
        lambda model: model.is_linear and model.training.objective != "reconstruction",
        "that is a linear VAE",
    ),
    "encoders.models": _LINEAR_DECODER,
    "autoencoder.autoencoder": (
        lambda model: model.training.objective == "reconstruction",
        "with objective reconstruction",
    ),
    "autoencoder.adam": _LINEAR_ADAM,
    "autoencoder.lbfgs": _LBFGS,
    "collapse.model": _DEEP,
    "annealing.models": _DEEP,
    "optimisation.models": _DEEP,
}


def unknown_models(study: Study, models: Mapping[str, ModelSpec]) -> list[str]:
    """List the names of models that the study holds and `models` does not."""
    return [
        f"study.{path}: `models` holds no {name!r}{nearest(name, models)}"
        for path, name in _named_models(study)
        if name not in models
    ]


def model_problems(study: Study, models: Mapping[str, ModelSpec]) -> list[str]:
    """List models that are not what the section which names them is about."""
    problems = []
    for path, name in _named_models(study):
        fits, wanted = _REQUIREMENTS[path]
        if not fits(models[name]):
            problems.append(f"study.{path}: {name!r} must be a model {wanted}")
    for analytic, stochastic in study.stochastic.pairs if study.stochastic else ():
        a, b = models[analytic].training, models[stochastic].training
        pair = f"study.stochastic.pairs: [{analytic}, {stochastic}]"
        if (a.objective, b.objective) != ("analytic", "stochastic"):
            problems.append(f"{pair} must be an analytic and a stochastic model, in this order")
        elif a.learning_rate != b.learning_rate:
            problems.append(f"{pair} have different learning rates")
    if study.collapse is None and (study.annealing or study.optimisation):
        problems.append("study.collapse: study.annealing and study.optimisation need this section")
    return problems


def size_problems(study: Study) -> list[str]:
    """List numbers of latents, or of eigenvalues, that the named number of images cannot give.

    The covariance of n images has rank n - 1 at most, and one eigenvalue is left to the noise.
    """
    problems = []
    for section, content in study:
        data = getattr(content, "data", ())
        for variant in (data,) if isinstance(data, str) else data:
            n = parse_variant("mnist", variant).n_images
            for key in ("n_latent", "n_latents", "fixed_at", "directions", "noise_at"):
                value = getattr(content, key, ())
                largest = max(value, default=0) if isinstance(value, tuple) else value
                if n is not None and largest > n - 2:
                    problems.append(
                        f"study.{section}.{key}: {largest} is more than the {max(0, n - 2)} that "
                        f"{n} images allow; lower it or take more images in study.{section}.data"
                    )
    return problems


def _named_models(study: Study) -> Iterator[tuple[str, str]]:
    """Every model that the study names, with the path of the key that names it."""
    for path in _REQUIREMENTS:
        section, key = path.split(".")
        value = getattr(getattr(study, section), key, ())
        for item in (value,) if isinstance(value, str) else value:
            for name in (item,) if isinstance(item, str) else item:
                yield path, name
