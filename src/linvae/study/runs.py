"""Which runs and files each part of the study needs, from its configuration."""

from collections.abc import Iterator

from linvae.config.load import StudyConfig
from linvae.naming import NoiseName, Run, parse_variant
from linvae.study.figures import FIGURES

__all__ = ["FIGURES", "data_names", "figure_inputs", "figure_section", "figures", "runs"]

# Sections that train the deep model of `study.collapse` in other ways, on the same data.
VARIATIONS = ("annealing", "optimisation")
PROVENANCE = "results/data/{dataset}/provenance.json"


def figures(config: StudyConfig) -> list[str]:
    """Names of the figures that the study asks for."""
    return [name for name, (section, _) in FIGURES.items() if getattr(config.study, section)]


def figure_section(config: StudyConfig, figure: str) -> dict:
    """Return the section of the study that asks for a figure, as plain values.

    What counts as collapsed is said once, in `study.collapse`; figures of its variations follow it.
    """
    section = FIGURES[figure][0]
    values = getattr(config.study, section).model_dump(mode="json")
    if section in VARIATIONS:
        values |= {"epsilon": config.study.collapse.epsilon, "delta": config.study.collapse.delta}
    return values


def data_names(config: StudyConfig, section: str) -> list[str]:
    """Return the data variants of a section, as in paths."""
    if section in VARIATIONS:
        section = "collapse"
    value = getattr(config.study, section).data
    variants = (value,) if isinstance(value, str) else value
    return [str(parse_variant(config.dataset.key, variant)) for variant in variants]


def runs(config: StudyConfig, section: str) -> list[Run]:
    """Training runs that a section of the study needs, each once."""
    content = getattr(config.study, section)
    if content is None:
        return []
    return list(dict.fromkeys(_RUNS[section](config)))


def all_runs(config: StudyConfig) -> list[Run]:
    """Training runs of the whole study, each once."""
    return list(dict.fromkeys(run for section in _RUNS for run in runs(config, section)))


def figure_inputs(config: StudyConfig, figure: str) -> list[str]:
    """Return the files that a figure is drawn from: its runs' files, spectra, pPCA, provenance."""
    section, names = FIGURES[figure]
    needed = runs(config, section) if section in _RUNS else []
    if figure.startswith(("fig7", "fig8", "fig11", "fig12")):
        kind = {"fig7": "learned", "fig8": "fixed", "fig12": "fixed"}.get(figure.split("_")[0])
        needed = [run for run in needed if kind is None or run.noise.startswith(kind)]
    if figure.startswith("fig12"):
        needed = [run for run in needed if run.seed == config.study.collapse.seeds[0]]
    files = [run.file(name) for run in needed for name in names]
    for data in data_names(config, section):
        files += [f"results/spectrum/{data}.npz", f"results/ppca/{data}.csv"]
    return [*files, PROVENANCE.format(dataset=config.dataset.key)]


def _linear(config: StudyConfig) -> Iterator[Run]:
    part = config.study.linear
    yield from _grid(config, "linear", (part.adam, part.lbfgs), (part.noise,), part.seeds)


def _latent_dim(config: StudyConfig) -> Iterator[Run]:
    part = config.study.latent_dim
    for data in data_names(config, "latent_dim"):
        for n_latent in part.n_latents:
            yield Run(part.model, data, n_latent, part.noise, part.seed)


def _stochastic(config: StudyConfig) -> Iterator[Run]:
    part = config.study.stochastic
    models = [name for pair in part.pairs for name in pair]
    yield from _grid(config, "stochastic", models, (part.noise,), part.seeds)


def _encoders(config: StudyConfig) -> Iterator[Run]:
    part = config.study.encoders
    yield from _grid(config, "encoders", part.models, (part.noise,), part.seeds)


def _autoencoder(config: StudyConfig) -> Iterator[Run]:
    part = config.study.autoencoder
    models = (part.autoencoder, part.adam, part.lbfgs)
    yield from _grid(config, "autoencoder", models, (part.noise,), part.seeds)


def _collapse(config: StudyConfig) -> Iterator[Run]:
    part = config.study.collapse
    noises = [
        str(NoiseName(kind, variance))
        for kind in ("fixed", "learned")
        for variance in part.noise_variances
    ]
    yield from _grid(config, "collapse", (part.model,), noises, part.seeds)


def _annealing(config: StudyConfig) -> Iterator[Run]:
    yield from _variations(config, "annealing")


def _optimisation(config: StudyConfig) -> Iterator[Run]:
    yield from _variations(config, "optimisation")


def _variations(config: StudyConfig, section: str) -> Iterator[Run]:
    part = getattr(config.study, section)
    noises = [str(NoiseName("fixed", variance)) for variance in part.noise_variances]
    yield from _grid(config, section, part.models, noises, part.seeds)


def _grid(
    config: StudyConfig,
    section: str,
    models: tuple[str, ...] | list[str],
    noises: tuple[str, ...] | list[str],
    seeds: tuple[int, ...],
) -> Iterator[Run]:
    n_latent = getattr(config.study, section, None)
    n_latent = getattr(n_latent, "n_latent", None) or config.study.collapse.n_latent
    for data in data_names(config, section):
        for model in models:
            for noise in noises:
                for seed in seeds:
                    yield Run(model, data, n_latent, noise, seed)


_RUNS = {
    "linear": _linear,
    "latent_dim": _latent_dim,
    "stochastic": _stochastic,
    "encoders": _encoders,
    "autoencoder": _autoencoder,
    "collapse": _collapse,
    "annealing": _annealing,
    "optimisation": _optimisation,
}
