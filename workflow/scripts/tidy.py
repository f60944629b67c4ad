"""List what lies in results/ and no study there needs, with sizes; remove it when told to.

Usage: python workflow/scripts/tidy.py [OVERLAY ...] [--remove]

Needed is what finished studies rest on, what the last plan of each study here names, and what the
studies of config.yaml, of the overlays in config/ and of those given would compute now.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from linvae.config.configuration import StudyConfig
from linvae.config.messages import ConfigError
from linvae.config.study_name import configured
from linvae.jobs.lock import LockedError, lock
from linvae.planning import tidy
from linvae.planning.images import Origin
from linvae.planning.plan import Plan, last_plans
from linvae.planning.study_plan import plan_study
from linvae.planning.workflow import Workflow

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path("results")


def main(overlays: list[Path], *, removing: bool) -> None:
    """Look at the results in the working directory."""
    # Nothing may be computed between listing and removing.
    held = lock(RESULTS) if removing else None
    workflow, plans = Workflow.beside(ROOT, keep=False), last_plans()
    for config in studies(overlays):
        plans += possible_plans(config, workflow)
    finished = tidy.finished_studies(RESULTS)
    names = ", ".join(sorted({*finished, *(plan.name for plan in plans)}))
    print(f"Needed by no study ({names}):")  # noqa: T201
    found = tidy.unneeded(RESULTS, tidy.needed_folders(RESULTS, plans))
    print("\n".join(tidy.report(found)))  # noqa: T201
    if found and removing:
        tidy.remove(found)
        print("Removed.")  # noqa: T201
    elif found:
        told = "make tidy REMOVE=yes, or --remove, removes it"
        print(f"{told}; a study of another overlay that is not finished is protected once that is")  # noqa: T201
        print("named: make tidy CONFIG=my.yaml")  # noqa: T201
    if held:
        held.close()


def studies(overlays: list[Path]) -> Iterator[StudyConfig]:
    """Give the studies whose results are needed though they may not be finished."""
    yield configured(ROOT / "config.yaml")
    for file in sorted((ROOT / "config").glob("*.yaml")):
        with suppress(ConfigError):  # it may be no study without another overlay
            yield configured(ROOT / "config.yaml", [file])
    if overlays:
        yield configured(ROOT / "config.yaml", overlays)


def possible_plans(config: StudyConfig, workflow: Workflow) -> Iterator[Plan]:
    """Give the plans of a study on whatever device, and of images from whatever source."""
    dataset = config.dataset
    sources = (dataset.source,) if dataset.source != "auto" else ("local", "download", "embedded")
    devices = {"cpu"} | {model.job.device for model in config.models.values()} - {"auto"}
    if any(model.job.device == "auto" for model in config.models.values()):
        devices.add("cuda")
    for source in sources:
        if source == "embedded" and dataset.name != "MNIST":
            continue
        for device in devices:
            origin = Origin(dataset.name, source, dataset.local_dir)
            yield plan_study(config, workflow, device=device, origin=origin)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("overlays", nargs="*", type=Path, metavar="OVERLAY")
    parser.add_argument("--remove", action="store_true", help="remove what is listed")
    given = parser.parse_args()
    try:
        main(given.overlays, removing=given.remove)
    except ConfigError as error:
        sys.exit(str(error))
    except (OSError, ValueError, LockedError) as error:
        sys.exit(f"error: {error}")
