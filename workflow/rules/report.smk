"""What the study says: table 1, the verdict on each claim, and the summary."""

PROVENANCE = f"results/data/{DATASET}/provenance.json"
REPORT_FILES = ["results/summary.md", "results/claims.json", "results/claims.md"]
if CONFIG.study.collapse:
    REPORT_FILES += ["results/tables/table1_sigma.csv", "results/tables/table1_sigma.md"]

# Sections whose runs have curves that a claim reads; of the deep runs the metrics say all.
CURVED = ("linear", "stochastic", "encoders")
DEEP = ("collapse", "annealing", "optimisation")


def claims_inputs():
    """The files that the claims are judged by."""
    files = []
    for section in CURVED:
        files += [run.file("curve.csv") for run in study.runs(CONFIG, section)]
    for section in ("linear", "encoders", *DEEP):
        files += [run.file("metrics.json") for run in study.runs(CONFIG, section)]
    if CONFIG.study.latent_dim:
        files += [f"results/ppca/{data}.csv" for data in study.data_names(CONFIG, "latent_dim")]
    if CONFIG.study.restarts:
        (data,) = study.data_names(CONFIG, "restarts")
        files.append(f"results/restarts/{data}/k{CONFIG.study.restarts.n_latent}.csv")
    if CONFIG.study.stationary:
        (data,) = study.data_names(CONFIG, "stationary")
        files.append(f"results/curvature/{data}.csv")
    return [*dict.fromkeys(files), PROVENANCE]


def claims_spec(wildcards):
    """The sections that claims speak of, and the models that they name."""
    sections = (*CURVED, "latent_dim", "restarts", "stationary", *DEEP)
    named = {run.model for section in (*CURVED, *DEEP) for run in study.runs(CONFIG, section)}
    return specification(
        script("claims"),
        dataset=DATASET,
        study={name: CONFIG.study.model_dump(mode="json")[name] for name in sections},
        models={name: CONFIG.models[name].model_dump(mode="json") for name in sorted(named)},
    )


rule claims:
    input:
        claims_inputs(),
    output:
        claims="results/claims.json",
        document=report("results/claims.md", caption="../report/claims.rst", category="Claims"),
    log:
        "results/logs/claims.log",
    benchmark:
        "results/benchmarks/claims.tsv"
    params:
        spec=claims_spec,
    message:
        "Judging the claims"
    shell:
        "python workflow/scripts/claims.py --spec {params.spec:q} --inputs {input}"
        " --claims {output.claims} --document {output.document} > {log} 2>&1"


rule table1:
    input:
        metrics=[run.file("metrics.json") for run in study.runs(CONFIG, "collapse")],
        provenance=PROVENANCE,
    output:
        csv="results/tables/table1_sigma.csv",
        document=report(
            "results/tables/table1_sigma.md", caption="../report/table1.rst", category="Tables"
        ),
    log:
        "results/logs/table1.log",
    benchmark:
        "results/benchmarks/table1.tsv"
    params:
        spec=lambda wildcards: specification(
            script("table1"), epsilon=CONFIG.study.collapse.epsilon
        ),
    message:
        "Writing table 1"
    shell:
        "python workflow/scripts/table1.py --spec {params.spec:q} --inputs {input}"
        " --csv {output.csv} --document {output.document} > {log} 2>&1"


rule summary:
    input:
        metrics=[run.file("metrics.json") for run in study.all_runs(CONFIG)],
        claims="results/claims.json",
        provenance=PROVENANCE,
    output:
        summary=report("results/summary.md", caption="../report/summary.rst", category="Summary"),
    log:
        "results/logs/summary.log",
    benchmark:
        "results/benchmarks/summary.tsv"
    params:
        spec=specification(script("summary"), study=CONFIG.study.model_dump(mode="json")),
    message:
        "Writing the summary"
    shell:
        "python workflow/scripts/summary.py --spec {params.spec:q} --inputs {input}"
        " --summary {output.summary} > {log} 2>&1"
