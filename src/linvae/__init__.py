"""Linear VAEs, probabilistic PCA and posterior collapse."""

import time

# A job trusts no file of linvae that has changed since it began to import them.
IMPORTED_AT = time.time()


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
