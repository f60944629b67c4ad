"""The study: its sections, and the runs that they need together."""

from collections.abc import Iterator

from linvae.naming import Run
from linvae.settings.values import Strict
from linvae.study.deep import Lengths, Recipes, Sizes
from linvae.study.grafts import Grafts
from linvae.study.linear import Autoencoder, Encoders, LatentDim, Linear, Stochastic
from linvae.study.maxima import Restarts, Rotated, Stationary
from linvae.study.names import Names
from linvae.study.section import Section

__all__ = ["Study"]


class Study(Strict):
    """What is computed; a section that is null is left out, with its figures and claims."""

    linear: Linear | None = None
    latent_dim: LatentDim | None = None
    stochastic: Stochastic | None = None
    encoders: Encoders | None = None
    autoencoder: Autoencoder | None = None
    restarts: Restarts | None = None
    rotated: Rotated | None = None
    stationary: Stationary | None = None
    recipes: Recipes | None = None
    sizes: Sizes | None = None
    lengths: Lengths | None = None
    grafts: Grafts | None = None

    def sections(self) -> Iterator[tuple[str, Section]]:
        """Give the sections that are not left out, by name."""
        for name in type(self).model_fields:
            if (section := getattr(self, name)) is not None:
                yield name, section

    def runs(self, section: str, names: Names) -> list[Run]:
        """Return the training runs of a section, each once; none of one that is left out."""
        found = getattr(self, section)
        return [] if found is None else list(dict.fromkeys(found.runs(names)))

    def all_runs(self, names: Names) -> list[Run]:
        """Return the training runs of the whole study, each once."""
        found = (run for name, _ in self.sections() for run in self.runs(name, names))
        return list(dict.fromkeys(found))

    def evidence(self, names: Names) -> list[str]:
        """Return the files that the claims are judged by, each once."""
        found = (path for _, part in self.sections() for path in part.evidence(names))
        return list(dict.fromkeys(found))
