"""Measure one finished run with a linear decoder."""

from linvae.evaluation.linear import linear_metrics
from linvae.faults import usable
from linvae.files import read_arrays, write_json
from linvae.program import run
from linvae.spectrum import Spectrum


def main(spec: dict, spectrum: str, data: list[str], model: str, curve: str, metrics: str) -> None:
    """Write the run's metrics."""
    rows = read_arrays(data[0])["train"] if data else None
    found = linear_metrics(spec, Spectrum.load(spectrum), rows, model, curve)
    write_json(metrics, usable(found))


if __name__ == "__main__":
    run(main)
