"""Inference with the decoder held: against closed forms of the linear VAE, and quadrature."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from linvae.measure.inference import STARTS, optimised
from linvae.measure.inference_gap import inference_gap
from linvae.measure.log_likelihood import LogLikelihood, log_likelihood
from linvae.measure.posterior import Posterior, batches, elbo_of, encoded

D, K, NOISE, N = 6, 3, 0.7, 40
DOUBLE = {"dtype": torch.float64}


class LinearVAE:
    """A linear decoder, its posteriors in closed form, and data that are not all its own."""

    def __init__(self, *, orthogonal, first=4.0):
        rng = np.random.default_rng(5)
        self.w = np.linalg.qr(rng.normal(size=(D, K)))[0] * [first, 2.0, 0.5]
        self.mu, rotation = rng.normal(size=D), np.linalg.qr(rng.normal(size=(K, K)))[0]
        self.orthogonal = orthogonal
        if not orthogonal:
            self.w = self.w @ rotation
        self.data = 1.3 * rng.normal(size=(N, K)) @ self.w.T + rng.normal(size=(N, D)) + self.mu
        m = self.w.T @ self.w + NOISE * np.eye(K)
        self.mean = (self.data - self.mu) @ np.linalg.solve(m, self.w.T).T
        self.variance, self.precision = NOISE / np.diag(m), m / NOISE
        covariance = self.w @ self.w.T + NOISE * np.eye(D)
        self.log_p = multivariate_normal(self.mu, covariance).logpdf(self.data)
        family = 0.5 * (np.log(np.diag(m)).sum() - np.linalg.slogdet(m)[1])
        self.best_elbo = self.log_p - family

    def decode(self, z):
        return z @ torch.as_tensor(self.w.T, dtype=z.dtype) + torch.as_tensor(
            self.mu, dtype=z.dtype
        )

    def encoder(self, shift, log_variance):
        """Give the best means, moved, and log variances of some value, or of the best."""

        def encode(x):
            centred = x - torch.as_tensor(self.mu)
            to_mean = np.linalg.solve(self.precision * NOISE, self.w.T).T
            best = torch.as_tensor(np.log(self.variance))
            value = best if log_variance is None else torch.full((K,), log_variance).double()
            return centred @ torch.as_tensor(to_mean) + shift, value.expand(len(x), K)

        return encode

    def elbo(self, q):
        """ELBO of any q: log p(x) less its divergence from the posterior, a full Gaussian."""
        off, variance = q.mean - self.mean, np.exp(q.log_variance)
        square = np.einsum("ni,ij,nj->n", off, self.precision, off)
        trace = variance @ np.diag(self.precision)
        log_det = q.log_variance.sum(1) + np.linalg.slogdet(self.precision)[1]
        return self.log_p - 0.5 * (square + trace - log_det - K)


@pytest.fixture(scope="module", params=[True, False], ids=["orthogonal", "mixed"])
def vae(request):
    return LinearVAE(orthogonal=request.param)


@pytest.fixture(scope="module")
def mixed():
    return LinearVAE(orthogonal=False)


@pytest.fixture(scope="module")
def best(vae):
    return optimised(vae.encoder(1.0, 0.0), vae.decode, vae.data, NOISE, seed=0, **DOUBLE)


@pytest.mark.parametrize(
    ("shift", "log_variance"),
    [(0.0, 0.0), (2.0, None), (-3.0, -9.0), (0.0, -1640.0), (40.0, 3.0)],
    ids=["wide", "shifted", "narrow and off", "a point", "far away"],
)
def test_the_best_diagonal_posterior_is_found_from_bad_encoders(vae, shift, log_variance):
    encode = vae.encoder(shift, log_variance)
    found = optimised(encode, vae.decode, vae.data, NOISE, seed=1, **DOUBLE)
    # What 200 noisy steps leave, where the family of a mixed decoder costs 0.6.
    assert (vae.best_elbo - vae.elbo(found)).max() < 0.002
    assert (vae.elbo(found) <= vae.best_elbo + 1e-9).all()
    deviation = np.sqrt(vae.variance)
    np.testing.assert_allclose(found.mean / deviation, vae.mean / deviation, atol=0.05)
    np.testing.assert_allclose(found.log_variance, np.log(vae.variance)[None] + 0 * found.mean,
                               atol=0.15)  # fmt: skip
    reported = elbo_of(found, vae.decode, vae.data, NOISE, seed=1, draws=500, **DOUBLE)
    assert reported.mean() == pytest.approx(vae.best_elbo.mean(), abs=0.02)


def test_many_coupled_latents_leave_little_noise():
    """Directions orthogonal in turn estimate curvatures so well: independent ones leave 0.05."""
    k, rng = 20, np.random.default_rng(0)
    w = np.linalg.qr(rng.normal(size=(k, k)))[0] * np.geomspace(8, 0.5, k)
    w = torch.as_tensor(w @ np.linalg.qr(rng.normal(size=(k, k)))[0])

    def encode(x):
        return torch.zeros(len(x), k), torch.zeros(len(x), k)

    data = rng.normal(size=(10, k)) @ w.numpy().T
    found = optimised(encode, lambda z: z @ w.T, data, 1.0, seed=0, **DOUBLE)
    excess = found.log_variance + np.log(np.diag(w.T @ w) + 1.0)
    shortfall = 0.5 * (np.expm1(excess) - excess).sum(1)
    assert shortfall.max() < 0.01


def test_the_family_costs_something_where_columns_are_mixed(mixed):
    assert (mixed.log_p - mixed.best_elbo).min() > 0.5


def test_single_precision_finds_it_too(vae):
    def encode(x):
        return torch.zeros(len(x), K), torch.zeros(len(x), K)

    found = optimised(encode, vae.decode, vae.data, NOISE, seed=1)
    assert (vae.best_elbo - vae.elbo(found)).max() < 0.01


@pytest.mark.parametrize(("shift", "log_variance"), [(0.0, None), (0.3, -1.0), (0.0, 0.0)])
def test_elbo_equals_the_closed_form(vae, shift, log_variance):
    q = encoded(vae.encoder(shift, log_variance), vae.data, **DOUBLE)
    found = elbo_of(q, vae.decode, vae.data, NOISE, seed=3, draws=1000, **DOUBLE)
    # Log weights are quadratic in the draws, of deviation |I - C| for curvature C in units of q.
    scale = np.exp(0.5 * q.log_variance[0])
    excess = np.linalg.norm(scale[:, None] * vae.precision * scale - np.eye(K))
    error = excess * math.sqrt(0.5 / 500)
    np.testing.assert_allclose(found, vae.elbo(q), atol=4.5 * error + 1e-9)
    spread = (found - vae.elbo(q)).std(ddof=1) / math.sqrt(N)
    assert (found - vae.elbo(q)).mean() == pytest.approx(0, abs=4 * spread + 1e-9)


def test_the_gaps_are_those_of_the_closed_forms(mixed):
    encode = mixed.encoder(0.4, -0.5)
    found = inference_gap(encode, mixed.decode, mixed.data, NOISE, seed=2, draws=100, **DOUBLE)
    numbers = found.numbers()
    own = encoded(encode, mixed.data, **DOUBLE)
    amortisation = mixed.best_elbo - mixed.elbo(own)
    # The noise of 200 draws for each of 40 data, seen over data.
    noise = found.optimised_elbo - found.encoder_elbo - amortisation
    error = noise.std(ddof=1) / math.sqrt(N)
    assert numbers["amortisation_gap"] == pytest.approx(amortisation.mean(), abs=4 * error + 0.01)
    # Of a linear decoder the proposal is the posterior, so that log p(x) is exact.
    np.testing.assert_allclose(found.likelihood.log_likelihood, mixed.log_p, atol=1e-3)
    family = (mixed.log_p - mixed.best_elbo).mean()
    assert numbers["approximation_gap"] == pytest.approx(family, abs=0.05)
    assert numbers["inference_gap"] == pytest.approx(
        numbers["amortisation_gap"] + numbers["approximation_gap"]
    )
    for name in ("amortisation", "approximation", "inference"):
        assert numbers[f"{name}_gap_error"] > 0
    assert (numbers["inference_data"], numbers["unreliable_data"]) == (N, 0)


def test_a_gap_is_not_clipped(mixed):
    found = inference_gap(mixed.encoder(0.4, -0.5), mixed.decode, mixed.data, NOISE, seed=2)
    turned = replace(found, encoder_elbo=found.optimised_elbo, optimised_elbo=found.encoder_elbo)
    assert turned.numbers()["amortisation_gap"] < 0


def test_an_encoder_that_nothing_beats_is_kept(vae, monkeypatch):
    encode = vae.encoder(0.0, None)
    # Optimisation that ends at twice the best variance costs 0.15 nats a latent.
    monkeypatch.setattr(
        "linvae.measure.inference._climb",
        lambda decode, x, place, *others: torch.stack(
            [place[0], torch.as_tensor(np.log(2 * vae.variance)).expand_as(place[1])]
        ),
    )
    found = optimised(encode, vae.decode, vae.data, NOISE, seed=0, draws=400, **DOUBLE)
    own = encoded(encode, vae.data, **DOUBLE)
    assert {STARTS[start] for start in found.start} == {"encoder, not optimised"}
    np.testing.assert_array_equal(found.mean, own.mean)
    np.testing.assert_array_equal(found.log_variance, own.log_variance)


def test_each_datum_has_the_start_that_serves_it():
    # z^2 sees no sign: an encoder at the wrong end of a decoder with a ditch between.
    def encode(x):
        return torch.where(x[:, :1] > 0, 3.0, -30.0), torch.full((len(x), 1), -4.0)

    def decode(z):
        return torch.where(z < -20, z + 10, 3 * torch.tanh(z))

    data = np.array([[2.9], [-2.0]])
    found = optimised(encode, decode, data, 0.1, seed=0, **DOUBLE)
    assert STARTS[found.start[1]] == "prior"
    assert found.mean[1] == pytest.approx(-math.atanh(2 / 3), abs=0.1)


def test_a_candidate_without_a_value_is_never_the_best():
    def encode(x):
        return torch.full((len(x), 2), 3.0), torch.full((len(x), 2), -3.0)

    def decode(z):
        return torch.where(z.sum(1, keepdim=True) < 3, torch.nan, z)

    found = optimised(encode, decode, np.full((5, 2), 3.0), 0.1, seed=0, **DOUBLE)
    assert "prior" not in {STARTS[start] for start in found.start}
    assert np.isfinite(found.mean).all()


@pytest.mark.parametrize("always", [True, False], ids=["correlated", "diagonal or correlated"])
def test_log_p_is_exact_where_the_proposal_is_the_posterior(vae, best, always):
    proposal = "correlated" if always or not vae.orthogonal else "diagonal"
    options = {"seed": 0 if always else 1, "proposal": proposal, **DOUBLE}
    found = log_likelihood(best, vae.decode, vae.data, NOISE, draws=200, widening=1.0, **options)
    # What is left is how far an optimised mean is from the best, 0.003 of a deviation.
    np.testing.assert_allclose(found.log_likelihood, vae.log_p, atol=1e-3)
    assert found.effective_draws.min() > 199
    draws = 4000
    wider = log_likelihood(best, vae.decode, vae.data, NOISE, draws=draws, widening=1.2, **options)
    # The noise of the draws, by their effective number.
    error = np.sqrt((draws / wider.effective_draws - 1) / draws)
    assert (np.abs(wider.log_likelihood - vae.log_p) < 5 * error).all()
    off = (wider.log_likelihood - vae.log_p).mean()
    assert off == pytest.approx(0, abs=4 * np.sqrt((error**2).sum()) / N)
    assert wider.numbers()["unreliable"] == 0


def test_a_correlated_proposal_serves_where_the_diagonal_one_is_told_to_fail():
    """Weights of the diagonal one have a tail of k = 1 less the least curvature, in units of q."""
    mixed = LinearVAE(orthogonal=False, first=12.0)
    scale = np.sqrt(mixed.variance)
    assert 1 - np.linalg.eigvalsh(scale[:, None] * mixed.precision * scale)[0] > 0.85
    q = optimised(mixed.encoder(0.0, 0.0), mixed.decode, mixed.data, NOISE, seed=0, **DOUBLE)
    options = {"seed": 0, "widening": 1.0, **DOUBLE}
    told = {
        proposal: log_likelihood(
            q, mixed.decode, mixed.data, NOISE, proposal=proposal, **options
        ).numbers()
        for proposal in ("diagonal", "correlated")
    }
    # A fit to the 95 largest of 1,000 weights has a deviation of (1 + k) / sqrt(95), 0.2.
    assert told["diagonal"]["unreliable"] > 0.5 * N
    assert told["correlated"]["unreliable"] == 0
    assert told["diagonal"]["log_likelihood"] < mixed.log_p.mean()


def test_latents_that_are_not_in_use_cost_nothing(mixed):
    """Sixty of them: they are left at the prior, and no proposal is widened along them."""
    spare = 60
    generator = torch.Generator().manual_seed(0)

    def encode(x):
        mean, log_variance = mixed.encoder(0.5, 0.0)(x)
        noise = 0.3 * torch.randn(len(x), spare, generator=generator, dtype=torch.float64)
        return torch.cat([mean, noise], 1), torch.cat([log_variance, noise], 1)

    def decode(z):
        return mixed.decode(z[:, :K])

    found = optimised(encode, decode, mixed.data, NOISE, seed=0, **DOUBLE)
    assert found.kl[:, K:].sum(1).max() < 1e-3
    used = Posterior(found.mean[:, :K], found.log_variance[:, :K])
    assert (mixed.best_elbo - mixed.elbo(used)).max() < 0.02
    for proposal in ("correlated", "diagonal"):
        options = {"seed": 0, "draws": 500, "proposal": proposal, "widening": 1.2, **DOUBLE}
        whole = log_likelihood(found, decode, mixed.data, NOISE, **options)
        alone = log_likelihood(used, mixed.decode, mixed.data, NOISE, **options)
        # By other draws, so alike only on average; widened, they would leave 3 of 500.
        ratio = whole.effective_draws.mean() / alone.effective_draws.mean()
        assert ratio == pytest.approx(1, abs=0.1)


TANH_NOISE = 0.3


class TanhDecoder(torch.nn.Module):
    """A small network whose posteriors are no Gaussians."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(3)

        def matrix(*shape):
            return torch.nn.Parameter(
                0.5 * torch.randn(*shape, generator=generator, dtype=torch.float64)
            )

        self.first, self.second, self.bias = matrix(2, 8), matrix(8, 5), matrix(5)

    def forward(self, z):
        return torch.tanh(z @ self.first) @ self.second + self.bias


