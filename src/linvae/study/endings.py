"""Sections on how training ends: by the objective or by the recipe, and by which setting of it."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from linvae.naming import Product, Run
from linvae.noise import NoiseName, number
from linvae.settings.differences import differences
from linvae.settings.model import ModelSettings
from linvae.settings.values import Real, Strict, Whole
from linvae.study.deep import DEEP
from linvae.study.fields import Latents, ModelName, Models, Noise, Seeds, Variances, Variant
from linvae.study.names import Names
from linvae.study.section import Section

__all__ = ["Ending", "Endings", "OneSetting", "Reopened"]

_LENGTH = {"training.steps", "training.epochs", "training.warmup_steps"}
_RATES = {f"training.{name}learning_rate" for name in ("", "adam_", "noise_", "variance_")}


class Reopened(Strict):
    """How a finished run is trained on after a bypass has reopened latents that it does not use."""

    updates: Whole = Field(gt=0, description="of the graft, with half a cosine")
    rate: Real = Field(gt=0, le=1, description="share of the recipe's own learning rate")

    def file(self, run: Run) -> Product:
        """Return what is measured of a run that was trained on so."""
        return Product(
            "graft.json", run=run, variant=f"certificate-{self.updates}-{number(self.rate)}"
        )


class Ending(Strict):
    """A recipe at some noise variances, and the runs that show if its end is the objective's."""

    model: ModelName = Field(description="the recipe")
    other_start: ModelName | None = Field(None, description="the same from another start")
    longer: ModelName | None = Field(None, description="the same with twice the steps")
    slower: ModelName | None = Field(
        None, description="the same at half the learning rate with twice the steps"
    )
    noise_variances: Variances
    n_latent: Latents | None = Field(None, description="number of latents k; null: the section's")
    seeds: Seeds | None = Field(None, description="null: the section's")
    other_seeds: Seeds | None = Field(None, description="of `other_start`; null: the section's")
    reopened: Reopened | None = Field(
        None, description="whether latents that a bypass reopens stay in use"
    )

    @property
    def models(self) -> tuple[str, ...]:
        """Return all models that the recipe is compared by, itself first."""
        found = (self.model, self.other_start, self.longer, self.slower)
        return tuple(name for name in found if name is not None)


class Endings(Section):
    """Recipes from opposite starts, at other rates and lengths: what is the objective's doing."""

    models_named: ClassVar = {"recipes": DEEP}
    claim_files: ClassVar = ("metrics.json",)

    data: Variant
    n_latent: Latents
    recipes: Annotated[tuple[Ending, ...], Field(min_length=1)] = Field(
        description="recipes; one that stands alone is drawn, and known to the others"
    )
    drawn_at: Real = Field(gt=0, description="sigma^2 of the curves in fig18")
    seeds: Seeds
    other_seeds: Seeds = Field(description="of runs from another start")

    def cells(self, names: Names) -> Iterator[tuple[Ending, float, dict[str, list[Run]]]]:
        """Give each recipe at each noise variance, with its runs by role.

        Roles are the fields of `Ending` that name models.
        """
        for entry in self.recipes:
            seeds = {"other_start": entry.other_seeds or self.other_seeds}
            for variance in entry.noise_variances:
                noise = str(NoiseName("fixed", variance))
                latents = entry.n_latent or self.n_latent
                runs = {}
                for role in ("model", "other_start", "longer", "slower"):
                    if name := getattr(entry, role):
                        own = seeds.get(role, entry.seeds or self.seeds)
                        runs[role] = list(names.runs([name], [self.data], [latents], [noise], own))
                yield entry, variance, runs

    def runs(self, names: Names) -> list[Run]:
        """Return the runs of all cells."""
        return [run for _, _, cell in self.cells(names) for runs in cell.values() for run in runs]

    def named(self, key: str) -> Iterator[str]:
        """Give the models of all recipes."""
        for entry in self.recipes:
            yield from entry.models

    def counts(self, variant: str) -> dict[str, int]:
        """Return the largest number of latents."""
        own = [entry.n_latent for entry in self.recipes if entry.n_latent is not None]
        return {"n_latent": max(self.n_latent, *own, 0)}

    def reopened(self, names: Names) -> dict[Run, Product]:
        """Return what is measured of the runs that are trained on with reopened latents."""
        return {
            run: entry.reopened.file(run)
            for entry, _, runs in self.cells(names)
            if entry.reopened is not None
            for run in runs["model"]
        }

    def evidence(self, names: Names) -> list[Product]:
        """Return what reopened latents come to, too."""
        return super().evidence(names) + self.tabulated(names)

    def tabulated(self, names: Names) -> list[Product]:
        """Return what reopened latents come to, for table 2."""
        return list(self.reopened(names).values())

    def problems(self, models: Mapping[str, ModelSettings]) -> list[str]:
        """List recipes whose variants differ from them in more than they should, too."""
        problems = super().problems(models)
        own = (entry for entry in self.recipes if entry.n_latent in (None, self.n_latent))
        if not any(self.drawn_at in entry.noise_variances for entry in own):
            problems.append(
                f"drawn_at: no recipe with k = {self.n_latent} runs at sigma^2 = "
                f"{number(self.drawn_at)}; take one of its noise_variances"
            )
        for entry in self.recipes:
            for role in ("other_start", "longer", "slower"):
                if name := getattr(entry, role):
                    wrong = _wrong(role, models[entry.model], models[name])
                    problems += [f"recipes: {role} {name!r} of {entry.model!r} {wrong}"] * bool(
                        wrong
                    )
        return problems


