"""What the study says: figures, tables, verdicts, page; and all of it under its stable names."""

from linvae.report import captions, gallery


rule figure:
    input:
        inputs_of,
    output:
        png=report(
            "results/report/figures/{figure}/{address}/{figure}.png",
            caption="../report/figure.rst",
            category=lambda wildcards: gallery.category(wildcards.figure),
            labels=lambda wildcards: {"figure": gallery.label(wildcards.figure)},
        ),
        pdf="results/report/figures/{figure}/{address}/{figure}.pdf",
        csv="results/report/figures/{figure}/{address}/{figure}.csv",
    log:
        "results/logs/figure/{figure}/{address}.log",
    benchmark:
        "results/benchmarks/figure/{figure}/{address}.tsv"
    wildcard_constraints:
        address=of("figure"),
    priority: by_job(priority_of)
    localrule: True
    message:
        "Drawing {wildcards.figure}"
    shell:
        'python "$LINVAE_SCRIPTS/figure.py" {wildcards.address} > {log} 2>&1'


# `snakemake fig8 --cores 2` draws one figure, and says where it lies.
for name, address in PLAN.figures.items():

    rule:
        name:
            captions.short_name(name)
        input:
            PLAN.jobs[address].outputs.values(),
        localrule: True
        message:
            "It is there: {input}"


rule claims:
    input:
        inputs_of,
    output:
        claims="results/report/claims/{address}/claims.json",
        document="results/report/claims/{address}/claims.md",
    log:
        "results/logs/claims/{address}.log",
    benchmark:
        "results/benchmarks/claims/{address}.tsv"
    wildcard_constraints:
        address=of("claims"),
    localrule: True
    message:
        "Judging the claims"
    shell:
        'python "$LINVAE_SCRIPTS/claims.py" {wildcards.address} > {log} 2>&1'


rule table:
    input:
        inputs_of,
    output:
        csv="results/report/tables/{table}/{address}/{table}.csv",
        document="results/report/tables/{table}/{address}/{table}.md",
    log:
        "results/logs/table/{table}/{address}.log",
    benchmark:
        "results/benchmarks/table/{table}/{address}.tsv"
    wildcard_constraints:
        address=of("table"),
    localrule: True
    message:
        "Writing {wildcards.table}"
    shell:
        'python "$LINVAE_SCRIPTS/table.py" {wildcards.address} > {log} 2>&1'


rule summary:
    input:
        inputs_of,
    output:
        summary="results/report/summary/{address}/summary.md",
        runs="results/report/summary/{address}/runs.csv",
    log:
        "results/logs/summary/{address}.log",
    benchmark:
        "results/benchmarks/summary/{address}.tsv"
    wildcard_constraints:
        address=of("summary"),
    localrule: True
    message:
        "Writing the summary"
    shell:
        'python "$LINVAE_SCRIPTS/summary.py" {wildcards.address} > {log} 2>&1'


rule record:
    input:
        inputs_of,
    output:
        "results/report/record/{address}/study.json",
    log:
        "results/logs/record/{address}.log",
    benchmark:
        "results/benchmarks/record/{address}.tsv"
    wildcard_constraints:
        address=of("record"),
    localrule: True
    message:
        "Recording what the study was"
    shell:
        'python "$LINVAE_SCRIPTS/record.py" {wildcards.address} > {log} 2>&1'


rule page:
    input:
        inputs_of,
    output:
        page=report(
            "results/report/page/{address}/index.html",
            caption="../report/page.rst",
            category="0. The whole study on one page",
            labels={"page": "Answers, claims, figures, tables"},
        ),
    log:
        "results/logs/page/{address}.log",
    benchmark:
        "results/benchmarks/page/{address}.tsv"
    wildcard_constraints:
        address=of("page"),
    localrule: True
    message:
        "Writing the page"
    shell:
        'python "$LINVAE_SCRIPTS/page.py" {wildcards.address} > {log} 2>&1'


rule publish:
    input:
        inputs_of,
    output:
        "results/{study}/finished-{address}.txt",
    log:
        "results/logs/publish/{study}/{address}.log",
    benchmark:
        "results/benchmarks/publish/{study}/{address}.tsv"
    wildcard_constraints:
        address=of("publish"),
    localrule: True
    message:
        "Bringing everything to results/{wildcards.study}/"
    shell:
        'python "$LINVAE_SCRIPTS/publish.py" {wildcards.address} > {log} 2>&1'
