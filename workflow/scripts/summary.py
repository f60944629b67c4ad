"""Write the study's headline numbers and the data's provenance."""

from linvae.files import write_text
from linvae.inputs import Inputs
from linvae.program import run
from linvae.report.summary import summary_text


def main(spec: dict, inputs: list[str], summary: str) -> None:
    """Write the summary."""
    write_text(summary, summary_text(Inputs(inputs), spec["study"]))


if __name__ == "__main__":
    run(main)
