"""From a study and its files to claims: the catalogue, what each claim reads, and the document."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from inference_told import with_gaps
from lying import path_of, paths_of

from linvae.claims.catalogue import CLAIMS, QUESTIONS
from linvae.claims.encoders import encoder_runs
from linvae.claims.judge import judge
from linvae.claims.recipes import deep_runs
from linvae.claims.results import Results
from linvae.claims.training_pairs import pair_curves
from linvae.config.configuration import load
from linvae.files import write_arrays, write_csv, write_json
from linvae.inputs import Inputs
from linvae.measure.collapse import CollapseCurve
from linvae.naming import Product
from linvae.report.document import claims_text
from linvae.settings.arms import ARMS
from linvae.settings.likelihood_job import BOUNDS
from linvae.study.cost import Rates, job_seconds
from linvae.study.figures import FIGURES
from linvae.study.study import Study

RATES = Rates.load(Path(__file__).parents[2] / "benchmarks" / "throughput.json")
GRID = {"data": "logit-first50", "n_latent": 3, "noise": "learned-1", "seeds": [0, 1]}
ADAM = {"objective": "analytic", "steps": 9}
SAMPLED = {"objective": "stochastic", "steps": 9}
MODELS = {
    "adam": {"training": ADAM},
    "lbfgs": {"training": {**ADAM, "optimizer": "lbfgs"}},
    "plain": {"training": {**ADAM, "optimizer": "lbfgs", "never_rotate": True}},
    "sampled": {"training": SAMPLED},
    "fast": {"training": {**ADAM, "learning_rate": 0.1}},
    "sampled-fast": {"training": {**SAMPLED, "learning_rate": 0.1}},
    "deep-linear": {"encoder": {"hidden": [5], "activation": "identity"}, "training": ADAM},
    "relu": {"encoder": {"hidden": [5]}, "training": SAMPLED},
    "deep": {"decoder": {"hidden": [5]}, "training": SAMPLED},
    "annealed": {"decoder": {"hidden": [5]}, "training": {**SAMPLED, "kl_annealing": 0.5}},
    "long": {"decoder": {"hidden": [5]}, "training": {**SAMPLED, "steps": 18}},
    "wider": {"decoder": {"hidden": [7]}, "training": SAMPLED},
    "widest": {"decoder": {"hidden": [9]}, "training": SAMPLED},
    "slow": {"decoder": {"hidden": [5]}, "training": {**SAMPLED, "learning_rate": 1e-5}},
}
SECTIONS = {
    "linear": {**GRID, "adam": "adam", "lbfgs": "lbfgs", "unrotated": "plain"},
    "latent_dim": {
        "data": ["logit-first50", "pixels-first50"],
        "n_latents": [2, 4],
        "fixed_at": 3,
        "model": "lbfgs",
        "noise": "learned-1",
    },
    "stochastic": {**GRID, "pairs": [["adam", "sampled"], ["fast", "sampled-fast"]]},
    "encoders": {**GRID, "models": ["relu", "adam", "deep-linear"]},
    "restarts": {"data": "logit-first50", "n_latent": 3, "scales": [1.0], "seeds": [0]},
    "saddles": {"data": "logit-first50", "n_latents": [2]},
    "stationary": {"data": "logit-first50"},
    "recipes": {
        "data": "logit-first50",
        "n_latent": 3,
        "fixed": [
            {"models": ["deep"], "noise_variances": [0.1, 1, 10]},
            {"models": ["annealed"], "noise_variances": [1]},
        ],
        "learned": [{"models": ["deep", "slow"], "noise_variances": [0.1, 1, 10]}],
        "annealing": [["deep", "annealed"]],
        "as_in_paper": "slow",
        "seeds": [0, 1],
    },
    "endings": {
        "data": "logit-first50",
        "n_latent": 3,
        "recipes": [{"model": "deep", "longer": "long", "noise_variances": [1]}],
        "drawn_at": 1,
        "seeds": [0, 1],
        "other_seeds": [2],
    },
    "sizes": {
        "cases": [
            {
                "models": ["deep"],
                "data": "logit-first40",
                "n_latent": 2,
                "noise": "fixed-1",
                "seeds": [0],
            },
            {
                "models": ["deep", "wider", "widest"],
                "data": "logit-first40",
                "n_latent": 3,
                "noise": "fixed-1",
                "seeds": [0, 1],
            },
        ]
    },
    "grafts": {
        "data": "logit-first50",
        "n_latent": 3,
        "runs_of": [{"models": ["deep"], "noise_variances": [1, 10]}],
        "updates": 4,
        "seeds": [0, 1],
    },
    "likelihood": {
        "data": "logit-first50",
        "n_latent": 3,
        "runs_of": [{"models": ["deep"], "noise_variances": [1]}],
        "updates": 4,
        "seeds": [0, 1],
    },
}
# Measured otherwise than usual.
MEASUREMENT = {"epsilon": 0.3, "delta": 0.05}


def _study(**sections):
    raw = {"name": "x", "models": MODELS, "study": sections, "measurement": MEASUREMENT}
    return load(raw)


def _is_deep(config, run):
    return not config.models[run.model].decoder.is_linear


def _deep(config):
    return [run for run in config.study.all_runs(config.names()) if _is_deep(config, run)]


def _evidence(config):
    """Paths of what claims may read."""
    return paths_of(config.study.evidence(config.names()))


def _spec(config):
    """Return what the job tells the program, after its way through JSON."""
    return json.loads(
        json.dumps(
            {
                "study": config.study.model_dump(mode="json"),
                "models": {name: config.model_on(name, "cpu").identity() for name in config.models},
                "names": config.names().to_dict(),
                "measurement": config.measurement.model_dump(mode="json"),
                "margins": config.margins.identity(),
                "cpu_seconds": job_seconds(
                    config.models,
                    [
                        *_deep(config),
                        *config.study.runs("stochastic", config.names()),
                        *config.study.runs("encoders", config.names()),
                    ],
                    RATES,
                ),
            }
        )
    )


def _deep_metrics(run):
    learned = run.noise.startswith("learned")
    percents = {"0.03": 0.0, "0.1": 0.0, "0.3": 10.0 + 30.0 * run.seed + 50.0 * learned}
    metrics = {
        "elbo": -90.0,
        "above_linear": 10.0,
        "linear_bound": -100.0,
        "linear_bound_active": 2,
        "linear_elbo": -100.0,
        "test_linear_elbo": -101.0,
        "noise_variance": 1.0,
        "largest_eigenvalue": 5.0,
        "kl": 3.0,
        "tuned_elbo": -89.0,
        "tuned_noise_variance": 0.9,
        "predicted_inactive_percent": 30.0,
        "test_elbo": -91.0,
        "test_above_linear": 10.0,
    }
    for prefix in ("", "test_"):
        rho = {"deep": 4.0, "wider": 3.0, "widest": 2.0}.get(run.model, 1.0) + 0.01 * run.seed
        metrics |= {f"{prefix}residual_gain": 9.0, f"{prefix}residual_gain_error": 0.5}
        metrics[f"{prefix}residual_max"] = rho
    used = {epsilon: round(run.n_latent * (1 - p / 100)) for epsilon, p in percents.items()}
    for prefix in ("", "test_"):
        metrics |= {f"{prefix}collapse_percent": percents, f"{prefix}used_latents": used}
    return with_gaps(metrics)


def _deep_curves(run):
    """Make up divergences: of two latents of seed 0 above those of the linear optimum."""
    deep = [0.02] * 3 if run.seed else [0.5, 0.5, 0.05]
    found = {}
    for prefix in ("", "test_"):
        for before, nats in (("", deep), ("linear_", [0.05] * 3)):
            kl = np.tile(nats[: run.n_latent], (5, 1))
            found |= CollapseCurve.from_kl(kl).arrays(prefix + before)
            found[f"{prefix}{before}mean_kl"] = kl.mean(0)
    return found


def _linear_metrics(gap):
    return {
        "gap": gap,
        "marginal_gap": gap,
        "inference_gap": 0.0,
        "mean_abs_cos": 1.0 if gap < 1 else 0.5,
        "steps": 5,
    }


def _write_runs(config, gap):
    """Write all files of runs that claims may read; L-BFGS ends at a gap."""
    gaps = {"adam": 7.0, "lbfgs": gap, "plain": gap}
    for run in config.study.all_runs(config.names()):
        deep = _is_deep(config, run)
        own = gaps.get(run.model, 2.0)
        metrics = _deep_metrics(run) if deep else _linear_metrics(own)
        write_json(path_of(Product("metrics.json", run=run)), metrics)
        if deep:
            write_arrays(path_of(Product("kl.npz", run=run)), **_deep_curves(run))
        curve = pd.DataFrame({"step": [0, 10], "elbo": [-60.0, -50.0 - own], "gap": [10.0, own]})
        curve = curve.assign(images=50 * curve["step"], used_latents=3.0, learning_rate=0.001)
        write_csv(path_of(Product("curve.csv", run=run)), curve)


def _write_grafts(config, above, n_grafted=2):
    """Write what arms of grafts give; those of the certificate end above the others."""
    section = config.study.grafts
    for run in section.runs(config.names()):
        for arm in ARMS:
            nats = above + 0.1 * run.seed if arm == "certificate" else 0.0
            values = {"grafted": 0 if arm == "none" else n_grafted}
            for prefix in ("", "test_"):
                values |= {f"{prefix}elbo": -80.0 + nats, f"{prefix}start_elbo": -90.0 + nats}
                values[f"{prefix}grafted_used"] = values["grafted"]
            write_json(path_of(section.file(run, arm)), values)


def _write_bounds(config, more):
    """Write what runs come to by either bound; the importance-weighted one uses more latents."""
    section = config.study.likelihood
    for run in section.runs(config.names()):
        for bound in BOUNDS:
            values = {}
            for prefix in ("", "test_"):
                used = 1 + more * (bound == "iwae")
                values |= {f"{prefix}decoder_used": used, f"{prefix}decoder_kl": 2.0 * used}
                values[f"{prefix}iwae"] = -80.0 + used
            write_json(path_of(section.file(run, bound)), values)


def _write_tables(config):
    """Write the tables of the sections without runs of their own."""
    study, names = config.study, config.names()
    starts = {"kind": ["random"], "gap": 0.0, "gradient": 1e-9, "curvature": np.nan}
    starts |= {"rotate": True, "saddles": 0, "saddle_gap": np.nan, "iterations": 9}
    write_csv(path_of(study.restarts.table(names)), pd.DataFrame({**starts, "mean_abs_cos": 1.0}))
    saddle = {"n_latent": [2], "gap": 0.5, "predicted_gap": 0.5, "marginal_gap": 0.25}
    saddle |= {"gradient": 1e-7, "likelihood_gradient": 0.1, "curvature": 0.01}
    saddle |= {"turning_curvature": 0.005, "end_gap": 0.0, "end_gradient": 0.0}
    saddle |= {"end_curvature": np.nan, "saddles": 1, "iterations": 9}
    write_csv(path_of(study.saddles.table(names)), pd.DataFrame(saddle))
    point = {"noise_at": 4, "noise_variance": 2.0, "retained": "1-2", "direction": 1}
    point |= {"eigenvalue": 1.0, "used": False, "formula": -0.5, "autograd": -0.5}
    point |= {"off_diagonal": 0.0, "gradient": 0.0, "largest": 0.0, "n_zero": 1}
    write_csv(path_of(study.stationary.table(names)), pd.DataFrame([point]))
    k = np.arange(1, 9)
    maxima = pd.DataFrame({"n_latent": k, "fixed_log_likelihood": -((k - 5.0) ** 2)})
    for path in paths_of(study.latent_dim.evidence(names)):
        write_csv(path, maxima)


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A study with every section that a claim is about, and its results in the current folder."""
    monkeypatch.chdir(tmp_path)
    config = _study(**SECTIONS)
    _write_runs(config, 1e-6)
    _write_tables(config)
    _write_grafts(config, 8.0)
    _write_bounds(config, 1)
    return config


