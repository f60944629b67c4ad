"""Draw every figure that the study asks for, as .png and .pdf, with its numbers as .csv."""

from linvae.fingerprint import specification
from linvae.report import gallery
from linvae.study.figures import FIGURES, figure_inputs, figures

FIGURE_NAMES = figures(STUDY)
FIGURE_FILES = expand(
    f"{OWN}/figures/{{figure}}.{{suffix}}", figure=FIGURE_NAMES, suffix=("png", "pdf", "csv")
)


def figure_spec(wildcards):
    """The figure's own section of the study, its style and its module, and nothing else."""
    figure = wildcards.figure
    section = getattr(STUDY, FIGURES[figure].section)
    style = CONFIG.figures.get(figure)
    return specification(
        script("figure", [f"linvae.plots.{figure}"]),
        figure=figure,
        section=section.identity(),
        measurement=CONFIG.measurement.identity(),
        style=style.identity() if style else {},
    )


rule figure:
    input:
        files=lambda wildcards: figure_inputs(STUDY, NAMES, wildcards.figure),
        provenance=PROVENANCE,
    output:
        png=report(
            f"{OWN}/figures/{{figure}}.png",
            caption="../report/figure.rst",
            category=lambda wildcards: gallery.category(wildcards.figure),
            labels=lambda wildcards: {"figure": gallery.label(wildcards.figure)},
        ),
        pdf=f"{OWN}/figures/{{figure}}.pdf",
        csv=f"{OWN}/figures/{{figure}}.csv",
    log:
        f"{OWN}/logs/figure/{{figure}}.log",
    benchmark:
        f"{OWN}/benchmarks/figure/{{figure}}.tsv"
    priority: 20
    localrule: True
    params:
        spec=figure_spec,
    message:
        "Drawing {wildcards.figure}"
    shell:
        'python "$LINVAE_SCRIPTS/figure.py" --spec {params.spec:q} --inputs {input}'
        " --png {output.png} --pdf {output.pdf} --csv {output.csv} > {log} 2>&1"
