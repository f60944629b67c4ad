from linvae.settings.differences import differences
from linvae.settings.model import ModelSettings

BASE = {
    "encoder": {"hidden": [8], "posterior": "amortised"},
    "decoder": {"hidden": [8]},
    "training": {"objective": "stochastic", "epochs": 4},
}


def model(**changes):
    return ModelSettings.model_validate({key: {**BASE.get(key, {}), **value} for key, value in {
        **BASE, **changes}.items()})  # fmt: skip


def test_only_what_differs_is_told_with_both_values():
    other = model(start={"standardize": True}, training={"learning_rate": 0.5})
    found = differences(model(), other)
    assert found.keys() == {"start.standardize", "training.learning_rate"}
    assert found["start.standardize"] == (False, True)
    assert found["training.learning_rate"][1] == 0.5


def test_how_a_job_is_run_is_no_difference():
    assert differences(model(), model(job={"records": 3})) == {}
