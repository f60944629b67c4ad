"""How data and runs of a study are named: what its sections do not say themselves."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Self

from linvae.naming import Run, parse_variant

__all__ = ["Names", "size_name"]


def size_name(run: Run) -> str:
    """Name all that decides what training a run takes: model, data and number of latents."""
    return f"{run.model}/{run.data}/k{run.n_latent}"


@dataclass(frozen=True)
class Names:
    """Names of data variants and runs.

    Attributes
    ----------
    dataset
        Its name in paths.
    n_test, seed, logit_lambda
        Of every data variant, as in `linvae.naming.DataName`.
    """

    dataset: str
    n_test: int
    seed: int
    logit_lambda: float

    @classmethod
    def from_dict(cls, told: Mapping) -> Self:
        """Read what `to_dict` gave, after a way through JSON."""
        return cls(**told)

    def to_dict(self) -> dict[str, object]:
        """Return plain values, as JSON holds them."""
        return asdict(self)

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
                            yield Run(model, data, n_latent, noise, seed)
