"""Every part of the benchmark page at a tiny size, and that what it compares is the same thing."""

import platform
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from linvae.files import write_text
from linvae.linear import elbo, ppca
from linvae.linear.ascent import profiled_gradient
from linvae.linear.spectrum import Spectrum
from linvae.training import objectives
from linvae.training.exact import linear_weights

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "benchmarks"))  # as `python benchmarks/page.py` has it

import analytic  # noqa: E402
import by_rule  # noqa: E402
import deep  # noqa: E402
import machine  # noqa: E402
import nats  # noqa: E402
import optimisers  # noqa: E402
import page  # noqa: E402
import parts  # noqa: E402

TINY = deep.Shape(784, (8, 6), 3)
HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(0)
    return generator.normal(size=(60, 9)) * np.arange(1, 10) + 1


@pytest.fixture(scope="module")
def spectrum(rows):
    return Spectrum.from_data(rows)


def test_both_analytic_steps_are_of_the_same_loss(rows, spectrum):
    model = analytic.linear_vae(spectrum, 3, "float64")
    sources = torch.as_tensor(spectrum.covariance), torch.as_tensor(rows - spectrum.mean)
    ours = analytic.value_and_gradient(model, analytic.covariance_loss, sources[0])
    theirs = analytic.value_and_gradient(model, analytic.rows_loss, sources[1])
    found = linear_weights(model)
    exact = elbo.analytic(
        found.weights, found.encoder, found.posterior_variance, found.noise_variance, spectrum
    )
    assert ours[0] == pytest.approx(-exact, rel=1e-12)
    assert theirs[0] == pytest.approx(-exact, rel=1e-12)
    assert len(ours[1]) == len(theirs[1]) == 4
    for one, other in zip(ours[1], theirs[1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def test_steps_that_differ_are_not_timed(rows, spectrum):
    assert max(analytic._differences(spectrum, rows - spectrum.mean, 3)) < 1e-12
    with pytest.raises(RuntimeError, match="losses differ by"):
        analytic._differences(spectrum, rows, 3)  # not centred


def test_the_em_step_is_that_of_the_paper(spectrum):
    w, s = optimisers.start(spectrum, 3)
    covariance, identity = np.diag(spectrum.eigenvalues), np.eye(3)
    inverse = np.linalg.inv(w.T @ w + s * identity)
    # Tipping and Bishop (1999), equations 27 and 28
    new = covariance @ w @ np.linalg.inv(s * identity + inverse @ w.T @ covariance @ w)
    variance = np.trace(covariance - covariance @ w @ inverse @ new.T) / 9
    found, noise_variance = optimisers.em_step(w, s, spectrum.eigenvalues, full=True)
    np.testing.assert_allclose(found, new, rtol=1e-10, atol=1e-12)
    assert noise_variance == pytest.approx(variance, rel=1e-10)


def test_the_variational_m_step_is_stationary(spectrum):
    w, s = optimisers.start(spectrum, 3)
    encoder, variance = elbo.best_encoder(w, s)
    new, noise_variance = optimisers.em_step(w, s, spectrum.eigenvalues, full=False)
    diagonal = Spectrum.from_covariance(np.diag(spectrum.eigenvalues), np.zeros(9), 60)

    def value(weights, noise):
        return elbo.analytic(weights, encoder, variance, noise, diagonal)

    best, generator = value(new, noise_variance), np.random.default_rng(1)
    for size in (1e-3, 1e-1):
        for _ in range(20):
            step = size * generator.normal(size=new.shape)
            assert value(new + step, noise_variance) < best
        assert value(new, noise_variance * (1 + size)) < best > value(new, noise_variance - size)


@pytest.mark.parametrize("full", [True, False])
def test_em_climbs_and_ends_at_the_maximum(spectrum, full):
    points = optimisers.em(spectrum, 3, full=full, iterations=20_000)
    gaps = np.array([point.gap for point in points])
    assert (np.diff(gaps) < 1e-9).all()
    assert -1e-9 < gaps[-1] <= 1e-6
    assert optimisers.first_at(points, 1e-6) == points[-1]
    assert (np.diff([point.seconds for point in points]) >= 0).all()


def test_turned_to_its_axes_what_em_finds_has_the_elbo_of_its_likelihood(spectrum):
    w, s = optimisers.start(spectrum, 3)
    for _ in range(3):
        w, s = optimisers.em_step(w, s, spectrum.eigenvalues, full=True)
    turned = w @ np.linalg.eigh(w.T @ w)[1]
    value, likelihood, _, _ = profiled_gradient(turned, s, spectrum.eigenvalues)
    before = profiled_gradient(w, s, spectrum.eigenvalues)
    assert value == pytest.approx(likelihood, abs=1e-9)
    assert likelihood == pytest.approx(before[1], abs=1e-9)
    assert before[0] < likelihood - 1e-6


def test_lbfgs_and_adam_are_measured_against_the_same_maximum(spectrum):
    solved, trained = optimisers.lbfgs(spectrum, 3), optimisers.adam(spectrum, 3, steps=300)
    assert -1e-9 < solved[-1].gap <= 1e-6
    assert solved[0].iteration == trained[0].iteration == 0
    assert trained[-1].iteration == 300
    assert 0 < trained[-1].gap < trained[0].gap
    first = optimisers.start(spectrum, 3)
    value = profiled_gradient(*first, spectrum.eigenvalues)[0]
    assert solved[0].gap == pytest.approx(ppca.max_log_likelihood(spectrum, 3) - value, rel=1e-9)


def test_what_is_not_reached_says_so():
    points = [optimisers.Point(0, 0.0, 9.0), optimisers.Point(40, 1.5, 0.5)]
    assert optimisers.first_at(points, 1.0) == points[1]
    assert optimisers._shown(points, 1.0) == "1.5 s (40)"
    assert optimisers._shown(points, 1e-2) == "not reached in 40 (1.5 s)"


def test_the_clock_leaves_out_looking():
    clock = parts.Clock()
    with clock:
        sum(range(3_000_000))
    with clock as seconds:
        assert 0 <= seconds < 0.02


def test_the_plain_loop_has_the_same_network_and_loss(rows):
    spectrum = Spectrum.from_data(rows)
    shape = deep.Shape(9, (8, 6), 3)
    model, _ = deep.linvae_vae(spectrum, shape, 10, "float64")
    plain = deep.PlainVAE(shape).double()
    with torch.no_grad():
        _copy(model, plain)
    x, noise = torch.as_tensor(rows), torch.randn(60, 3, dtype=torch.float64)
    terms = objectives.sampled_terms(model, model.units.inward(x), noise[None])
    ours = objectives.negative_elbo(*terms, model.log_noise_variance, 0)
    assert plain.loss(x, noise).item() == pytest.approx(ours.item(), rel=1e-10)


def _copy(model, plain):
    """Give the plain network linvae's weights, which see the data centred and scaled."""
    ours = [layer for layer in model.encoder.trunk if isinstance(layer, torch.nn.Linear)]
    heads = [model.encoder.mean[0], model.encoder.log_variance[0]]
    decoder = [layer for layer in model.decoder if isinstance(layer, torch.nn.Linear)]
    weights = [*(one.weight for one in ours), torch.cat([head.weight for head in heads])]
    biases = [*(one.bias for one in ours), torch.cat([head.bias for head in heads])]
    mean, scale = model.units.mean, model.units.scale
    weights[0] = weights[0] / scale
    biases[0] = biases[0] - weights[0] @ mean
    weights += [*(one.weight for one in decoder[:-1]), decoder[-1].weight * scale]
    biases += [*(one.bias for one in decoder[:-1]), decoder[-1].bias * scale + mean]
    layers = [one for one in (*plain.encoder, *plain.decoder) if isinstance(one, torch.nn.Linear)]
    for layer, weight, bias in zip(layers, weights, biases, strict=True):
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)


RUN = "deep/data/k3/fixed-1/seed0"


def address(digit):
    return 12 * str(digit)


def study(folder):
    """Write what Snakemake leaves of a small study, and of others that share its folder."""
    measured = {
        f"train_deep/{RUN}/{address(1)}": (10, 100, 9),
        f"train_deep/{RUN}/{address(2)}": (1000, 1000, 1000),
        f"evaluate_deep/{RUN}/{address(1)}/{address(3)}": (2, 130, 1.5),
        f"evaluate_deep/{RUN}/{address(1)}/{address(4)}": (1000, 1000, 1000),
        f"graft/{RUN}/{address(1)}/{address(3)}/graft-none-5/{address(5)}": (3, 120, 2.5),
        f"graft/{RUN}/{address(1)}/{address(3)}/graft-random-5/{address(6)}": (4, 110, 3.5),
        f"graft/{RUN}/{address(1)}/{address(3)}/graft-random-9/{address(7)}": (1000, 1000, 1000),
        f"spectrum/data/{address('a')}": ("0.2", "NA", "NA"),
        "spectrum/data": (1000, 1000, 1000),  # of the layout before addresses
        f"claims/{address('b')}": (1, 50, 0.5),
        f"claims/{address('c')}": (1000, 1000, 1000),
        f"publish/mine/{address('d')}": (0.5, 40, 0.25),
        f"publish/mine/{address('e')}": (1000, 1000, 1000),
    }
    for name, (seconds, memory, cpu) in measured.items():
        file = folder / "benchmarks" / f"{name}.tsv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{HEADER}{seconds}\t0:00:01\t{memory}\t1\t1\t1\t0\t0\t90\t{cpu}\n")
    trained = f"results/train/{RUN}/{address(1)}"
    grafts = [f"graft-none-5/{address(5)}/graft.json", f"graft-random-5/{address(6)}/graft.json"]
    at_one_address = [f"{trained}/model.safetensors", f"{trained}/curve.csv"]
    below_it = [f"{trained}/{address(3)}/{name}" for name in ("metrics.json", *grafts)]
    said = f"results/report/claims/{address('b')}/claims.json"
    named = [f"{path.rpartition('/')[2]} {path}" for path in (*at_one_address, *below_it, said)]
    write_text(folder / "mine" / f"finished-{address('d')}.txt", "\n".join(named))
    return folder / "mine"


