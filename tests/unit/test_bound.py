import pandas as pd

from linvae.linear.bound import BOUND_NATS, below_bound


def test_what_remains_of_a_collapsed_run_s_kl_is_no_failure():
    bound = pd.Series([-3431.81, -100.0, -100.0])
    elbo = pd.Series([-3431.81 - 4e-5, -100.0 - 0.9 * BOUND_NATS, -100.0 - 1.1 * BOUND_NATS])
    assert below_bound(elbo, bound).tolist() == [False, False, True]
    assert below_bound(-207.0, 0.0)
