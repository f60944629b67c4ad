"""The report: one page of figures, tables and claims, each with its caption."""

import pytest
from jinja2 import Environment

from linvae.study.figures import FIGURES


@pytest.fixture(scope="module")
def caption(finished):
    """Function from a figure to its caption, filled in as Snakemake does it."""
    text = (finished.folder / "workflow" / "report" / "figure.rst").read_text()
    template = Environment(autoescape=False).from_string(text)
    return lambda name: template.render(snakemake={"wildcards": {"figure": name}})


def test_every_figure_has_a_caption_of_its_own(caption):
    captions = {caption(name) for name in FIGURES}
    assert len(captions) == len(FIGURES)
    assert all(len(text.split()) > 10 for text in captions)
    assert caption("fig0_unknown").strip() == ""


def test_the_report_shows_all_figures_and_captions(project):
    project.snakemake("--report", "results/report.html")
    page = (project.folder / "results" / "report.html").read_text()
    for name in FIGURES:
        assert f"{name}.png" in page
    assert "probabilistic PCA with as many latent dimensions" in page
    assert "claims.md" in page