def _results(config):
    return Results(Inputs(_evidence(config)), _spec(config))


def _judged(config):
    return [found.to_dict() for found in judge(Inputs(_evidence(config)), _spec(config))]


def test_the_catalogue_is_in_order_and_names_what_there_is():
    numbers = [claim.number for claim in CLAIMS]
    assert numbers == list(range(1, 19))
    assert len({claim.text for claim in CLAIMS}) == len(CLAIMS)
    assert {claim.question for claim in CLAIMS} == set(QUESTIONS) == {1, 2, 3, 4}
    shown = {name.partition("_")[0]: source.section for name, source in FIGURES.items()}
    for claim in CLAIMS:
        assert claim.section in Study.model_fields
        for name in claim.shown_in:
            # Table 1 is of the deep runs.
            assert (shown | {"table1": "recipes"})[name] == claim.section


def test_every_claim_reads_what_the_study_says_and_all_of_it_is_read(config):
    evidence = _evidence(config)
    found = _judged(config)
    for claim in found:
        assert claim["evidence"]
        assert set(claim["evidence"]) <= set(evidence)
    # Every file that the job is given decides something.
    assert {path for claim in found for path in claim["evidence"]} == set(evidence)


def test_deep_runs_are_measured_as_the_study_says(config):
    runs = deep_runs(_results(config), "recipes")
    assert len(runs) == 6 + 2 + 12
    assert runs.groupby(["kind", "seed"])["collapse"].first().tolist() == [10.0, 40.0, 60.0, 90.0]
    assert (runs["test_inference_gap"] == 3.0).all()
    # Shares of latents in use at other thresholds.
    assert (runs["used_0.3"] == 100.0 - runs["collapse"]).all()
    assert (runs["test_used_0.03"] == 100.0).all()
    fixed = deep_runs(_results(config), "recipes", kind="fixed", curves=True)
    assert fixed["kind"].unique().tolist() == ["fixed"]
    assert len(fixed) == 6 + 2
    extra = fixed.groupby("seed")[["extra_0.1", "test_extra_0.1"]].max()
    assert extra.to_numpy().ravel().tolist() == pytest.approx([200 / 3, 200 / 3, 0.0, 0.0])


