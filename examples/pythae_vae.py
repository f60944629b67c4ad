"""A VAE by pythae, its own model and trainer, diagnosed, its sigma^2 changed, diagnosed again.

Usage: python examples/pythae_vae.py
Needs the package pythae (pip install pythae). About a minute on one core.

pythae's VAE takes half the summed squared error and the KL: sigma^2 = 1. Its BetaVAE weighs the KL
by beta, which is sigma^2 then: a small beta is no trick against collapse, but a sigma^2 below more
of the data's eigenvalues.
"""

import logging
import tempfile

import torch
from pythae.models import VAE, BetaVAE, BetaVAEConfig, VAEConfig
from pythae.pipelines import TrainingPipeline
from pythae.trainers import BaseTrainerConfig

from linvae import data, preprocess
from linvae.diagnose import Diagnosis, diagnose, noise_variance_of

SHAPE, K, EPOCHS = (1, 28, 28), 32, 40


def noise_variance(model: VAE) -> float:
    """Read sigma^2 off the model's own loss."""
    return noise_variance_of(
        lambda x, x_hat, mean, log_variance: model.loss_function(
            x_hat, x, mean, log_variance, None
        )[0],
        SHAPE,
        K,
    )


def diagnosis(model: VAE, train: torch.Tensor, test: torch.Tensor) -> Diagnosis:
    """Diagnose a model of pythae, whose encoders and decoders give named outputs."""

    def encode(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = model.encoder(x)
        return found.embedding, found.log_covariance

    def decode(z: torch.Tensor) -> torch.Tensor:
        return model.decoder(z).reconstruction

    return diagnose(train, encode, decode, noise_variance(model), held_out=test, step=1 / 255)


def main() -> None:
    """Train, diagnose, and again at a sigma^2 at which linear theory uses all latents."""
    torch.set_num_threads(1)
    logging.disable(logging.INFO)
    train, test = (
        torch.as_tensor(preprocess.pixels(data.load(split=split, source="embedded")[0]))
        .float()
        .reshape(-1, *SHAPE)
        for split in ("train", "test")
    )
    options = {"input_dim": SHAPE, "latent_dim": K, "reconstruction_loss": "mse"}
    model = VAE(VAEConfig(**options))
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            settings = BaseTrainerConfig(
                output_dir=folder,
                num_epochs=EPOCHS,
                learning_rate=2e-3,
                scheduler_cls="CosineAnnealingLR",
                scheduler_params={"T_max": EPOCHS},
                per_device_train_batch_size=128,
                no_cuda=True,
            )
            TrainingPipeline(model=model, training_config=settings)(train_data=train)
        found = diagnosis(model, train, test)
        print(f"\n{model.model_name}: sigma^2 = {found.noise_variance:g}\n{found}\n")
        # Half of the summed squared error has the weight 1/2.
        beta = found.noise_variance_for(K).kl_weight(error_weight=0.5)
        model = BetaVAE(BetaVAEConfig(beta=beta, **options))


if __name__ == "__main__":
    main()
