"""The one number that a claim rests on, for tables that set studies side by side."""

from collections.abc import Callable, Iterator, Mapping

from linvae.digits import by_number, short, with_interval

__all__ = ["main_number"]


def main_number(claim: int, numbers: Mapping) -> str:
    """Say in a few words what a study measured of a claim.

    Parameters
    ----------
    claim
        Its number.
    numbers
        Its ``numbers`` in ``claims.json``.

    Returns
    -------
    str
        One part for each recipe, optimiser or learning rate, with intervals where seeds give them;
        empty where nothing was run. In nats per datum where no unit is said.
    """
    return "; ".join(_OF[claim](numbers)) if numbers else ""


def _mean(interval: Mapping) -> str:
    """Write a mean with its interval."""
    return with_interval(interval["mean"], interval["low"], interval["high"])


def _gaps(numbers: Mapping) -> Iterator[str]:
    for name, row in numbers.items():
        yield f"{name} ends {_mean(row['gap'])} nats below the maximum"


def _starts(numbers: Mapping) -> Iterator[str]:
    for name, row in numbers.items():
        if isinstance(row, Mapping) and "outcomes" in row:
            there = row["outcomes"].get("at the maximum", 0)
            worst = short(row["worst_gap"])
            yield f"{name}: {there} of {row['n_starts']} starts, the worst {worst} below"


def _cosines(numbers: Mapping) -> Iterator[str]:
    for name, row in numbers.items():
        yield f"mean |cos| {row['mean_abs_cos']['mean']:.4f} by {name}"


def _stable(numbers: Mapping) -> Iterator[str]:
    yield f"{numbers['n_stable']} of {len(numbers['points'])} stable"
    yield f"relative error of the formula {numbers['worst_relative_error']:.0e}"


def _rises(numbers: Mapping) -> Iterator[str]:
    for data, row in numbers.items():
        yield (
            f"{data}: {short(row['rise'])} nats up to k = {row['peak']}, then "
            f"{short(row['fall'])} down by k = {row['last']}"
        )


def _ahead(numbers: Mapping) -> Iterator[str]:
    for rate in sorted(numbers, key=by_number):
        if "final_difference" in numbers[rate]:
            ahead = _mean(numbers[rate]["final_difference"])
            yield f"rate {rate}: final ELBO, analytic less stochastic, {ahead} nats"


def _grows(numbers: Mapping) -> Iterator[str]:
    for recipe, row in numbers.items():
        means = row.get("train", {}).get("collapse", {}).get("means", {})
        if means:
            low, high = min(means, key=float), max(means, key=float)
            yield f"{recipe} {short(means[low])} % at {low}, {short(means[high])} % at {high}"


def _initial(numbers: Mapping) -> Iterator[str]:
    for recipe, row in numbers.items():
        for split in ("train", "test"):
            if "elbo" in row.get(split, {}):
                yield f"{recipe} {split} {_mean(row[split]['elbo']['difference'])} between starts"


def _theory(numbers: Mapping) -> Iterator[str]:
    for recipe, row in numbers.items():
        found = row.get("train", {}).get("difference", {})
        if found:
            worst = max(found, key=lambda variance: found[variance]["mean"])
            yield f"{recipe} {_mean(found[worst])} points at {worst}"


def _annealed(numbers: Mapping) -> Iterator[str]:
    for recipe, row in numbers.items():
        for variance in sorted(row, key=by_number):
            found = row[variance]
            used = _mean(found["percent_used_gained"]["used_0.1"])
            elbo = _mean(found["test_elbo_gained"])
            yield f"{recipe} at {variance}: {used} % more in use, test ELBO {elbo}"


def _total(numbers: Mapping) -> Iterator[str]:
    yield f"{numbers['n_total_above']} of {numbers['n_above']} above"
    largest = short(numbers["largest_eigenvalue"])
    yield f"{numbers['n_total_below']} of {numbers['n_below']} below λ₁ = {largest}"


def _grafts(numbers: Mapping) -> Iterator[str]:
    for recipe, row in numbers.get("grafts", {}).items():
        for variance in sorted(row, key=by_number):
            parts = (
                f"{split} {_mean(row[variance][split]['above_none'])}"
                for split in ("train", "test")
                if split in row[variance]
            )
            yield f"{recipe} at {variance}: {', '.join(parts)} above going on without"


def _saddles(numbers: Mapping) -> Iterator[str]:
    found = {key: row for key, row in numbers.items() if key.startswith("k=")}
    for key in sorted(found, key=by_number):
        yield f"{key}: {short(found[key]['gap'])} below"


def _sizes(numbers: Mapping) -> Iterator[str]:
    for recipe, row in numbers.items():
        for variance in sorted(row, key=by_number):
            found = row[variance].get("splits", {}).get("train")
            if found:
                sizes = max((v["mean"] for v in found["ratio_of_sizes"].values()), default=1.0)
                starts = _mean(found["ratio_of_starts"])
                yield f"{recipe} at {variance}: factor {starts} by start, {short(sizes)} by size"


_OF: Mapping[int, Callable[[Mapping], Iterator[str]]] = {
    1: _gaps,
    2: _starts,
    3: _cosines,
    4: _stable,
    5: _rises,
    6: _ahead,
    7: _gaps,
    8: _grows,
    9: _initial,
    10: _theory,
    11: _annealed,
    12: _total,
    13: _grafts,
    14: _saddles,
    15: _sizes,
}
