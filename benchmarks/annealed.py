"""Annealed importance sampling of trained decoders: log p(x) of test images, and how sure it is.

Usage: python benchmarks/annealed.py <model.safetensors> <data.npz> [<model> <data> ...]
       [--images 30] [--temperatures 250 1000] [--chains 8] [--starts optimised prior]
Of a study, those are results/train/<model>/<data>/k<k>/<noise>/seed<seed>/<hash>/model.safetensors
and results/data/<data>/<hash>/data.npz. Run by hand for a few decoders; no part of
`make benchmarks`. The defaults take some seven minutes of one core for a decoder 100-256-256-784.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from parts import Part

from linvae.measure.annealed import annealed_log_likelihood, reverse_annealed, simulate
from linvae.measure.gaussian import Decode, Encode
from linvae.measure.hamiltonian import Start
from linvae.measure.inference_gap import InferenceGap, inference_gap
from linvae.measure.numbers import standard_error
from linvae.threads import one_blas_thread
from linvae.training.archive import load_model
from linvae.training.models import GaussianVAE

__all__ = ["Effort", "name_of", "part"]

IMPORTANCE_DRAWS = 1000

TEXT = """\
Nats per datum, with standard errors over data. The first columns are of the first {images} test
images: ELBO by the encoder and with q optimised, log p(x) as metrics have it (importance weighting
from that q, {draws:,} draws), and what annealed importance sampling has more, with {chains} chains
for each image at numbers of temperatures T. All are lower bounds of log p(x) in expectation, and
what the last still gains with T is a hint of how much it lacks. Chains start from the optimised q
or from the prior. The last columns are of {images} data simulated from the decoder, at the largest
T: log p(x) as metrics have it, and what annealing has more from below and from above, where chains
start from the latents behind the data. log p(x) lies, in expectation, between the two, so that the
last column is the most that the estimate of the metrics lacks there; images may be harder."""


class Effort(NamedTuple):
    """How much work goes into a decoder."""

    images: int = 30
    temperatures: tuple[int, ...] = (250, 1000)
    chains: int = 8
    leapfrog_steps: int = 10


def part(
    decoders: Mapping[str, tuple[GaussianVAE, NDArray[np.floating]]],
    effort: Effort | None = None,
    starts: Sequence[Literal["optimised", "prior"]] = ("optimised",),
    seed: int = 0,
) -> Part:
    """Estimate log p(x) under each decoder.

    Parameters
    ----------
    decoders
        By name: a model, and test data (n, d).
    effort
        That of the program if None.
    starts
        Where chains start; a row of the table for each.
    seed
        Of all draws. All decoders get the same.
    """
    effort = effort or Effort()
    rows = []
    for name, (model, data) in decoders.items():
        for start in starts:
            row = {"decoder": name, "start": start}
            row |= _of_images(model, data[: effort.images], start, effort, seed)
            rows.append(row | _of_simulated(model, start, effort, seed))
    text = TEXT.format(draws=IMPORTANCE_DRAWS, chains=effort.chains, images=effort.images)
    return Part("Annealed importance sampling", text, pd.DataFrame(rows))


def name_of(path: Path) -> str:
    """Return model, data, k, noise and seed from the path of a model in ``results``."""
    return "/".join(path.parts[-7:-2]) or path.stem


def _of_images(
    model: GaussianVAE, data: NDArray[np.floating], start: str, effort: Effort, seed: int
) -> dict[str, str]:
    """Return the columns on test images (n, d)."""
    _, variance, precision = _given(model)
    told = _estimate(model, data, seed)
    estimate = told.likelihood.log_likelihood
    columns = {
        "ELBO": _shown(told.encoder_elbo),
        "q optimised": _shown(told.optimised_elbo),
        "log p(x)": _shown(estimate),
        "not to be trusted": str(told.numbers()["unreliable_data"]),
    }
    for temperatures in effort.temperatures:
        annealed = annealed_log_likelihood(
            model.decode,
            data,
            variance,
            n_latent=model.n_latent,
            start=_start(told, start, precision),
            **_options(effort, temperatures, seed, precision),
        )
        more = annealed.log_likelihood - estimate
        columns[f"annealed more, T = {temperatures:,}"] = _shown(more)
    numbers = annealed.numbers()
    columns["acceptance"] = f"{numbers['acceptance']:.2f}"
    columns["smallest effective sample size"] = f"{numbers['effective_sample_size']:.1f}"
    return columns


def _of_simulated(model: GaussianVAE, start: str, effort: Effort, seed: int) -> dict[str, str]:
    """Return the columns on data simulated from the decoder."""
    _, variance, precision = _given(model)
    z, x = simulate(model.decode, effort.images, model.n_latent, variance, seed, precision)
    options = _options(effort, max(effort.temperatures), seed, precision)
    told = _estimate(model, x, seed)
    estimate = told.likelihood.log_likelihood
    options["start"] = _start(told, start, precision)
    below = annealed_log_likelihood(model.decode, x, variance, n_latent=model.n_latent, **options)
    above = reverse_annealed(model.decode, x, z, variance, **options)
    return {
        "simulated, log p(x)": _shown(estimate),
        "more from below": _shown(below.log_likelihood - estimate),
        "from above": _shown(above.log_likelihood - estimate),
    }


def _given(model: GaussianVAE) -> tuple[tuple[Encode, Decode], float, torch.dtype]:
    """Return a model's encoder and decoder, its noise variance, and the precision of both."""
    variance = float(model.log_noise_variance.detach().double().exp())
    return (model.encode, model.decode), variance, model.units.mean.dtype


