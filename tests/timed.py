"""Results that show how long a training took: they alone differ from one run to the next."""

import re

__all__ = ["shows_times", "without_times"]

_FIGURE = "fig18_convergence"
_ON_THE_PAGE = re.compile(rb'<figure id="fig18">.*?</figure>', re.DOTALL)


def shows_times(path):
    """Whether a file is a table of times, or the figure that is drawn from those."""
    name = path.rsplit("/", 1)[-1]
    return name == "times.csv" or name.startswith(_FIGURE)


def without_times(content):
    """Bytes of the page without that figure; of any other file all."""
    return _ON_THE_PAGE.sub(b"", content)
