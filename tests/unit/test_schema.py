"""What describes the configuration to editors and readers says what validates it."""

import copy
import difflib
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from linvae.config.configuration import StudyConfig
from linvae.config.reference import reference
from linvae.config.schema import schema, schema_text

ROOT = Path(__file__).parents[2]
FILES = ["config.yaml", *(str(p.relative_to(ROOT)) for p in sorted(ROOT.glob("config/*.yaml")))]
FILES += ["tests/workflow/tiny.yaml"]
# Of each kind of mistake, what it changes: a path, and the value there.
MISTAKES = {
    "misspelt section": (("datset",), {}),
    "misspelt key": (("models", "deep", "training", "learning_rat"), 0.1),
    "misspelt section of the study": (("study", "lenghts"), None),
    "misspelt figure": (("figures", "fig1"), {"dpi": 100}),
    "misspelt choice": (("models", "deep", "training", "optimizer"), "adma"),
    "misspelt name": (("models", "Deep VAE"), {}),
    "text for a number": (("threads",), "two"),
    "truth for a number": (("dataset", "n_test"), True),
    "number for a list": (("study", "recipes", "seeds"), 3),
    "list for a number": (("preprocess", "seed"), [0]),
    "half a seed": (("study", "recipes", "seeds"), [0.5]),
    "the same seed twice": (("study", "recipes", "seeds"), [1, 1]),
    "no seed": (("study", "recipes", "seeds"), []),
    "no rate": (("models", "deep", "training", "learning_rate"), 0),
    "a variance in words": (("study", "linear", "noise"), "fixed--1"),
    "a variant that is none": (("study", "linear", "data"), "logit-1000"),
    "training beside itself": (("models", "deep", "learning_rate"), 0.1),
    "a key of the study above it": (("linear",), {"n_latent": 3}),
    "a key of the encoder in the decoder": (("models", "deep", "decoder", "posterior"), "shared"),
    "extends outside of a model": (("study", "linear", "extends"), "recipes"),
}


@pytest.fixture(scope="module")
def validator():
    found = schema()
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


def read(file):
    return yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("file", "made"),
    [("config/schema.json", schema_text), ("docs/configuration.md", reference)],
)
def test_the_files_are_those_that_the_models_make(file, made):
    kept = (ROOT / file).read_text(encoding="utf-8").splitlines()
    names = (file, "by the models")
    change = "\n".join(difflib.unified_diff(kept, made().splitlines(), *names, lineterm=""))
    assert not change, f"run make schema:\n{change}"


@pytest.mark.parametrize("file", FILES)
def test_the_shipped_files_pass_and_name_the_schema(file, validator):
    assert [error.message for error in validator.iter_errors(read(file))] == []
    first = (ROOT / file).read_text(encoding="utf-8").splitlines()[0]
    (named,) = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first).groups()
    assert (ROOT / file).parent.joinpath(named).resolve() == ROOT / "config" / "schema.json"


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("file", ["config.yaml", None])
def test_mistakes_fail_in_a_study_and_in_an_overlay(file, mistake, validator):
    (*path, last), value = MISTAKES[mistake]
    settings = copy.deepcopy(read(file)) if file else {}
    section = settings
    for key in path:
        section = section.setdefault(key, {})
    assert validator.is_valid(settings)
    section[last] = value
    assert not validator.is_valid(settings)


def test_an_overlay_may_hold_any_single_key_of_the_study(validator):
    for section, content in read("config.yaml").items():
        for key, value in content.items() if isinstance(content, dict) else ():
            assert validator.is_valid({section: {key: value}}), (section, key)
    assert validator.is_valid({"study": {"linear": None}})


def test_every_key_is_described():
    def undescribed(node, path):
        for key, part in node.get("properties", {}).items():
            if not part.get("description"):
                yield f"{path}.{key}"

    found = StudyConfig.model_json_schema()
    parts = {"": found, **found["$defs"]}
    assert [key for name, part in parts.items() for key in undescribed(part, name)] == []
    assert sum(len(part.get("properties", ())) for part in parts.values()) > 100


def test_the_tables_hold_every_key():
    told = reference()
    for key in ("threads", "encoder.posterior", "training.kl_annealing", "fixed[].models", "dpi"):
        assert f"| `{key}` |" in told
    assert "| `n_latent` | whole number > `0` | required | number of latents k |" in told
