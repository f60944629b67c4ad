"""The deep VAEs of a finished study, one row a run: what tables over several recipes start from."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from linvae.claims.rows import COPIED
from linvae.faults import KEY
from linvae.files import read_json
from linvae.naming import parse_run
from linvae.settings.model import ModelSettings
from linvae.tables.table1 import run_row

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
        One row a run, as `linvae.tables.table1.run_row` makes it, in nats per datum, with
        ``layers`` (of encoder and decoder) and ``length`` (updates or epochs, and batch).
        Without columns if there is none.

    Raises
    ------
    FileNotFoundError
        If a run's metrics are not there.
    """
    if (folder / DEEP_RUNS).is_file():
        kept = pd.read_csv(folder / DEEP_RUNS)
        # What was kept before a quantity was measured has nothing there.
        return kept.reindex(columns=[*kept, *(name for name in COPIED if name not in kept)])
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
    """Tell a model's layers and how long it was trained."""
    model = ModelSettings.model_validate(settings)
    sides = [side.size for side in (model.encoder, model.decoder)]
    training = model.training
    length = f"{training.steps}" if training.steps else f"{training.epochs} epochs"
    batch = training.batch_size or "all"
    return {"layers": " / ".join(dict.fromkeys(sides)), "length": f"{length} of {batch}"}
