"""The figures that there are, and what each is drawn from."""

__all__ = ["FIGURES"]

# Figure: the section of `study` that asks for it, and the files of each of its runs that it reads.
FIGURES = {
    "fig1_elbo_vs_ppca": ("linear", ("curve.csv", "metrics.json")),
    "fig2_gram_within": ("linear", ("model.safetensors",)),
    "fig3_gram_cross": ("linear", ("model.safetensors",)),
    "fig4_analytic_vs_stochastic": ("stochastic", ("curve.csv", "metrics.json")),
    "fig5_encoders": ("encoders", ("curve.csv", "metrics.json")),
    "fig6_latent_dim": ("latent_dim", ("metrics.json",)),
    "fig7_collapse_learned": ("collapse", ("kl.npz", "metrics.json")),
    "fig8_collapse_fixed": ("collapse", ("kl.npz", "metrics.json")),
    "fig9_stationary_points": ("stationary", ()),
    "fig10_gap_decomposition": ("linear", ("curve.csv",)),
    "fig11_theory_vs_deep": ("collapse", ("metrics.json",)),
    "fig12_samples": ("collapse", ("samples.npz",)),
    "fig13_kl_annealing": ("annealing", ("kl.npz", "metrics.json")),
    "fig14_ae_vs_vae": ("autoencoder", ("curve.csv",)),
}
