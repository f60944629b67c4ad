"""Judge every claim from the results, as JSON and as Markdown."""

from linvae.claims.document import claims_text
from linvae.claims.judge import judge
from linvae.files import write_json, write_text
from linvae.inputs import Inputs
from linvae.program import run


def main(spec: dict, inputs: list[str], claims: str, document: str) -> None:
    """Write ``claims.json`` and ``claims.md``."""
    files = Inputs(inputs)
    found = [claim.to_dict() for claim in judge(files, spec)]
    write_json(claims, found)
    write_text(document, claims_text(found, files.data_label(), spec["study_name"]))


if __name__ == "__main__":
    run(main)
