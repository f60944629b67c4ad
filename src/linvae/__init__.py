"""Linear VAEs, probabilistic PCA and posterior collapse.

In a notebook::

    from linvae import data, ppca, preprocess, solve
    from linvae.spectrum import Spectrum
    from linvae.threads import one_blas_thread

    images, provenance = data.load("MNIST", n=1000, source="embedded")
    with one_blas_thread():
        spectrum = Spectrum.from_data(preprocess.logit(images))
        solution = solve.lbfgs(spectrum, n_latent=50)
    print(ppca.max_log_likelihood(spectrum, 50) - solution.elbo)    # 1e-7 nats
"""


def __getattr__(name: str) -> str:
    """Look up the version when it is asked for: reading the metadata takes longer than this."""
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("linvae")
        except PackageNotFoundError:  # on the path, and not installed
            return "0+unknown"
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
