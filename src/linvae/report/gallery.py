"""The figures as readers meet them: which question each belongs to, and its name in words."""

from typing import NamedTuple

from linvae.claims.catalogue import CLAIMS, QUESTIONS

__all__ = ["GALLERY", "Shown", "category", "claims_of", "label", "short_name"]


class Shown(NamedTuple):
    """A figure's place in a report.

    Attributes
    ----------
    question
        Key of `linvae.claims.catalogue.QUESTIONS`.
    title
        What it shows, in words.
    """

    question: int
    title: str


GALLERY = {
    "fig1_elbo_vs_ppca": Shown(1, "ELBO of a linear VAE against the pPCA maximum"),
    "fig2_gram_within": Shown(3, "Inner products of the decoder's columns"),
    "fig3_gram_cross": Shown(3, "Decoder columns against the principal components"),
    "fig4_analytic_vs_stochastic": Shown(1, "Analytic against stochastic ELBO"),
    "fig5_encoders": Shown(1, "Encoders with the same linear decoder"),
    "fig6_latent_dim": Shown(1, "ELBO and likelihood over the number of latents"),
    "fig7_collapse_learned": Shown(4, "Collapse where sigma^2 is learned"),
    "fig8_collapse_fixed": Shown(4, "Collapse where sigma^2 is fixed"),
    "fig9_stationary_points": Shown(2, "The likelihood around a zero column"),
    "fig10_gap_decomposition": Shown(3, "What the gap to the maximum is made of"),
    "fig11_theory_vs_deep": Shown(4, "Linear theory against deep VAEs"),
    "fig12_samples": Shown(4, "Reconstructions and samples"),
    "fig13_kl_annealing": Shown(4, "KL annealing"),
    "fig14_ae_vs_vae": Shown(3, "Linear autoencoder against linear VAE"),
    "fig15_residual_spectrum": Shown(4, "What a linear bypass would still add"),
    "fig16_elbo_saddles": Shown(2, "Saddle points that the ELBO adds"),
}


def short_name(figure: str) -> str:
    """Name by which claims refer to a figure: ``fig8`` for ``fig8_collapse_fixed``."""
    return figure.split("_")[0]


def label(figure: str) -> str:
    """Name that sorts as text as its number does: ``Figure 08: ...``."""
    return f"Figure {int(short_name(figure).removeprefix('fig')):02d}: {GALLERY[figure].title}"


def category(figure: str) -> str:
    """Heading of a figure's question."""
    key = GALLERY[figure].question
    return f"{key}. {QUESTIONS[key]}"


def claims_of(figure: str) -> list[int]:
    """Numbers of the claims that a figure shows."""
    return [claim.number for claim in CLAIMS if short_name(figure) in claim.shown_in]
