"""Which noise variance a loss implies: weights of squared error and KL, read off by asking it."""