def test_a_study_is_summed_up_by_rule(tmp_path):
    made = by_rule.part(study(tmp_path))
    assert "The study `mine`: 7 jobs" in made.text
    assert "(here 1)" in made.text
    assert str(tmp_path) not in made.markdown()
    assert made.table.set_index("rule").T.to_dict("list") == {
        "train_deep": ["1", "9", "10", "10.0", "100"],
        "graft": ["2", "6", "7", "4.0", "120"],
        "evaluate_deep": ["1", "2", "2", "2.0", "130"],
        "claims": ["1", "0", "1", "1.0", "50"],
        "publish": ["1", "0", "0", "0.5", "40"],
        "spectrum": ["1", "0", "0", "0.2", ""],
    }


def test_each_rule_is_counted_by_the_stamp_or_whole():
    text = "".join(file.read_text("utf-8") for file in (ROOT / "workflow" / "rules").glob("*.smk"))
    measured = set(re.findall(r'"results/benchmarks/(\w+)/', text))
    assert set(by_rule.OF_DATA) < measured
    rules = (ROOT / "workflow" / "rules" / "data.smk").read_text("utf-8")
    assert set(by_rule.OF_DATA) == set(re.findall(r"^rule (\w+):", rules, flags=re.MULTILINE))


def test_a_folder_that_is_no_study_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"no finished-\*\.txt"):
        by_rule.part(tmp_path)


