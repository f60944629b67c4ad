import pytest

from linvae.report.symbols import symbols


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("sigma^2 = 3", "<var>σ</var><sup>2</sup> = 3"),
        ("the sigma^2-tuned ELBO", "the <var>σ</var><sup>2</sup>-tuned ELBO"),
        ("lambda_i <= 1", "<var>λ</var><sub>i</sub> &lt;= 1"),
        ("rho_1 / sigma^2", "<var>ρ</var><sub>1</sub> / <var>σ</var><sup>2</sup>"),
        ("1.18e-07 nats", "1.18 × 10<sup>−7</sup> nats"),
        ("1.2 × 10^−7", "1.2 × 10<sup>−7</sup>"),
        # Names are none.
        ("logit-lambda0.1, 12e, sigmas", "logit-lambda0.1, 12e, sigmas"),
        ("<script>", "&lt;script&gt;"),
    ],
)
def test_formulas_are_formulas_and_the_rest_is_text(text, html):
    assert symbols(text) == html
