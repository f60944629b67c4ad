"""Fan out over (model, data, latents, noise, seed): gradient training, or L-BFGS for linear VAEs."""

from math import ceil

from linvae.study import cost as plan
from linvae.naming import parse_run

RATES = plan.Rates.load(os.path.join(workflow.basedir, "benchmarks", "throughput.json"))


def models_by(optimizer):
    return one_of(
        name for name, model in CONFIG.models.items() if model.training.optimizer == optimizer
    )


def train_spec(program):
    """Everything that decides a job's result: its own model's settings, and no other's."""

    def spec(wildcards):
        return specification(
            script(program),
            model=CONFIG.models[wildcards.model].model_dump(mode="json"),
            n_latent=int(wildcards.k),
            noise=wildcards.noise,
            seed=int(wildcards.seed),
            threads=CONFIG.threads,
        )

    return spec


def training_data(wildcards):
    if CONFIG.models[wildcards.model].needs_data:
        return f"results/data/{wildcards.data}/data.npz"
    return []


def training_cost(wildcards):
    """Estimate of one job, by the sizes of the model and measured speeds."""
    run = parse_run(RUN.format(**wildcards))
    images = plan.training_images(run.data)
    return plan.job_cost(CONFIG.models[run.model], run, images, RATES)


def training_megabytes(wildcards):
    return ceil(1.3 * training_cost(wildcards).peak_megabytes)


def training_minutes(wildcards):
    """Twice the estimate, and ten minutes: nodes differ, and the queue is kinder than a time-out."""
    return 10 + ceil(2 * training_cost(wildcards).cpu_seconds / 60)


def training_gpus(wildcards):
    return int(CONFIG.models[wildcards.model].training.device == "cuda")


RUN = "results/train/{model}/{data}/k{k}/{noise}/seed{seed}"
RUN_NAME = "{model}/{data}/k{k}/{noise}/seed{seed}"


rule train:
    input:
        spectrum="results/spectrum/{data}.npz",
        data=training_data,
    output:
        model=f"{RUN}/model.safetensors",
        curve=f"{RUN}/curve.csv",
    log:
        f"results/logs/train/{RUN_NAME}.log",
    benchmark:
        f"results/benchmarks/train/{RUN_NAME}.tsv"
    wildcard_constraints:
        model=models_by("adam"),
    threads: CONFIG.threads
    resources:
        mem_mb=lambda wildcards, attempt: attempt * training_megabytes(wildcards),
        runtime=lambda wildcards, attempt: attempt * training_minutes(wildcards),
        gpu=lambda wildcards: training_gpus(wildcards),
    params:
        spec=train_spec("train"),
    message:
        "Training {wildcards.model}, k={wildcards.k}, {wildcards.noise}, seed {wildcards.seed}"
    shell:
        "python workflow/scripts/train.py --spec {params.spec:q} --spectrum {input.spectrum}"
        " --data {input.data} --model {output.model} --curve {output.curve} > {log} 2>&1"


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
        model=models_by("lbfgs"),
    threads: CONFIG.threads
    resources:
        mem_mb=lambda wildcards, attempt: attempt * training_megabytes(wildcards),
        runtime=lambda wildcards, attempt: attempt * training_minutes(wildcards),
    params:
        spec=train_spec("solve"),
    message:
        "Solving {wildcards.model}, k={wildcards.k}, {wildcards.noise}, seed {wildcards.seed}"
    shell:
        "python workflow/scripts/solve.py --spec {params.spec:q} --spectrum {input.spectrum}"
        " --model {output.model} --curve {output.curve} > {log} 2>&1"