def printing(folder, text):
    program = folder / "program.py"
    program.write_text(f"print({text!r})\n")
    return program


def test_a_diagnosis_is_read_off_what_its_benchmark_prints(tmp_path, capsys):
    import diagnose

    x = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    encode, decode = torch.nn.Linear(6, 4), torch.nn.Linear(2, 6)
    diagnose._timed("6 features", x, lambda y: encode(y).chunk(2, dim=1), decode, 1.0)
    part = page.diagnosis(printing(tmp_path, capsys.readouterr().out))
    assert part.table["of"].tolist() == ["6 features: 50 images (0 MiB), k = 2"]
    assert "s of processor time" in part.table["took"][0]
    with pytest.raises(RuntimeError, match="no line with a processor time"):
        page.diagnosis(printing(tmp_path, "nothing"))


def test_the_machine_is_described_without_its_name():
    told = machine.described().to_string()
    for word in ("CPU", "cores", "memory", "OS", "Python", "torch", "numpy", "BLAS"):
        assert word in told
    assert platform.node() not in told
    assert str(Path.home()) not in told


def test_the_page_holds_every_table(tmp_path, monkeypatch):
    line = "784 features: 9 images (1 MiB), k = 2: 1.0 s of processor time, peak +1 MiB to 2"
    stub = printing(tmp_path, line)
    methods = {
        **optimisers.METHODS,
        "Adam": lambda spectrum, k: optimisers.adam(spectrum, k, steps=20),
        "variational EM": lambda s, k: optimisers.em(s, k, full=False, iterations=20),
    }
    steps = analytic.part((30, 5_020), n_latent=2, rounds=1)
    climbs = optimisers.part(40, (2,), methods)
    loops = deep.part(70, (TINY,))
    found = page.diagnosis(stub)
    monkeypatch.setenv("LINVAE_DATA_DIR", str(tmp_path))
    told = yaml.safe_load(nats.TASK.read_text(encoding="utf-8"))
    told["task"] |= {"n_latent": 3, "images": [60, 600], "seeds": [0, 1], "elbos": [-1e5, -1]}
    told["model"]["encoder"]["hidden"] = told["model"]["decoder"]["hidden"] = [8]
    told["model"]["training"]["warmup_steps"] = 1
    for recipe in told["recipes"].values():
        recipe["training"]["batch_size"] = 10
    generator = np.random.default_rng(0)
    data = {split: generator.normal(size=(60, 9)) for split in ("train", "test")}
    ended = nats.part(told, data)
    for owner, name, part in (
        (nats, "part", ended),
        (analytic, "part", steps),
        (optimisers, "part", climbs),
        (deep, "part", loops),
        (page, "diagnosis", found),
    ):
        monkeypatch.setattr(owner, name, lambda part=part: part)
    output = tmp_path / "page.md"
    arguments = ["--study", str(study(tmp_path)), "--output", str(output)]
    monkeypatch.setattr(sys, "argv", ["page.py", *arguments])
    n_threads = torch.get_num_threads()
    page.main()
    torch.set_num_threads(n_threads)
    text = output.read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Machine",
        "## An analytic step, from the covariance and from the rows",
        "## Time to the maximum of a linear VAE",
        "## Deep training",
        "## Nats for seconds",
        "## A diagnosis",
        "## A study's time and memory, by rule",
    ]
    for begin in ("| 30 ", "| 5,020 ", "| 2   | L-BFGS", "| 2   | Adam", "| 2   | EM for pPCA"):
        assert f"\n{begin}" in text
    for begin in ("| 784-8-6, k = 3", "| 784 features: 9 images", "| train_deep", "| CPU "):
        assert f"\n{begin}" in text
    assert "{" not in text
    assert str(tmp_path) not in text
    assert "nan" not in text


