"""Whose code is it: nothing is planned with the linvae of another checkout, or with a copy."""

import os
import sys
from pathlib import Path

CHECKOUT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).resolve().parents[1]
REMEDY = (
    "give this checkout its own environment (rm -r .venv; make), or in yours"
    " `pip install -e '.[workflow,data]'`"
)

try:
    import linvae
except ModuleNotFoundError:
    sys.exit(f"error: linvae is not installed: {REMEDY}")
if (found := Path(linvae.__path__[0]).resolve()) != CHECKOUT / "src" / "linvae":
    sys.exit(
        f"error: linvae comes from {found} and not from {CHECKOUT / 'src' / 'linvae'}, so that"
        f" what is edited here would change nothing: {REMEDY}"
    )
