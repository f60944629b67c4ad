"""What the Snakemake workflow catalogue asks of a repository, as far as it can be seen offline.

https://snakemake.github.io/snakemake-workflow-catalog/docs/about/adding_workflows.html
"""

from pathlib import Path

import yaml

from linvae.config.configuration import load
from linvae.config.study_name import from_module

ROOT = Path(__file__).parents[2]
DEPLOYMENTS = {"conda", "apptainer", "apptainer+conda", "report"}


def test_the_workflow_is_found():
    readme = (ROOT / "README.md").read_text().lower()
    assert "snakemake" in readme
    assert "workflow" in readme
    assert (ROOT / "workflow" / "Snakefile").is_file()
    assert list((ROOT / "workflow" / "rules").glob("*.smk"))


def test_its_usage_is_the_standardized_one():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    assert usage["mandatory-flags"]["desc"].strip()
    deployment = usage["software-stack-deployment"]
    assert set(deployment) == DEPLOYMENTS
    assert all(isinstance(value, bool) for value in deployment.values())
    # A rule that named an environment of its own would make the deployment by conda possible.
    rules = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    assert ("    conda:" in rules) == deployment["conda"]


def test_the_configuration_is_explained_and_can_be_deployed():
    readme = (ROOT / "config" / "README.md").read_text()
    assert all(f"`{path.name}`" in readme for path in (ROOT / "config").glob("*.yaml"))
    base, deployed = (
        yaml.safe_load((ROOT / name).read_text()) for name in ("config.yaml", "config/config.yaml")
    )
    # The Snakefile that is deployed reads config/config.yaml and hands it to the module.
    assert load(from_module(base, deployed)).name == deployed["name"] != base["name"]