def _options(effort: Effort, temperatures: int, seed: int, dtype: torch.dtype) -> dict[str, Any]:
    own = {"chains": effort.chains, "leapfrog_steps": effort.leapfrog_steps}
    return {"temperatures": temperatures, "seed": seed, "dtype": dtype, **own}


def _estimate(model: GaussianVAE, data: NDArray[np.floating], seed: int) -> InferenceGap:
    """Return what the metrics of a run say of data (n, d)."""
    functions, variance, precision = _given(model)
    options = {"seed": seed, "draws": IMPORTANCE_DRAWS, "dtype": precision}
    return inference_gap(*functions, data, variance, **options)


def _start(told: InferenceGap, start: str, dtype: torch.dtype) -> Start | None:
    """Return the optimised q of each datum, or None for the prior."""
    if start == "prior":
        return None
    found = told.posterior
    return tuple(torch.as_tensor(part).to(dtype) for part in (found.mean, found.log_variance))


def _shown(values: NDArray[np.float64]) -> str:
    return f"{values.mean():.2f} ± {standard_error(values):.2f}"


def main() -> None:
    """Print the part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", help="a model and its data, alternately")
    parser.add_argument("--images", type=int, default=Effort().images)
    parser.add_argument("--temperatures", type=int, nargs="+", default=Effort().temperatures)
    parser.add_argument("--chains", type=int, default=Effort().chains)
    parser.add_argument("--leapfrog-steps", type=int, default=Effort().leapfrog_steps)
    parser.add_argument(
        "--starts", nargs="+", choices=["optimised", "prior"], default=["optimised"]
    )
    given = vars(parser.parse_args())
    files, starts = given.pop("files"), given.pop("starts")
    if len(files) % 2:
        parser.error("each model.safetensors needs its data.npz behind it")
    decoders = {}
    for model, data in zip(files[::2], files[1::2], strict=True):
        with np.load(data) as arrays:
            decoders[name_of(model)] = load_model(model), arrays["test"]
    torch.set_num_threads(1)
    with one_blas_thread():
        print(part(decoders, Effort(**given), starts).markdown())


if __name__ == "__main__":
    main()
