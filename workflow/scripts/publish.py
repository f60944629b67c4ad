"""Bring all that a study says to its stable names, below ``results/<name>/``."""

from linvae.jobs.program import run


def main(settings: dict, inputs: list[str], stamp: str) -> None:
    """Copy what is shown, link the files of runs, and write the stamp last."""
    from linvae.report.publish import publish

    publish(settings["files"], settings["runs"], stamp, inputs)


if __name__ == "__main__":
    run(main)
