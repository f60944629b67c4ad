"""Claim 7 on made-up gaps: a ReLU encoder against the linear one that is trained alike."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from linvae.claims.encoders import encoder_runs, relu_encoders
from linvae.config.study_name import configured
from linvae.settings.model import Network

ROOT = Path(__file__).parents[2]
MARGIN, LEVEL = 0.1, 0.95
ARRIVES = [0.01, 0.02, 0.015]
SOLVED, TRAINED = "decoder solved for", "decoder trained too"
# Gaps to the maximum by seed of two studies, as their claims.json has them by mean and interval.
FASHION = {
    "matrix": (0.0081, 0.0189),
    "deep linear": (0.0317, 0.0444),
    "relu": (0.0888, 0.0364),
}
STANDARD = {
    "matrix": (0.00198, 0.00437),
    "deep linear": (0.0126, 0.0272),
    "relu": (0.0477, 0.0592),
}


def _encoders(relu, matrix=ARRIVES, deep=None, subject=SOLVED, alike="one"):
    gaps = {"matrix": matrix, "relu": relu} | ({} if deep is None else {"deep linear": deep})
    rows = [
        {"model": f"{subject[8:14].strip()}-{kind}", "encoder": kind, "seed": seed, "gap": gap}
        for kind, values in gaps.items()
        for seed, gap in enumerate(values)
    ]
    fields = {"subject": subject, "alike": alike, "budget": "1500 updates at rate 0.001"}
    return pd.DataFrame(rows).assign(**fields, initial=1.0, cpu_seconds=60.0)


def _seeds(mean, half):
    """Three seeds of a mean and half an interval of Student's at 95 %."""
    return mean + np.array([-1.0, 0.0, 1.0]) * half * np.sqrt(3) / 4.3027


def _judge(runs):
    return relu_encoders(runs, MARGIN, LEVEL)


def _differences(found):
    return [row for row in found.rows if row.quantity == "ELBO, ReLU encoder less linear one"]


@pytest.mark.parametrize(
    ("relu", "verdict"),
    [
        ([9.0, 9.1, 9.2], "supported"),
        # Twice the margin below the linear one.
        ([0.211, 0.219, 0.214], "supported"),
        ([0.05, 0.06, 0.056], "not supported"),
        # Above a linear one that has not arrived.
        ([0.0, 0.0, 0.001], "not supported"),
        ([0.05, 0.1, 0.15], "inconclusive"),
        ([9.0], "inconclusive"),
    ],
)
def test_a_relu_encoder_ends_below_the_linear_one(relu, verdict):
    found = _judge(_encoders(relu))
    assert found.verdict == verdict
    (row,) = _differences(found)
    n = len(relu)
    assert row.interval.mean == pytest.approx(np.mean(ARRIVES[:n]) - np.mean(relu))
    assert (row.margin, row.split, row.main) == (MARGIN, "train", True)


def test_a_deep_linear_encoder_is_linear_and_judges_nothing():
    # What decided once: the deep linear encoder arrives, the ReLU one ends far below.
    found = _judge(_encoders([9.0, 9.1, 9.2], deep=[0.02, 0.03, 0.02]))
    assert found.verdict == "supported"
    (deep,) = (row for row in found.rows if "deep linear" in row.quantity)
    assert (deep.answer, deep.interval.mean) == (None, pytest.approx(-0.07 / 3))
    without = _encoders([9.0] * 3, deep=[0.02] * 3)
    assert _judge(without[without["encoder"] != "relu"]).verdicts == {}


# Which seed of one encoder goes with which of the other is not kept.
ORDER = [1, 0, 2]


@pytest.mark.parametrize("study", [STANDARD, FASHION])
def test_kept_studies_that_were_refuted_by_the_deep_linear_encoder_are_open(study):
    gaps = {kind: _seeds(*told) for kind, told in study.items()}
    solved = _encoders(gaps["relu"][ORDER], gaps["matrix"], gaps["deep linear"])
    trained = _encoders([6.6, 10.0, 3.6], [7.7, 12.0, 3.0], subject=TRAINED)
    found = _judge(pd.concat([solved, trained]))
    assert (found.verdict, found.verdicts[SOLVED]) == ("inconclusive", "inconclusive")


def test_the_margin_of_claim_1_would_turn_the_fashion_study():
    gaps = {kind: _seeds(*told) for kind, told in FASHION.items()}
    runs = _encoders(gaps["relu"][ORDER], gaps["matrix"])
    assert relu_encoders(runs, 0.01, LEVEL).verdict == "supported"
    assert _judge(runs).verdict == "inconclusive"


def test_what_is_short_of_the_maximum_is_compared_with_the_linear_one_and_not_with_it():
    # All nine nats below the maximum, the linear one too.
    found = _judge(_encoders([9.0, 9.05, 9.1], matrix=[9.0, 9.04, 9.08], subject=TRAINED))
    assert found.verdict == "not supported"
    (gap,) = (row for row in found.rows if row.quantity.endswith("maximum"))
    assert (gap.answer, gap.interval.mean) == (None, pytest.approx(-27.12 / 3))
    # Two of its seeds were thrown back: the ReLU one ends above these and far below the third.
    found = _judge(_encoders([9.0, 9.1, 9.2], matrix=[46.0, 0.0, 46.0]))
    assert found.verdict == "inconclusive"


