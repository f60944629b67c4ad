"""Fetch the images once, and turn them into each data variant that the study names."""

from linvae.naming import parse_data


rule fetch:
    output:
        images="results/data/{dataset}/images.npz",
        provenance="results/data/{dataset}/provenance.json",
    log:
        "results/logs/fetch/{dataset}.log",
    benchmark:
        "results/benchmarks/fetch/{dataset}.tsv"
    retries: 1
    params:
        spec=specification(
            script("fetch"),
            name=CONFIG.dataset.name,
            source=CONFIG.dataset.source,
            local_dir=CONFIG.dataset.local_dir or os.environ.get("LINVAE_DATA_DIR"),
        ),
    message:
        "Fetching {wildcards.dataset}"
    shell:
        "python workflow/scripts/fetch.py --spec {params.spec:q} --images {output.images}"
        " --provenance {output.provenance} > {log} 2>&1"


def preprocess_spec(wildcards):
    name = parse_data(wildcards.data)
    return specification(
        script("preprocess"),
        preprocessing=name.preprocessing,
        n_train=name.n_images,
        n_test=CONFIG.dataset.n_test,
        # Pixels are not dithered: its settings do not concern them.
        **(CONFIG.preprocess.model_dump() if name.preprocessing == "logit" else {}),
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
    params:
        spec=preprocess_spec,
    message:
        "Preprocessing {wildcards.data}"
    shell:
        "python workflow/scripts/preprocess.py --spec {params.spec:q} --images {input.images}"
        " --data {output.data} > {log} 2>&1"
