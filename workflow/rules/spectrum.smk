"""Eigendecompose each data variant, and tabulate the pPCA maximum over the number of latents."""

from linvae.fingerprint import specification


rule spectrum:
    input:
        data="results/data/{data}/data.npz",
    output:
        spectrum="results/spectrum/{data}.npz",
    log:
        "results/logs/spectrum/{data}.log",
    benchmark:
        "results/benchmarks/spectrum/{data}.tsv"
    priority: 40
    localrule: True
    params:
        spec=specification(script("spectrum")),
    message:
        "Eigendecomposing {wildcards.data}"
    shell:
        'python "$LINVAE_SCRIPTS/spectrum.py" --spec {params.spec:q} --data {input.data}'
        " --spectrum {output.spectrum} > {log} 2>&1"


rule ppca:
    input:
        spectrum="results/spectrum/{data}.npz",
    output:
        table="results/ppca/{data}/at{fixed_at}.csv",
    log:
        "results/logs/ppca/{data}/at{fixed_at}.log",
    benchmark:
        "results/benchmarks/ppca/{data}/at{fixed_at}.tsv"
    wildcard_constraints:
        fixed_at="[1-9][0-9]*",
    priority: 5
    localrule: True
    params:
        spec=lambda wildcards: specification(script("ppca"), fixed_at=int(wildcards.fixed_at)),
    message:
        "Maximum likelihood of pPCA on {wildcards.data}"
    shell:
        'python "$LINVAE_SCRIPTS/ppca.py" --spec {params.spec:q} --spectrum {input.spectrum}'
        " --table {output.table} > {log} 2>&1"
