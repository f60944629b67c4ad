"""Intervals against their margins as small pictures: one bar a row, drawn as SVG without a script.

Rows of one quantity and unit share a scale. Grey is what lies within the margin, the upright line
the value that a row is held against; a filled mark is of training images, an open one of test
images. The table beside it says the same in text, so that the pictures are hidden from readers of
the screen.
"""

from collections.abc import Sequence

from markupsafe import Markup

from linvae.claims.evidence import Evidence

__all__ = ["bars"]

_WIDTH, _HEIGHT, _PAD = 180.0, 16.0, 6.0
_COLORS = {"yes": "#0a5a8c", "no": "#a8410a", "undecided": "#545b63", None: "#1b1f24"}


def bars(rows: Sequence[Evidence]) -> list[Markup]:
    """Return a picture for each row."""
    scales: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        scales.setdefault((row.quantity, row.unit), []).extend(_values(row))
    return [_bar(row, _Scale(scales[row.quantity, row.unit])) for row in rows]


def _values(row: Evidence) -> list[float]:
    found, margin = row.interval, row.margin or 0.0
    ends = [end for end in (found.low, found.high) if end is not None]
    return [found.mean, *ends, row.reference - margin, row.reference + margin]


class _Scale:
    """From values to places in the picture."""

    def __init__(self, values: Sequence[float]) -> None:
        self.low, high = min(values), max(values)
        self.span = (high - self.low) or 1.0

    def __call__(self, value: float) -> float:
        return round(_PAD + (value - self.low) / self.span * (_WIDTH - 2 * _PAD), 1)


def _bar(row: Evidence, at: _Scale) -> Markup:
    middle, color = _HEIGHT / 2, _COLORS[row.answer]
    parts = [
        f'<svg class="bar" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" width="{_WIDTH:g}" '
        f'height="{_HEIGHT:g}" aria-hidden="true" focusable="false">'
    ]
    if row.margin:
        left, right = at(row.reference - row.margin), at(row.reference + row.margin)
        width = round(right - left, 1)
        parts.append(f'<rect x="{left}" y="1" width="{width}" height="14" fill="#d7dce1"/>')
    x = at(row.reference)
    parts.append(f'<path d="M{x} 0V{_HEIGHT:g}" stroke="#1b1f24" stroke-width="1"/>')
    found = row.interval
    if found.low is not None and found.high > found.low:
        parts.append(
            f'<path d="M{at(found.low)} {middle}H{at(found.high)}" stroke="{color}" '
            'stroke-width="2.5"/>'
        )
    face = "#fff" if row.split == "test" else color
    parts.append(
        f'<circle cx="{at(found.mean)}" cy="{middle}" r="4" fill="{face}" stroke="{color}" '
        'stroke-width="2"/></svg>'
    )
    return Markup("".join(parts))
