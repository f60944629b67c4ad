"""How data and runs of a study are named: what its sections do not say themselves."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Self

from linvae.naming import Run, parse_variant

__all__ = ["Names", "size_name"]

# What is written when a run with a deep decoder is measured.
_MEASURED = ("metrics.json", "kl.npz", "samples.npz", "residual.npz")


def size_name(run: Run) -> str:
    """Name all that decides what training a run takes: model, data and number of latents."""
    return f"{run.model}/{run.data}/k{run.n_latent}"


@dataclass(frozen=True)
class Names:
    """Names of data variants, runs and their files.

    Attributes
    ----------
    dataset
        Its name in paths.
    n_test, seed, logit_lambda
        Of every data variant, as in `linvae.naming.DataName`.
    digests
        Of each model's settings, by the model's name.
    deep
        Models whose decoder is not linear.
    measurement
        `Measurement.name`.
    """

    dataset: str
    n_test: int
    seed: int
    logit_lambda: float
    digests: Mapping[str, str]
    deep: tuple[str, ...]
    measurement: str | None = None

    @classmethod
    def from_dict(cls, told: Mapping) -> Self:
        """Read what `to_dict` gave, after a way through JSON."""
        return cls(**{**told, "deep": tuple(told["deep"])})

    def to_dict(self) -> dict[str, object]:
        """Return plain values, as JSON holds them."""
        return asdict(self)

    def only(self, models: Iterable[str]) -> Self:
        """Return the same for some of the models alone."""
        kept = sorted(models)
        return replace(
            self,
            digests={name: self.digests[name] for name in kept},
            deep=tuple(name for name in kept if name in self.deep),
        )

    def data(self, variant: str) -> str:
        """Return the full name of a data variant such as ``logit-first1000``."""
        name = parse_variant(self.dataset, variant)
        settings = {"n_test": self.n_test, "seed": self.seed, "logit_lambda": self.logit_lambda}
        return str(replace(name, **settings))

    def runs(
        self,
        models: Iterable[str],
        variants: Iterable[str],
        n_latents: Iterable[int],
        noises: Iterable[str],
        seeds: Iterable[int],
    ) -> Iterator[Run]:
        """Give the runs of a grid, the last argument's values changing first."""
        models, n_latents, noises, seeds = map(tuple, (models, n_latents, noises, seeds))
        for variant in variants:
            data = self.data(variant)
            for model in models:
                for n_latent in n_latents:
                    for noise in noises:
                        for seed in seeds:
                            yield Run(model, self.digests[model], data, n_latent, noise, seed)

    def file(self, run: Run, name: str) -> str:
        """Return the path of one of a run's files."""
        measured = name in _MEASURED or name.startswith("graft/")
        if self.measurement and run.model in self.deep and measured:
            return run.file(f"{self.measurement}/{name}")
        return run.file(name)
