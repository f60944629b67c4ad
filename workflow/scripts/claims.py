"""Judge every claim from the results, as JSON and as Markdown."""

from linvae.jobs.program import run


def main(settings: dict, inputs: list[str], claims: str, document: str) -> None:
    """Write ``claims.json`` and ``claims.md``."""
    from linvae.claims.judge import judge
    from linvae.files import write_json, write_text
    from linvae.inputs import Inputs
    from linvae.report.document import claims_text

    files = Inputs(inputs)
    found = [claim.to_dict() for claim in judge(files, settings)]
    write_json(claims, found)
    write_text(document, claims_text(found, files.data_label(), settings["study_name"]))


if __name__ == "__main__":
    run(main)
