"""Write what the study found, which runs it rests on, and what it was."""

from linvae.files import write_csv, write_json, write_text
from linvae.inputs import Inputs
from linvae.program import run
from linvae.report.study_record import runs_table, study_record
from linvae.report.summary import summary_text


def main(spec: dict, inputs: list[str], summary: str, runs: str, study: str) -> None:
    """Write the summary, the table of runs and the study's record."""
    files, configuration = Inputs(inputs), spec["configuration"]
    write_text(summary, summary_text(files, configuration))
    write_csv(runs, runs_table(files))
    write_json(study, study_record(configuration, spec["device"], files.provenance()))


if __name__ == "__main__":
    run(main)
