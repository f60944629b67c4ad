"""Maximise the linear VAE's ELBO from many starts."""

from linvae.jobs.program import run


def main(settings: dict, spectrum: str, table: str) -> None:
    """Write one row a start."""
    from linvae.files import write_csv
    from linvae.landscape.restarts import restarts
    from linvae.linear.spectrum import Spectrum

    given = (settings[key] for key in ("n_latent", "scales", "seeds"))
    write_csv(table, restarts(Spectrum.load(spectrum), *given))


if __name__ == "__main__":
    run(main)
