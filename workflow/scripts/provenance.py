"""Say of a dataset's images what they are and where they come from."""

from linvae.jobs.program import run


def main(settings: dict, images: str, provenance: str) -> None:
    """Write the provenance that figures and summary show."""
    from linvae.files import read_arrays, write_json
    from linvae.images.provenance import described

    found = read_arrays(images)
    told = described(found["train"], found["test"], settings["dataset"], settings["source"])
    write_json(provenance, told.to_dict())


if __name__ == "__main__":
    run(main)