def test_what_a_run_costs_is_that_of_its_model_and_size(config):
    data = config.names().data("logit-first50")
    told = {f"{model}/{data}/k3": seconds for model, seconds in (("deep", 60), ("long", 120))}
    spec = {**_spec(config), "cpu_seconds": told}
    results = Results(Inputs(_evidence(config)), spec)
    runs = deep_runs(results, "endings").groupby("model")["cpu_seconds"].unique()
    assert runs.map(list).to_dict() == {"deep": [60.0], "long": [120.0]}


def test_sections_share_runs_and_each_counts_once(config):
    results = _results(config)
    together = deep_runs(results, "recipes", "endings", "sizes")
    # The shorter recipe of `endings` is one of `recipes`.
    assert len(together) == 20 + 2 + 1 + 6
    assert len(deep_runs(results, "endings")) == 4


def test_the_linear_encoder_is_the_single_matrix(config):
    linear = encoder_runs(_results(config)).groupby("model")["linear"].first()
    assert linear.to_dict() == {"adam": True, "deep-linear": True, "relu": False}


def test_pairs_are_of_one_learning_rate(config):
    curves = pair_curves(_results(config))
    # Two recorded steps of two seeds.
    sizes = curves.groupby(["learning_rate", "stochastic"]).size().to_dict()
    assert sizes == {(0.001, False): 4, (0.001, True): 4, (0.1, False): 4, (0.1, True): 4}
    adam = curves[(curves["learning_rate"] == 0.001) & ~curves["stochastic"]]
    assert adam.groupby("seed")["gap"].min().tolist() == [7.0, 7.0]


