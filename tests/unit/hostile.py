"""A user's settings of matplotlib that no figure may show."""

import matplotlib as mpl

__all__ = ["HOSTILE", "MATPLOTLIBRC"]

MATPLOTLIBRC = """\
text.usetex: True
font.size: 30
font.family: monospace
savefig.dpi: 37
savefig.bbox: tight
axes.facecolor: red
axes.prop_cycle: cycler('color', ['k'])
axes.formatter.use_locale: True
axes.formatter.limits: -1, 1
lines.antialiased: False
path.sketch: 1, 100, 2
pdf.compression: 0
xtick.direction: in
image.interpolation: bilinear
mathtext.fontset: cm
"""


def _changed(value: object) -> object:
    """Return another value of the same kind, and of most kinds the value itself."""
    if isinstance(value, bool):
        return not value
    return 2 * value + 1 if isinstance(value, int | float) else value


def _hostile() -> dict[str, object]:
    """Every setting that is a switch or a number, changed; those of the process are left alone."""
    found = {}
    for name, value in mpl.rcParamsDefault.items():
        other = _changed(value)
        if other == value or name.startswith(("interactive", "webagg", "figure.max_open")):
            continue
        try:
            with mpl.rc_context({name: other}):
                found[name] = other
        except (ValueError, RuntimeError):
            continue
    return found


HOSTILE = _hostile()
