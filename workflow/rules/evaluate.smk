"""Measure every finished run: exactly where the decoder is linear, by sampling where it is deep."""

from math import ceil

from linvae.fingerprint import specification
from linvae.naming import parse_data
from linvae.settings.graft import ARMS
from linvae.study.cost import data_megabytes, training_images


def evaluated_data(wildcards):
    """The data themselves, only for models that S alone does not measure."""
    if settings_of(wildcards).is_linear:
        return []
    return f"results/data/{wildcards.data}/data.npz"


def evaluation_megabytes(wildcards, attempt):
    """Torch and the model; where data are read, these in two precisions, and their residuals."""
    images = 0 if settings_of(wildcards).is_linear else training_images(wildcards.data)
    return attempt * ceil(700 + 7 * data_megabytes(images))


def evaluation_minutes(wildcards, attempt):
    """Encoding is cheap beside decoding every draw of z."""
    return attempt * (2 + ceil(training_images(wildcards.data) / 10_000))


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
        trained=trained(lambda model: model.decoder.is_linear),
    priority: linear_priority
    threads: CONFIG.threads
    resources:
        mem_mb=evaluation_megabytes,
        runtime=lambda wildcards, attempt: 2 * attempt,
    params:
        spec=lambda wildcards: specification(
            script("evaluate"), model=identity_of(wildcards), noise=wildcards.noise
        ),
    message:
        "Measuring {wildcards.trained}, k={wildcards.k}, {wildcards.noise}, seed {wildcards.seed}"
    shell:
        'python "$LINVAE_SCRIPTS/evaluate.py" --spec {params.spec:q} --spectrum {input.spectrum}'
        " --data {input.data} --model {input.model} --curve {input.curve}"
        " --metrics {output.metrics} > {log} 2>&1"


def deep_spec(wildcards):
    """The run's identity, and how its ELBO and collapse are measured."""
    data = parse_data(wildcards.data)
    logit = {"logit_lambda": data.logit_lambda} if data.preprocessing == "logit" else {}
    return specification(
        script("evaluate_deep"),
        model=identity_of(wildcards),
        noise=wildcards.noise,
        seed=int(wildcards.seed),
        threads=CONFIG.threads,
        preprocessing=data.preprocessing,
        **CONFIG.measurement.identity(),
        **logit,
    )


rule evaluate_deep:
    input:
        model=f"{RUN}/model.safetensors",
        curve=f"{RUN}/curve.csv",
        spectrum="results/spectrum/{data}.npz",
        data="results/data/{data}/data.npz",
    output:
        metrics=f"{MEASURED}/metrics.json",
        kl=f"{MEASURED}/kl.npz",
        samples=f"{MEASURED}/samples.npz",
        residual=f"{MEASURED}/residual.npz",
    log:
        f"results/logs/evaluate_deep/{RUN_NAME}.log",
    benchmark:
        f"results/benchmarks/evaluate_deep/{RUN_NAME}.tsv"
    wildcard_constraints:
        trained=trained(lambda model: not model.decoder.is_linear),
    threads: CONFIG.threads
    resources:
        mem_mb=evaluation_megabytes,
        runtime=evaluation_minutes,
    params:
        spec=deep_spec,
    message:
        "Measuring {wildcards.trained}, k={wildcards.k}, {wildcards.noise}, seed {wildcards.seed}"
    shell:
        'python "$LINVAE_SCRIPTS/evaluate_deep.py" --spec {params.spec:q}'
        " --spectrum {input.spectrum} --data {input.data} --model {input.model}"
        " --curve {input.curve} --metrics {output.metrics} --kl {output.kl}"
        " --samples {output.samples} --residual {output.residual} > {log} 2>&1"


