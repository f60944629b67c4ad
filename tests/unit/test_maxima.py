import numpy as np
import pytest

from linvae.landscape.maxima_table import maxima
from linvae.linear import ppca
from linvae.linear.spectrum import Spectrum


def test_table_agrees_with_single_fits():
    x = np.random.default_rng(0).standard_normal((50, 6)) * np.arange(1, 7)
    spectrum = Spectrum.from_data(x)
    table = maxima(spectrum, fixed_at=2).set_index("n_latent")
    assert list(table.index) == [1, 2, 3, 4, 5]
    fixed = ppca.fit(spectrum, 2).noise_variance
    for k in table.index:
        best = ppca.fit(spectrum, k)
        row = table.loc[k]
        assert row.noise_variance == pytest.approx(best.noise_variance, rel=1e-12)
        exact = best.log_likelihood(spectrum)
        assert row.max_log_likelihood == pytest.approx(exact, rel=1e-10)
        other = ppca.PPCA(best.weights, best.mean, fixed).log_likelihood(spectrum)
        assert row.fixed_log_likelihood == pytest.approx(other, rel=1e-10)
    assert table.loc[2, "fixed_log_likelihood"] == pytest.approx(
        table.loc[2, "max_log_likelihood"], rel=1e-12
    )


def test_it_ends_where_the_likelihood_is_unbounded():
    spectrum = Spectrum.from_data(np.random.default_rng(0).standard_normal((4, 6)))
    assert list(maxima(spectrum).n_latent) == [1, 2]
    assert "fixed_log_likelihood" not in maxima(spectrum)
