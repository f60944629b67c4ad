"""What a study was: its configuration, its images, and what its runs were computed with."""

import json
from collections.abc import Mapping, Sequence

__all__ = ["study_record"]


def study_record(
    configuration: Mapping, device: str, provenance: Mapping, made: Sequence[Mapping]
) -> dict[str, object]:
    """Return what to know about a study later on, as JSON holds it.

    Parameters
    ----------
    configuration
        Resolved: overlays merged, `extends` and defaults filled in. What is off (null, false, zero
        or empty) by default is not told where it is off.
    device
        What ``device: auto`` meant.
    provenance
        Of the images.
    made
        What `linvae.jobs.made` wrote beside the weights of each run.

    Returns
    -------
    dict
        ``computed`` has an entry for each commit, version and machine that runs differ in, the one
        with the most runs first: ``commit``, ``clean``, ``versions``, ``platform`` and ``runs``,
        their number.
    """
    return {
        "name": configuration["name"],
        "configuration": configuration,
        "device": device,
        "data": provenance,
        "computed": _groups(made),
    }


def _groups(made: Sequence[Mapping]) -> list[dict[str, object]]:
    """Gather the runs that were computed with the same."""
    counts: dict[str, int] = {}
    for one in made:
        text = json.dumps(one["computed"], sort_keys=True)
        counts[text] = counts.get(text, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{**json.loads(text), "runs": number} for text, number in ordered]
