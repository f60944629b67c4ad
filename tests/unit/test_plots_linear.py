"""Figures of the linear models, on made-up runs in the workflow's layout."""

import importlib
import math
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hostile import HOSTILE
from linear_study import BEST, CONFIG, EIGENVALUES, NAMES, STEPS, K, write_results
from lying import path_of, paths_of

from linvae.files import write_csv
from linvae.inputs import Inputs
from linvae.linear import ppca
from linvae.linear.spectrum import Spectrum
from linvae.naming import Product
from linvae.plots.bands import over_seeds
from linvae.plots.style import save, short
from linvae.study.figures import FIGURES, figure_inputs, figures

DRAWN = figures(CONFIG.study)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the results of all runs of the study."""
    path = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        write_results()
    return path


@pytest.fixture
def make(folder, monkeypatch):
    """Return a figure's module, section and table, read back from its .csv."""
    monkeypatch.chdir(folder)

    def made(figure):
        module = importlib.import_module(f"linvae.plots.{figure}")
        asking = getattr(CONFIG.study, FIGURES[figure].section)
        section = {**asking.identity(), **CONFIG.measurement.identity()}
        inputs = Inputs(paths_of(figure_inputs(CONFIG.study, NAMES, figure)))
        write_csv(f"{figure}.csv", module.table(inputs, section))
        return module, section, pd.read_csv(f"{figure}.csv")

    return made


def test_standard_error_by_hand():
    frame = pd.DataFrame({"step": [5, 5, 5, 2], "gap": [1.0, 2.0, 6.0, 4.0]})
    found = over_seeds(frame, ["step"], ["gap"])
    assert found["step"].tolist() == [5, 2]
    assert found["n_seeds"].tolist() == [3, 1]
    assert found["gap_mean"].tolist() == [3.0, 4.0]
    # (1, 2, 6) deviate from 3 by squares 4, 1, 9: variance 7 with n - 1.
    assert found["gap_error"][0] == pytest.approx(math.sqrt(7 / 3), rel=1e-12)
    assert math.isnan(found["gap_error"][1])


@pytest.mark.parametrize(
    ("value", "text"),
    [(184.6, "185"), (1.26, "1.3"), (0.0, "0"), (1.2e-7, r"$1\times 10^{-7}$")],
)
def test_short_numbers(value, text):
    assert short(value) == text


def test_elbo_against_ppca(make):
    module, section, table = make("fig1_elbo_vs_ppca")
    assert table["model"].unique().tolist() == ["linear VAE, Adam", "linear VAE, L-BFGS"]
    assert len(table) == 2 * 2 * len(STEPS)
    # Round-off of numbers near 20.
    np.testing.assert_allclose(table["ppca_max"] - table["elbo"], table["gap"], atol=1e-14)
    value, gap = module.draw(table, section, {}).axes
    assert BEST in [line.get_ydata()[0] for line in value.lines]
    # The mean of 8 / 101 and 12 / 101.
    endings = [text.get_text().split("gap: ")[1] for text in gap.get_legend().get_texts()]
    assert endings == ["0.099", r"$1\times 10^{-12}$"]


def test_gap_parts_add_up(make):
    module, section, table = make("fig10_gap_decomposition")
    np.testing.assert_allclose(
        table["marginal_gap"] + table["inference_gap"], table["gap"], rtol=1e-14
    )
    for ax in module.draw(table, section, {}).axes:
        assert len(ax.lines) == 3 * 2
        # Round-off at the end must not take up most of the axis.
        assert ax.get_ylim()[0] >= 1e-8


def test_gram_matrices_show_rotation_but_not_order_or_sign(make):
    table = make("fig2_gram_within")[2]
    grams = {
        name: cells.pivot_table(index="row", columns="column", values="inner_product").to_numpy()
        for name, cells in table.groupby("matrix")
    }
    expected = np.diag(EIGENVALUES[:K] - EIGENVALUES[K:].mean())
    # The table rounds to eight decimals.
    for name in ("pPCA maximum", "linear VAE, L-BFGS"):
        np.testing.assert_allclose(grams[name], expected, atol=1e-8)
    # cos sin times the difference of the squared lengths, 16 - 12.
    off = grams["linear VAE, Adam"][0, 1]
    assert abs(off) == pytest.approx(4 * math.sin(0.3) * math.cos(0.3), abs=1e-8)


