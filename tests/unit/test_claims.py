import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from linvae.claims.document import claims_text
from linvae.claims.judge import judge
from linvae.claims.linear_runs import falling_share
from linvae.claims.statements import STATEMENTS
from linvae.claims.verdicts import answer, both, interval, joint
from linvae.files import write_json
from linvae.inputs import Inputs
from linvae.naming import Run


def test_interval_equals_scipys():
    values = [3.0, 5.0, 4.5, 9.0]
    found = interval(values)
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert (found.mean, found.low, found.high) == pytest.approx((5.375, low, high))


def test_one_seed_gives_no_interval_and_so_no_answer():
    found = interval([3.0])
    assert (found.low, found.high) == (None, None)
    assert answer(found, 0.0) == "undecided"


@pytest.mark.parametrize("values", [[], [1.0, np.nan]])
def test_interval_of_what_is_no_number_is_an_error(values):
    with pytest.raises(ValueError, match="finite"):
        interval(values)


def test_answers_need_the_whole_interval_on_one_side():
    assert answer(interval([1.0, 1.1, 1.2]), 0.5) == "yes"
    assert answer(interval([1.0, 1.1, 1.2]), 1.1) == "undecided"
    assert answer(interval([1.0, 1.1, 1.2]), 2.0) == "no"
    assert both("yes", "yes") == "yes"
    assert both("yes", "no") == both("undecided", "no") == "no"
    assert both("yes", "undecided") == "undecided"
    assert joint(["yes", "yes"]) == "supported"
    assert joint(["yes", "undecided"]) == joint([]) == "inconclusive"
    assert joint(["yes", "undecided", "no"]) == "not supported"


def test_falling_share_is_of_the_last_tenth():
    curve = pd.DataFrame({"step": [0, 50, 90, 100], "gap": [9.0, 5.0, 4.0, 3.0]})
    assert falling_share(curve) == pytest.approx(0.25)
    assert falling_share(curve.assign(gap=0.0)) == 0.0


SECTIONS = (
    "linear",
    "latent_dim",
    "stochastic",
    "encoders",
    "restarts",
    "stationary",
    "collapse",
    "annealing",
    "optimisation",
)


def _judge(tmp_path, gap):
    """Judge a study of one L-BFGS run and one Adam run."""
    section = {
        "data": "logit-first9",
        "n_latent": 3,
        "noise": "learned-1",
        "adam": "adam",
        "lbfgs": "lbfgs",
        "seeds": [0],
    }
    training_of = {"steps": 9, "epochs": None, "learning_rate": 0.1}
    models = {
        name: {"encoder": {"hidden": []}, "training": {**training_of, "optimizer": name}}
        for name in ("adam", "lbfgs")
    }
    paths = []
    for model, value in (("adam", 7.0), ("lbfgs", gap)):
        run = Run(model, "mnist-logit-first9", 3, "learned-1", 0)
        metrics = {
            "gap": value,
            "marginal_gap": value,
            "inference_gap": 0.0,
            "mean_abs_cos": 0.5 if model == "adam" else 1.0,
        }
        write_json(tmp_path / run.file("metrics.json"), metrics)
        (tmp_path / run.file("curve.csv")).write_text(f"step,gap\n0,9\n10,{value}\n")
        paths += [str(tmp_path / run.file(name)) for name in ("metrics.json", "curve.csv")]
    study = {name: None for name in SECTIONS} | {"linear": section}
    spec = {"dataset": "mnist", "study": study, "models": models}
    return [claim.to_dict() for claim in judge(Inputs(paths), spec)], paths


def test_changed_results_change_the_verdict(tmp_path):
    found, paths = _judge(tmp_path / "a", 1e-6)
    assert [claim["id"] for claim in found] == list(STATEMENTS) == list(range(1, 13))
    verdicts = {claim["id"]: claim["verdict"] for claim in found}
    assert (verdicts[1], verdicts[3]) == ("supported", "supported")
    assert set(found[0]["evidence"]) == set(paths)
    worse, _ = _judge(tmp_path / "b", 2.0)
    assert worse[0]["verdict"] == "inconclusive"


def test_claims_without_results_say_so(tmp_path):
    found, _ = _judge(tmp_path, 1e-6)
    for claim in found:
        if claim["id"] not in (1, 3):
            assert claim["verdict"] == "inconclusive"
            section = STATEMENTS[claim["id"]].section
            assert claim["explanation"] == f"Not run: study.{section} is null."
            assert claim["evidence"] == []


def test_the_document_holds_every_claim_and_survives_json(tmp_path):
    found, paths = _judge(tmp_path, 1e-6)
    write_json(tmp_path / "claims.json", found)
    read = json.loads((tmp_path / "claims.json").read_text())
    text = claims_text(read, "some data")
    assert "Data: some data." in text
    for claim in found:
        assert f"## {claim['id']}. {claim['claim']}" in text
        assert claim["explanation"] in text
    assert f"`{paths[0]}`" in text
    assert "and 1 more" in text
