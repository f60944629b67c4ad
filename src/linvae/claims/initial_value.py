"""Claim 9: whether the initial value of a learned noise variance decides where training ends.

What would turn the verdict: initial values whose runs end alike, in ELBO or in collapse, on train
or on test: the interval of the largest difference between two of them inside the share of the
margin that counts as none. Runs whose noise variance is still on its way say nothing: there the
step budget decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from linvae.claims.between_starts import of_settings, setting_runs, start_rows
from linvae.claims.claim import Claim, Earlier
from linvae.claims.evidence import Evidence, Finding, not_run, subjects, together, verdicts_of
from linvae.claims.recipes import deep_runs
from linvae.claims.verdicts import Verdict
from linvae.digits import short
from linvae.settings.margins import Margins

__all__ = ["INITIAL_VALUE_DECIDES", "initial_value_decides"]

_SAID: dict[Verdict, str] = {
    "supported": "decides",
    "not supported": "does not decide both",
    "inconclusive": "may or may not decide",
}


INITIAL_VALUE_DECIDES = Claim(
    number=9,
    text="With sigma^2 learned, its initial value still decides collapse and final ELBO.",
    made_by="paper, report",
    question=4,
    section="recipes",
    judge=lambda results: initial_value_decides(
        deep_runs(results, "recipes", kind="learned", curves=True),
        results.margins,
        results.study.recipes.as_in_paper,
        setting_runs(results),
    ),
    shown_in=("fig7", "table1"),
    earlier=(
        Earlier(
            7,
            "6",
            "With sigma^2 learned, its initial value still decides collapse and final ELBO.",
            "The same.",
            report_side=True,
            paper_side=True,
            why="Recipes of training differ; the headline is that of the recipe nearest to the "
            "paper's.",
        ),
    ),
    checked="from memory",
)


def initial_value_decides(
    runs: pd.DataFrame, margins: Margins, headline: str | None = None,
    settings: pd.DataFrame | None = None,
) -> Finding:  # fmt: skip
    """Claim 9. Whether runs that learn the noise variance depend on where it started.

    `runs` are `linvae.claims.recipes.deep_runs` of a learned noise variance, with curves, and
    `settings` those of `linvae.claims.between_starts.setting_runs`. The headline is the recipe
    whose verdict is the claim's, the paper's own; without it the claim is what all agree on.
    """
    if runs.empty:
        return not_run("The section has no runs that learn sigma^2.")
    of_all = headline not in set(runs["model"])
    rows = [
        row.but(main=row.split == "train" and (of_all or name == headline))
        for name, own in runs.groupby("model", sort=False)
        for row in start_rows(own, margins, str(name), margins.none)
    ]
    more, undone = of_settings(pd.DataFrame() if settings is None else settings, margins)
    verdicts = verdicts_of(rows)
    sentence = _sentence(verdicts, headline, rows, undone)
    numbers = {"undone_by": undone} if undone else {}
    # Recipes that were changed for the experiment have no say in the claim.
    verdict = together(verdicts) if of_all else verdicts[headline]
    return replace(Finding.by_subject([*rows, *more], sentence, numbers), verdict=verdict)


def _sentence(
    verdicts: Mapping[str, Verdict], headline: str | None, rows: Sequence[Evidence],
    undone: Mapping[str, bool],
) -> str:  # fmt: skip
    """Say what the headline's recipe does, and the others."""
    parts, others = [], dict(verdicts)
    if headline in verdicts:
        own = others.pop(headline)
        said = f"{headline}, the recipe nearest to the paper's, the initial value {_SAID[own]}"
        if own == "supported":
            asked = (headline, "nats", "train")
            nats = (row.mean for row in rows if (row.subject, row.unit, row.split) == asked)
            said += f" (train ELBOs end {short(abs(next(nats)))} nats apart)"
        parts.append(said)
    for verdict, verb in _SAID.items():
        if names := subjects(others, verdict):
            parts.append(f"{', '.join(names)} {'it' if parts else 'the initial value'} {verb}")
    text = f"With {', and with '.join(parts)}"
    undoing = [name for name, whether in undone.items() if whether]
    return f"{text}; {' or '.join(undoing)} undoes it." if undoing else f"{text}."
