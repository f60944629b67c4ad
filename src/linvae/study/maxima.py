"""Sections of the study on stationary points: maxima, saddle points, and what tells them apart."""

from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator, Field

from linvae.naming import Product
from linvae.settings.values import Whole
from linvae.study.fields import Latents, Positives, Seeds, Variant, distinct
from linvae.study.names import Names
from linvae.study.section import Section

__all__ = ["Restarts", "Saddles", "Stationary"]

# There is nothing to rotate with one.
Several = Annotated[Whole, Field(ge=2, description="number of latents k")]


class Restarts(Section):
    """Restarts of the linear VAE from many scales, collapsed starts and saddle points."""

    data: Variant
    n_latent: Latents
    scales: Positives = Field(description="factors on the random starts")
    seeds: Seeds

    @property
    def job(self) -> dict[str, object]:
        """What the one job of the section is told, beside its data."""
        return self.model_dump(mode="json", include={"n_latent", "scales", "seeds"})

    def table(self, names: Names) -> Product:
        """Return the table of restarts."""
        return Product("restarts.csv", data=names.data(self.data))

    def evidence(self, names: Names) -> list[Product]:
        """Return the table of restarts."""
        return [self.table(names)]


class Saddles(Section):
    """The linear VAE from the likelihood's maximum, rotated, to the ELBO's own saddle points."""

    data: Variant
    n_latents: Annotated[tuple[Several, ...], Field(min_length=1), AfterValidator(distinct)] = (
        Field(description="numbers of latents")
    )

    @property
    def job(self) -> dict[str, object]:
        """What the one job of the section is told, beside its data."""
        return self.model_dump(mode="json", include={"n_latents"})

    def table(self, names: Names) -> Product:
        """Return the table of saddle points."""
        return Product("points.csv", data=names.data(self.data))

    def evidence(self, names: Names) -> list[Product]:
        """Return the table of saddle points."""
        return [self.table(names)]

    def drawn(self, names: Names) -> list[Product]:
        """Return the table of saddle points, and that of the paths through them."""
        points = self.table(names)
        return [points, replace(points, file="paths.csv")]


class Stationary(Section):
    """Stationary points of the marginal likelihood, as in figure 1 of Lucas et al. (2019)."""

    data: Variant
    n_latent: Several = 5
    directions: Annotated[tuple[Latents, Latents], AfterValidator(distinct)] = Field(
        (5, 7), description="eigenvectors along which the zero column moves, counted from 1"
    )
    noise_at: Annotated[tuple[Latents, ...], Field(min_length=1)] = Field(
        (4, 6, 8), description="eigenvalues that sigma^2 takes, counted from 1"
    )

    @property
    def job(self) -> dict[str, object]:
        """What the one job of the section is told, beside its data."""
        return self.model_dump(mode="json", include={"n_latent", "noise_at"})

    def table(self, names: Names) -> Product:
        """Return the table of Hessians."""
        return Product("hessian.csv", data=names.data(self.data))

    def evidence(self, names: Names) -> list[Product]:
        """Return the table of Hessians."""
        return [self.table(names)]
