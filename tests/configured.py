"""The configuration of a project in some folder, and where its runs lie."""

from pathlib import Path

import yaml
from snakemake.utils import update_config

from linvae.config.load import load
from linvae.naming import Run

__all__ = ["configuration", "run_folder"]


def configuration(folder, overlay):
    """Return the validated configuration of a project under an overlay, as Snakemake merges it."""
    raw = {}
    for file in ("config.yaml", overlay):
        update_config(raw, yaml.safe_load((Path(folder) / file).read_text(encoding="utf-8")))
    return load(raw)


def run_folder(config, model, noise, seed=0, k=3, variant="logit-first60"):
    """Folder of a run on one of the study's data, relative to the project's folder."""
    names = config.names()
    return Run(model, names.digests[model], names.data(variant), k, noise, seed).folder
