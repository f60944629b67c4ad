"""The claims in words: who makes them, and which sections of the study can decide them."""

from typing import NamedTuple

__all__ = ["STATEMENTS", "Statement"]


class Statement(NamedTuple):
    """A claim before anything is measured."""

    claim: str
    made_by: str
    section: str
    shown_in: str


_PAPER = "paper"
_PROJECT = "this project"

STATEMENTS = {
    1: Statement(
        "The ELBO of the linear VAE reaches the pPCA maximum.", _PAPER, "linear", "fig1, fig10"
    ),
    2: Statement(
        "The ELBO has no spurious maxima: restarts from many scales, among them collapsed starts, "
        "end at the global maximum.",
        _PAPER,
        "restarts",
        "",
    ),
    3: Statement(
        "At the maximum the decoder's columns are the principal components.",
        _PAPER,
        "linear",
        "fig2, fig3",
    ),
    4: Statement(
        "A stationary point of the likelihood is stable exactly when no unused lambda_j exceeds "
        "sigma^2.",
        _PAPER,
        "stationary",
        "fig9",
    ),
    5: Statement(
        "At the maximum-likelihood sigma^2 of fewer latents, the likelihood rises past their "
        "number and then falls.",
        "paper, report",
        "latent_dim",
        "fig6",
    ),
    6: Statement(
        "Stochastic training is slower and ends lower than analytic training at the same learning "
        "rate.",
        "paper (the report says no)",
        "stochastic",
        "fig4",
    ),
    7: Statement(
        "With a linear decoder, encoders other than linear end below the pPCA maximum.",
        "paper, report",
        "encoders",
        "fig5",
    ),
    8: Statement(
        "With sigma^2 fixed, the collapse of the deep VAE grows with sigma^2.",
        "paper, report",
        "collapse",
        "fig8, table1",
    ),
    9: Statement(
        "With sigma^2 learned, its initial value still decides collapse and final ELBO.",
        "paper, report",
        "collapse",
        "fig7, table1",
    ),
    10: Statement(
        "The number of lambda_i <= sigma^2 predicts the collapse of the deep VAE.",
        _PAPER,
        "collapse",
        "fig11",
    ),
    11: Statement("KL annealing does not remove collapse.", _PAPER, "annealing", "fig13"),
    12: Statement(
        "A deep VAE collapses entirely only when sigma^2 exceeds the largest eigenvalue lambda_1; "
        "below it, total collapse is a failure of optimisation.",
        "Li et al. (2025), this project",
        "collapse",
        "fig8, fig11",
    ),
}
