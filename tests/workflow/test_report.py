"""The report: one page of figures, tables and claims, each with its caption."""

import re

import pytest
from jinja2 import Environment

from linvae.claims.catalogue import QUESTIONS
from linvae.digits import by_number
from linvae.report.gallery import label
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


def test_the_report_shows_all_figures_and_captions_by_question(project):
    project.snakemake("--report", "results/report.html")
    page = (project.folder / "results" / "report.html").read_text()
    for name in FIGURES:
        assert f"{name}.png" in page
        assert label(name) in page
    for number, question in QUESTIONS.items():
        assert f"{number}. {question}" in page
    assert "probabilistic PCA with as many latent dimensions" in page
    assert "Does the ELBO cause posterior collapse?" in page
    assert "index.html" in page


def test_labels_sort_as_text_as_figures_do_by_number():
    assert sorted(map(label, FIGURES)) == [label(name) for name in sorted(FIGURES, key=by_number)]


def test_a_run_ends_with_verdicts_and_the_path_of_the_page(finished, project):
    (project.folder / "results/tiny/index.html").unlink()
    log = project.snakemake("--cores", "2").stdout
    end = log[log.index("The study is finished") :]
    assert "Read it in a browser: results/tiny/index.html" in end
    assert len(end.splitlines()) <= 10
    # The same study, the same page.
    page = "results/tiny/index.html"
    assert (project.folder / page).read_bytes() == (finished.folder / page).read_bytes()


def test_a_failure_ends_with_the_job_and_its_log(project):
    (project.folder / "results/tiny/index.html").unlink()
    template = project.folder / "workflow" / "report" / "page.html"
    template.write_text("{{ nobody }}")
    done = project.snakemake("--cores", "2", check=False)
    assert done.returncode != 0
    end = done.stdout[done.stdout.index("Failed: page") :]
    assert "'nobody' is undefined" in end
    assert "The same command goes on" in end
    assert len(end.splitlines()) <= 15


def test_reasons_name_the_first_files_and_the_number_of_the_others(finished):
    log = (finished.folder.parent / "finished.txt").read_text()
    reasons = [line for line in log.splitlines() if line.startswith("Reason: ")]
    assert len(reasons) > 50
    assert any(line.endswith(" more") for line in reasons)
    assert max(map(len, reasons)) < 1000


def test_no_number_of_explanations_and_tables_is_round_off(finished):
    # -0, -2e-13, 0.1 ± 0.0. A gradient where an optimiser stops, and an error relative to a value,
    # may be of that size.
    round_off = re.compile(
        r"(?<![\w.^])-0(?:\.0+)?(?![\w.])|(?<!gradient )\b\de-1\d(?! of its)"
        r"|± 0(?:\.0+)?(?![\d.])|\d\.\d*0{5}"
    )
    told = "by -0, -2e-13 and 0.100000 ± 0.000000; gradient 8e-11, 1e-15 of its largest"
    assert len(round_off.findall(told)) == 4
    for name in ("claims.md", "summary.md", "tables/table1_sigma.md"):
        text = (finished.folder / "results" / "tiny" / name).read_text()
        assert round_off.findall(text) == [], name
