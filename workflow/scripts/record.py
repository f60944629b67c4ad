"""Write what a study was: its configuration, and what its runs were computed with."""

from linvae.jobs.program import run


def main(settings: dict, made: list[str], provenance: str, study: str) -> None:
    """Write the study's record."""
    from linvae.files import read_json, write_json
    from linvae.report.study_record import study_record

    found = study_record(
        settings["configuration"],
        settings["device"],
        read_json(provenance),
        [read_json(path) for path in made],
    )
    write_json(study, found)


if __name__ == "__main__":
    run(main)
