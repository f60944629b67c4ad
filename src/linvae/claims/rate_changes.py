"""The second half of claim 15: whether rates change the number of used latents more than starts.

With R the change of a number from the lower rate to the higher one, in the mean over starts, and S
that from one start to the other, in the mean over rates, |R| > |S| if R - S and R + S have the same
sign. Each of these is one difference of two cells: of the higher rate from one start and the lower
from the other. So two of Student's intervals decide, and neither an absolute value nor a maximum,
which noise alone makes positive.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from operator import attrgetter

import pandas as pd

from linvae.claims.cells import CellMeans
from linvae.claims.deciding import cost_of, equivalent, side, with_seeds
from linvae.claims.evidence import Evidence, missing, weakest
from linvae.claims.recipes import at, by_threshold, one_latent
from linvae.claims.verdicts import Answer, Interval
from linvae.measure.splits import SPLITS
from linvae.settings.margins import Margins
from linvae.settings.model import JobSettings, ModelSettings

__all__ = ["rate_changes", "rates_of"]

_RATES = ("learning_rate", "adam_learning_rate", "noise_learning_rate", "variance_learning_rate")
_CELL = ["recipe", "start"]


def rates_of(settings: Mapping[str, ModelSettings]) -> pd.DataFrame:
    """Tell of each recipe its learning rate, and with which others it differs in rates alone.

    By recipe, ``rate`` and ``family``: a name such as ``rates of adam``, empty of a recipe that
    stands alone.
    """
    kinds: dict[str, list[str]] = {}
    for name, model in settings.items():
        kinds.setdefault(_without_rates(model).model_dump_json(), []).append(name)
    families = [names for names in kinds.values() if len(names) > 1]
    optimizers = [settings[names[0]].training.optimizer for names in families]
    found = {name: {"rate": m.training.learning_rate, "family": ""} for name, m in settings.items()}
    for names, optimizer in zip(families, optimizers, strict=True):
        more = f" ({names[0]})" if optimizers.count(optimizer) > 1 else ""
        for name in names:
            found[name]["family"] = f"rates of {optimizer}{more}"
    return pd.DataFrame.from_dict(found, orient="index")


def _without_rates(model: ModelSettings) -> ModelSettings:
    training = model.training.model_copy(update=dict.fromkeys(_RATES))
    return model.model_copy(update={"training": training, "job": JobSettings()})


def rate_changes(runs: pd.DataFrame, margins: Margins) -> list[Evidence]:
    """Compare rates with starts, for each optimiser that was run at several rates.

    `runs` are as `linvae.claims.start_and_rate.start_and_rate` takes them.
    """
    families = runs[runs["family"] != ""].groupby("family", sort=False)
    rows = [row for _, own in families for row in _family(own, margins)]
    wanted = "rates of one optimiser from opposite starts"
    return rows or [_missing(runs, wanted, "another rate", "rates")]


def _family(runs: pd.DataFrame, margins: Margins) -> Iterator[Evidence]:
    roomy = runs[runs["predicted"] > 0]
    groups = [cell for _, cell in roomy.groupby(["initial", "n_latent"])]
    cells = [cell for cell in groups if cell["rate"].nunique() > 1]
    if not cells:
        yield _missing(
            runs,
            "noise variances with several rates at which the linear optimum leaves latents unused",
            "all rates at a larger sigma^2 or with more latents",
            str(runs["family"].iloc[0]),
        )
        return
    rows = [row for cell in cells for row in _at_one_noise(cell, margins, len(cells))]
    yield from (row for row in rows if row.unit == "nats")
    for split in SPLITS:
        counts = [row for row in rows if row.unit != "nats" and row.split == split]
        yield from weakest(counts, attrgetter("mean"))


def _missing(runs: pd.DataFrame, quantity: str, settles: str, subject: str) -> Evidence:
    """Return the row of a comparison that was not run: at the price of one recipe's runs."""
    first = runs[runs["recipe"] == runs["recipe"].iloc[0]]
    cost = cost_of(first.drop_duplicates(["start", "seed"]))
    return missing(quantity, f"{settles}, {cost}", subject)


