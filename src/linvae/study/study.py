"""The study: its sections, and the runs that they need together."""

from collections.abc import Iterator

from pydantic import Field

from linvae.naming import Product, Run
from linvae.settings.values import Strict
from linvae.study.deep import Recipes, Sizes
from linvae.study.endings import Endings, OneSetting
from linvae.study.grafts import Grafts
from linvae.study.likelihood import Likelihood
from linvae.study.linear import Autoencoder, Encoders, LatentDim, Linear, Stochastic
from linvae.study.maxima import Restarts, Saddles, Stationary
from linvae.study.names import Names
from linvae.study.section import Section

__all__ = ["Study"]


class Study(Strict):
    """What is computed; a section that is null is left out, with its figures and claims."""

    linear: Linear | None = Field(None, description="fig1, fig2, fig3, fig10, claims 1 and 3")
    latent_dim: LatentDim | None = Field(None, description="fig6, claim 5")
    stochastic: Stochastic | None = Field(None, description="fig4, claim 6")
    encoders: Encoders | None = Field(None, description="fig5, claim 7")
    autoencoder: Autoencoder | None = Field(None, description="fig14")
    restarts: Restarts | None = Field(None, description="claim 2")
    saddles: Saddles | None = Field(None, description="fig16, claim 14")
    stationary: Stationary | None = Field(None, description="fig9, claim 4")
    recipes: Recipes | None = Field(
        None,
        description="fig7, fig8, fig11, fig12, fig13, fig15, fig17, table1, claims 8 to 12, 17, 18",
    )
    sizes: Sizes | None = Field(None, description="claim 13: networks of several widths")
    endings: Endings | None = Field(None, description="fig18, table2, claims 15, 17, 18")
    one_setting: OneSetting | None = Field(None, description="table3, claim 9")
    grafts: Grafts | None = Field(None, description="claim 13")
    likelihood: Likelihood | None = Field(None, description="claim 16")

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

    def evidence(self, names: Names) -> list[Product]:
        """Return the files that the claims are judged by, each once."""
        found = (file for _, part in self.sections() for file in part.evidence(names))
        return list(dict.fromkeys(found))
