"""The figures that there are: what each shows, and what it is drawn from."""

from collections.abc import Callable
from typing import NamedTuple

from linvae.naming import Product, Run
from linvae.noise import parse_noise
from linvae.study.names import Names
from linvae.study.section import Section
from linvae.study.study import Study

__all__ = ["FIGURES", "FigureSource", "figure_inputs", "figures"]


class FigureSource(NamedTuple):
    """What a figure shows, and what it is drawn from.

    Attributes
    ----------
    section
        The section of `study` that asks for it.
    question
        Key of `linvae.claims.catalogue.QUESTIONS`.
    title
        What it shows, in words.
    files, chosen
        The files that it reads of the section's runs, and of which of them.
    spectrum
        Whether it reads the spectrum of the section's data.
    asked_for
        Whether the section asks for it.
    """

    section: str
    question: int
    title: str
    files: tuple[str, ...] = ()
    chosen: Callable[[Run, Section], bool] = lambda run, section: True
    spectrum: bool = False
    asked_for: Callable[[Section], bool] = lambda section: True


def _learned(run: Run, section: Section) -> bool:
    return run.noise.startswith("learned")


def _fixed(run: Run, section: Section) -> bool:
    return run.noise.startswith("fixed")


def _annealing(run: Run, section: Section) -> bool:
    return _fixed(run, section) and any(run.model in pair for pair in section.annealing)


def _first_fixed(run: Run, section: Section) -> bool:
    return _fixed(run, section) and run.seed == section.first_seed(run.model)


def _drawn_at(run: Run, section: Section) -> bool:
    return parse_noise(run.noise).variance == section.drawn_at


FIGURES = {
    "fig1_elbo_vs_ppca": FigureSource(
        "linear", 1, "ELBO of a linear VAE against the pPCA maximum", ("curve.csv", "metrics.json")
    ),
    "fig2_gram_within": FigureSource(
        "linear",
        3,
        "Inner products of the decoder's columns",
        ("model.safetensors",),
        spectrum=True,
    ),
    "fig3_gram_cross": FigureSource(
        "linear",
        3,
        "Decoder columns against the principal components",
        ("model.safetensors",),
        spectrum=True,
    ),
    "fig4_analytic_vs_stochastic": FigureSource(
        "stochastic", 1, "Analytic against stochastic ELBO", ("curve.csv", "metrics.json")
    ),
    "fig5_encoders": FigureSource(
        "encoders", 1, "Encoders with the same linear decoder", ("curve.csv", "metrics.json")
    ),
    "fig6_latent_dim": FigureSource(
        "latent_dim", 1, "ELBO and likelihood over the number of latents", ("metrics.json",)
    ),
    "fig7_collapse_learned": FigureSource(
        "recipes",
        4,
        "Collapse where sigma^2 is learned",
        ("kl.npz", "metrics.json"),
        _learned,
        asked_for=lambda s: s.learned,
    ),
    "fig8_collapse_fixed": FigureSource(
        "recipes", 4, "Collapse where sigma^2 is fixed", ("kl.npz", "metrics.json"), _fixed
    ),
    "fig9_stationary_points": FigureSource(
        "stationary", 2, "The likelihood around a zero column", spectrum=True
    ),
    "fig10_gap_decomposition": FigureSource(
        "linear", 3, "What the gap to the maximum is made of", ("curve.csv",)
    ),
    "fig11_theory_vs_deep": FigureSource(
        "recipes", 4, "Linear theory against deep VAEs", ("metrics.json",), spectrum=True
    ),
    "fig12_samples": FigureSource(
        "recipes", 4, "Reconstructions and samples", ("samples.npz",), _first_fixed
    ),
    "fig13_kl_annealing": FigureSource(
        "recipes",
        4,
        "KL annealing",
        ("kl.npz", "metrics.json"),
        _annealing,
        asked_for=lambda s: s.annealing,
    ),
    "fig14_ae_vs_vae": FigureSource(
        "autoencoder", 3, "Linear autoencoder against linear VAE", ("curve.csv",)
    ),
    "fig15_residual_spectrum": FigureSource(
        "recipes",
        4,
        "What a linear bypass would still add",
        ("residual.npz", "metrics.json"),
        _fixed,
    ),
    "fig16_elbo_saddles": FigureSource("saddles", 2, "Saddle points that the ELBO adds"),
    "fig17_inference": FigureSource(
        "recipes", 4, "What inference costs", ("metrics.json", "kl.npz"), _fixed
    ),
    "fig18_convergence": FigureSource(
        "endings",
        4,
        "Training by optimiser, rate and start",
        ("curve.csv", "times.csv", "metrics.json"),
        _drawn_at,
    ),
}


def figures(study: Study) -> list[str]:
    """Names of the figures that the study asks for."""
    return [
        name
        for name, source in FIGURES.items()
        if (section := getattr(study, source.section)) and source.asked_for(section)
    ]


def figure_inputs(study: Study, names: Names, figure: str) -> list[Product]:
    """Return the files that a figure is drawn from: its runs' files, spectra, tables."""
    source = FIGURES[figure]
    section = getattr(study, source.section)
    needed = [run for run in study.runs(source.section, names) if source.chosen(run, section)]
    files = [Product(name, run=run) for run in needed for name in source.files]
    if source.spectrum:
        data = (names.data(variant) for variant in section.variants())
        files += [Product("spectrum.npz", data=name) for name in data]
    return files + section.drawn(names)
