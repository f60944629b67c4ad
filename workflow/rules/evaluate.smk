"""Measure every finished run: exactly where the decoder is linear, by sampling where it is deep."""


rule evaluate:
    input:
        inputs_of,
    output:
        metrics="results/train/{place}/{address}/metrics.json",
        made="results/train/{place}/{address}/made.json",
    log:
        "results/logs/evaluate/{place}/{address}.log",
    benchmark:
        "results/benchmarks/evaluate/{place}/{address}.tsv"
    wildcard_constraints:
        address=of("evaluate"),
    priority: by_job(priority_of)
    threads: threads_of
    resources:
        mem_mb=need("megabytes"),
        runtime=need("minutes"),
    message:
        "Measuring {wildcards.place}"
    shell:
        'python "$LINVAE_SCRIPTS/evaluate.py" {wildcards.address} > {log} 2>&1'


rule evaluate_encoder:
    input:
        inputs_of,
    output:
        metrics="results/train/{place}/{address}/metrics.json",
        made="results/train/{place}/{address}/made.json",
    log:
        "results/logs/evaluate_encoder/{place}/{address}.log",
    benchmark:
        "results/benchmarks/evaluate_encoder/{place}/{address}.tsv"
    wildcard_constraints:
        address=of("evaluate_encoder"),
    priority: by_job(priority_of)
    threads: threads_of
    resources:
        mem_mb=need("megabytes"),
        runtime=need("minutes"),
    message:
        "Measuring {wildcards.place}"
    shell:
        'python "$LINVAE_SCRIPTS/evaluate_encoder.py" {wildcards.address} > {log} 2>&1'


rule evaluate_deep:
    input:
        inputs_of,
    output:
        metrics="results/train/{place}/{address}/metrics.json",
        kl="results/train/{place}/{address}/kl.npz",
        samples="results/train/{place}/{address}/samples.npz",
        residual="results/train/{place}/{address}/residual.npz",
        made="results/train/{place}/{address}/made.json",
    log:
        "results/logs/evaluate_deep/{place}/{address}.log",
    benchmark:
        "results/benchmarks/evaluate_deep/{place}/{address}.tsv"
    wildcard_constraints:
        address=of("evaluate_deep"),
    priority: by_job(priority_of)
    threads: threads_of
    resources:
        mem_mb=need("megabytes"),
        runtime=need("minutes"),
    message:
        "Measuring {wildcards.place}"
    shell:
        'python "$LINVAE_SCRIPTS/evaluate_deep.py" {wildcards.address} > {log} 2>&1'


rule graft:
    input:
        inputs_of,
    output:
        metrics="results/train/{place}/{address}/graft.json",
        curve="results/train/{place}/{address}/curve.csv",
        made="results/train/{place}/{address}/made.json",
    log:
        "results/logs/graft/{place}/{address}.log",
    benchmark:
        "results/benchmarks/graft/{place}/{address}.tsv"
    wildcard_constraints:
        address=of("graft"),
    priority: by_job(priority_of)
    threads: threads_of
    resources:
        mem_mb=need("megabytes"),
        runtime=need("minutes"),
        gpu=gpus_of,
    message:
        "Grafting on {wildcards.place}"
    shell:
        'python "$LINVAE_SCRIPTS/graft.py" {wildcards.address} > {log} 2>&1'


rule likelihood:
    input:
        inputs_of,
    output:
        metrics="results/train/{place}/{address}/likelihood.json",
        curve="results/train/{place}/{address}/curve.csv",
        made="results/train/{place}/{address}/made.json",
    log:
        "results/logs/likelihood/{place}/{address}.log",
    benchmark:
        "results/benchmarks/likelihood/{place}/{address}.tsv"
    wildcard_constraints:
        address=of("likelihood"),
    priority: by_job(priority_of)
    threads: threads_of
    resources:
        mem_mb=need("megabytes"),
        runtime=need("minutes"),
        gpu=gpus_of,
    message:
        "Training on by a bound: {wildcards.place}"
    shell:
        'python "$LINVAE_SCRIPTS/likelihood.py" {wildcards.address} > {log} 2>&1'