@pytest.fixture
def tanh():
    decoder = TanhDecoder()
    rng = np.random.default_rng(7)
    with torch.no_grad():
        z = torch.as_tensor(rng.normal(size=(12, 2)))
        data = decoder(z).numpy() + math.sqrt(TANH_NOISE) * rng.normal(size=(12, 5))
    return decoder, data


def prior_encoder(x):
    return torch.zeros(len(x), 2, dtype=torch.float64), torch.zeros(len(x), 2, dtype=torch.float64)


def quadrature(decoder, data):
    """Return log p(x) by a sum over a grid, far finer and wider than any posterior."""
    axis = np.linspace(-6, 6, 241)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    with torch.no_grad():
        decoded = decoder(torch.as_tensor(grid)).numpy()
    square = ((data[:, None] - decoded) ** 2).sum(2) / TANH_NOISE
    log_joint = -0.5 * (square + 5 * math.log(2 * math.pi * TANH_NOISE) + (grid**2).sum(1))
    cell = 2 * math.log(axis[1] - axis[0]) - math.log(2 * math.pi)
    return logsumexp(log_joint, axis=1) + cell


@pytest.mark.parametrize("proposal", ["correlated", "diagonal"])
def test_log_p_of_a_network_equals_quadrature(tanh, proposal):
    decoder, data = tanh
    exact, draws = quadrature(decoder, data), 4000
    best = optimised(prior_encoder, decoder, data, TANH_NOISE, seed=0, **DOUBLE)
    found = log_likelihood(best, decoder, data, TANH_NOISE, seed=1, draws=draws,
                           proposal=proposal, widening=1.3, **DOUBLE)  # fmt: skip
    # The noise of the draws, by their effective number.
    error = np.sqrt((draws / found.effective_draws - 1) / draws)
    assert error.max() < 0.02
    assert (np.abs(found.log_likelihood - exact) < 5 * error).all()
    # Away from the mean a bent posterior may have more than a Gaussian's tails.
    assert found.numbers()["unreliable"] <= 2
    elbo = elbo_of(best, decoder, data, TANH_NOISE, seed=1, draws=1000, **DOUBLE)
    # A bound: the noise of 1,000 draws is below 0.03 nats.
    assert (elbo < exact + 0.03).all()


