"""Look for saddle points that the ELBO of the linear VAE adds to the likelihood's."""

from linvae.jobs.program import run


def main(settings: dict, spectrum: str, points: str, paths: str) -> None:
    """Write one row a saddle point and way on, and the paths through them."""
    from linvae.files import write_csv
    from linvae.landscape.saddle_climbs import saddle_climbs
    from linvae.linear.spectrum import Spectrum

    found, followed = saddle_climbs(Spectrum.load(spectrum), settings["n_latents"])
    write_csv(points, found)
    write_csv(paths, followed)


if __name__ == "__main__":
    run(main)
