"""What jobs on a run are told: it goes through JSON unchanged, and nothing else is taken."""

import json

import pytest
from pydantic import ValidationError

from linvae.noise import parse_noise
from linvae.settings.jobs import GraftJob, MeasurementJob
from linvae.settings.likelihood_job import LikelihoodJob
from linvae.settings.measurement import Measurement
from linvae.settings.run_job import RunJob

MODEL = {
    "encoder": {"hidden": [4], "posterior": "amortised"},
    "decoder": {"hidden": [4]},
    "start": {"log_variance": -1.0},
    "training": {"objective": "stochastic", "steps": 5},
}
RUN = {"model": MODEL, "n_latent": 2, "noise": "learned-0.5", "seed": 0}
MEASUREMENT = {"draws": 7, "epsilon": 0.3}
JOBS = {
    "usual run": (RunJob, RUN),
    "run": (RunJob, {**RUN, "seed": 3, "threads": 2}),
    "usual measurement": (MeasurementJob, {**RUN, "preprocessing": "pixels"}),
    "measurement": (
        MeasurementJob,
        {**RUN, "measurement": MEASUREMENT, "preprocessing": "logit", "logit_lambda": 1e-3},
    ),
    "usual graft": (GraftJob, {**RUN, "arm": "none", "updates": 3}),
    "graft": (GraftJob, {**RUN, "measurement": MEASUREMENT, "arm": "random", "updates": 3}),
}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_comes_back_from_json_as_it_was(name):
    kind, values = JOBS[name]
    job = kind(**values)
    text = json.dumps(job.identity(), allow_nan=False)
    found = kind.model_validate(json.loads(text))
    assert found == job
    assert json.dumps(found.identity()) == text


@pytest.mark.parametrize("name", JOBS)
def test_whatever_it_is_told_is_part_of_its_identity(name):
    kind, values = JOBS[name]
    identity = kind(**values).identity()
    for key in values.keys() - {"model", "measurement"}:
        assert identity[key] == values[key]
    changes = {"n_latent": 3, "noise": "fixed-0.5", "seed": 9, "threads": 4}
    changes["model"] = {**MODEL, "training": {**MODEL["training"], "steps": 6}}
    if kind is not RunJob:
        changes["measurement"] = {"delta": 0.02}
    for key, value in changes.items():
        assert kind(**{**values, key: value}).identity() != identity


@pytest.mark.parametrize("name", JOBS)
def test_a_file_of_weights_says_what_the_run_was_and_no_more(name):
    kind, values = JOBS[name]
    job = kind(**values)
    told = job.metadata()
    assert told == {
        "model": job.model.identity(),
        "n_latent": 2,
        "noise": "learned-0.5",
        "seed": values["seed"],
    }
    assert RunJob.model_validate(json.loads(json.dumps(told))) == RunJob(**told)


def test_a_file_of_weights_says_what_shape_its_images_have():
    told = RunJob(**RUN, image_shape=[4, 3, 1]).metadata()
    assert told["image_shape"] == [4, 3, 1]
    assert RunJob(**told).image_shape == (4, 3, 1)


def test_usual_values_are_those_of_a_notebook():
    assert RunJob(**RUN).threads == 1
    assert RunJob(**RUN).noise_model == parse_noise("learned-0.5")
    assert MeasurementJob(**RUN, preprocessing="pixels").measurement == Measurement()


@pytest.mark.parametrize("name", JOBS)
@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("drwas", 3, "Extra inputs are not permitted"),
        ("noise", "learned", "is not of the form"),
        ("noise", "fixed-0", "is not of the form"),
        ("noise", "fixed--1", "is not of the form"),
        ("noise", "both-1", "is not of the form"),
        ("noise", "fixed-1.0", "not in canonical form"),
        ("n_latent", 0, "greater than 0"),
        ("n_latent", 2.5, "valid integer"),
        ("seed", -1, "greater than or equal to 0"),
        ("seed", True, "whole number"),
        ("threads", 0, "greater than 0"),
    ],
)
def test_what_is_no_run_is_refused(name, key, value, said):
    kind, values = JOBS[name]
    with pytest.raises(ValidationError, match=said):
        kind(**{**values, key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [("arm", "some"), ("updates", 0), ("measurement", {"drwas": 3}), ("preprocessing", "logit")],
)
def test_what_is_no_graft_is_refused(key, value):
    kind, values = JOBS["graft"]
    with pytest.raises(ValidationError, match=key):
        kind(**{**values, key: value})


BOUND = {**RUN, "noise": "fixed-0.5", "bound": "iwae", "draws": 8, "updates": 3, "rate": 0.1}


def test_training_on_by_a_bound_comes_back_from_json_as_it_was():
    job = LikelihoodJob(**BOUND, measurement=MEASUREMENT)
    assert LikelihoodJob.model_validate(json.loads(json.dumps(job.identity()))) == job
    for key, value in {"bound": "elbo", "draws": 2, "updates": 4, "rate": 1.0}.items():
        assert LikelihoodJob(**{**BOUND, key: value}).identity() != job.identity()


@pytest.mark.parametrize(
    ("key", "value"),
    [("bound", "aevb"), ("draws", 0), ("updates", 0), ("rate", 0), ("rate", 1.1)]
    + [("noise", "learned-0.5"), ("measurement", {"drwas": 3})],
)
def test_what_is_no_training_on_by_a_bound_is_refused(key, value):
    with pytest.raises(ValidationError, match=key):
        LikelihoodJob(**{**BOUND, key: value})


@pytest.mark.parametrize("name", JOBS)
def test_a_job_does_not_change(name):
    kind, values = JOBS[name]
    with pytest.raises(ValidationError, match="frozen"):
        kind(**values).seed = 1
