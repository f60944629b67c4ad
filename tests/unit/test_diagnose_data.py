"""Data at every public boundary of the diagnosis: at their right value, or one clear line."""

import warnings

import numpy as np
import pytest
import scipy.sparse
import torch

from linvae.diagnose import collapse_bound, diagnose

N, D, K, NOISE = 200, 6, 2, 0.5
X = np.random.default_rng(0).normal(size=(N, D)) * [3, 2, 1, 1, 1, 1]
MATRIX = np.random.default_rng(1).normal(size=(D, K)) / 4


def encode(x):
    return x.reshape(len(x), -1) @ MATRIX, np.full((len(x), K), -1.0)


def decode(z):
    return z @ MATRIX.T


def model(data, **options):
    return diagnose(data, encode, decode, NOISE, draws=2, **options).train.elbo


BOUNDARIES = {
    "diagnose": model,
    "held_out": lambda data: model(X, held_out=data),
    "collapse_bound": lambda data: collapse_bound(data, 1000.0).log_sup,
}


def quietly(make):
    """Make a tensor of a kind that torch calls a beta."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


MASKED = np.ma.masked_greater(X, 2)
TENSOR = torch.tensor(X)
WRONG = {
    "masked": (MASKED, "100 masked entries|masked entries; fill them"),
    "rows that are masked": (list(MASKED), "masked entries; fill them"),
    "nested masks": ([[row] for row in MASKED], "masked entries; fill them"),
    "scipy.sparse": (scipy.sparse.csr_matrix(X), r"sparse \(csr_matrix\).*\.toarray\(\)"),
    "sparse array": (scipy.sparse.coo_array(X), r"sparse \(coo_array\).*\.toarray\(\)"),
    "torch.sparse": (TENSOR.to_sparse(), r"sparse .*\.to_dense\(\)"),
    "sparse rows": (quietly(TENSOR.to_sparse_csr), r"sparse .*\.to_dense\(\)"),
    "nested tensor": (
        quietly(lambda: torch.nested.nested_tensor([TENSOR, TENSOR])),
        "nested tensor",
    ),
    "quantized": (
        quietly(lambda: torch.quantize_per_tensor(TENSOR.float(), 0.1, 0, torch.qint8)),
        "dequantize",
    ),
    "without values": (TENSOR.to("meta"), "device meta"),
    "complex": (X + 0j, "complex numbers; give real"),
    "complex tensor": (TENSOR + 0j, "complex numbers; give real"),
    "objects": (X.astype(object), r"Python objects; .*astype\(float\)"),
    "text": (X.astype(str), "text; read it as numbers"),
    "bytes": (X.astype("S"), "bytes of text"),
    "dates": (np.zeros((N, D), "M8[s]"), r"datetime64\[s\]; make numbers"),
    "fields": (np.zeros((N, D), [("a", "f8")]), "make numbers of it"),
    "ragged": ([[1.0, 2.0], [3.0]], "no array of numbers"),
    "none": (X[:0], "numbers of data and features must be positive"),
    "no features": (X[:, :0], "numbers of data and features must be positive"),
    "one row": (X[:, 0], r"\(200,\).*reshape\(-1, 1\)"),
    "a number": (np.float64(3), "is a float64; an array or tensor"),
    "None": (None, "is a NoneType; an array or tensor"),
    "a dict": ({"images": X}, "is a dict; an array or tensor"),
    "a generator": ((row for row in X), "is a generator; an array or tensor"),
    "a name": ("images.npy", "is a str; an array or tensor"),
    "NaN": (np.where(X > 5, np.nan, X), r"not finite \(row \d+\)"),
    "infinite tensor": (torch.where(TENSOR > 5, torch.inf, TENSOR), r"not finite \(row \d+\)"),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_what_is_no_data_is_refused_in_one_line(boundary, kind):
    data, told = WRONG[kind]
    if data is None and boundary == "held_out":
        return
    with pytest.raises(ValueError, match=told) as caught:
        BOUNDARIES[boundary](data)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("held_out" if boundary == "held_out" else "data")


RIGHT = {
    "list": X.tolist(),
    "no entry masked": np.ma.array(X),
    "gradient": torch.tensor(X, requires_grad=True),
    "long double": X.astype(np.longdouble),
    "foreign": X.astype(">f8"),
    "negative view": torch.complex(TENSOR, -TENSOR).conj().imag,
    "images": X.reshape(N, 2, 3),
    "read only": np.broadcast_to(X, X.shape),
}


@pytest.mark.parametrize("kind", RIGHT)
@pytest.mark.parametrize("boundary", ["diagnose", "collapse_bound"])
def test_what_holds_numbers_is_taken_at_its_value(boundary, kind):
    data, call = RIGHT[kind], BOUNDARIES[boundary]
    if boundary == "diagnose":
        functions = lambda x: encode(np.asarray(x)), lambda z: decode(np.asarray(z))
        found = diagnose(data, *functions, NOISE, draws=2).train.elbo
    else:
        found = call(data)
    assert found == pytest.approx(call(X), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.uint16, np.int8, bool])
def test_whole_numbers_are_numbers(dtype):
    data = (np.abs(X) > 1).astype(dtype)
    assert model(data) == pytest.approx(model(data.astype(float)), rel=1e-6)
    whole, real = collapse_bound(data, 0.9), collapse_bound(data.astype(float), 0.9)
    assert (whole.proved, whole.reason) == (real.proved, real.reason)


@pytest.mark.parametrize("value", [0.0, 1.0, -1e6])
def test_data_that_are_all_the_same(value):
    """All that is left is their mean: collapse is proved, at any sigma^2, and nothing to look at.

    Those that differ by their rounding are no others.
    """
    data = np.full((N, D), value)
    for same in (data, data * (1 + 1e-15 * np.random.default_rng(0).integers(0, 2, (N, 1)))):
        found = collapse_bound(same, 1e-3)
        assert found.proved
        assert found.log_sup == pytest.approx(0, abs=1e-9)
        with pytest.raises(ValueError, match="the same in every row") as caught:
            diagnose(same, encode, lambda z: np.full((len(z), D), value), NOISE)
        assert "\n" not in str(caught.value)
    # Beside data that differ they are held-out data as any.
    assert diagnose(X, encode, decode, NOISE, draws=2, held_out=data).held_out.n == N


def test_data_that_hardly_differ_are_still_judged():
    data = 1 + 1e-6 * X
    found = diagnose(data, encode, lambda z: np.ones((len(z), D)), NOISE, draws=2)
    assert found.kind == "proved"
    assert found.data_eigenvalues[0] == pytest.approx(1e-12 * X.var(0).max(), rel=0.1)


def test_a_model_without_any_error_has_no_best_noise_variance():
    """Its ELBO has no bound: the logarithm of that sigma^2 was a math domain error."""
    data = X[:, :K].astype(np.float32)
    with pytest.raises(ValueError, match="without any error") as caught:
        diagnose(data, lambda x: (x, np.full(x.shape, -78.0)), lambda z: z, NOISE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("starts", [0, -1, 1.0])
def test_starts_are_a_number_of_data(starts):
    with pytest.raises(ValueError, match="starts="):
        collapse_bound(X, 1.0, starts=starts)


@pytest.mark.parametrize("noise", ["1", np.nan, None, -1.0, 1j, np.ones(2)])
def test_the_noise_variance_of_a_bound_is_one_positive_number(noise):
    with pytest.raises(ValueError, match="noise_variance") as caught:
        collapse_bound(X, noise)
    assert "\n" not in str(caught.value)
