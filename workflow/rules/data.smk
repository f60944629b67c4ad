"""Fetch the images once, and turn them into each data variant that the study names."""

from linvae.fingerprint import specification
from linvae.naming import parse_data
from linvae.sources.registry import DATASETS

# The job finds the folder there. It is no part of `spec`: wherever the files lie, they have the
# hashes of the dataset, and moving them must not rerun the study.
if CONFIG.dataset.local_dir:
    os.environ.update(LINVAE_DATA_DIR=CONFIG.dataset.local_dir)
MAY_BE_LOCAL = CONFIG.dataset.source in ("auto", "local")


def require_folder():
    """Ask for the local folder before the job does: for that, Snakemake removes the images first."""
    if any(job.rule.name == "fetch" for job in workflow.dag.needrun_jobs()):
        from linvae.data import DataError, local_folder

        try:
            local_folder(CONFIG.dataset.name, CONFIG.dataset.source)
        except DataError as error:
            sys.exit(f"error: {error}")


rule fetch:
    output:
        images="results/data/{dataset}/images.npz",
        provenance="results/data/{dataset}/provenance.json",
    log:
        "results/logs/fetch/{dataset}.log",
    benchmark:
        "results/benchmarks/fetch/{dataset}.tsv"
    retries: 1
    localrule: True
    params:
        spec=specification(
            script("fetch"),
            name=CONFIG.dataset.name,
            source=CONFIG.dataset.source,
            local=MAY_BE_LOCAL and bool(os.environ.get("LINVAE_DATA_DIR")),
            files=DATASETS[CONFIG.dataset.name],
        ),
    message:
        "Fetching {wildcards.dataset}"
    shell:
        'python "$LINVAE_SCRIPTS/fetch.py" --spec {params.spec:q} --images {output.images}'
        " --provenance {output.provenance} > {log} 2>&1"


def preprocess_spec(wildcards):
    """All that the name of a data variant says."""
    name = parse_data(wildcards.data)
    dither = {"seed": name.seed, "logit_lambda": name.logit_lambda}
    return specification(
        script("preprocess"),
        preprocessing=name.preprocessing,
        n_train=name.n_images,
        n_test=name.n_test,
        # Pixels are not dithered: its settings do not concern them.
        **(dither if name.preprocessing == "logit" else {}),
    )


rule preprocess:
    input:
        images=f"results/data/{DATASET}/images.npz",
    output:
        data="results/data/{data}/data.npz",
    log:
        "results/logs/preprocess/{data}.log",
    benchmark:
        "results/benchmarks/preprocess/{data}.tsv"
    priority: 40
    localrule: True
    params:
        spec=preprocess_spec,
    message:
        "Preprocessing {wildcards.data}"
    shell:
        'python "$LINVAE_SCRIPTS/preprocess.py" --spec {params.spec:q} --images {input.images}'
        " --data {output.data} > {log} 2>&1"
