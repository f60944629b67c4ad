"""Fan out over (model, data, latents, noise, seed): deep, linear, or L-BFGS for linear VAEs."""


rule train_deep:
    input:
        inputs_of,
    output:
        model="results/train/{place}/{address}/model.safetensors",
        curve="results/train/{place}/{address}/curve.csv",
        times="results/train/{place}/{address}/times.csv",
        made="results/train/{place}/{address}/made.json",
    log:
        "results/logs/train_deep/{place}/{address}.log",
    benchmark:
        "results/benchmarks/train_deep/{place}/{address}.tsv"
    wildcard_constraints:
        address=of("train_deep"),
    priority: by_job(priority_of)
    threads: threads_of
    resources:
        mem_mb=need("megabytes"),
        runtime=need("minutes"),
        gpu=gpus_of,
    message:
        "Training {wildcards.place}"
    shell:
        'python "$LINVAE_SCRIPTS/train_deep.py" {wildcards.address} > {log} 2>&1'


rule train_linear:
    input:
        inputs_of,
    output:
        model="results/train/{place}/{address}/model.safetensors",
        curve="results/train/{place}/{address}/curve.csv",
        made="results/train/{place}/{address}/made.json",
    log:
        "results/logs/train_linear/{place}/{address}.log",
    benchmark:
        "results/benchmarks/train_linear/{place}/{address}.tsv"
    wildcard_constraints:
        address=of("train_linear"),
    priority: by_job(priority_of)
    threads: threads_of
    resources:
        mem_mb=need("megabytes"),
        runtime=need("minutes"),
        gpu=gpus_of,
    message:
        "Training {wildcards.place}"
    shell:
        'python "$LINVAE_SCRIPTS/train_linear.py" {wildcards.address} > {log} 2>&1'


rule solve:
    input:
        inputs_of,
    output:
        model="results/train/{place}/{address}/model.safetensors",
        curve="results/train/{place}/{address}/curve.csv",
        made="results/train/{place}/{address}/made.json",
    log:
        "results/logs/solve/{place}/{address}.log",
    benchmark:
        "results/benchmarks/solve/{place}/{address}.tsv"
    wildcard_constraints:
        address=of("solve"),
    priority: by_job(priority_of)
    threads: threads_of
    resources:
        mem_mb=need("megabytes"),
        runtime=need("minutes"),
    message:
        "Solving {wildcards.place}"
    shell:
        'python "$LINVAE_SCRIPTS/solve.py" {wildcards.address} > {log} 2>&1'