def _at_one_noise(runs: pd.DataFrame, margins: Margins, n_cells: int) -> Iterator[Evidence]:
    """Judge the two rates farthest apart that end at equal ELBO, or say that none do."""
    recipes = runs.drop_duplicates("recipe").sort_values("rate").set_index("recipe")["rate"]
    pairs = list(combinations(recipes.index, 2))
    pairs.sort(key=lambda pair: recipes[pair[0]] / recipes[pair[1]])
    found = []
    for low, high in pairs:
        both = runs[runs["recipe"].isin([low, high])]
        rows = [_elbo(both, low, high, split, margins, len(pairs)) for split in SPLITS]
        found += weakest(rows, lambda row: -abs(row.mean))
        if found[-1].answer == "yes":
            yield from _counts(both, low, high, margins, n_cells)
            return
    # That rates end at other ELBOs settles nothing of what they do at equal ones.
    nearest = min(found, key=lambda row: abs(row.mean))
    yield nearest.but(answer="undecided", settles=nearest.settles or "rates nearer to each other")


def _told(both: pd.DataFrame, low: str, high: str) -> dict[str, str]:
    first = both.iloc[0]
    where = f"{at(first['initial'])}, k = {first['n_latent']}, {high} less {low}"
    return {"subject": str(first["family"]), "condition": where}


def _elbo(
    both: pd.DataFrame, low: str, high: str, split: str, margins: Margins, n_pairs: int
) -> Evidence:
    """Test whether two rates end at equal ELBO on one split, in the mean over starts."""
    cells = CellMeans.of(both, f"{SPLITS[split]}elbo", _CELL)
    weights = {cell: 0.5 if cell[0] == high else -0.5 for cell in cells.means}
    at_level, corrected = cells.at_both(weights, margins.level, n_pairs * len(SPLITS))
    answer = equivalent(at_level, corrected, margins.elbo)
    told = {"split": split, "margin": margins.elbo, "answer": answer, **_told(both, low, high)}
    row = Evidence("ELBO, higher rate less lower", at_level, "nats", **told)
    return with_seeds(row, both, leave_margin=True)


def _counts(
    both: pd.DataFrame, low: str, high: str, margins: Margins, n_cells: int
) -> Iterator[Evidence]:
    """Compare what the rate changes with what the start does, at each threshold on each split."""
    starts = sorted(both["start"].unique())
    crossed = [
        {(high, here): 1.0, (low, there): -1.0} for here, there in (starts, reversed(starts))
    ]
    columns = by_threshold("used")
    n = len(crossed) * n_cells * len(columns)
    for column, (split, epsilon) in columns.items():
        cells = CellMeans.of(both, column, _CELL, one_latent(both))
        found = [cells.at_both(weights, margins.level, n) for weights in crossed]
        seen, strict = zip(*found, strict=True)
        what = f"used latents at epsilon = {epsilon}, change by the rate less that by the start"
        told = {"split": split, "margin": margins.latents, **_told(both, low, high)}
        row = Evidence(what, _more(seen), "% of k", answer=_answer(seen, strict, margins), **told)
        yield with_seeds(row, both)


def _more(crossed: Sequence[Interval]) -> Interval:
    """Return |R| - |S|: the smaller of the two differences, negative where their signs differ."""
    smaller, larger = sorted(crossed, key=lambda found: abs(found.mean))
    return smaller if larger.mean >= 0 else -smaller


def _answer(seen: Sequence[Interval], strict: Sequence[Interval], margins: Margins) -> Answer:
    first, second = (side(found, margins.latents, margins.none) for found in seen)
    if first == second and first in ("above", "below"):
        return "yes"
    sides = {side(found, margins.latents, margins.none) for found in strict}
    return "no" if sides == {"above", "below"} or "none" in sides else "undecided"
