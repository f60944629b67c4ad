"""One computation of a study, and the address that says all that decides its result.

A file lies at ``<place>/<address>/<name>``. The address is a hash of the program's code, its
settings and the addresses of what it reads, so that a file which is there is right: nothing else
needs to be remembered of it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from linvae.jobs.atomic import replacing

__all__ = ["FOLDER", "Job", "MissingJobError", "read_job", "text_hash", "write_job"]

# Below the working directory. What lies there can be planned anew, and may get lost.
FOLDER = Path(".snakemake/linvae/jobs")
_DIGITS = 12
# To be raised if a change of `linvae.jobs` changes results, which otherwise it never does.
_PROTOCOL = 1


class MissingJobError(RuntimeError):
    """The specification of a job is not there, or is damaged."""


@dataclass(frozen=True)
class Job:
    """What one program computes, from what, and where it lies.

    Attributes
    ----------
    program
        Name of the rule, and of its script.
    place
        Folder of the outputs, with ``{address}`` where the address comes.
    settings
        What the program is told, as JSON holds it.
    inputs
        One path, or several, for each option of the program. Paths below ``results/`` hold the
        addresses of what made the files.
    files
        Name of the output file for each option; it may hold ``{address}``.
    code
        Fingerprint of the program's code.
    modules
        Modules that the program loads by name.
    texts, text_files
        `text_hash` of each file of the workflow that the program reads, by option, and where it
        lies below ``workflow/``.
    checked
        Whether the settings hold a hash of the outputs' content, which the program checks: then its
        code is no part of the address.
    """

    program: str
    place: str
    settings: Mapping[str, object]
    inputs: Mapping[str, str | list[str]]
    files: Mapping[str, str]
    code: str
    modules: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    text_files: Mapping[str, str] = field(default_factory=dict)
    checked: bool = False

    @cached_property
    def address(self) -> str:
        """Twelve hexadecimal digits that stand for all of it."""
        told = {**asdict(self), "protocol": _PROTOCOL}
        if self.checked:
            del told["code"]
        text = json.dumps(told, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]

    @cached_property
    def folder(self) -> str:
        """Folder of the outputs, relative to the working directory."""
        return self.place.format(address=self.address)

    @cached_property
    def outputs(self) -> dict[str, str]:
        """Path of each output, by the program's option."""
        return {
            option: f"{self.folder}/{name.format(address=self.address)}"
            for option, name in self.files.items()
        }

    @property
    def threads(self) -> int:
        """Threads that the program computes with, whatever the number of cores."""
        return int(self.settings.get("threads", 1))

    def input_files(self) -> Iterator[str]:
        """Give the path of every input."""
        for value in self.inputs.values():
            yield from (value,) if isinstance(value, str) else value

    def to_dict(self) -> dict[str, object]:
        """Return plain values, as JSON holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping) -> "Job":
        """Read what `to_dict` gave, after a way through JSON."""
        return cls(**{**values, "modules": tuple(values["modules"])})


def text_hash(text: str) -> str:
    """Return the SHA-256 of a text without the white space at its end.

    Of a workflow that is fetched from a repository, Snakemake leaves that out.
    """
    return hashlib.sha256(text.rstrip().encode()).hexdigest()


def write_job(job: Job, folder: Path = FOLDER) -> None:
    """Keep a job under its address, for the program that computes it."""
    with replacing(folder / f"{job.address}.json") as temporary:
        temporary.write_text(json.dumps(job.to_dict(), sort_keys=True), encoding="utf-8")


def read_job(address: str, folder: Path = FOLDER) -> Job:
    """Read the job with an address.

    Raises
    ------
    MissingJobError
        If it is not there, or is not the job with this address.
    """
    path = folder / f"{address}.json"
    try:
        job = Job.from_dict(json.loads(path.read_text(encoding="utf-8")))
        if job.address == address:
            return job
        reason = f"it holds the job {job.address}"
    except OSError as error:
        reason = error.strerror or str(error)
    except (ValueError, TypeError, LookupError) as error:
        reason = str(error)
        # Planning writes it anew where none is.
        path.unlink(missing_ok=True)
    msg = f"{path}: {reason}; run the same command again, which plans the job anew"
    raise MissingJobError(msg)
