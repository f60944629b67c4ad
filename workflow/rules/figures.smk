"""Draw every figure that the study asks for, as .png and .pdf, with its numbers as .csv."""

FIGURE_NAMES = study.figures(CONFIG)
FIGURE_FILES = expand(
    "results/figures/{figure}.{suffix}", figure=FIGURE_NAMES, suffix=("png", "pdf", "csv")
)


def figure_spec(wildcards):
    """The figure's own section of the study, its style and its module, and nothing else."""
    figure = wildcards.figure
    style = CONFIG.figures.get(figure)
    return specification(
        script("figure", [f"linvae.plots.{figure}"]),
        figure=figure,
        section=study.figure_section(CONFIG, figure),
        style=style.model_dump(exclude_unset=True) if style else {},
    )


rule figure:
    input:
        lambda wildcards: study.figure_inputs(CONFIG, wildcards.figure),
    output:
        png=report(
            "results/figures/{figure}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        pdf="results/figures/{figure}.pdf",
        csv="results/figures/{figure}.csv",
    log:
        "results/logs/figure/{figure}.log",
    benchmark:
        "results/benchmarks/figure/{figure}.tsv"
    params:
        spec=figure_spec,
    message:
        "Drawing {wildcards.figure}"
    shell:
        "python workflow/scripts/figure.py --spec {params.spec:q} --inputs {input}"
        " --png {output.png} --pdf {output.pdf} --csv {output.csv} > {log} 2>&1"
