"""A model and its data: all that is measured of them, as the study measures its own runs."""

import math

import numpy as np
from numpy.typing import NDArray

from linvae.bypass.certified import KEPT, Certified, certified, part
from linvae.bypass.cut import choose_cut, nested_cuts
from linvae.diagnose.checks import check_decoder, check_posterior, check_repeatable, encoded
from linvae.diagnose.diagnosis import EPSILONS, Diagnosis, Split
from linvae.diagnose.functions import Rows
from linvae.diagnose.linear_decoder import DataSpectrum, data_spectrum, linear_elbo
from linvae.diagnose.lookalikes import farther_than_mean, notes_on_posterior, out_of_reach
from linvae.diagnose.theorem import proof
from linvae.diagnose.verdict import Facts, judge, short
from linvae.linear.ppca import check_noise_variance
from linvae.measure.collapse import CollapseCurve, collapse_percent
from linvae.measure.gaussian import Measured, measure
from linvae.seeds import derive_seed

__all__ = ["Case"]

# Data on which the cut is chosen, of which every candidate takes five passes.
_N_CHOICE = 2000
# Products of pairs of data and features, up to which all distances are looked at.
_PAIRS = 5e10


class Case:
    """A model and its data, while they are looked at.

    Parameters
    ----------
    model
        In evaluation mode.
    rows
        Data (n, d), by split: ``train``, and ``test`` where held-out data are given.
    draws, seed, epsilon, delta, step
        As in `linvae.diagnose.diagnose`.
    """

    def __init__(
        self,
        model: Rows,
        rows: dict[str, NDArray],
        draws: int,
        seed: int,
        epsilon: float,
        delta: float,
        step: float,
    ) -> None:
        self.model, self.rows, self.seed = model, rows, seed
        self.epsilon, self.delta, self.step = epsilon, delta, step
        check_repeatable(model, rows["train"])
        self.posterior = encoded(model, rows["train"])
        check_posterior(*self.posterior, model.posterior)
        self.bounds = check_decoder(model, rows["train"], self.posterior[0], seed)
        functions = (model.encode, model.decode)
        self.measured = {
            split: measure(
                *functions,
                own,
                draws=draws,
                seed=derive_seed(seed, f"evaluate/{split}"),
                dtype=model.dtype,
            )
            for split, own in rows.items()
        }

    def diagnosis(self, given: float | str) -> Diagnosis:
        """Measure everything at a noise variance, and judge."""
        train = self.measured["train"]
        variance = train.tuned_noise_variance if given == "tuned" else float(given)
        check_noise_variance(variance)
        n_latent = train.kl.shape[1]
        spectrum = data_spectrum(self.rows["train"], n_latent, part(self.rows["train"])[0])
        cut, certified = self._certified(variance)
        splits = {
            name: self._split(name, variance, spectrum, found) for name, found in certified.items()
        }
        proved, why = self._proof(variance, spectrum)
        used = _used(splits["train"], self.epsilon, self.delta)
        kind, verdict = judge(_facts(splits["train"], variance, spectrum, used, proved))
        tuned = given == "tuned"
        return Diagnosis(
            kind=kind,
            verdict=verdict,
            notes=tuple(self._notes(variance, tuned, spectrum.mean)),
            noise_variance=variance,
            tuned=tuned,
            n_latent=n_latent,
            n_features=train.n_features,
            n_linear=spectrum.n_above(variance),
            complete=spectrum.complete,
            data_eigenvalues=spectrum.eigenvalues,
            proof=why,
            cut=cut,
            bypass=certified["train"].bypass,
            epsilon=self.epsilon,
            delta=self.delta,
            shape=self.model.shape,
            latent_shape=self.model.latent_shape,
            posterior=self.model.posterior,
            train=splits["train"],
            held_out=splits.get("test"),
        )

    def _certified(self, variance: float) -> tuple[NDArray[np.bool_], dict[str, Certified]]:
        train, dtype = self.rows["train"], self.model.dtype
        functions = (self.model.encode, self.model.decode)
        mean_kl, d = self.measured["train"].kl.mean(0), train.shape[1]
        some = part(train, min(_N_CHOICE, max(KEPT // (4 * d), 4 * len(mean_kl))) * d)[0]
        cuts = nested_cuts(mean_kl)
        told = {"seed": derive_seed(self.seed, "residual/cut"), "dtype": dtype}
        cut = choose_cut(*functions, some, cuts, variance, **told)
        found = {}
        for split, own in self.rows.items():
            told["seed"] = derive_seed(self.seed, f"residual/{split}")
            held_out = split == "test"
            found[split] = certified(*functions, own, cut, variance, held_out=held_out, **told)
        return cut, found

    def _split(
        self, name: str, variance: float, spectrum: DataSpectrum, certified: Certified
    ) -> Split:
        measured: Measured = self.measured[name]
        elbo, k = measured.elbo(variance), measured.kl.shape[1]
        linear = linear_elbo(spectrum.optimum(k, variance), self.rows[name])
        collapsed = collapse_percent(measured.kl, self.epsilon, self.delta)
        tuned, net, d = measured.tuned_noise_variance, certified.net, measured.n_features
        return Split(
            n=len(elbo),
            elbo=float(elbo.mean()),
            elbo_error=_error(elbo),
            kl=float(measured.kl.sum(1).mean()),
            reconstruction=float(measured.squared_error.mean()),
            linear_elbo=float(linear.mean()),
            above_linear=float((elbo - linear).mean()),
            above_linear_error=_error(elbo - linear),
            gain=float(net.mean()),
            gain_error=_error(net),
            change=float(certified.change.mean()),
            eigenvalues=certified.eigenvalues,
            mean_kl=measured.kl.mean(0),
            curve=CollapseCurve.from_kl(measured.kl),
            n_used=k - round(k * collapsed / 100),
            tuned_noise_variance=tuned,
            tuned_elbo=float(measured.elbo(tuned).mean()),
            bits_per_dimension=-(float(elbo.mean()) / d + math.log(self.step)) / math.log(2),
        )

    def _proof(self, variance: float, spectrum: DataSpectrum) -> tuple[bool, str]:
        largest = float(spectrum.eigenvalues[0])
        if variance < largest:
            return False, f"sigma^2 is below lambda_1 = {short(largest)}: a linear VAE gains more"
        return proof(self.rows["train"], variance, largest=_PAIRS)

    def _notes(self, variance: float, tuned: bool, mean: NDArray[np.float64]) -> list[str]:
        notes = []
        if tuned:
            notes.append(
                f"sigma^2 = {short(variance)} is the best one for this model, and fitted to it: it"
                " does not judge an objective whose sigma^2 is another."
            )
        kl = self.measured["train"].kl.mean(0)
        notes += notes_on_posterior(*self.posterior, kl, self.epsilon)
        error = float(self.measured["train"].squared_error.mean())
        far = farther_than_mean(self.rows["train"], mean, error)
        notes += [far] if far else []
        if self.bounds:
            lost = out_of_reach(self.rows["train"], self.bounds, variance)
            if lost > 1:
                low, high = self.bounds
                notes.append(
                    f"The decoder's range, [{low:g}, {high:g}], does not reach the data's: that"
                    f" alone costs {short(lost)} nats per datum at this sigma^2."
                )
        return notes


def _used(train: Split, epsilon: float, delta: float) -> dict[float, int]:
    """Latents in use at the epsilon that was asked for, and at larger ones."""
    larger = [other for other in EPSILONS if other > epsilon]
    counts = train.used_at(larger, delta)
    return {epsilon: train.n_used, **dict(zip(larger, counts, strict=True))}


def _facts(
    train: Split, variance: float, spectrum: DataSpectrum, n_used: dict[float, int], proved: bool
) -> Facts:
    return Facts(
        noise_variance=variance,
        n_latent=len(train.mean_kl),
        n_features=len(spectrum.mean),
        n_used=n_used,
        proved=proved,
        largest=float(spectrum.eigenvalues[0]),
        gain=train.gain,
        gain_error=train.gain_error,
        below_linear=-train.above_linear,
        below_linear_error=train.above_linear_error,
        eigenvalues=train.eigenvalues,
    )


def _error(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1) / math.sqrt(len(values)))
