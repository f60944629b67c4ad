"""The configuration of a project in some folder, and where its runs lie."""

from pathlib import Path, PurePosixPath

import yaml
from snakemake.utils import update_config

from linvae.config.configuration import load
from linvae.naming import Product, Run, product_of
from linvae.planning.study_plan import plan_study
from linvae.planning.workflow import Workflow

__all__ = ["configuration", "run_folder"]

ROOT = Path(__file__).resolve().parents[1]


def configuration(folder, *overlays):
    """Return the validated configuration of a project under overlays, as Snakemake merges it."""
    raw = {}
    for file in ("config.yaml", *overlays):
        update_config(raw, yaml.safe_load((Path(folder) / file).read_text(encoding="utf-8")))
    return load(raw)


def run_folder(config, model, noise, seed=0, k=3, variant="logit-first60", root=ROOT):
    """Folder of a run's training job, relative to the project's folder.

    Of a project in another folder, `root`, the programs are fingerprinted there and the modules of
    linvae where this process imports them: where both are equal, so are the addresses.
    """
    run = Run(model, config.names().data(variant), k, noise, seed)
    plan = plan_study(config, Workflow.beside(Path(root), keep=False))
    outputs = [path for job in plan.jobs.values() for path in job.outputs.values()]
    weights = {product_of(path): path for path in outputs if path.endswith(".safetensors")}
    return str(PurePosixPath(weights[Product("model.safetensors", run=run)]).parent)
