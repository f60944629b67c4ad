"""Measure every finished run: exactly where the decoder is linear, by sampling where it is deep."""

from linvae.study.sections import Collapse
from linvae.naming import parse_data


def evaluated_data(wildcards):
    """The data themselves, only for models that S alone does not measure."""
    if CONFIG.models[wildcards.model].is_linear:
        return []
    return f"results/data/{wildcards.data}/data.npz"


def evaluation_megabytes(wildcards):
    """Torch and the model, and the data where they are read, in two precisions."""
    model = CONFIG.models[wildcards.model]
    images = 0 if model.is_linear else plan.training_images(wildcards.data)
    return ceil(700 + 3 * plan.data_megabytes(images))


def evaluation_minutes(wildcards):
    """Encoding is cheap beside decoding every draw of z."""
    return 2 + ceil(plan.training_images(wildcards.data) / 10_000)


rule evaluate:
    input:
        model=f"{RUN}/model.safetensors",
        curve=f"{RUN}/curve.csv",
        spectrum="results/spectrum/{data}.npz",
        data=evaluated_data,
    output:
        metrics=f"{RUN}/metrics.json",
    log:
        f"results/logs/evaluate/{RUN_NAME}.log",
    benchmark:
        f"results/benchmarks/evaluate/{RUN_NAME}.tsv"
    wildcard_constraints:
        model=one_of(name for name, model in CONFIG.models.items() if model.decoder.is_linear),
    threads: CONFIG.threads
    resources:
        mem_mb=lambda wildcards, attempt: attempt * evaluation_megabytes(wildcards),
        runtime=lambda wildcards, attempt: 2 * attempt,
    params:
        spec=lambda wildcards: specification(
            script("evaluate"),
            model=CONFIG.models[wildcards.model].model_dump(mode="json"),
            noise=wildcards.noise,
        ),
    message:
        "Measuring {wildcards.model}, k={wildcards.k}, {wildcards.noise}, seed {wildcards.seed}"
    shell:
        "python workflow/scripts/evaluate.py --spec {params.spec:q} --spectrum {input.spectrum}"
        " --data {input.data} --model {input.model} --curve {input.curve}"
        " --metrics {output.metrics} > {log} 2>&1"


def deep_spec(wildcards):
    """The run's identity, and how its ELBO and collapse are measured."""
    measurement = CONFIG.study.collapse or Collapse.model_construct()
    preprocessing = parse_data(wildcards.data).preprocessing
    logit = {"logit_lambda": CONFIG.preprocess.logit_lambda} if preprocessing == "logit" else {}
    return specification(
        script("evaluate_deep"),
        model=CONFIG.models[wildcards.model].model_dump(mode="json"),
        noise=wildcards.noise,
        seed=int(wildcards.seed),
        threads=CONFIG.threads,
        elbo_samples=measurement.elbo_samples,
        epsilon=measurement.epsilon,
        delta=measurement.delta,
        preprocessing=preprocessing,
        **logit,
    )


rule evaluate_deep:
    input:
        model=f"{RUN}/model.safetensors",
        curve=f"{RUN}/curve.csv",
        spectrum="results/spectrum/{data}.npz",
        data="results/data/{data}/data.npz",
    output:
        metrics=f"{RUN}/metrics.json",
        kl=f"{RUN}/kl.npz",
        samples=f"{RUN}/samples.npz",
    log:
        f"results/logs/evaluate_deep/{RUN_NAME}.log",
    benchmark:
        f"results/benchmarks/evaluate_deep/{RUN_NAME}.tsv"
    wildcard_constraints:
        model=one_of(name for name, model in CONFIG.models.items() if not model.decoder.is_linear),
    threads: CONFIG.threads
    resources:
        mem_mb=lambda wildcards, attempt: attempt * evaluation_megabytes(wildcards),
        runtime=lambda wildcards, attempt: attempt * evaluation_minutes(wildcards),
    params:
        spec=deep_spec,
    message:
        "Measuring {wildcards.model}, k={wildcards.k}, {wildcards.noise}, seed {wildcards.seed}"
    shell:
        "python workflow/scripts/evaluate_deep.py --spec {params.spec:q}"
        " --spectrum {input.spectrum} --data {input.data} --model {input.model}"
        " --curve {input.curve} --metrics {output.metrics} --kl {output.kl}"
        " --samples {output.samples} > {log} 2>&1"


rule restarts:
    input:
        spectrum="results/spectrum/{data}.npz",
    output:
        table="results/restarts/{data}/k{k}.csv",
    log:
        "results/logs/restarts/{data}/k{k}.log",
    benchmark:
        "results/benchmarks/restarts/{data}/k{k}.tsv"
    threads: CONFIG.threads
    params:
        spec=lambda wildcards: specification(
            script("restarts"),
            n_latent=int(wildcards.k),
            scales=list(CONFIG.study.restarts.scales),
            seeds=list(CONFIG.study.restarts.seeds),
            threads=CONFIG.threads,
        ),
    message:
        "Restarting the linear VAE on {wildcards.data}, k={wildcards.k}"
    shell:
        "python workflow/scripts/restarts.py --spec {params.spec:q} --spectrum {input.spectrum}"
        " --table {output.table} > {log} 2>&1"


rule curvature:
    input:
        spectrum="results/spectrum/{data}.npz",
    output:
        table="results/curvature/{data}.csv",
    log:
        "results/logs/curvature/{data}.log",
    benchmark:
        "results/benchmarks/curvature/{data}.tsv"
    threads: CONFIG.threads
    params:
        spec=lambda wildcards: specification(
            script("curvature"),
            n_latent=CONFIG.study.stationary.n_latent,
            noise_at=list(CONFIG.study.stationary.noise_at),
            threads=CONFIG.threads,
        ),
    message:
        "Measuring curvature at stationary points on {wildcards.data}"
    shell:
        "python workflow/scripts/curvature.py --spec {params.spec:q} --spectrum {input.spectrum}"
        " --table {output.table} > {log} 2>&1"