def test_cross_gram_is_the_identity_where_columns_are_components(make):
    module, section, table = make("fig3_gram_cross")
    lbfgs = table[table["matrix"] == "linear VAE, L-BFGS"]
    np.testing.assert_allclose(lbfgs["cosine"], np.eye(K).ravel(), atol=1e-8)
    adam = table[(table["matrix"] == "linear VAE, Adam") & (table["row"] == table["column"])]
    # The entries of W_pPCA^T W_VAE: those of the Gram matrix where the columns agree.
    expected = np.diag(EIGENVALUES[:K] - EIGENVALUES[K:].mean())
    np.testing.assert_allclose(lbfgs["inner_product"], expected.ravel(), atol=1e-7)
    titles = [ax.get_title() for ax in module.draw(table, section, {}).axes[2:4]]
    assert f"{adam['cosine'].mean():.4f}" in titles[0]
    assert adam["cosine"].mean() < 0.99
    assert "1.0000" in titles[1]


def test_stochastic_against_analytic(make):
    module, section, table = make("fig4_analytic_vs_stochastic")
    assert table["learning_rate"].unique().tolist() == [1e-3, 1e-2]
    last = table[table["step"] == 100]
    assert last["objective"].tolist() == ["analytic", "stochastic"] * 2
    np.testing.assert_allclose(last["gap_mean"], 10 / 101, rtol=1e-12)
    # Two values that differ by 4 / 101 have a standard error of half that.
    np.testing.assert_allclose(last["gap_error"], 2 / 101, rtol=1e-12)
    np.testing.assert_allclose(last["estimated_gap_mean"], 20 / 101, rtol=1e-12)
    curves, ends = module.draw(table, section, {}).axes
    # Four means, and the estimates of the two stochastic runs.
    assert len(curves.lines) == 6
    assert [list(bars[0].get_xdata()) for bars in ends.containers] == [[1e-3, 1e-2]] * 2


def test_a_rate_that_falls_and_one_that_does_not_are_two_curves(make):
    module, section, table = make("fig4_analytic_vs_stochastic")
    assert table["schedule"].unique().tolist() == ["constant"]
    falling = table.assign(schedule="falling")
    curves, ends = module.draw(pd.concat([table, falling]), section, {}).axes
    assert len(curves.lines) == 2 * 6
    told = [text.get_text() for text in curves.get_legend().get_texts()]
    assert {"falling from 0.01", "constant at 0.01"} <= set(told)
    assert [text.get_text() for text in ends.get_legend().get_texts()] == [
        "analytic, constant", "stochastic, constant", "analytic", "stochastic",
    ]  # fmt: skip


def test_encoders_in_the_order_of_the_configuration(make):
    module, section, table = make("fig5_encoders")
    assert table["model"].unique().tolist() == ["relu", "adam"]
    np.testing.assert_allclose(table["elbo_mean"], BEST - table["gap_mean"], rtol=1e-12)
    gap = module.draw(table, section, {}).axes[1]
    assert [text.get_text() for text in gap.get_legend().get_texts()] == ["relu", "adam"]


def test_latent_dimensions(make):
    module, section, table = make("fig6_latent_dim")
    assert table["n_latent"].max() == 6
    values = table.set_index(["data", "quantity", "n_latent"])["nats"]
    data = "mnist-logit-first50"
    free, fixed = (values[data, name] for name in table["quantity"].unique()[1:])
    assert values[data, "linear VAE"].to_dict() == {k: BEST - k for k in (1, 2, 6)}
    spectrum = Spectrum.load(path_of(Product("spectrum.npz", data=data)))
    by_k = {k: ppca.fit(spectrum, k) for k in range(1, 7)}
    for k, model in by_k.items():
        assert free[k] == pytest.approx(model.log_likelihood(spectrum), rel=1e-12)
        imposed = ppca.log_likelihood(model.weights, by_k[2].noise_variance, spectrum)
        assert fixed[k] == pytest.approx(imposed, rel=1e-12)
    made = module.draw(table, section, {})
    assert made.axes[0].texts[0].get_text() == f"k = {fixed.idxmax()}"
    assert [ax.get_title().split()[1] for ax in made.axes] == ["logit,", "pixels,"]


def test_stationary_points(make):
    module, section, table = make("fig9_stationary_points")
    points = table.groupby("noise_at").first()
    assert points["kind"].to_dict() == {4: "stable", 6: "saddle", 8: "unstable"}
    # Differences of fourth order at 3% of the noise's deviation: error about 1e-5 of 1 / s.
    for name in "ab":
        np.testing.assert_allclose(
            points[f"numerical_{name}"], points[f"curvature_{name}"], atol=2e-5
        )
    spectrum = Spectrum.load(path_of(Product("spectrum.npz", data="mnist-logit-first50")))
    row = table[table["noise_at"] == 8].iloc[100]
    weights = np.zeros((9, 5))
    weights[:, :4] = spectrum.eigenvectors[:, :4] * np.sqrt(EIGENVALUES[:4] - 2.0)
    start = ppca.log_likelihood(weights, 2.0, spectrum)
    weights[:, 4] = row["a"] * spectrum.eigenvectors[:, 4] + row["b"] * spectrum.eigenvectors[:, 6]
    moved = ppca.log_likelihood(weights, 2.0, spectrum)
    assert row["change"] == pytest.approx(moved - start, abs=1e-11)
    titles = [ax.get_title() for ax in module.draw(table, section, {}).axes[:3]]
    assert [title.split()[1] for title in titles] == ["stable:", "saddle:", "unstable:"]


