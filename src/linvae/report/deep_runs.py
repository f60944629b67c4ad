"""The deep VAEs of a finished study, one row a run: what tables over several recipes start from."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from linvae.faults import KEY
from linvae.files import read_json
from linvae.naming import parse_run
from linvae.report.table1 import run_row

__all__ = ["DEEP_RUNS", "measured_runs"]

DEEP_RUNS = "deep_runs.csv"
# Among the metrics of deep VAEs alone.
_DEEP = "residual_gain"


def measured_runs(folder: Path) -> pd.DataFrame:
    """Tabulate the deep VAEs that a study measured.

    Parameters
    ----------
    folder
        ``results/<study>`` where it was run, beside the folder of its runs; or one that was kept.

    Returns
    -------
    DataFrame
        One row a run, as `linvae.report.table1.run_row` makes it, in nats per datum, with
        ``hidden`` (layers of encoder and decoder) and ``length`` (updates or epochs, and batch).
        Without columns if there is none.

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
        if KEY in metrics or _DEEP not in metrics:
            continue
        run = parse_run(path)
        rows.append(run_row(run, metrics, epsilon) | _of_the_model(models[run.model]))
    return pd.DataFrame(rows)


def _of_the_model(settings: Mapping) -> dict[str, object]:
    """Tell a model's hidden layers and how long it was trained; what is off is not told there."""
    layers = [settings.get(side, {}).get("hidden", ()) for side in ("encoder", "decoder")]
    sides = ["-".join(map(str, hidden)) or "linear" for hidden in layers]
    training = settings["training"]
    steps, epochs = training.get("steps"), training.get("epochs")
    length = f"{steps}" if steps else f"{epochs} epochs"
    batch = training.get("batch_size") or "all"
    return {"hidden": " / ".join(dict.fromkeys(sides)), "length": f"{length} of {batch}"}
