"""What `linvae.diagnose.diagnose` gives: numbers, one or two sentences, and a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linvae.diagnose.measured_model import MeasuredModel, Split
from linvae.diagnose.text import as_html, as_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Diagnosis", "Split"]


class Diagnosis(MeasuredModel):
    """Whether a Gaussian VAE's collapse is its optimum or its training, as far as can be told.

    Its numbers are those of `linvae.diagnose.measured_model.MeasuredModel`: ``kind``, ``verdict``,
    ``notes``, ``noise_variance``, ``train`` and ``held_out`` (each a `Split`), ``gain``, ``bypass``
    and more.
    """

    def plot(self) -> Figure:
        """Draw the residual spectrum over sigma^2, and the latents in use over epsilon."""
        # Imported here: matplotlib is needed for nothing else.
        from linvae.diagnose.drawing import draw

        return draw(self)

    def __str__(self) -> str:
        return as_text(self)

    def __repr__(self) -> str:
        return f"Diagnosis({self.kind!r}, gain={self.gain:.3g} +- {self.gain_error:.1g} nats)"

    def _repr_html_(self) -> str:
        return as_html(self)