def test_contours_and_colours_are_symmetric_and_a_saddle_crosses_itself(make):
    module, section, table = make("fig9_stationary_points")
    panels = module.draw(table, section, {}).axes[:3]
    limits = {ax.collections[0].get_clim() for ax in panels}
    assert len(limits) == 1
    ((low, high),) = limits
    assert low == -high
    assert high >= table["change"].abs().max()
    for ax in panels:
        thin, zero = ax.collections[1:3]
        np.testing.assert_allclose(thin.levels, -thin.levels[::-1], rtol=1e-12)
        assert zero.levels.tolist() == [0.0]
    # The line of no change passes the saddle point and goes out on both sides of it.
    saddle = next(ax for ax in panels if "saddle" in ax.get_title()).collections[2]
    points = np.concatenate([path.vertices for path in saddle.get_paths()])
    step = np.diff(np.sort(table.loc[table["noise_at"] == 6, "a"].unique())).max()
    assert np.abs(points).sum(axis=1).min() < 2 * step
    assert points[:, 0].min() < -5 * step
    assert points[:, 0].max() > 5 * step


def test_saddles_of_the_elbo(make):
    module, section, table = make("fig16_elbo_saddles")
    assert table.groupby("n_latent")["path"].unique().map(list).to_dict() == dict.fromkeys(
        (2, 4), ["start", "line", "along", "against"]
    )
    starts = table[table["path"] == "start"].groupby("n_latent").last()
    np.testing.assert_allclose(starts["gap"], starts["saddle_predicted_gap"], atol=1e-8)
    climbs, line = module.draw(table, section, {}).axes
    # There and back both ways, and a circle, for each number of latents.
    assert len(climbs.lines) == 2 * 4
    drawn, parabola = line.lines[0], line.lines[1]
    middle = len(drawn.get_ydata()) // 2
    assert drawn.get_ydata()[middle] == pytest.approx(0.0, abs=1e-9)
    # Where the displacement is an eighth of the noise's deviation the parabola is what is seen.
    assert drawn.get_ydata()[middle + 1] == pytest.approx(parabola.get_ydata()[middle + 1], rel=0.3)


def test_autoencoder_has_both_distances(make):
    module, section, table = make("fig14_ae_vs_vae")
    assert table["model"].unique().tolist()[-1] == "linear autoencoder, Adam"
    np.testing.assert_allclose(
        table["axis_alignment_distance"], 2 * table["subspace_distance"], rtol=1e-12
    )
    subspace, axes = module.draw(table, section, {}).axes
    assert len(subspace.lines) == len(axes.lines) == 3 * 2


@pytest.mark.parametrize("figure", DRAWN)
def test_drawing_from_the_csv_leaves_it_alone(figure, make, tmp_path):
    module, section, table = make(figure)
    before = table.copy()
    made = module.draw(table, section, {"width": 4.0, "height": 3.0, "dpi": 50, "title": "a title"})
    save(made, [str(tmp_path / "one.png")], "made up")
    pd.testing.assert_frame_equal(table, before)
    width, height = np.frombuffer((tmp_path / "one.png").read_bytes()[16:24], ">u4")
    assert (width, height) == (200, 150)
    assert made.get_suptitle() == "a title"


# One each of lines and legends, colour bars with symbols, and a rasterised surface.
@pytest.mark.parametrize(
    "figure", ["fig1_elbo_vs_ppca", "fig2_gram_within", "fig9_stationary_points"]
)
def test_bytes_are_the_same_twice_whatever_a_user_has_set(figure, make, tmp_path):
    module, section, table = make(figure)
    written = []
    for name, settings in (("one", {}), ("two", HOSTILE)):
        paths = [str(tmp_path / f"{name}.{suffix}") for suffix in ("png", "pdf")]
        with mpl.rc_context(settings):
            save(module.draw(table, section, {"dpi": 60}), paths, "made up")
        written.append([Path(path).read_bytes() for path in paths])
    assert written[0] == written[1]
