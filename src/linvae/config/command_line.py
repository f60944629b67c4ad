"""Snakemake's command line, before Snakemake acts on it: one line on what it would take amiss.

Of a broken overlay it tells neither file nor line, of two options ``--configfile`` it forgets the
first, a target after ``--config`` is a value to it, and a cache that cannot be used a traceback.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from linvae.config.yaml_files import exit_unless_read

__all__ = ["exit_unless_usable"]


def exit_unless_usable(arguments: Sequence[str]) -> None:
    """End the program with one line if Snakemake would misunderstand its command line.

    Parameters
    ----------
    arguments
        The command line without the program's name.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument(
        "--configfile", "--configfiles", nargs="+", action="append", default=[], dest="overlays"
    )
    parser.add_argument("--config", "-C", nargs="*", action="append", default=[], dest="values")
    given = parser.parse_known_args(arguments)[0]
    problem = _of_overlays(given.overlays) or _of_values(given.values) or _of_cache()
    if problem:
        sys.exit(problem)
    exit_unless_read(*(overlay for overlays in given.overlays for overlay in overlays))


def _of_overlays(options: Sequence[Sequence[str]]) -> str | None:
    for name in (name for names in options for name in names):
        if Path(os.path.normpath(name)).parts[0] == "results":
            return (
                f"{name}: --configfile takes it for an overlay; targets go before --configfile, or "
                "after --"
            )
    if len(options) > 1:
        names = " ".join(name for names in options for name in names)
        return (
            f"--configfile is given {len(options)} times, and Snakemake would read the last only: "
            f"give all files to one, --configfile {names}"
        )
    return None


def _of_values(options: Sequence[Sequence[str]]) -> str | None:
    for value in (value for values in options for value in values):
        if "=" not in value:
            return (
                f"{value}: --config takes it for a value, which is key=value; targets go before "
                "--config, or after --"
            )
    if len(options) > 1:
        values = " ".join(value for values in options for value in values)
        return (
            f"--config is given {len(options)} times, and Snakemake would read the last only: give "
            f"all values to one, --config {values}"
        )
    return None


def _of_cache() -> str | None:
    """Return what is wrong with the folder that Snakemake makes first of all."""
    if sys.platform != "linux":
        return None
    folder = os.environ.get("XDG_CACHE_HOME", "").strip() or os.path.expanduser("~/.cache")
    try:
        os.makedirs(os.path.join(folder, "snakemake"), exist_ok=True)
    except OSError as error:
        return (
            f"{folder}: Snakemake cannot keep its cache there ({error.strerror}); set "
            "XDG_CACHE_HOME to a folder that can be written to"
        )
    return None
