"""What callers hand over is taken with its right value, or refused in one line."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

from linvae import arrays

VALUES = [[1.0, 0.1], [-2.5, 3e4]]
MASKED = np.ma.masked_array(VALUES, mask=[[0, 1], [0, 0]])


@pytest.mark.parametrize(
    "given",
    [
        VALUES,
        tuple(map(tuple, VALUES)),
        np.array(VALUES),
        np.asfortranarray(VALUES),
        np.array(VALUES, dtype=object),
        np.ma.masked_array(VALUES, mask=False),
        pd.DataFrame(VALUES),
        torch.tensor(VALUES, dtype=torch.float64, requires_grad=True),
    ],
    ids=["list", "tuple", "array", "fortran", "object", "mask of nothing", "table", "gradient"],
)
def test_numbers_are_taken_whatever_holds_them(given):
    found = arrays.real("x", given)
    assert type(found) is np.ndarray
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, VALUES)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble, np.int8, np.uint64])
def test_other_precisions_keep_their_very_value(dtype):
    given = np.array([[1, 2], [100, 3]], dtype)
    np.testing.assert_array_equal(arrays.real("x", given), [[1, 2], [100, 3]])
    # 0.1 in single precision is another number, and stays that.
    assert arrays.real("x", np.float32(0.1)) == float(np.float32(0.1))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.int64])
def test_tensors_of_any_precision(dtype):
    found = arrays.real("x", torch.tensor([1, 2], dtype=dtype))
    np.testing.assert_array_equal(found, [1.0, 2.0])


def test_double_precision_is_not_copied():
    given = np.ones(3)
    assert arrays.real("x", given) is given


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (MASKED, "w has 1 masked entries"),
        (np.array([1 + 1j]), "w holds complex128 values; real numbers"),
        (np.array([1 + 0j]), "complex128"),
        (np.array([1 + 1j], dtype=object), "w holds object values"),
        (torch.tensor([1 + 1j]), "complex64"),
        (np.array(["1", "2"]), "<U1 values"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "datetime64"),
        ([[1.0, 2.0], [3.0]], "w is no array of numbers"),
        (scipy.sparse.eye(3), r"w is sparse .*: say w.toarray\(\)"),
        (pd.DataFrame({"a": [1, pd.NA]}), "w holds object values"),
        ([1.0, None], "w holds a value that is not finite"),
        ([[1.0, 2.0], [3.0, math.nan]], r"not finite \(first in row 1\)"),
        (np.array([1.0, -math.inf]), "not finite"),
        (10**400, "w holds object values"),
        (torch.eye(2).to_sparse(), r"w is sparse .*: say w.to_dense\(\)"),
    ],
)
def test_what_would_be_changed_is_refused_in_one_line(given, text):
    with pytest.raises(ValueError, match=text) as caught:
        arrays.real("w", given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [3, 3.0, np.float32(3), np.array(3.0), np.array([3]), torch.tensor(3.0, requires_grad=True),
     Fraction(3), [3.0]],
)  # fmt: skip
def test_one_number(given):
    found = arrays.number("s", given)
    assert type(found) is float
    assert found == 3.0
    assert arrays.positive("s", given) == 3.0


def test_one_tensor_may_be_a_parameter_of_single_precision():
    parameter = torch.nn.Parameter(torch.tensor([0.1]))
    assert arrays.number("s", parameter) == float(np.float32(0.1))


@pytest.mark.parametrize(
    "given",
    [
        [[1.0], [1.0, 2.0]],
        True,
        np.True_,
        "3",
        b"3",
        3 + 0j,
        None,
        [1.0, 2.0],
        math.nan,
        math.inf,
        np.ma.masked,
        {},
    ],
)
def test_what_is_no_single_number_is_refused(given):
    with pytest.raises(ValueError, match="s"):
        arrays.number("s", given)
    with pytest.raises(ValueError, match="s"):
        arrays.positive("s", given)


@pytest.mark.parametrize("given", [0.0, -1.0, 0, -0.0])
def test_positive_excludes_zero(given):
    with pytest.raises(ValueError, match=r"s=.* must be a positive finite number"):
        arrays.positive("s", given)


@pytest.mark.parametrize("given", [3, np.int64(3), np.uint8(3), np.array(3), torch.tensor(3)])
def test_whole_numbers_of_any_type(given):
    found = arrays.whole("k", given)
    assert type(found) is int
    assert found == 3


@pytest.mark.parametrize("given", [3.0, True, np.True_, "3", None, np.float64(3), np.array([1, 2])])
def test_no_other_type_is_taken_for_a_count(given):
    with pytest.raises(ValueError, match=r"k=.* must be a whole number"):
        arrays.whole("k", given)


def test_shape_of_a_matrix():
    assert arrays.matrix("x", np.zeros((0, 3)), 3).shape == (0, 3)
    for bad in (np.zeros(3), np.zeros((3, 2)), 1.0):
        with pytest.raises(ValueError, match=r"x has shape .*; \(n, 3\) is needed"):
            arrays.matrix("x", bad, 3)
