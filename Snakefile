"""linvae: linear VAEs, probabilistic PCA and posterior collapse."""


include: "workflow/rules/checkout.smk"


import sys

from linvae.config.load import ConfigError, require_yaml

try:
    require_yaml("config.yaml")
except ConfigError as error:
    sys.exit(str(error))


configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/cache.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/spectrum.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


# On a cluster these run where Snakemake runs: each takes seconds and would wait longer in a queue.
localrules:
    all,
    fetch,
    preprocess,
    spectrum,
    ppca,
    curvature,
    restarts,
    figure,
    claims,
    table1,
    summary,


rule all:
    default_target: True
    input:
        FIGURE_FILES,
        REPORT_FILES,
