"""Linear VAEs, probabilistic PCA and posterior collapse.

The public names are loaded when they are used. Inside the library and the workflow modules are
imported by their own names, which the fingerprint of a program can see. In a notebook::

    from linvae import Spectrum, data, one_blas_thread, ppca, preprocess, solve

    images, provenance = data.load("MNIST", n=1000, source="embedded")
    with one_blas_thread():
        spectrum = Spectrum.from_data(preprocess.logit(images))
        solution = solve.lbfgs(spectrum, n_latent=50)
    print(ppca.max_log_likelihood(spectrum, 50) - solution.elbo)    # 1e-7 nats
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from linvae import diagnose
    from linvae.bypass import residual
    from linvae.images import load as data
    from linvae.images import preprocess
    from linvae.linear import alignment, elbo, ppca, saddles, solve, spectrum
    from linvae.linear.spectrum import Spectrum
    from linvae.measure import collapse
    from linvae.measure.inference_gap import inference_gap
    from linvae.threads import one_blas_thread

__all__ = [
    "Spectrum",
    "alignment",
    "collapse",
    "data",
    "diagnose",
    "elbo",
    "inference_gap",
    "one_blas_thread",
    "ppca",
    "preprocess",
    "residual",
    "saddles",
    "solve",
    "spectrum",
]

_MODULES = {
    "alignment": "linvae.linear.alignment",
    "collapse": "linvae.measure.collapse",
    "data": "linvae.images.load",
    "diagnose": "linvae.diagnose",
    "elbo": "linvae.linear.elbo",
    "ppca": "linvae.linear.ppca",
    "preprocess": "linvae.images.preprocess",
    "residual": "linvae.bypass.residual",
    "saddles": "linvae.linear.saddles",
    "solve": "linvae.linear.solve",
    "spectrum": "linvae.linear.spectrum",
}
_MEMBERS = {
    "Spectrum": "linvae.linear.spectrum",
    "inference_gap": "linvae.measure.inference_gap",
    "one_blas_thread": "linvae.threads",
}


def __getattr__(name: str) -> object:
    """Load a public name, or look up the version, when it is asked for."""
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _MEMBERS:
        return getattr(import_module(_MEMBERS[name]), name)
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("linvae")
        except PackageNotFoundError:  # on the path, and not installed
            return "0+unknown"
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
