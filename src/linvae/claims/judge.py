"""From the files of the workflow to verdicts on all claims."""

from collections.abc import Mapping

from linvae.claims.catalogue import CLAIMS
from linvae.claims.claim import Judgement
from linvae.claims.results import Results
from linvae.inputs import Inputs

__all__ = ["judge"]


def judge(inputs: Inputs, settings: Mapping) -> list[Judgement]:
    """Judge every claim; one whose section the study leaves out is inconclusive.

    Parameters
    ----------
    inputs, settings
        As in `linvae.claims.results.Results`.
    """
    return [claim.judged(Results(inputs, settings)) for claim in CLAIMS]
