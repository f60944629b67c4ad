"""Training of an encoder alone: its linear decoder is solved for at every step.

For means m(x) and variances s(x) of the posterior, C = E (x - mu) m^T, A = E (m m^T + diag s),
the ELBO of a linear decoder is largest at

    W = C A^-1,    sigma^2 = [tr S - tr(W^T C)] / d,    D_ii = sigma^2 / (|w_i|^2 + sigma^2),

the last where the variance is shared by all data. By the envelope theorem the ELBO's gradient
at the solution is that in the encoder alone, the solution being held.

References
----------
Golub and Pereyra (1973) on variable projection; Lucas et al. (2019), appendix, for the optimal D.
"""

import torch
from torch import Tensor

from linvae.training.models import GaussianVAE
from linvae.training.objectives import gaussian_kl

__all__ = ["hold_decoder", "solve_decoder", "solved_terms"]

# W and sigma^2 are exact for a D, and D for them: each sweep goes up, and training goes on from it.
SWEEPS = 3


def hold_decoder(model: GaussianVAE) -> None:
    """Take what is solved for out of the parameters that are trained, in place."""
    model.decoder.requires_grad_(False)
    if model.log_noise_variance.requires_grad:
        model.log_noise_variance.requires_grad_(False)
    if not model.encoder.amortised:
        model.encoder.log_variance.requires_grad_(False)


def solved_terms(model: GaussianVAE, y: Tensor) -> tuple[Tensor, Tensor]:
    """Squared error and KL per datum, after the decoder has been solved for the encoder.

    Parameters
    ----------
    model
        With a decoder that is one matrix; `hold_decoder` has been called. Its decoder, noise
        variance (if it is learned) and shared posterior variance are changed in place.
    y
        All data in the network's units, shape (n, d), as ``model.units.inward`` gives them.
    """
    mean, log_variance = model.encoder(y)
    solve_decoder(model, y, mean.detach(), log_variance.detach())
    if not model.encoder.amortised:
        log_variance = model.encoder.log_variance
    decoder = model.network_matrix()
    error = model.units.mean_squared_norm(y - mean @ decoder.T)
    spread = (torch.exp(log_variance) * model.units.squared_norm(decoder.T)).sum(-1).mean()
    return error + spread, gaussian_kl(mean, log_variance).sum(1).mean()


@torch.no_grad()
def solve_decoder(
    model: GaussianVAE, y: Tensor, mean: Tensor, log_variance: Tensor, sweeps: int = SWEEPS
) -> None:
    """Set W, a learned sigma^2 and a shared D to their best for the encoder's output, in place.

    Parameters
    ----------
    model
        Changed in place.
    y
        All data in the network's units, shape (n, d).
    mean, log_variance
        Of q(z|x) for them, (n, k), and (n, k) or (k,).
    sweeps
        Rounds of W and sigma^2 for a D, and D for them.
    """
    y, mean, log_variance = y.double(), mean.double(), log_variance.double()
    n, shared = len(y), not model.encoder.amortised
    cross = y.T @ mean / n
    second = mean.T @ mean / n
    variance = torch.exp(log_variance) if shared else torch.exp(log_variance).mean(0)
    total = y.square().sum() / n
    noise = torch.exp(model.log_noise_variance.double()) / model.units.scale.double().square()
    for _ in range(sweeps if shared else 1):
        weights = torch.linalg.solve(second + torch.diag(variance), cross.T).T
        if _noise_is_learned(model):
            noise = (total - (weights * cross).sum()) / y.shape[1]
        if shared:
            variance = noise / (weights.square().sum(0) + noise)
    (layer,) = model.decoder
    layer.weight.copy_(weights)
    if _noise_is_learned(model):
        model.log_noise_variance.copy_(torch.log(noise * model.units.scale.double().square()))
    if shared:
        model.encoder.log_variance.copy_(torch.log(variance))


def _noise_is_learned(model: GaussianVAE) -> bool:
    return "log_noise_variance" in dict(model.named_parameters(recurse=False))
