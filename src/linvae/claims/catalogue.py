"""All claims, and the questions of the study that they answer."""

from linvae.claims.added_saddles import ADDED_SADDLES
from linvae.claims.annealing import ANNEALING_LEAVES_COLLAPSE
from linvae.claims.collapse_grows import COLLAPSE_GROWS
from linvae.claims.encoders import OTHER_ENCODERS
from linvae.claims.inference_costs import ENCODER_COSTS_MORE
from linvae.claims.initial_value import INITIAL_VALUE_DECIDES
from linvae.claims.latent_dim import LIKELIHOOD_OVER_LATENTS
from linvae.claims.maximum import COLUMNS_ARE_COMPONENTS, REACHES_MAXIMUM
from linvae.claims.more_latents import MORE_LATENTS
from linvae.claims.nats_left import NATS_CAN_BE_HAD
from linvae.claims.same_order import SAME_ORDER
from linvae.claims.spurious_maxima import NO_SPURIOUS_MAXIMA
from linvae.claims.stability import STABILITY
from linvae.claims.start_and_rate import START_AND_RATE
from linvae.claims.stochastic import STOCHASTIC_TRAINING
from linvae.claims.theory import PREDICTED
from linvae.claims.total_collapse import TOTAL_COLLAPSE

__all__ = ["CLAIMS", "QUESTIONS"]

QUESTIONS = {
    1: "Does maximising the ELBO of a linear VAE recover the maximum likelihood of pPCA?",
    2: "Does the ELBO add spurious local maxima to the marginal likelihood?",
    3: "Are the columns of the decoder the principal components?",
    4: "Is posterior collapse in deep Gaussian VAEs explained by sigma^2?",
}

# In the order of their numbers.
CLAIMS = (
    REACHES_MAXIMUM,
    NO_SPURIOUS_MAXIMA,
    COLUMNS_ARE_COMPONENTS,
    STABILITY,
    LIKELIHOOD_OVER_LATENTS,
    STOCHASTIC_TRAINING,
    OTHER_ENCODERS,
    COLLAPSE_GROWS,
    INITIAL_VALUE_DECIDES,
    PREDICTED,
    ANNEALING_LEAVES_COLLAPSE,
    TOTAL_COLLAPSE,
    NATS_CAN_BE_HAD,
    ADDED_SADDLES,
    START_AND_RATE,
    MORE_LATENTS,
    ENCODER_COSTS_MORE,
    SAME_ORDER,
)
