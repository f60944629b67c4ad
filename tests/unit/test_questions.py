"""Figures of several studies: every point stands where its number says, and looks as it should."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from linvae.plots.questions import draw_used
from linvae.plots.recipe_looks import looks_of
from linvae.plots.side_by_side import figures_of
from linvae.plots.studies import draw_held_out
from linvae.report.finished import FinishedStudy

ROOT = Path(__file__).parents[2]


def recipe(model, initial, used, elbo, log_p):
    measured = {
        "used": used,
        "test_elbo": elbo,
        "test_log_likelihood": log_p,
        "test_linear_elbo": -100.0,
        "test_amortisation_gap": 0.75 * (log_p - elbo),
        "test_approximation_gap": 0.25 * (log_p - elbo),
    }
    means = {f"{name}_mean": value for name, value in measured.items()}
    return {"model": model, "kind": "fixed", "initial": initial, **means}


RECIPES = pd.DataFrame(
    [
        recipe("deep", 3.0, 30.0, -90.0, -85.0),
        recipe("other", 3.0, 70.0, -95.0, -92.0),
        recipe("deep", 10.0, 20.0, -80.0, -79.0),
    ]
)


def markers(axes):
    """All markers of an axes: x, y, whether filled, colour."""
    return {
        (round(float(x), 6), round(float(y), 2), line.get_markerfacecolor() != "white",
         to_hex(line.get_color()))
        for line in axes.get_lines()
        if line.get_marker() not in ("None", None, "")
        for x, y in zip(*line.get_data(), strict=True)
    }  # fmt: skip


def test_elbo_is_filled_and_the_likelihood_open_over_latents_in_use():
    looks = looks_of([RECIPES])
    made = draw_used({"one": RECIPES}, {"one": {3.0: 99.0}}, looks)
    (panel,) = made.axes  # at 10 nothing is compared
    deep, other = (to_hex(looks[name]["color"]) for name in ("deep", "other"))
    assert deep != other
    assert markers(panel) == {
        (30.0, 10.0, True, deep),
        (30.0, 15.0, False, deep),
        (70.0, 5.0, True, other),
        (70.0, 8.0, False, other),
    }
    dotted = [line for line in panel.get_lines() if line.get_linestyle() == ":"]
    assert [line.get_xdata()[0] for line in dotted] == [99.0]


def test_what_inference_costs_is_split_and_said_where_it_was_not_measured():
    old = RECIPES.assign(
        test_amortisation_gap_mean=np.nan, test_approximation_gap_mean=np.nan,
        test_log_likelihood_mean=np.nan,
    )  # fmt: skip
    looks = looks_of([RECIPES])
    made = draw_held_out({"new": RECIPES, "old": old}, looks)
    new, earlier = made.axes[2:]
    deep = to_hex(looks["deep"]["color"])
    told = {(y, filled) for _, y, filled, color in markers(new) if color == deep}
    assert told == {(3.75, True), (1.25, False), (0.75, True), (0.25, False)}
    assert [text.get_text() for text in earlier.texts] == ["not measured"]
    assert not new.texts


@pytest.mark.parametrize("draw", [draw_held_out, lambda t, looks: draw_used(t, {}, looks)])
def test_panels_that_share_an_axis_hide_no_point(draw):
    # The first study failed by hundreds of nats, the second did not.
    failed = RECIPES.assign(test_elbo_mean=[-375.0, -95.0, -80.0])
    ahead = RECIPES.assign(test_log_likelihood_mean=-45.0)
    made = draw({"failed": failed, "ahead": ahead}, looks_of([RECIPES]))
    for axes in made.axes:
        low, high = axes.get_ylim()
        assert all(low < y < high for _, y, _, _ in markers(axes))


def study(name, **given):
    empty = dict.fromkeys(("n_latent", "collapse", "residual", "recipes", "runs"))
    return FinishedStudy(**{"name": name, "claims": {}, "label": "images", **empty, **given})


def test_only_what_a_study_has_is_drawn():
    assert figures_of([study("linear")]) == {}
    alone = study("alone", recipes=RECIPES[RECIPES["model"] == "deep"])
    made = figures_of([alone, study("linear")])
    assert set(made) == {"held_out"}
    assert made["held_out"].studies == ["alone"]
    both = study("both", recipes=RECIPES)
    assert set(figures_of([both])) == {"held_out", "used"}


def test_a_recipe_looks_the_same_in_all_figures():
    kept = FinishedStudy.read(ROOT / "docs" / "runs" / "default")
    made = figures_of([kept, study("mine", recipes=kept.recipes[::-1])])
    shown = [
        {
            text.get_text(): to_hex(handle.get_color())
            for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
        }
        for name in ("held_out", "used")
        for legend in made[name].figure.legends
    ]
    assert len(shown) == 2
    assert shown[0]["deep"] == shown[1]["deep"]
    assert shown[0]["deep-plain"] == shown[1]["deep-plain"] != shown[0]["deep"]


def test_theory_counts_eigenvalues_above_the_noise():
    eigenvalues = np.array([8.0, 4.0, 2.0, 1.0])
    corners = [0.5, *eigenvalues[::-1], 16.0]
    percent = [100.0 * np.mean(eigenvalues <= v) for v in corners]
    collapse = pd.DataFrame(
        {"series": "theory", "noise_variance_mean": corners, "collapse_percent_mean": percent}
    )
    recipes = pd.DataFrame({"initial": [0.1, 0.5, 1.0, 3.0, 8.0, 9.0]})
    found = study("one", n_latent=4, collapse=collapse, recipes=recipes).used_by_theory()
    expected = {v: float(np.sum(eigenvalues > v)) for v in (0.5, 1.0, 3.0, 8.0, 9.0)}
    assert found == pytest.approx(expected)
