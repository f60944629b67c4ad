"""What a section of the study knows: its fields, what its models must be, its runs and evidence."""

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar, NamedTuple

from linvae.naming import Product, Run, parse_variant
from linvae.settings.model import ModelSettings
from linvae.settings.values import Strict
from linvae.study.names import Names

__all__ = ["Requirement", "Section"]


class Requirement(NamedTuple):
    """What a model that a key names must be, and how that is said."""

    fits: Callable[[ModelSettings], bool]
    wanted: str


class Section(Strict):
    """A part of the study.

    A section of its own says which models its keys name (`models_named`), which runs it needs
    (`runs`), and which files of them the claims are judged by (`claim_files`).
    """

    # Keys that name models, or lists of them, and what those models must be.
    models_named: ClassVar[Mapping[str, Requirement]] = {}
    # Files of each run that the claims read.
    claim_files: ClassVar[tuple[str, ...]] = ()

    def runs(self, names: Names) -> list[Run]:
        """Return the training runs that the section needs; none of a section without any."""
        return []

    def variants(self) -> tuple[str, ...]:
        """Return the data variants of the section, as the configuration names them."""
        return (self.data,)

    def evidence(self, names: Names) -> list[Product]:
        """Return the files that claims on this section are judged by."""
        return [Product(name, run=run) for name in self.claim_files for run in self.runs(names)]

    def drawn(self, names: Names) -> list[Product]:
        """Return the tables that the section's figures are drawn from, beside those of runs."""
        return []

    def tabulated(self, names: Names) -> list[Product]:
        """Return what the section's table is made from, beside the metrics of runs."""
        return []

    def named_models(self) -> Iterator[tuple[str, str]]:
        """Give every key that names a model, with the model's name."""
        for key in self.models_named:
            for name in self.named(key):
                yield key, name

    def named(self, key: str) -> Iterator[str]:
        """Give the models that a key names: none, one, a list, pairs, or a mapping's keys."""
        value = getattr(self, key) or ()
        for item in (value,) if isinstance(value, str) else value:
            yield from (item,) if isinstance(item, str) else item

    def problems(self, models: Mapping[str, ModelSettings]) -> list[str]:
        """List models that are not what the section is about, each with its key; all are known."""
        return [
            f"{key}: {name!r} must be a model {self.models_named[key].wanted}"
            for key, name in self.named_models()
            if not self.models_named[key].fits(models[name])
        ]

    def size_problems(self, n_features: int) -> list[str]:
        """List numbers of latents, or of eigenvalues, that images cannot give.

        Images of d values have d eigenvalues, the covariance of n images has rank n - 1 at most,
        and one eigenvalue is left to the noise.
        """
        problems = []
        for variant in self.variants():
            n = parse_variant("mnist", variant).n_images
            if n is not None and n < 3:
                problems.append(
                    f"data: {variant} leaves no latent a likelihood; take 3 images or more"
                )
                continue
            for key, largest in self.counts(variant).items():
                if largest >= n_features:
                    problems.append(
                        f"{key}: {largest} must be less than {n_features}, the number of pixels"
                    )
                elif n is not None and largest > n - 2:
                    problems.append(
                        f"{key}: {largest} is more than the {n - 2} that {n} images allow; lower "
                        "it or take more images in the section's data"
                    )
        return problems

    def counts(self, variant: str) -> dict[str, int]:
        """Return the largest number of latents, or of an eigenvalue, that each key asks for."""
        keys = ("n_latent", "n_latents", "unrotated_latents", "fixed_at", "directions", "noise_at")
        found = {key: getattr(self, key) for key in keys if hasattr(self, key)}
        return {key: max(v) if isinstance(v, tuple) else v for key, v in found.items()}
