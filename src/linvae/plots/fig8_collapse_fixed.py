"""Figure 8: posterior collapse of deep VAEs whose noise variance is held fixed."""

import pandas as pd
from matplotlib.figure import Figure

from linvae.inputs import Inputs
from linvae.plots.collapse_curves import curve_table, draw_over_noise

__all__ = ["draw", "table"]


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Tabulate the collapse percentage for each fixed noise variance, split and epsilon."""
    return curve_table(inputs, "fixed", section["delta"])


def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw one curve for each fixed noise variance."""
    return draw_over_noise(table, section, style, "σ², fixed", final=False)
