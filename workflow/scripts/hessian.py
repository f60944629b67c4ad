"""Measure the curvature of the marginal likelihood at its stationary points."""

from linvae.jobs.program import run


def main(settings: dict, spectrum: str, table: str) -> None:
    """Write one row a stationary point and direction."""
    from linvae.files import write_csv
    from linvae.landscape.hessian import hessian_table
    from linvae.linear.spectrum import Spectrum

    found = hessian_table(Spectrum.load(spectrum), settings["n_latent"], settings["noise_at"])
    write_csv(table, found)


if __name__ == "__main__":
    run(main)