def test_margins_are_the_study_s(config):
    def margins(told):
        rows = _judged(told)[9]["rows"]
        return {row["margin"] for row in rows if row["subject"] == "deep" and row["answer"]}

    assert margins(config) == {10.0}
    wide = config.model_copy(
        update={"margins": config.margins.model_copy(update={"theory": 200.0})}
    )
    assert margins(wide) == {200.0}


def test_a_claim_reads_nothing_that_its_job_does_not_name(config):
    (run, *_) = config.study.runs("linear", config.names())
    results = Results(Inputs([]), _spec(config))
    with pytest.raises(ValueError, match=r"metrics.json.*seed=0.* is not among the inputs"):
        results.metrics(run)


def test_changed_results_change_the_verdict(config):
    verdicts = {claim["id"]: claim["verdict"] for claim in _judged(config)}
    assert (verdicts[1], verdicts[3]) == ("supported", "supported")
    _write_runs(config, 2.0)
    # L-BFGS came to its end two nats short.
    assert _judged(config)[0]["verdict"] == "not supported"


def test_claims_without_results_say_so(config):
    found = _judged(_study(linear=SECTIONS["linear"]))
    for claim, judged in zip(CLAIMS, found, strict=True):
        if claim.section != "linear":
            assert judged["verdict"] == "inconclusive"
            assert judged["sentence"] == f"Not run: study.{claim.section} is null."
            assert judged["evidence"] == []


def test_variations_may_be_left_out(config):
    without = SECTIONS | {"endings": None, "sizes": None}
    found = _judged(_study(**without))
    assert len(found[11]["evidence"]) == 20


def test_each_recipe_has_a_verdict_and_the_paper_s_is_the_headline(config):
    grows, decides = (_judged(config)[number - 1] for number in (8, 9))
    # The annealed recipe was run at one noise variance, and is not asked for a trend.
    assert set(grows["verdicts"]) == {"deep"}
    assert {"deep", "slow"} <= set(decides["verdicts"])
    assert decides["verdict"] == decides["verdicts"]["slow"]


def test_a_claim_with_another_section_is_judged_by_that_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = _study(endings=SECTIONS["endings"])
    _write_runs(config, 1e-6)
    found = {claim["id"]: claim for claim in _judged(config)}
    # 2 nats by the encoder and 1 by the family: seeds that agree have no interval.
    assert {row["mean"] for row in (r["interval"] for r in found[17]["rows"])} >= {1.0}
    assert found[16]["sentence"] == "Not run: study.likelihood is null."
    assert found[18]["sentence"].startswith("No two recipes")


def test_the_document_holds_every_claim_and_survives_json(config, tmp_path):
    found = _judged(config)
    write_json(tmp_path / "claims.json", found)
    text = claims_text(json.loads((tmp_path / "claims.json").read_text()), "some data", "mine")
    assert text.startswith("# Claims, judged by the study mine\n")
    assert "Data: some data." in text
    for claim in found:
        assert f"## {claim['id']}. {claim['claim']}" in text
        assert claim["sentence"] in text
    assert f"`{found[0]['evidence'][0]}`" in text
    assert "and 5 more" in text
    assert "Verdict: **supported**. See fig1, fig10." in text
