"""Greek letters and powers as readers know them, in texts that are written in ASCII."""

import re

from markupsafe import Markup, escape

__all__ = ["symbols"]

_LETTERS = {"sigma": "σ", "lambda": "λ", "rho": "ρ", "epsilon": "ε"}
_WORD = re.compile(r"\b(sigma|lambda|rho|epsilon)(?:_(\w+))?(?:\^(\d+))?(?!\w)")
_SCIENTIFIC = re.compile(r"(?<![\w.])(\d(?:\.\d+)?)e([+-])0*(\d+)\b")
# Breaks where it must not.
_WHOLE = re.compile(r"\b(L-BFGS)\b")
_POWER = re.compile(r"10\^([−-]?\d+)")


def symbols(text: object) -> Markup:
    """Escape a text for HTML, with ``sigma^2`` and ``10^-7`` as formulas.

    Parameters
    ----------
    text
        Plain; what is HTML already is left as it is.
    """
    plain = _SCIENTIFIC.sub(_power_of_ten, str(escape(text)))
    formulas = _POWER.sub(r"10<sup>\1</sup>", _WORD.sub(_formula, plain))
    return Markup(_WHOLE.sub(r'<span class="whole">\1</span>', formulas))


def _power_of_ten(match: re.Match) -> str:
    mantissa, sign, exponent = match.groups()
    return f"{mantissa} × 10^{'−' if sign == '-' else ''}{exponent}"


def _formula(match: re.Match) -> str:
    name, index, power = match.groups()
    below = f"<sub>{index}</sub>" if index else ""
    above = f"<sup>{power}</sup>" if power else ""
    return f"<var>{_LETTERS[name]}</var>{below}{above}"
