"""Figure 18, on made-up runs in the workflow's layout."""

import matplotlib as mpl
import pandas as pd
import pytest
from endings_study import SECTION, write_endings, write_runs
from hostile import HOSTILE

from linvae.inputs import Inputs
from linvae.plots import fig18_convergence
from linvae.plots.style import save
from linvae.settings.measurement import Measurement

TOLD = {**SECTION, **Measurement().model_dump(mode="json")}


@pytest.fixture
def table(tmp_path):
    return fig18_convergence.table(Inputs(write_endings(tmp_path)), TOLD)


def drawn(table, tmp_path):
    path = tmp_path / "table.csv"
    table.to_csv(path, index=False)
    return fig18_convergence.draw(pd.read_csv(path), TOLD, {})


def test_curves_are_of_both_starts_and_ends_of_all_runs_at_the_drawn_variance(table):
    curves = table[table["series"] == "curve"]
    assert set(curves["model"]) == {"fast", "fast-principal", "poor"}
    assert set(curves["role"]) == {"model", "other_start"}
    ends = table[table["series"] == "end"].groupby("model").size()
    five = ("fast", "fast-long", "fast-slow", "fast-principal", "poor")
    assert ends.to_dict() == dict.fromkeys(five, 3)
    last = table[(table["series"] == "end") & (table["model"] == "fast")].iloc[0]
    assert last["train_elbo"] == pytest.approx(-90, abs=0.1)
    assert (last["images"], last["cpu_seconds"], last["used_latents"]) == (200, 2.0, 40)


def test_the_axes_hold_what_the_table_holds(table, tmp_path):
    made = drawn(table, tmp_path)
    over_images, over_time = made.axes[:2]
    ours = over_images.lines[0]
    assert ours.get_xdata().tolist() == [0.0, 1e-4, 2e-4]
    assert over_time.lines[0].get_xdata().tolist() == [0.0, 1.0, 2.0]
    assert ours.get_ydata()[-1] == pytest.approx(-90, abs=0.1)
    # The other start is dashed, and open at its end.
    assert {line.get_linestyle() for line in over_images.lines} == {"-", "--"}
    faces = {line.get_markerfacecolor() for line in made.axes[6].lines}
    assert "white" in faces
    assert made.axes[6].get_xlabel() == "latents in use"
    assert "σ² = 3" in made.legends[0].get_title().get_text()


def test_an_end_far_below_the_best_is_told_and_flattens_nothing(tmp_path):
    paths = write_endings(tmp_path, poor=(-5000.0, 100))
    made = drawn(fig18_convergence.table(Inputs(paths), TOLD), tmp_path)
    for axes in (made.axes[0], made.axes[6]):
        assert axes.get_ylim()[0] > -200
        assert [text.get_text() for text in axes.texts] == ["3 runs end below"]


def test_runs_of_another_number_of_latents_are_not_drawn(tmp_path):
    paths = write_endings(tmp_path) + write_runs(
        tmp_path, ["fast"], "fixed-3", [0], -50, 9, n_latent=120
    )
    table = fig18_convergence.table(Inputs(paths), TOLD)
    assert table["train_elbo"].max() < -80


def test_a_user_s_own_look_changes_nothing(table, tmp_path):
    files = []
    for name, settings in (("own", {}), ("hostile", HOSTILE)):
        with mpl.rc_context(settings):
            path = tmp_path / f"{name}.png"
            save(drawn(table, tmp_path), [str(path)], "made up")
        files.append(path.read_bytes())
    assert files[0] == files[1]
