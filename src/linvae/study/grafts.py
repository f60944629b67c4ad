"""Section of the study in which finished deep runs are trained on, with a linear bypass grafted."""

from linvae.naming import Product, Run
from linvae.settings.arms import ARMS, Arm
from linvae.study.names import Names
from linvae.study.trained_on import TrainedOn

__all__ = ["Grafts"]


class Grafts(TrainedOn):
    """Finished runs trained on in three ways, all for the same updates."""

    def file(self, run: Run, arm: Arm) -> Product:
        """Return what an arm of a run gives."""
        return Product("graft.json", run=run, variant=f"{arm}-{self.updates}")

    def evidence(self, names: Names) -> list[Product]:
        """Return what the arms give, too."""
        arms = [self.file(run, arm) for run in self.runs(names) for arm in ARMS]
        return super().evidence(names) + arms
