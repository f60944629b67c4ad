"""Where the workflow lies, and whose code it runs: never that of another checkout, or of a copy.

Nothing here may enter what Snakemake compares: a study that is moved, or whose workflow is, stays
finished. Paths of the workflow therefore reach jobs by the environment.
"""

import os
import sys
import tomllib
from pathlib import Path

from snakemake.sourcecache import LocalSourceFile

FOLDER = workflow.current_basedir
# A module may also be fetched (`github(...)`): its files are then copied, and linvae is installed.
IS_LOCAL = isinstance(FOLDER, LocalSourceFile)
REMEDY = (
    "give this checkout its own environment (rm -r .venv; make), or in yours"
    " `pip install -e '.[workflow,data]'`"
)

try:
    import linvae
except ModuleNotFoundError:
    sys.exit(f"error: linvae is not installed: {REMEDY}")
from linvae.files import replacing


def shipped(path):
    """Where a file of the workflow lies, by its path from the top."""
    return CHECKOUT / path if IS_LOCAL else kept(path)


def kept(path):
    """A copy in the working directory, where it lies the same wherever the workflow does."""
    file, copy = FOLDER.join(f"../../{path}"), Path(".snakemake/linvae", path)
    text = workflow.sourcecache.open(file).read()
    if workflow.is_main_process and not (copy.is_file() and copy.read_text("utf-8") == text):
        with replacing(copy) as temporary:
            temporary.write_text(text, "utf-8")
    return copy


def beside(path):
    """Path of a file of the workflow that is a rule's input."""
    return path if IS_LOCAL and Path.cwd() == CHECKOUT else local(str(kept(path)))


if IS_LOCAL:
    CHECKOUT = Path(FOLDER.get_path_or_uri(secret_free=True)).resolve().parents[1]
    if (found := Path(linvae.__path__[0]).resolve()) != CHECKOUT / "src" / "linvae":
        sys.exit(
            f"error: linvae comes from {found} and not from {CHECKOUT / 'src' / 'linvae'}, so that"
            f" what is edited here would change nothing: {REMEDY}"
        )
else:
    wanted = tomllib.loads(kept("pyproject.toml").read_text("utf-8"))["project"]["version"]
    if (found := linvae.__version__) != wanted:
        sys.exit(
            f"error: the workflow is of linvae {wanted}, and installed is {found}: install linvae"
            " from where the workflow comes from, at the same tag"
        )
if workflow.modifier.path_modifier.replace_prefix("results/") != "results/":
    sys.exit(
        "error: linvae as a module takes no prefix, since its results know each other by their"
        " paths: leave it out, and give the study a name of its own"
    )

# Each job's Snakemake, on a cluster too, reads this file before it starts the job's program.
os.environ.update(LINVAE_SCRIPTS=os.path.abspath(shipped("workflow/scripts/fetch.py").parent))