def test_a_proposal_that_is_far_too_narrow_is_told():
    vae = LinearVAE(orthogonal=True)
    best = Posterior(vae.mean, np.broadcast_to(np.log(vae.variance), (N, K)))
    options = {"seed": 0, "draws": 1000, "proposal": "diagonal", **DOUBLE}
    narrow = Posterior(best.mean, best.log_variance - 2 * math.log(5))
    numbers = log_likelihood(narrow, vae.decode, vae.data, NOISE, widening=1.0, **options).numbers()
    assert numbers["unreliable"] > 0.8 * N
    assert numbers["largest_pareto_k"] > 0.9
    good = log_likelihood(best, vae.decode, vae.data, NOISE, widening=1.2, **options).numbers()
    assert good["unreliable"] == 0
    assert good["effective_samples"] > 300
    assert good["log_likelihood"] > numbers["log_likelihood"]


def test_numbers_are_plain_and_take_nan_for_unreliable():
    log_p = np.array([-3.0, -5.0, -4.0])
    numbers = LogLikelihood(log_p, np.array([9.0, 2.0, 7.0]), np.array([0.1, np.nan, 0.8]), 10)
    told = numbers.numbers()
    assert told["log_likelihood"] == -4.0
    assert told["log_likelihood_error"] == pytest.approx(1 / math.sqrt(3))
    assert told["effective_samples"] == 2.0
    assert told["unreliable"] == 2.0
    assert all(type(value) is float for value in told.values())


