"""Every study has a name, since it has a folder of its own: given, or that of its file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from linvae.config.configuration import StudyConfig, load, merged
from linvae.config.messages import ConfigError
from linvae.config.yaml_files import read

__all__ = ["configured", "from_module", "named"]


def named(
    raw: Mapping[str, object],
    overlays: Sequence[str | Path] = (),
    command_line: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Return a merged configuration with the name of the study that it describes.

    An overlay without the key ``name`` gives the study the name of its own file: otherwise its
    results would take the place of the default study's.

    Parameters
    ----------
    raw
        The configuration as Snakemake has merged it.
    overlays
        Files that were merged into it, in order; the last one with a name counts.
    command_line
        Values given one by one.

    Raises
    ------
    ConfigError
        If values are given one by one without a name.
    """
    if command_line and "name" not in command_line:
        keys = ", ".join(command_line)
        msg = (
            f"name: --config changes {keys}, which makes another study; give it a name too, for "
            "example --config name=mine, and it gets a folder of its own below results/"
        )
        raise ConfigError(msg)
    if command_line or not overlays:
        return dict(raw)
    last = Path(overlays[-1])
    return dict(raw) if "name" in read(last) else {**raw, "name": last.stem}


def configured(base: str | Path, overlays: Sequence[str | Path] = ()) -> StudyConfig:
    """Return the configuration of a study, merged from files as Snakemake merges them.

    Parameters
    ----------
    base
        The workflow's ``config.yaml``.
    overlays
        Files whose keys come on top, in order.

    Raises
    ------
    ConfigError
        If a file cannot be read, or the whole is not valid.
    """
    raw: object = {}
    for file in (base, *overlays):
        raw = merged(raw, read(file))
    return load(named(raw, overlays))


def from_module(base: Mapping[str, object], given: object) -> dict[str, object]:
    """Return the configuration of a study that another project's Snakefile describes.

    Parameters
    ----------
    base
        The workflow's own configuration.
    given
        What the module statement has under ``config:``: like an overlay, it changes single keys.

    Raises
    ------
    ConfigError
        If it is no mapping, or does not name the study.
    """
    if not isinstance(given, Mapping) or "name" not in given:
        msg = (
            "name: what `config:` of the module gives must name the study, for example `name: "
            "mine`; it gets a folder of its own below results/"
        )
        raise ConfigError(msg)
    return dict(merged(base, given))