def test_only_what_is_trained_alike_is_compared():
    relu = _encoders([9.0, 9.1, 9.2])
    other = relu.assign(alike=["one" if kind == "relu" else "two" for kind in relu["encoder"]])
    found = _judge(other)
    assert found.verdict == "inconclusive"
    (row,) = found.rows
    assert row.settles == "solved-relu with encoder.hidden: [], under a name of its own in " + (
        "study.encoders"
    )
    # Nor is a decoder that is trained with one that is solved for.
    apart = relu.assign(subject=[TRAINED if kind == "relu" else SOLVED for kind in relu["encoder"]])
    assert _judge(apart).verdict == "inconclusive"


def test_each_way_of_training_has_a_verdict_and_all_intervals_share_a_level():
    solved = _encoders([0.05, 0.06, 0.056])
    trained = _encoders([9.0, 9.1, 9.2], subject=TRAINED)
    found = _judge(pd.concat([trained, solved]))
    assert found.verdicts == {TRAINED: "supported", SOLVED: "not supported"}
    assert found.verdict == "inconclusive"
    assert found.sentence == (
        "With the decoder solved for, a ReLU encoder does not end 0.1 nats below the linear one; "
        "with it trained too, it ends 9.08 below."
    )
    alone, together = (_differences(f)[-1].interval for f in (_judge(solved), found))
    # Student's quantiles of two degrees of freedom, at 95 and 97.5 %.
    wider = (together.high - together.low) / (alone.high - alone.low)
    assert wider == pytest.approx(6.2053 / 4.3027, rel=1e-4)


def test_pairs_are_by_seed_whatever_their_order_and_identical_differences_have_no_interval():
    runs = _encoders([9.0, 19.0, 29.2], matrix=[0.0, 10.0, 20.1])
    assert _judge(runs.sample(frac=1.0, random_state=1)).verdict == "supported"
    (row,) = _differences(_judge(_encoders([9.0, 9.5, 9.0], matrix=[0.0, 0.5, 0.0])))
    assert (row.interval.low, row.answer) == (None, "undecided")


@pytest.mark.parametrize("wide", [(0.1, 0.1), (0.01, 0.2), (0.3, 0.02)])
def test_encoders_that_are_alike_give_no_verdict_over_scatter_of_any_ratio(wide):
    verdicts = []
    for study in range(100):
        draws = np.random.default_rng(study).standard_normal((2, 3)) * np.array(wide)[:, None]
        verdicts.append(_judge(_encoders(*(0.5 + draws))).verdict)
    assert verdicts.count("inconclusive") >= 95
    assert verdicts.count("supported") <= 5


@pytest.mark.parametrize(("deficit", "verdict"), [(0.2, "supported"), (-0.2, "not supported")])
def test_deficits_of_twice_the_margin_are_seen(deficit, verdict):
    verdicts = []
    for study in range(100):
        draws = 0.5 + 0.05 * np.random.default_rng(study).standard_normal((2, 12))
        verdicts.append(_judge(_encoders(draws[0] + deficit, draws[1])).verdict)
    assert verdicts.count(verdict) >= 95
    assert set(verdicts) <= {verdict, "inconclusive"}


def test_an_open_row_says_which_seeds_would_settle_it():
    (row,) = _differences(_judge(_encoders([0.03, 0.06, 0.105])))
    # The interval of 0.05 +- 0.09 must be narrower than what it lies from 0.1; a minute a run.
    assert row.answer == "undecided"
    assert row.settles == "2 more seeds of solved-relu at 1, solved-matrix at 1, 4 CPU minutes"


def test_only_networks_that_compute_an_affine_map_are_linear():
    deep = Network(hidden=(5,), activation="identity")
    assert (Network().is_single_matrix, Network().is_linear) == (True, True)
    assert (deep.is_single_matrix, deep.is_linear) == (False, True)
    assert not Network(hidden=(5,)).is_linear
    # A kind that has no hidden layers to name is no matrix for that.
    assert not Network.model_construct(kind="convolutional").is_single_matrix


class _MadeUp:
    """Results of a configuration, in which every run ends at the same gap."""

    def __init__(self, config):
        self.study, self.models, self.names = config.study, config.models, config.names()

    def runs(self, section):
        return self.study.runs(section, self.names)

    def metrics(self, run):
        return {"gap": 0.001 * run.seed}

    def cpu_seconds(self, run):
        return 1.0


@pytest.mark.parametrize("overlay", [None, "smoke.yaml", "paper.yaml"])
def test_in_the_studies_relu_encoders_have_linear_ones_that_are_trained_alike(overlay):
    overlays = [ROOT / "config" / overlay] if overlay else []
    runs = encoder_runs(_MadeUp(configured(ROOT / "config.yaml", overlays)))
    found = _judge(runs)
    assert [row.subject for row in _differences(found)] == [TRAINED, SOLVED]
    first = _differences(found)[0].condition
    assert first.startswith("encoder-relu and encoder-linear, ")
    assert runs.groupby("encoder")["linear"].first().to_dict() == {
        "deep linear": True,
        "matrix": True,
        "relu": False,
    }
    assert set(runs.loc[runs["encoder"] == "matrix", "model"]) == {
        "encoder-naive",
        "encoder-linear",
        "solved-linear",
    }
