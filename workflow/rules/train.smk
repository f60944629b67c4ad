"""Fan out over (model, data, latents, noise, seed): deep, linear, or L-BFGS for linear VAEs."""

from math import ceil

from linvae.fingerprint import specification
from linvae.naming import parse_run
from linvae.study import cost

RATES = cost.Rates.load(shipped("benchmarks/throughput.json"))


def train_spec(program):
    """Everything that decides a job's result: its own model's settings, and no other's."""

    def spec(wildcards):
        return specification(
            script(program),
            model=identity_of(wildcards),
            n_latent=int(wildcards.k),
            noise=wildcards.noise,
            seed=int(wildcards.seed),
            threads=CONFIG.threads,
        )

    return spec


def training_data(wildcards):
    if settings_of(wildcards).needs_data:
        return f"results/data/{wildcards.data}/data.npz"
    return []


def training_cost(wildcards):
    """Estimate of one job, by the sizes of the model and measured speeds."""
    run = parse_run(RUN.format(**wildcards))
    images = cost.training_images(run.data)
    return cost.job_cost(settings_of(wildcards), run, images, RATES)


def training_megabytes(wildcards, attempt):
    return attempt * ceil(1.3 * training_cost(wildcards).peak_megabytes)


def training_minutes(wildcards, attempt):
    """Twice the estimate, and ten minutes: nodes differ, and the queue is kinder than a time-out."""
    return attempt * (10 + ceil(2 * training_cost(wildcards).cpu_seconds / 60))


# What fig1 shows comes first, then what else is linear: it takes minutes, deep training the rest.
SHOWN_FIRST = {run.folder for run in STUDY.runs("linear", NAMES)}


def linear_priority(wildcards):
    return 30 if RUN.format(**wildcards) in SHOWN_FIRST else 10


def deep_priority(wildcards):
    """Of deep runs the long ones first: the end of a study shall not wait for one."""
    return min(4, int(training_cost(wildcards).cpu_seconds // 60))


def training_gpus(wildcards):
    return int(identity_of(wildcards)["job"]["device"] == "cuda")


rule train_deep:
    input:
        spectrum="results/spectrum/{data}.npz",
        data="results/data/{data}/data.npz",
    output:
        model=f"{RUN}/model.safetensors",
        curve=f"{RUN}/curve.csv",
    log:
        f"results/logs/train_deep/{RUN_NAME}.log",
    benchmark:
        f"results/benchmarks/train_deep/{RUN_NAME}.tsv"
    wildcard_constraints:
        trained=trained(lambda model: not model.decoder.is_linear),
    priority: deep_priority
    threads: CONFIG.threads
    resources:
        mem_mb=training_megabytes,
        runtime=training_minutes,
        gpu=training_gpus,
    params:
        spec=train_spec("train_deep"),
    message:
        "Training {wildcards.trained}, k={wildcards.k}, {wildcards.noise}, seed {wildcards.seed}"
    shell:
        'python "$LINVAE_SCRIPTS/train_deep.py" --spec {params.spec:q} --spectrum {input.spectrum}'
        " --data {input.data} --model {output.model} --curve {output.curve} > {log} 2>&1"


rule train_linear:
    input:
        spectrum="results/spectrum/{data}.npz",
        data=training_data,
    output:
        model=f"{RUN}/model.safetensors",
        curve=f"{RUN}/curve.csv",
    log:
        f"results/logs/train_linear/{RUN_NAME}.log",
    benchmark:
        f"results/benchmarks/train_linear/{RUN_NAME}.tsv"
    wildcard_constraints:
        trained=trained(
            lambda model: model.decoder.is_linear and model.training.optimizer == "adam"
        ),
    priority: linear_priority
    threads: CONFIG.threads
    resources:
        mem_mb=training_megabytes,
        runtime=training_minutes,
        gpu=training_gpus,
    params:
        spec=train_spec("train_linear"),
    message:
        "Training {wildcards.trained}, k={wildcards.k}, {wildcards.noise}, seed {wildcards.seed}"
    shell:
        'python "$LINVAE_SCRIPTS/train_linear.py" --spec {params.spec:q}'
        " --spectrum {input.spectrum} --data {input.data} --model {output.model}"
        " --curve {output.curve} > {log} 2>&1"


rule solve:
    input:
        spectrum="results/spectrum/{data}.npz",
    output:
        model=f"{RUN}/model.safetensors",
        curve=f"{RUN}/curve.csv",
    log:
        f"results/logs/solve/{RUN_NAME}.log",
    benchmark:
        f"results/benchmarks/solve/{RUN_NAME}.tsv"
    wildcard_constraints:
        trained=trained(lambda model: model.training.optimizer == "lbfgs"),
    priority: linear_priority
    threads: CONFIG.threads
    resources:
        mem_mb=training_megabytes,
        runtime=training_minutes,
    params:
        spec=train_spec("solve"),
    message:
        "Solving {wildcards.trained}, k={wildcards.k}, {wildcards.noise}, seed {wildcards.seed}"
    shell:
        'python "$LINVAE_SCRIPTS/solve.py" --spec {params.spec:q} --spectrum {input.spectrum}'
        " --model {output.model} --curve {output.curve} > {log} 2>&1"