def test_the_same_seed_gives_the_same_bytes(tanh):
    decoder, data = tanh

    def everything(seed):
        q = optimised(prior_encoder, decoder, data, TANH_NOISE, seed=seed, steps=20, **DOUBLE)
        elbo = elbo_of(q, decoder, data, TANH_NOISE, seed=seed, draws=10, **DOUBLE)
        p = log_likelihood(q, decoder, data, TANH_NOISE, seed=seed, draws=50, **DOUBLE)
        arrays = (q.mean, q.log_variance, q.start, elbo, p.log_likelihood, p.effective_draws)
        return b"".join(array.tobytes() for array in (*arrays, p.pareto_k))

    first = everything(6)
    torch.manual_seed(99)
    assert everything(6) == first
    assert everything(7) != first
    q = encoded(prior_encoder, data, **DOUBLE)
    one, other = (elbo_of(q, decoder, data, TANH_NOISE, seed=i, **DOUBLE) for i in range(2))
    assert (one != other).all()
    one, other = (log_likelihood(q, decoder, data, TANH_NOISE, seed=i, **DOUBLE) for i in range(2))
    assert (one.log_likelihood != other.log_likelihood).all()


def test_the_decoder_is_left_as_it_was(tanh):
    decoder, data = tanh
    decoder.second.requires_grad_(False)
    before = {name: value.clone() for name, value in decoder.state_dict().items()}
    with torch.no_grad():
        q = optimised(prior_encoder, decoder, data, TANH_NOISE, seed=0, steps=5, **DOUBLE)
    elbo_of(q, decoder, data, TANH_NOISE, seed=0, draws=4, **DOUBLE)
    log_likelihood(q, decoder, data, TANH_NOISE, seed=0, draws=30, **DOUBLE)
    for name, parameter in decoder.named_parameters():
        assert parameter.grad is None
        assert parameter.requires_grad is (name != "second")
        assert torch.equal(parameter, before[name])


