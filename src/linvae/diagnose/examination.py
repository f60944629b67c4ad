"""A model and its data: all that is measured of them, as the study measures its own runs."""

import math

import numpy as np
from numpy.typing import NDArray

from linvae.bypass.certificate import Certificate, certificate
from linvae.bypass.certified import KEPT, Certified, part
from linvae.diagnose.advice import advise
from linvae.diagnose.aggregated import aggregated_notes
from linvae.diagnose.checks import check_decoder, check_posterior, check_repeatable, encoded
from linvae.diagnose.diagnosis import Diagnosis
from linvae.diagnose.functions import Rows
from linvae.diagnose.linear_decoder import DataSpectrum, data_spectrum, linear_elbo
from linvae.diagnose.lookalikes import farther_than_mean, notes_on_posterior
from linvae.diagnose.measured_model import EPSILONS, Split
from linvae.diagnose.model_faults import first_to_mend, model_faults
from linvae.diagnose.theorem import proof
from linvae.diagnose.verdict import Facts, judge, short
from linvae.linear.ppca import check_noise_variance
from linvae.measure.collapse import CollapseCurve, collapse_percent
from linvae.measure.gaussian import Measured
from linvae.measure.numbers import elbo_numbers, measure_splits

__all__ = ["Examination"]

# Data on which the cut is chosen, of which every candidate takes five passes.
_N_CHOICE = 2000
# Products of pairs of data and features, up to which all distances are looked at.
_PAIRS = 5e10
# A noise variance that loses more is told.
_NATS = 1.0


class Examination:
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
        self.stages = model.stages
        check_repeatable(model, rows["train"])
        self.posterior = encoded(model, rows["train"])
        check_posterior(*self.posterior, model.posterior)
        self.bounds = check_decoder(model, rows["train"], self.posterior[0], seed)
        self.stages.enter(f"measuring the ELBO by {draws} draws of z")
        self.measured = measure_splits(
            model.encode, model.decode, rows, draws=draws, seed=seed, dtype=model.dtype
        )
        for found in self.measured.values():
            _check_errors(found)

    def diagnosis(self, given: float | str, learned: bool = False) -> Diagnosis:
        """Measure everything at a noise variance, which may be a learned one, and judge."""
        train = self.measured["train"]
        variance = train.tuned_noise_variance if given == "tuned" else float(given)
        check_noise_variance(variance)
        n_latent = train.kl.shape[1]
        self.stages.enter("decomposing the data's covariance")
        spectrum = data_spectrum(self.rows["train"], n_latent, part(self.rows["train"])[0])
        self.stages.enter("looking for a linear bypass")
        left = self._certificate(variance)
        self.stages.enter("judging")
        splits = {
            name: self._split(name, variance, spectrum, found)
            for name, found in left.splits.items()
        }
        proved, why = self._proof(variance, spectrum)
        used = _used(splits["train"], self.epsilon, self.delta)
        facts = _facts(splits["train"], variance, spectrum, used, proved)
        kind, verdict = judge(facts)
        tuned = given == "tuned"
        faults = model_faults(self.model, self.rows["train"], self.bounds, variance, self.seed)
        advice = advise(
            kind,
            facts,
            spectrum.eigenvalues,
            learned=learned or tuned,
            revivable=bool(left.cut.any() and len(left.splits["train"].bypass.variances)),
            first=first_to_mend(faults, facts),
        )
        notes = [_learned_note(splits["train"], variance)] if learned else []
        notes += [fault.note for fault in faults]
        notes += self._notes(variance, tuned, spectrum.mean)
        return Diagnosis(
            kind=kind,
            verdict=verdict,
            advice=advice,
            notes=tuple(filter(None, notes)),
            noise_variance=variance,
            tuned=tuned,
            n_latent=n_latent,
            n_features=train.n_features,
            n_linear=spectrum.n_above(variance),
            complete=spectrum.complete,
            data_eigenvalues=spectrum.eigenvalues,
            proof=why,
            cut=left.cut,
            bypass=left.splits["train"].bypass,
            epsilon=self.epsilon,
            delta=self.delta,
            shape=self.model.shape,
            latent_shape=self.model.latent_shape,
            posterior=self.model.posterior,
            train=splits["train"],
            held_out=splits.get("test"),
        )

    def _certificate(self, variance: float) -> Certificate:
        train, mean_kl = self.rows["train"], self.measured["train"].kl.mean(0)
        d = train.shape[1]
        n_choice = min(_N_CHOICE, max(KEPT // (4 * d), 4 * len(mean_kl)))
        return certificate(
            self.model.encode,
            self.model.decode,
            self.rows,
            mean_kl,
            variance,
            chosen_on=part(train, n_choice * d)[0],
            seed=self.seed,
            dtype=self.model.dtype,
        )

    def _split(
        self, name: str, variance: float, spectrum: DataSpectrum, certified: Certified
    ) -> Split:
        measured: Measured = self.measured[name]
        n, k = measured.kl.shape
        linear = linear_elbo(spectrum.optimum(k, variance), self.rows[name])
        numbers = elbo_numbers(measured, variance, linear)
        collapsed = collapse_percent(measured.kl, self.epsilon, self.delta)
        nats = numbers["elbo"] / measured.n_features + math.log(self.step)
        return Split(
            n=n,
            **numbers,
            **certified.numbers(),
            eigenvalues=certified.eigenvalues,
            mean_kl=measured.kl.mean(0),
            curve=CollapseCurve.from_kl(measured.kl),
            n_used=k - round(k * collapsed / 100),
            bits_per_dimension=-nats / math.log(2),
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
        return [*notes, *aggregated_notes(*self.posterior)]


def _learned_note(train: Split, variance: float) -> str:
    """Say what a learned noise variance misses of its optimum, or nothing."""
    nats = train.tuned_elbo - train.elbo
    if nats <= _NATS:
        return ""
    return (
        f"sigma^2 = {short(variance)} is learned and not at its optimum:"
        f" {short(train.tuned_noise_variance)} would give {short(nats)} nats per datum more, with"
        " the same weights."
    )


def _check_errors(found: Measured) -> None:
    if found.tuned_noise_variance == 0:
        msg = (
            "decode gives back every datum without any error: the smaller sigma^2, the larger the"
            " ELBO, without bound; is that the mean of p(x|z), of data that differ?"
        )
        raise ValueError(msg)


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