def test_the_shortest_schedule_counts_that_ends_above_with_every_seed():
    rows = [
        ("a", 1000, 1.0, -30.0),
        ("a", 1000, 3.0, -10.0),
        ("a", 2000, 4.0, -12.0),
        ("a", 2000, 6.0, -11.0),
        ("b", 1000, 9.0, -40.0),
    ]
    runs = pd.DataFrame(rows, columns=["recipe", "images", "cpu_seconds", "elbo"])
    table = nats.reached(runs.assign(train_elbo=-5.0), [-31, -20, -11.5]).set_index("recipe")
    told = ["above -31", "above -20", "above -11.5"]
    assert table.loc["a", told].tolist() == ["2 (1)", "5 (2)", "-"]
    assert table.loc["b", told].tolist() == ["-", "-", "-"]
    assert table.loc["a", ["held out", "seconds"]].tolist() == ["-11.5", "5"]


def test_recipes_of_the_frozen_task_differ_in_what_they_say_alone():
    told = yaml.safe_load(nats.TASK.read_text(encoding="utf-8"))
    for by_length in nats.recipes(told).values():
        for images, settings in by_length.items():
            seen = settings.training.steps * settings.training.batch_size
            assert images - settings.training.batch_size < seen <= images
            assert settings.encoder.hidden == (256, 256)


def test_the_programs_that_are_named_are_there():
    import deep_throughput

    assert callable(deep_throughput.main)  # the README names it
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "python benchmarks/page.py" in makefile
    assert page.OUTPUT == ROOT / "docs" / "benchmarks.md"