@pytest.mark.parametrize("hide", [torch.no_grad(), torch.inference_mode()])
def test_a_decoder_without_gradients_is_told(mixed, hide):
    def decode(z):
        with hide:
            return mixed.decode(z)

    with pytest.raises(ValueError, match="no gradient by z"):
        optimised(mixed.encoder(0.0, 0.0), decode, mixed.data, NOISE, seed=0, **DOUBLE)


def test_parts_of_the_data_are_small_and_cover_them_once():
    data = np.zeros((1100, 7), dtype=np.float32)
    rows = [part for part, _ in batches(data, torch.float64)]
    assert [part.start for part in rows] == [0, 512, 1024]
    assert sum(len(x) for _, x in batches(data, torch.float64)) == 1100
    for width, copies in ((12_288, 1), (784, 200), (50_000, 400)):
        size = len(next(batches(np.zeros((600, width), np.float32), torch.float32, copies))[1])
        assert size == 1 or 4 * 8 * size * width * copies < 200e6


def test_several_parts_are_joined_in_order(mixed, monkeypatch):
    monkeypatch.setattr("linvae.measure.posterior._MOST_ROWS", 17)
    encode = mixed.encoder(1.0, 0.0)
    found = optimised(encode, mixed.decode, mixed.data, NOISE, seed=0, steps=100, **DOUBLE)
    # A row in another's place would be nats off.
    assert (mixed.best_elbo - mixed.elbo(found)).max() < 0.05
    p = log_likelihood(found, mixed.decode, mixed.data, NOISE, seed=0, draws=100, **DOUBLE)
    np.testing.assert_allclose(p.log_likelihood, mixed.log_p, atol=0.05)


def test_wrong_input_is_told(mixed):
    encode, decode, data = mixed.encoder(0.0, 0.0), mixed.decode, mixed.data
    q = encoded(encode, data, **DOUBLE)
    with pytest.raises(ValueError, match="noise_variance"):
        optimised(encode, decode, data, 0.0, seed=0)
    with pytest.raises(ValueError, match="steps=0"):
        optimised(encode, decode, data, 1.0, seed=0, steps=0)
    with pytest.raises(ValueError, match="draws"):
        elbo_of(q, decode, data, 1.0, seed=0, draws=2.5)
    with pytest.raises(ValueError, match="of 40 data"):
        elbo_of(q, decode, data[:5], 1.0, seed=0)
    with pytest.raises(ValueError, match="proposal='other'"):
        log_likelihood(q, decode, data, 1.0, seed=0, proposal="other")
    with pytest.raises(ValueError, match="widening"):
        log_likelihood(q, decode, data, 1.0, seed=0, widening=-1.0)
