"""Figures: a table and a picture each.

matplotlib is imported here first, without the backend that the environment names: a figure is
written to files and needs none, and in a job that a notebook's kernel starts, the kernel's own is
not to be had.
"""

import os

_inherited = os.environ.pop("MPLBACKEND", None)
try:
    import matplotlib  # noqa: F401
finally:
    if _inherited is not None:
        os.environ["MPLBACKEND"] = _inherited
