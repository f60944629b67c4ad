"""The deep VAEs of a finished study, one row a run: what tables over several recipes start from."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from linvae.claims.rows import deep_row
from linvae.faults import KEY
from linvae.files import read_json
from linvae.naming import parse_run

__all__ = ["DEEP_RUNS", "deep_runs"]

DEEP_RUNS = "deep_runs.csv"
_CERTIFICATE = ("residual_gain", "residual_gain_test", "residual_max", "residual_max_test")


def deep_runs(folder: Path) -> pd.DataFrame:
    """Tabulate the deep VAEs that a study measured, one row a run.

    Parameters
    ----------
    folder
        ``results/<study>`` where it was run, beside the folder of its runs; or one that was kept.

    Returns
    -------
    DataFrame
        As `linvae.claims.rows.deep_row` makes the rows, in nats per datum, with ``hidden`` (layers
        of encoder and decoder), ``length`` (updates, or epochs) and the certificate's values.

    Raises
    ------
    FileNotFoundError
        If a run's metrics are not there.
    """
    if (folder / DEEP_RUNS).is_file():
        return pd.read_csv(folder / DEEP_RUNS)
    paths = pd.read_csv(folder / "runs.csv")["metrics"]
    configuration = read_json(folder / "study.json")["configuration"]
    epsilon, models = configuration["measurement"]["epsilon"], configuration["models"]
    rows = []
    for path in paths:
        metrics = read_json(folder.resolve().parents[1] / path)
        if KEY in metrics or _CERTIFICATE[0] not in metrics:
            continue
        run = parse_run(path)
        row = deep_row(run, metrics, epsilon) | _of_the_model(models[run.model])
        rows.append(row | {name: metrics[name] for name in _CERTIFICATE})
    return pd.DataFrame(rows)


def _of_the_model(settings: Mapping) -> dict[str, object]:
    """Tell a model's hidden layers and how long it was trained."""
    sides = ["-".join(map(str, settings[side]["hidden"])) for side in ("encoder", "decoder")]
    training = settings["training"]
    length = f"{training['steps']}" if training.get("steps") else f"{training['epochs']} epochs"
    return {"hidden": " / ".join(dict.fromkeys(sides)), "length": length}