def _wrong(role: str, model: ModelSettings, variant: ModelSettings) -> str:
    """Say what a variant of a model must not be; nothing where it is right."""
    found = differences(model, variant)
    if role == "other_start":
        allowed = {"start.weights"}
        if "start.weights" not in found:
            return "starts from the same weights"
    else:
        allowed = _LENGTH | (_RATES if role == "slower" else set())
        if not _is_twice(found):
            return "must have twice the steps (or epochs)"
        rates = {name: pair for name, pair in found.items() if name in _RATES}
        if role == "slower" and (
            "training.learning_rate" not in rates or not all(map(_is_half, rates.values()))
        ):
            return "must have half the learning rate, and half of every other rate that differs"
    more = sorted(found.keys() - allowed)
    return f"differs in {', '.join(more)} too" if more else ""


def _is_twice(found: Mapping[str, tuple]) -> bool:
    lengths = [found[name] for name in ("training.steps", "training.epochs") if name in found]
    return len(lengths) == 1 and None not in lengths[0] and lengths[0][1] == 2 * lengths[0][0]


def _is_half(pair: tuple) -> bool:
    # Where the recipe leaves its rate to the default, only the variant has a value.
    return pair[0] is None or (pair[1] is not None and abs(pair[1] / pair[0] - 0.5) < 1e-9)


class OneSetting(Section):
    """Recipes that differ from one in single settings: which of them decides how it ends."""

    models_named: ClassVar = {"base": DEEP, "models": DEEP}
    claim_files: ClassVar = ("metrics.json", "kl.npz")

    data: Variant
    n_latent: Latents
    base: ModelName = Field(description="the recipe that the others are compared with")
    models: Models
    noises: Annotated[tuple[Noise, ...], Field(min_length=1)] = Field(
        description="fixed and learned sigma^2"
    )
    seeds: Seeds

    def runs(self, names: Names) -> list[Run]:
        """Return a run for each recipe, noise and seed."""
        models = dict.fromkeys((self.base, *self.models))
        return list(names.runs(models, [self.data], [self.n_latent], self.noises, self.seeds))

    def evidence(self, names: Names) -> list[Product]:
        """Return the files of runs that learn sigma^2: no claim is judged by the others."""
        learned = [run for run in self.runs(names) if run.noise.startswith("learned")]
        return [Product(name, run=run) for name in self.claim_files for run in learned]

    def problems(self, models: Mapping[str, ModelSettings]) -> list[str]:
        """List recipes that do not differ from the base, too."""
        return super().problems(models) + [
            f"models: {name!r} has the settings of {self.base!r}"
            for name in self.models
            if not differences(models[self.base], models[name])
        ]
