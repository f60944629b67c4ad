"""What the study says: table 1, the verdict on each claim, and the summary."""

from linvae.fingerprint import specification
from linvae.study import cost

REPORT_FILES = [f"{OWN}/{name}" for name in ("summary.md", "claims.json", "claims.md", "runs.csv")]
REPORT_FILES += [f"{OWN}/study.json", f"{OWN}/index.html"]
if STUDY.recipes:
    REPORT_FILES += [f"{OWN}/tables/table1_sigma.csv", f"{OWN}/tables/table1_sigma.md"]


def metrics_of(runs):
    return [NAMES.file(run, "metrics.json") for run in runs]


def deep_runs():
    return [run for run in STUDY.all_runs(NAMES) if run.model in NAMES.deep]


def claims_spec(wildcards):
    """The sections of the study, and the models that they name."""
    named = {name for _, section in STUDY.sections() for _, name in section.named_models()}
    return specification(
        script("claims"),
        study_name=CONFIG.name,
        study=STUDY.identity(),
        models={name: CONFIG.model_identity(name, DEVICE) for name in sorted(named)},
        names=NAMES.only(named).to_dict(),
        measurement=CONFIG.measurement.identity(),
        margins=CONFIG.margins.identity(),
        # A claim that stays open says what the run that would decide it costs.
        cpu_seconds=cost.job_seconds(
            CONFIG.models, [*deep_runs(), *STUDY.runs("stochastic", NAMES)], RATES
        ),
    )


def resolved():
    """The whole configuration; where the images lie is not what the study is."""
    told = CONFIG.identity()
    told["dataset"].pop("local_dir", None)
    return told


def page_spec(wildcards):
    """What training every run of the study is estimated to take, and nothing else."""
    costs = (
        cost.job_cost(CONFIG.models[run.model], run, cost.training_images(run.data), RATES)
        for run in STUDY.all_runs(NAMES)
    )
    return specification(script("page"), cpu_seconds=round(sum(c.cpu_seconds for c in costs)))


rule claims:
    input:
        files=STUDY.evidence(NAMES),
        provenance=PROVENANCE,
    output:
        claims=f"{OWN}/claims.json",
        document=f"{OWN}/claims.md",
    log:
        f"{OWN}/logs/claims.log",
    benchmark:
        f"{OWN}/benchmarks/claims.tsv"
    localrule: True
    params:
        spec=claims_spec,
    message:
        "Judging the claims"
    shell:
        'python "$LINVAE_SCRIPTS/claims.py" --spec {params.spec:q} --inputs {input}'
        " --claims {output.claims} --document {output.document} > {log} 2>&1"


rule table1:
    input:
        metrics=metrics_of(STUDY.runs("recipes", NAMES)),
        provenance=PROVENANCE,
    output:
        csv=f"{OWN}/tables/table1_sigma.csv",
        document=f"{OWN}/tables/table1_sigma.md",
    log:
        f"{OWN}/logs/table1.log",
    benchmark:
        f"{OWN}/benchmarks/table1.tsv"
    localrule: True
    params:
        spec=specification(script("table1"), epsilon=CONFIG.measurement.epsilon),
    message:
        "Writing table 1"
    shell:
        'python "$LINVAE_SCRIPTS/table1.py" --spec {params.spec:q} --inputs {input}'
        " --csv {output.csv} --document {output.document} > {log} 2>&1"


rule summary:
    input:
        metrics=metrics_of(STUDY.all_runs(NAMES)),
        claims=f"{OWN}/claims.json",
        provenance=PROVENANCE,
    output:
        summary=f"{OWN}/summary.md",
        runs=f"{OWN}/runs.csv",
        study=f"{OWN}/study.json",
    log:
        f"{OWN}/logs/summary.log",
    benchmark:
        f"{OWN}/benchmarks/summary.tsv"
    localrule: True
    params:
        spec=specification(script("summary"), configuration=resolved(), device=DEVICE),
    message:
        "Writing the summary"
    shell:
        'python "$LINVAE_SCRIPTS/summary.py" --spec {params.spec:q} --inputs {input}'
        " --summary {output.summary} --runs {output.runs} --study {output.study}"
        " > {log} 2>&1"


rule page:
    input:
        metrics=metrics_of(STUDY.all_runs(NAMES)),
        claims=f"{OWN}/claims.json",
        study=f"{OWN}/study.json",
        table=f"{OWN}/tables/table1_sigma.csv" if STUDY.recipes else [],
        figures=expand(f"{OWN}/figures/{{figure}}.png", figure=FIGURE_NAMES),
        provenance=PROVENANCE,
        captions=beside("workflow/report/figure.rst"),
        template=beside("workflow/report/page.html"),
    output:
        page=report(
            f"{OWN}/index.html",
            caption="../report/page.rst",
            category="0. The whole study on one page",
            labels={"page": "Answers, claims, figures, table 1"},
        ),
    log:
        f"{OWN}/logs/page.log",
    benchmark:
        f"{OWN}/benchmarks/page.tsv"
    localrule: True
    params:
        spec=page_spec,
    message:
        "Writing the page"
    shell:
        'python "$LINVAE_SCRIPTS/page.py" --spec {params.spec:q} --inputs {input.metrics}'
        " {input.claims} {input.study} {input.table} {input.figures} {input.provenance}"
        " --captions {input.captions} --template {input.template} --page {output.page}"
        " > {log} 2>&1"
