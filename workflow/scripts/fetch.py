"""Fetch a dataset: its images, and where they came from."""

from pathlib import Path

from linvae import data
from linvae.files import write_arrays, write_json
from linvae.program import run


def main(spec: dict, images: str, provenance: str) -> None:
    """Write the images of both splits and their provenance."""
    downloads = Path(images).parent / "download"
    found = data.fetch(spec["name"], spec["source"], download_dir=downloads)
    write_arrays(images, train=found.train, test=found.test)
    write_json(provenance, found.provenance.to_dict())


if __name__ == "__main__":
    run(main)
