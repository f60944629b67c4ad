"""What made a file: a record beside it, so that results say themselves where they come from.

Snakemake keeps what it knows of finished jobs in one hidden folder, and takes any file of which it
knows nothing for up to date. A record of each job lies with its results and goes where they go.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from linvae.files import DamagedFileError, read_json, write_json

__all__ = ["Record", "find_records", "recording"]

_FOLDER = ".made"


@dataclass(frozen=True)
class Record:
    """What made some files. Paths are as the job was given them, from the working directory.

    Attributes
    ----------
    rule
        Name of the rule, which is also its script's.
    outputs
        The files, in the order of the program's options.
    inputs
        The files that the program was given to read, sorted.
    checksums
        SHA-256 of each input.
    spec
        The specification, to the letter.
    """

    rule: str
    outputs: list[str]
    inputs: list[str]
    checksums: dict[str, str]
    spec: str

    @classmethod
    def read(cls, file: Path) -> "Record":
        """Read a record.

        Raises
        ------
        DamagedFileError
            If it is damaged, or does not belong to the file beside it.
        """
        try:
            record = cls(**read_json(file))
            texts = [record.rule, record.spec, *record.outputs, *record.inputs]
            sums = [*record.checksums, *record.checksums.values()]
            if all(isinstance(text, str) for text in texts + sums) and record.file == file:
                return record
        except (TypeError, AttributeError, LookupError) as error:
            raise DamagedFileError(file, error) from error
        raise DamagedFileError(file, "it is no record of the file beside it")

    @property
    def file(self) -> Path:
        """Where the record lies: beside the first output, out of sight."""
        return _record_file(self.outputs[0])

    def write(self) -> None:
        """Write the record; it depends on nothing but what the job was given."""
        write_json(self.file, asdict(self))


def find_records(folder: str | Path) -> Iterator[Record | DamagedFileError]:
    """Every record below a folder, or what is wrong with it."""
    for path, folders, _ in os.walk(folder):
        if _FOLDER in folders:
            folders.remove(_FOLDER)
            for file in sorted(Path(path, _FOLDER).glob("[!.]*.json")):
                try:
                    yield Record.read(file)
                except DamagedFileError as error:
                    yield error


@contextmanager
def recording(rule: str, spec: str | None, paths: Iterable[str]) -> Iterator[None]:
    """Record what the block makes; whatever it may replace has no record while it runs.

    Parameters
    ----------
    rule
        Name of the program.
    spec
        Its specification, or None for one that says too little to be recorded.
    paths
        All files that the program is given: those that the block changes are its outputs.
    """
    paths = list(paths)
    for path in paths:
        if not os.path.exists(path) or _made_by(rule, path):
            _record_file(path).unlink(missing_ok=True)
    before = {path: _state(path) for path in paths}
    checksums = {path: _checksum(path) for path, state in before.items() if state}
    yield
    outputs = [path for path in before if _state(path) not in (None, before[path])]
    inputs = sorted(path for path in paths if path in checksums and path not in outputs)
    if outputs and spec is not None:
        Record(rule, outputs, inputs, {path: checksums[path] for path in inputs}, spec).write()


def _record_file(output: str | Path) -> Path:
    return Path(output).parent / _FOLDER / f"{Path(output).name}.json"


def _made_by(rule: str, path: str) -> bool:
    try:
        return Record.read(_record_file(path)).rule == rule
    except FileNotFoundError:
        return False
    except DamagedFileError:
        return True


def _state(path: str) -> tuple[int, ...] | None:
    """Identity and age of a file, or None if there is none."""
    if not os.path.isfile(path):
        return None
    found = os.stat(path)
    return found.st_ino, found.st_size, found.st_mtime_ns


def _checksum(path: str) -> str:
    with open(path, "rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