def graft_spec(wildcards):
    """The run's identity, the arm, and how ELBO and latents in use are measured."""
    measured = CONFIG.measurement
    return specification(
        script("graft"),
        model=identity_of(wildcards),
        noise=wildcards.noise,
        seed=int(wildcards.seed),
        threads=CONFIG.threads,
        arm=wildcards.arm,
        updates=int(wildcards.updates),
        draws=measured.draws,
        epsilon=measured.epsilon,
        delta=measured.delta,
    )


rule graft:
    input:
        model=f"{RUN}/model.safetensors",
        residual=f"{MEASURED}/residual.npz",
        spectrum="results/spectrum/{data}.npz",
        data="results/data/{data}/data.npz",
    output:
        metrics=f"{MEASURED}/graft/{{arm}}-{{updates}}/graft.json",
        curve=f"{MEASURED}/graft/{{arm}}-{{updates}}/curve.csv",
    log:
        f"results/logs/graft/{RUN_NAME}/{{arm}}-{{updates}}.log",
    benchmark:
        f"results/benchmarks/graft/{RUN_NAME}/{{arm}}-{{updates}}.tsv"
    wildcard_constraints:
        trained=trained(lambda model: not model.decoder.is_linear),
        arm=one_of(ARMS),
        updates=r"[1-9][0-9]*",
    threads: CONFIG.threads
    resources:
        mem_mb=training_megabytes,
        runtime=training_minutes,
        gpu=training_gpus,
    params:
        spec=graft_spec,
    message:
        "Grafting ({wildcards.arm}) {wildcards.trained}, {wildcards.noise}, seed {wildcards.seed}"
    shell:
        'python "$LINVAE_SCRIPTS/graft.py" --spec {params.spec:q} --spectrum {input.spectrum}'
        " --data {input.data} --model {input.model} --residual {input.residual}"
        " --metrics {output.metrics} --curve {output.curve} > {log} 2>&1"


rule restarts:
    input:
        spectrum="results/spectrum/{data}.npz",
    output:
        table="results/restarts/{data}/{digest}.csv",
    log:
        "results/logs/restarts/{data}/{digest}.log",
    benchmark:
        "results/benchmarks/restarts/{data}/{digest}.tsv"
    priority: 5
    localrule: True
    params:
        spec=lambda wildcards: specification(script("restarts"), **STUDY.restarts.job),
    message:
        "Restarting the linear VAE on {wildcards.data}"
    shell:
        'python "$LINVAE_SCRIPTS/restarts.py" --spec {params.spec:q} --spectrum {input.spectrum}'
        " --table {output.table} > {log} 2>&1"


rule rotated:
    input:
        spectrum="results/spectrum/{data}.npz",
    output:
        points="results/rotated/{data}/{digest}/points.csv",
        paths="results/rotated/{data}/{digest}/paths.csv",
    log:
        "results/logs/rotated/{data}/{digest}.log",
    benchmark:
        "results/benchmarks/rotated/{data}/{digest}.tsv"
    priority: 5
    localrule: True
    params:
        spec=lambda wildcards: specification(script("rotated"), **STUDY.rotated.job),
    message:
        "Looking for the ELBO's own saddle points on {wildcards.data}"
    shell:
        'python "$LINVAE_SCRIPTS/rotated.py" --spec {params.spec:q} --spectrum {input.spectrum}'
        " --points {output.points} --paths {output.paths} > {log} 2>&1"


rule hessian:
    input:
        spectrum="results/spectrum/{data}.npz",
    output:
        table="results/hessian/{data}/{digest}.csv",
    log:
        "results/logs/hessian/{data}/{digest}.log",
    benchmark:
        "results/benchmarks/hessian/{data}/{digest}.tsv"
    priority: 5
    localrule: True
    params:
        spec=lambda wildcards: specification(script("hessian"), **STUDY.stationary.job),
    message:
        "Measuring the likelihood's curvature at stationary points on {wildcards.data}"
    shell:
        'python "$LINVAE_SCRIPTS/hessian.py" --spec {params.spec:q} --spectrum {input.spectrum}'
        " --table {output.table} > {log} 2>&1"
