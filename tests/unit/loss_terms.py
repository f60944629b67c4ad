"""Terms of losses, from torch's own distributions, for tests that read sigma^2 off a loss."""

from torch.distributions import Normal, kl_divergence


def kl(mean, log_variance):
    """From the standard normal distribution, for each latent."""
    return kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0))


def total(terms):
    return terms.flatten(1).sum(1).mean()


def squares(x, y):
    return total((x - y) ** 2)
