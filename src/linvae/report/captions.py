"""What is said of a figure: its short name, the claims that it shows, and its caption as HTML.

The workflow holds captions as reStructuredText; the HTML asks for nothing else.
"""

from docutils.core import publish_parts
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

__all__ = ["caption", "short_name"]

_SETTINGS = {
    # What a browser shows by itself; the writer's default asks for a style sheet from elsewhere.
    "math_output": "MathML",
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": 2,
    "halt_level": 2,
    "embed_stylesheet": False,
    "stylesheet_path": "",
    "_disable_config": True,
}


def caption(template: str, figure: str) -> Markup:
    """Render the caption of a figure.

    Parameters
    ----------
    template
        Text of ``workflow/report/figure.rst``, which Snakemake fills in with a job's wildcards.
    figure
        Name, for example ``fig8_collapse_fixed``.

    Raises
    ------
    docutils.utils.SystemMessage
        If it is not reStructuredText.
    """
    environment = Environment(undefined=StrictUndefined, autoescape=False)
    text = environment.from_string(template).render(snakemake={"wildcards": {"figure": figure}})
    parts = publish_parts(text, writer="html5", settings_overrides=_SETTINGS)
    return Markup(parts["body"])


def short_name(figure: str) -> str:
    """Name by which claims refer to a figure: ``fig8`` for ``fig8_collapse_fixed``."""
    return figure.split("_")[0]
