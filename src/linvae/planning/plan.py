"""The map of a study: every job, by the address of what it computes."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from linvae.jobs.atomic import replacing
from linvae.jobs.job import FOLDER as JOBS
from linvae.jobs.job import Job, MissingJobError, write_job
from linvae.planning.images import Origin
from linvae.planning.needs import Needs

__all__ = ["Plan", "keep_plan", "last_plans", "read_plan"]

_FOLDER = JOBS.with_name("plans")


@dataclass(frozen=True)
class Plan:
    """All jobs of a study, and what the workflow needs to know of them.

    Attributes
    ----------
    name
        Of the study.
    jobs, needs
        By address.
    origin
        Of the images.
    figures
        Address of each figure's job, by the figure's name.
    final
        Address of the job that brings everything to its stable name.
    environment
        What jobs find in their environment; it decides no result.
    """

    name: str
    jobs: Mapping[str, Job]
    needs: Mapping[str, Needs]
    origin: Origin
    figures: Mapping[str, str]
    final: str
    environment: Mapping[str, str]

    @property
    def images(self) -> str:
        """Path of the images."""
        (address,) = self.addresses("fetch")
        return self.jobs[address].outputs["images"]

    def addresses(self, program: str) -> list[str]:
        """Return the addresses of a program's jobs."""
        return [address for address, job in self.jobs.items() if job.program == program]

    @property
    def stamp(self) -> str:
        """Path of the file that says that everything is at its stable name."""
        return self.jobs[self.final].outputs["stamp"]

    def wanted(self) -> list[str]:
        """Return the files that a finished study has.

        Images, data and spectra are not among them: they are on the way, and may be deleted.
        """
        return [*self.jobs[self.final].input_files(), self.stamp]

    def lacking(self) -> list[str]:
        """Return the files that a finished study has and this one has not."""
        return [path for path in self.wanted() if not Path(path).exists()]

    def left(self) -> list[Job]:
        """Return the jobs that are left: those whose outputs are wanted and not there.

        Also those that make what such a job reads and is not there, and whatever reads what any of
        them makes, which Snakemake computes again.
        """
        makers = {path: job for job in self.jobs.values() for path in job.outputs.values()}
        readers: dict[str, list[Job]] = {}
        for job in self.jobs.values():
            for path in job.input_files():
                readers.setdefault(makers[path].address, []).append(job)
        waiting = [makers[path] for path in self.lacking()]
        found: dict[str, Job] = {}
        while waiting:
            job = waiting.pop()
            if job.address not in found:
                found[job.address] = job
                lacking = [path for path in job.input_files() if not Path(path).exists()]
                waiting += [makers[path] for path in lacking]
                waiting += readers.get(job.address, [])
        return [job for address, job in self.jobs.items() if address in found]

    def to_dict(self) -> dict[str, object]:
        """Return plain values, as JSON holds them."""
        return {
            **asdict(self),
            "jobs": {address: job.to_dict() for address, job in self.jobs.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping) -> "Plan":
        """Read what `to_dict` gave, after a way through JSON."""
        jobs = {address: Job.from_dict(job) for address, job in values["jobs"].items()}
        needs = {address: Needs(**needs) for address, needs in values["needs"].items()}
        origin = Origin(**values["origin"])
        return cls(**{**values, "jobs": jobs, "needs": needs, "origin": origin})


def keep_plan(plan: Plan) -> str:
    """Keep each job for its program, and the plan for Snakemake's processes on a cluster.

    Returns
    -------
    str
        Hash by which `read_plan` finds it.

    Raises
    ------
    OSError
        If the working directory cannot be written to.
    """
    there = {path.stem for path in JOBS.glob("*.json")}
    for address, job in plan.jobs.items():
        # Of one that is checked, the code is not told by the address.
        if address not in there or job.checked:
            write_job(job)
    text = json.dumps(plan.to_dict(), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = _FOLDER / f"{digest}.json"
    if path.is_file():
        os.utime(path)  # it is the last one now
    else:
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return digest


def last_plans() -> list[Plan]:
    """Return the last plan of each study that was planned in the working directory."""
    found: dict[str, Plan] = {}
    for path in sorted(_FOLDER.glob("*.json"), key=lambda path: path.stat().st_mtime_ns):
        with suppress(MissingJobError, LookupError, TypeError):  # of another version of linvae
            plan = read_plan(path.stem)
            found[plan.name] = plan
    return list(found.values())


def read_plan(digest: str) -> Plan:
    """Read a plan that was kept.

    Raises
    ------
    MissingJobError
        If it is not there, or is damaged.
    """
    path = _FOLDER / f"{digest}.json"
    try:
        text = path.read_text(encoding="utf-8")
        if hashlib.sha256(text.encode()).hexdigest()[:16] == digest:
            return Plan.from_dict(json.loads(text))
        reason = "its content is another"
    except OSError as error:
        reason = error.strerror or str(error)
    msg = f"{path}: {reason}; run the same command again, which plans anew"
    raise MissingJobError(msg)
