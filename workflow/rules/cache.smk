"""What tells finished work from work to do, beside Snakemake's own memory of it."""

import json

from linvae.planned import plan as plan_code

# The fingerprints that were planned, for jobs whose scheduler starts Snakemake a second time: by
# then the code may have been edited.
PLANNED_CODE = {}


def script(name, modules=()):
    """Fingerprint of a script of the workflow and of all modules that it reaches."""
    program = " ".join((name, *modules))
    if not workflow.is_main_process:
        PLANNED_CODE.update(json.loads(os.environ.get("LINVAE_PLANNED_CODE", "{}")))
    if program not in PLANNED_CODE:
        PLANNED_CODE[program] = plan_code(CHECKOUT / "workflow" / "scripts" / f"{name}.py", modules)
        os.environ.update(LINVAE_PLANNED_CODE=json.dumps(PLANNED_CODE))
    return PLANNED_CODE[program]
