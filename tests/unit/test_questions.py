"""Figures of several studies: they show the numbers that the studies have kept."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from linvae.plots.questions import draw_grafts, draw_sizes, draw_used
from linvae.report.comparison import FinishedStudy

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def study():
    return FinishedStudy.read(ROOT / "docs" / "runs" / "default")


def drawn(axes):
    """All points of an axes that are markers."""
    lines = [line for line in axes.get_lines() if line.get_marker() not in ("None", None, "")]
    return [point for line in lines for point in zip(*line.get_data(), strict=True)]


def test_used_latents_are_drawn_against_nats(study):
    made = draw_used({"default": study.recipes}, {"default": {3.0: 99.0}})
    panels = {axes.get_title(): axes for axes in made.axes}
    (panel,) = (axes for title, axes in panels.items() if title.endswith("σ² = 3"))
    rows = study.recipes.query("kind == 'fixed' and initial == 3")
    expected = {
        (row["used_mean"], row[f"test_{name}_mean"] - row["linear_test_elbo_mean"])
        for row in rows.to_dict("records")
        for name in ("elbo", "iwae")
    }
    assert len(expected) == 2 * len(rows)
    assert set(drawn(panel)) == expected
    # What one recipe alone was run at compares nothing.
    assert not any(title.endswith("σ² = 1000") for title in panels)


def test_the_linear_optimum_s_number_is_a_line(study):
    made = draw_used({"default": study.recipes}, {"default": {3.0: 99.0}})
    dotted = [
        line.get_xdata()[0]
        for axes in made.axes
        for line in axes.get_lines()
        if line.get_linestyle() == ":"
    ]
    assert dotted == [99.0]


def test_starts_and_sizes_are_drawn(study):
    numbers = study.claims[15]["numbers"]
    made = draw_sizes({"default": numbers})
    found = numbers["deep"]["3"]["splits"]
    used = [value for split in ("train", "test") for value in found[split]["used"].values()]
    assert sorted(x for x, _ in drawn(made.axes[0])) == sorted(used)
    labels = [tick.get_text() for tick in made.axes[0].get_yticklabels()]
    assert len(labels) == 3
    assert any("k = 50, 256-256, n = 4000" in label for label in labels)


def test_grafts_and_widths_are_drawn(study):
    numbers = study.claims[13]["numbers"]
    made = draw_grafts({"default": numbers})
    left, right = made.axes
    gains = [
        found[split][name]["mean"]
        for recipe in numbers["grafts"].values()
        for found in recipe.values()
        for split in ("train", "test")
        for name in ("above_none", "above_random")
    ]
    assert sorted(x for x, _ in drawn(left)) == pytest.approx(sorted(gains))
    rho = [
        value
        for group in numbers["widths"]["groups"]
        for split in ("train", "test")
        for value in group[split]["rho"].values()
    ]
    assert sorted(y for _, y in drawn(right)) == pytest.approx(sorted(rho))


def test_theory_counts_eigenvalues_above_the_noise(study):
    eigenvalues = np.array([8.0, 4.0, 2.0, 1.0])
    corners = [0.5, *eigenvalues[::-1], 16.0]
    percent = [100.0 * np.mean(eigenvalues <= v) for v in corners]
    collapse = pd.DataFrame(
        {"series": "theory", "noise_variance_mean": corners, "collapse_percent_mean": percent}
    )
    recipes = pd.DataFrame({"initial": [0.1, 0.5, 1.0, 3.0, 8.0, 9.0]})
    found = FinishedStudy("a", {}, "", 4, collapse, None, recipes, None).used_by_theory()
    assert found == {v: float(np.sum(eigenvalues > v)) for v in (0.5, 1.0, 3.0, 8.0, 9.0)}
