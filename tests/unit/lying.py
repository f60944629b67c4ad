"""Where made-up results lie: paths of the workflow's shape, all at the same made-up addresses."""

from pathlib import PurePosixPath

__all__ = ["MEASURED", "PROVENANCE", "TRAINED", "path_of", "paths_of"]

# Of training, of measuring below it, of a graft below that, and of all else.
TRAINED, MEASURED, GRAFTED, OTHER = (12 * digit for digit in "0123")
PROVENANCE = f"results/data/mnist/{OTHER}/provenance.json"
_MEASURED_FILES = ("metrics.json", "kl.npz", "samples.npz", "residual.npz")
_KINDS = {
    **dict.fromkeys(("images.npz", "provenance.json", "data.npz"), "data"),
    **dict.fromkeys(("points.csv", "paths.csv"), "saddles"),
    "spectrum.npz": "spectrum",
    "maxima.csv": "ppca",
    "restarts.csv": "restarts",
    "hessian.csv": "hessian",
}
_SAID = {
    **dict.fromkeys(("claims.json", "claims.md"), "claims"),
    **dict.fromkeys(("summary.md", "runs.csv"), "summary"),
    "study.json": "record",
    "index.html": "page",
}


def path_of(file):
    """Path of a `Product`, relative to the working directory."""
    return "/".join((*_folders(file), file.file))


def paths_of(files):
    """Paths of several."""
    return [path_of(file) for file in files]


def _folders(file):
    if file.run is not None:
        folders = ["results/train", str(file.run), TRAINED]
        measured = [MEASURED] if file.variant or file.file in _MEASURED_FILES else []
        grafted = [f"graft-{file.variant}", GRAFTED] if file.variant else []
        return [*folders, *measured, *grafted]
    if file.data is not None:
        return [*filter(None, (f"results/{_KINDS[file.file]}", file.data, file.variant)), OTHER]
    name = PurePosixPath(file.file).stem
    drawn = f"{'tables' if name.startswith('table') else 'figures'}/{name}"
    return ["results/report", _SAID.get(file.file, drawn), OTHER]
