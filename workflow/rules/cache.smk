"""What tells finished work from work to do, beside Snakemake's own memory of it."""

import ast
from dataclasses import replace

from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord
from snakemake.persistence.file import FilePersistence

from linvae.planned import plan as plan_code
from linvae.record import Record, find_records

# The fingerprints that were planned, for jobs whose scheduler starts Snakemake a second time: by
# then the code may have been edited. Schedulers pass the environment on, some not every character.
PLANNED_CODE = {}
if not workflow.is_main_process:
    PLANNED_CODE = dict(
        part.split(":") for part in os.environ.get("LINVAE_PLANNED_CODE", "").split("%") if part
    )


def script(name, modules=()):
    """Fingerprint of a script of the workflow and of all modules that it reaches."""
    program, file = "+".join((name, *modules)), shipped(f"workflow/scripts/{name}.py")
    if program not in PLANNED_CODE:
        PLANNED_CODE[program] = plan_code(file, modules)
        os.environ.update(LINVAE_PLANNED_CODE="%".join(map(":".join, PLANNED_CODE.items())))
    return PLANNED_CODE[program]


def restore_metadata():
    """Let Snakemake compare what lies there with what shall be, whatever it has forgotten.

    Where it remembers another specification than the record, the record is right: what a cluster's
    job is told depends on the configuration and the code that lie there when it starts.
    """
    memory, restored = FilePersistence(), 0
    for record in find_records("results"):
        if isinstance(record, Exception):
            print(f"warning: {record}", file=sys.stderr)
            continue
        params = [repr(record.spec)]
        for output in filter(os.path.exists, record.outputs):
            known = memory._read_record(output) or MetadataRecord()
            if known.params == params:
                continue
            known.sqlmodel_update(
                {
                    "rule": record.rule,
                    "input": record.inputs,
                    "input_checksums": record.checksums,
                    "params": params,
                    "record_format_version": RECORD_FORMAT_VERSION,
                    # Reports tell jobs apart by the one, and show the other.
                    "job_hash": hash(record.file),
                    **dict.fromkeys(("starttime", "endtime"), os.path.getmtime(output)),
                }
            )
            memory._write_record(output, known)
            restored += 1
    if restored:
        print(
            f"Restored what made {restored} outputs, from the records beside them.", file=sys.stderr
        )


def follow_touch():
    """Let records say what `--touch` has made Snakemake believe."""
    memory = FilePersistence()
    for record in find_records("results"):
        known = isinstance(record, Record) and memory._read_record(record.outputs[0])
        if known and known.params and known.params != [repr(record.spec)]:
            (spec,) = map(ast.literal_eval, known.params)
            replace(record, spec=spec, inputs=known.input, checksums=known.input_checksums).write()


if workflow.is_main_process:
    restore_metadata()
