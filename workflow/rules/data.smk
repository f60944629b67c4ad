"""Images, data variants and their spectra, and what is known of those in closed form."""


rule fetch:
    output:
        images="results/data/{place}/{address}/images.npz",
        made="results/data/{place}/{address}/made.json",
    log:
        "results/logs/fetch/{place}/{address}.log",
    benchmark:
        "results/benchmarks/fetch/{place}/{address}.tsv"
    wildcard_constraints:
        address=of("fetch"),
    retries: 1
    localrule: True
    message:
        "Fetching {wildcards.place}"
    shell:
        'python "$LINVAE_SCRIPTS/fetch.py" {wildcards.address} > {log} 2>&1'


rule provenance:
    input:
        inputs_of,
    output:
        "results/data/{place}/{address}/provenance.json",
    log:
        "results/logs/provenance/{place}/{address}.log",
    benchmark:
        "results/benchmarks/provenance/{place}/{address}.tsv"
    wildcard_constraints:
        address=of("provenance"),
    priority: 40
    localrule: True
    message:
        "Describing the images of {wildcards.place}"
    shell:
        'python "$LINVAE_SCRIPTS/provenance.py" {wildcards.address} > {log} 2>&1'


rule preprocess:
    input:
        inputs_of,
    output:
        data="results/data/{place}/{address}/data.npz",
        made="results/data/{place}/{address}/made.json",
    log:
        "results/logs/preprocess/{place}/{address}.log",
    benchmark:
        "results/benchmarks/preprocess/{place}/{address}.tsv"
    wildcard_constraints:
        address=of("preprocess"),
    priority: by_job(priority_of)
    localrule: True
    message:
        "Preprocessing {wildcards.place}"
    shell:
        'python "$LINVAE_SCRIPTS/preprocess.py" {wildcards.address} > {log} 2>&1'


rule spectrum:
    input:
        inputs_of,
    output:
        spectrum="results/spectrum/{place}/{address}/spectrum.npz",
        made="results/spectrum/{place}/{address}/made.json",
    log:
        "results/logs/spectrum/{place}/{address}.log",
    benchmark:
        "results/benchmarks/spectrum/{place}/{address}.tsv"
    wildcard_constraints:
        address=of("spectrum"),
    priority: by_job(priority_of)
    localrule: True
    message:
        "Eigendecomposing {wildcards.place}"
    shell:
        'python "$LINVAE_SCRIPTS/spectrum.py" {wildcards.address} > {log} 2>&1'


rule ppca:
    input:
        inputs_of,
    output:
        table="results/ppca/{place}/{address}/maxima.csv",
        made="results/ppca/{place}/{address}/made.json",
    log:
        "results/logs/ppca/{place}/{address}.log",
    benchmark:
        "results/benchmarks/ppca/{place}/{address}.tsv"
    wildcard_constraints:
        address=of("ppca"),
    priority: by_job(priority_of)
    localrule: True
    message:
        "Maximum likelihood of pPCA on {wildcards.place}"
    shell:
        'python "$LINVAE_SCRIPTS/ppca.py" {wildcards.address} > {log} 2>&1'


rule restarts:
    input:
        inputs_of,
    output:
        table="results/restarts/{place}/{address}/restarts.csv",
        made="results/restarts/{place}/{address}/made.json",
    log:
        "results/logs/restarts/{place}/{address}.log",
    benchmark:
        "results/benchmarks/restarts/{place}/{address}.tsv"
    wildcard_constraints:
        address=of("restarts"),
    priority: by_job(priority_of)
    localrule: True
    message:
        "Restarting the linear VAE on {wildcards.place}"
    shell:
        'python "$LINVAE_SCRIPTS/restarts.py" {wildcards.address} > {log} 2>&1'


rule saddles:
    input:
        inputs_of,
    output:
        points="results/saddles/{place}/{address}/points.csv",
        paths="results/saddles/{place}/{address}/paths.csv",
        made="results/saddles/{place}/{address}/made.json",
    log:
        "results/logs/saddles/{place}/{address}.log",
    benchmark:
        "results/benchmarks/saddles/{place}/{address}.tsv"
    wildcard_constraints:
        address=of("saddles"),
    priority: by_job(priority_of)
    localrule: True
    message:
        "Looking for the ELBO's own saddle points on {wildcards.place}"
    shell:
        'python "$LINVAE_SCRIPTS/saddles.py" {wildcards.address} > {log} 2>&1'


rule hessian:
    input:
        inputs_of,
    output:
        table="results/hessian/{place}/{address}/hessian.csv",
        made="results/hessian/{place}/{address}/made.json",
    log:
        "results/logs/hessian/{place}/{address}.log",
    benchmark:
        "results/benchmarks/hessian/{place}/{address}.tsv"
    wildcard_constraints:
        address=of("hessian"),
    priority: by_job(priority_of)
    localrule: True
    message:
        "Measuring the likelihood's curvature at stationary points on {wildcards.place}"
    shell:
        'python "$LINVAE_SCRIPTS/hessian.py" {wildcards.address} > {log} 2>&1'
