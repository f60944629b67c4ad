import dataclasses
import gc

import numpy as np
import pytest

from linvae.linear.spectrum import Spectrum


@pytest.fixture
def x():
    rng = np.random.default_rng(3)
    return rng.normal(size=(40, 6)) @ rng.normal(size=(6, 6)) + rng.normal(size=6)


def test_covariance_divides_by_n(x):
    spectrum = Spectrum.from_data(x)
    np.testing.assert_allclose(spectrum.mean, x.mean(axis=0), rtol=1e-14)
    # Two orders of summation of 40 terms: a few units of round-off.
    np.testing.assert_allclose(spectrum.covariance, np.cov(x.T, bias=True), rtol=1e-12)
    assert spectrum.n_samples == 40
    assert spectrum.n_features == 6


def test_eigensystem_rebuilds_the_covariance(x):
    spectrum = Spectrum.from_data(x)
    u, lam = spectrum.eigenvectors, spectrum.eigenvalues
    assert (np.diff(lam) <= 0).all()
    np.testing.assert_allclose(u.T @ u, np.eye(6), atol=1e-13)
    np.testing.assert_allclose((u * lam) @ u.T, spectrum.covariance, atol=1e-12 * lam[0])
    assert spectrum.total_variance == pytest.approx(lam.sum(), rel=1e-12)


def test_planted_axes_are_recovered_in_order():
    # Orthogonal columns with chosen variances: the eigenvectors are the coordinate axes.
    signs = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float)
    spectrum = Spectrum.from_data(signs * np.sqrt([2.0, 9.0, 4.0]))
    np.testing.assert_allclose(spectrum.eigenvalues, [9.0, 4.0, 2.0], rtol=1e-13)
    np.testing.assert_allclose(spectrum.eigenvectors, np.eye(3)[:, [1, 2, 0]], atol=1e-14)


def test_sign_of_eigenvectors_does_not_depend_on_the_data_sign(x):
    plus, minus = Spectrum.from_data(x), Spectrum.from_data(-x[::-1])
    np.testing.assert_allclose(plus.eigenvectors, minus.eigenvectors, atol=1e-10)
    peaks = np.abs(plus.eigenvectors).argmax(axis=0)
    assert (plus.eigenvectors[peaks, np.arange(6)] > 0).all()


def test_fewer_samples_than_features_leave_exact_zeros():
    spectrum = Spectrum.from_data(np.random.default_rng(0).normal(size=(4, 9)))
    assert (spectrum.eigenvalues[:3] > 0).all()
    assert (spectrum.eigenvalues[3:] == 0).all()


def test_constant_features_give_no_negative_eigenvalue(x):
    spectrum = Spectrum.from_data(np.hstack([x, np.full((40, 5), 0.3)]))
    assert (spectrum.eigenvalues >= 0).all()
    assert spectrum.eigenvalues[6:].max() <= 1e-14 * spectrum.eigenvalues[0]


def test_round_trip_keeps_every_bit_and_equal_spectra_give_equal_bytes(x, tmp_path):
    spectrum = Spectrum.from_data(x)
    spectrum.save(tmp_path / "a.npz")
    loaded = Spectrum.load(tmp_path / "a.npz")
    for field in dataclasses.fields(Spectrum):
        np.testing.assert_array_equal(getattr(loaded, field.name), getattr(spectrum, field.name))
    assert isinstance(loaded.n_samples, int)
    loaded.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def test_fields_cannot_be_reassigned(x):
    with pytest.raises(dataclasses.FrozenInstanceError):
        Spectrum.from_data(x).n_samples = 1


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (np.zeros(5), r"shape \(5,\)"),
        (np.zeros((1, 5)), r"shape \(1, 5\)"),
        (np.array([[1.0, 2.0], [np.nan, 1.0]]), "row 1"),
    ],
)
def test_bad_data_is_refused(bad, text):
    with pytest.raises(ValueError, match=text):
        Spectrum.from_data(bad)


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-200])


def _drop_array(path):
    np.savez(path, mean=np.zeros(2), n_samples=np.asarray(3))


def _misfit(path):
    arrays = dict(np.load(path))
    np.savez(path, **{**arrays, "eigenvalues": np.zeros(2)})


def _pickle(path):
    np.savez(path, mean=np.array([{}], dtype=object))


def _empty(path):
    path.write_bytes(b"")


def _other_format(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


# numpy leaves the file of a damaged archive to the garbage collector to close.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "damage", [_truncate, _drop_array, _misfit, _pickle, _empty, _other_format]
)
def test_damaged_file_is_named_in_one_line(damage, x, tmp_path):
    path = tmp_path / "s.npz"
    Spectrum.from_data(x).save(path)
    damage(path)
    with pytest.raises(ValueError, match=r"s\.npz") as error:
        Spectrum.load(path)
    assert "\n" not in str(error.value)
    del error
    gc.collect()
