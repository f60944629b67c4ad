"""Intervals against their margins as small pictures: one bar a row, drawn as SVG without a script.

Rows of one quantity and unit share a scale. Grey is what lies within the margin, the upright line
the value that a row is held against; a filled mark is of training images, an open one of test
images. An interval that is far wider than all these ends in an arrow. The table beside it says the
same in text, so that the pictures are hidden from readers of the screen.
"""

from collections.abc import Sequence

from markupsafe import Markup

from linvae.claims.evidence import Evidence

__all__ = ["bars"]

_WIDTH, _HEIGHT, _PAD = 180.0, 16.0, 6.0
_COLORS = {"yes": "#0a5a8c", "no": "#a8410a", "undecided": "#545b63", None: "#1b1f24"}


def bars(rows: Sequence[Evidence]) -> list[Markup]:
    """Return a picture for each row."""
    alike: dict[tuple[str, str], list[Evidence]] = {}
    for row in rows:
        alike.setdefault((row.quantity, row.unit), []).append(row)
    scales = {key: _Scale(own) for key, own in alike.items()}
    return [_bar(row, scales[row.quantity, row.unit]) for row in rows]


class _Scale:
    """From values to places in the picture, of rows that share it.

    Means and margins are all within; of intervals, what reaches as far beyond as they are wide.
    """

    def __init__(self, rows: Sequence[Evidence]) -> None:
        places = [row.mean for row in rows]
        for row in rows:
            margin = row.margin or 0.0
            places += [row.reference - margin, row.reference + margin]
        low, high = min(places), max(places)
        reach = high - low
        ends = [e for row in rows for e in (row.interval.low, row.interval.high) if e is not None]
        self.low = max(low - reach, min([low, *ends]))
        self.high = min(high + reach, max([high, *ends]))

    def __call__(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        share = (inside - self.low) / ((self.high - self.low) or 1.0)
        return round(_PAD + share * (_WIDTH - 2 * _PAD), 1)


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
        left, right = at(found.low), at(found.high)
        parts.append(f'<path d="M{left} {middle}H{right}" stroke="{color}" stroke-width="2.5"/>')
        if found.low < at.low:
            parts.append(f'<path d="M{left - 5} {middle}l6 -5v10z" fill="{color}"/>')
        if found.high > at.high:
            parts.append(f'<path d="M{right + 5} {middle}l-6 -5v10z" fill="{color}"/>')
    face = "#fff" if row.split == "test" else color
    parts.append(
        f'<circle cx="{at(found.mean)}" cy="{middle}" r="4" fill="{face}" stroke="{color}" '
        'stroke-width="2"/></svg>'
    )
    return Markup("".join(parts))
