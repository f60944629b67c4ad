"""From 8-bit images to real vectors, and from their log-likelihood back to bits per dimension."""

import math
from typing import Literal

import numpy as np

from linvae.arrays import matrix, number, real, unmasked
from linvae.seeds import numpy_generator

__all__ = ["bits_per_dimension", "inverse_logit", "logit", "logit_log_jacobian", "pixels"]

Preprocessing = Literal["pixels", "logit"]


def first(images: np.ndarray, n: int | None, what: str) -> np.ndarray:
    """Return the first n images, or all of them if n is None.

    Raises
    ------
    ValueError
        If there are fewer; `what` names them in the message.
    """
    if n is not None and n > len(images):
        msg = (
            f"n={n} images of {what} are asked for, but this source holds {len(images)}; lower the "
            f"number in config.yaml ('data' of the study's sections, such as logit-first1000, or "
            f"dataset.n_test) or choose another dataset.source"
        )
        raise ValueError(msg)
    return images[:n]


def splits_of(
    train: np.ndarray, test: np.ndarray, n_train: int | None, n_test: int, after: int = 0
) -> dict[str, np.ndarray]:
    """Return the images of a data variant, ``train`` and ``test``.

    Parameters
    ----------
    train, test
        All images of the two splits.
    n_train, n_test
        How many of each, from the start of the split; all training images if None.
    after
        Training images that are passed over. Where any are, the test images are the training
        images that follow those of the variant.

    Raises
    ------
    ValueError
        If there are fewer.
    """
    if not after:
        return {"train": first(train, n_train, "train"), "test": first(test, n_test, "test")}
    both = first(train, after + n_train + n_test, "train: those passed over, and both splits")
    return {"train": both[after : after + n_train], "test": both[after + n_train :]}


def pixels(images: np.ndarray) -> np.ndarray:
    """Scale bytes to [0, 1]: x / 255, without noise.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w), (n, h, w, c) or (n, d)

    Returns
    -------
    float64 array of shape (n, d)

    Raises
    ------
    ValueError
        If the images are not bytes, one image a row.
    """
    return _flat(images) / 255.0


def logit(
    images: np.ndarray, seed: int = 0, lam: float = 1e-6, *, stream: str = "train"
) -> np.ndarray:
    """Dequantise and map to the real line.

    ``y = (x + u) / 256`` with u uniform on [0, 1), then ``logit(lam + (1 - 2 lam) y)``. The noise
    of a row depends on the seed, the stream and the row's place only, not on how many rows follow.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w), (n, h, w, c) or (n, d)
    lam
        Distance kept from 0 and 1, between 0 and 1/2.
    seed, stream
        Of the noise. Give each split its own stream, or train and test rows share their noise.

    Returns
    -------
    float64 array of shape (n, d)

    Raises
    ------
    ValueError
        If the images are not bytes, one image a row, or `lam` is out of range.

    References
    ----------
    Papamakarios et al. 2017, *Masked autoregressive flow for density estimation*.
    """
    lam = _checked_lam(lam)
    x = _flat(images)
    # In place throughout: the full training split is 376 MB in double precision.
    y = numpy_generator(seed, f"dequantise/{stream}").random(x.shape)
    y += x
    y *= (1 - 2 * lam) / 256
    y += lam
    out = np.log(y)
    np.negative(y, out=y)
    out -= np.log1p(y, out=y)
    return out


def inverse_logit(data: np.ndarray, lam: float = 1e-6) -> np.ndarray:
    """Undo `logit` up to the noise: float64 y in about [0, 1], of the shape of `data`.

    Values that `logit` cannot give, as in samples of a model, fall outside [0, 1] by at most about
    `lam`.

    Raises
    ------
    ValueError
        If `data` are not real, or `lam` is out of range.
    """
    lam = _checked_lam(lam)
    return (np.exp(-np.logaddexp(0, -real("data", data, finite=False))) - lam) / (1 - 2 * lam)


def logit_log_jacobian(data: np.ndarray, lam: float = 1e-6) -> np.ndarray:
    """Return log |dt/dv| of each row, from v = x + u in [0, 256) to t = logit(...).

    With p = sigmoid(t), ``dt/dv = (1 - 2 lam) / (256 p (1 - p))`` for each feature; the result is
    the sum of logarithms over features, in nats.

    Parameters
    ----------
    data : array of shape (n, d)
        In the transformed space.
    lam
        As in `logit`.

    Returns
    -------
    float64 array of shape (n,)

    Raises
    ------
    ValueError
        If `data` are no real, finite matrix, or `lam` is out of range.
    """
    lam = _checked_lam(lam)
    data = matrix("data", data)
    # -log p - log(1 - p), which does not lose digits where p rounds to 0 or 1.
    spread = np.logaddexp(0, -data) + np.logaddexp(0, data)
    return spread.sum(axis=1) + data.shape[1] * np.log((1 - 2 * lam) / 256)


def bits_per_dimension(
    log_likelihood: float, data: np.ndarray, preprocessing: Preprocessing, lam: float = 1e-6
) -> float:
    """Express a log-likelihood (or ELBO) in bits per dimension of the original 8-bit space.

    ``-(log_likelihood + mean log |Jacobian|) / (d log 2)``; lower is better, and 8 is what the
    uniform distribution over bytes gives.

    For `logit` the data were dequantised, and the result bounds the code length of the discrete
    images from above. For `pixels` they were not: the step between levels (1/255) is rescaled to
    one, and as a density at a few exact values is unbounded, the result bounds no code length, can
    be negative, and compares only with other `pixels` results.

    Parameters
    ----------
    log_likelihood
        Per datum, in nats, averaged over the rows of `data`.
    data : array of shape (n, d)
        The preprocessed data, made by `preprocessing` (with `lam`).

    Raises
    ------
    ValueError
        If `preprocessing` is unknown, `lam` is out of range, or there are no finite data.

    References
    ----------
    Theis et al. 2016, *A note on the evaluation of generative models*, section 3.1; Papamakarios
    et al. 2017, appendix "Bits per pixel".
    """
    data = matrix("data", data)
    if 0 in data.shape:
        msg = f"data has shape {data.shape}; at least one row and one feature are needed"
        raise ValueError(msg)
    n_features = data.shape[1]
    if preprocessing == "logit":
        log_jacobian = float(logit_log_jacobian(data, lam).mean())
    elif preprocessing == "pixels":
        log_jacobian = -n_features * float(np.log(255))
    else:
        msg = f"preprocessing={preprocessing!r} is unknown, allowed are pixels, logit (config.yaml)"
        raise ValueError(msg)
    return -(number("log_likelihood", log_likelihood) + log_jacobian) / (
        n_features * float(np.log(2))
    )


def _flat(images: np.ndarray) -> np.ndarray:
    """Return images as rows of bytes, shape (n, d)."""
    images = unmasked("images", images)
    if images.dtype != np.uint8 or images.ndim < 2:
        msg = (
            f"images is {images.dtype} of shape {images.shape}, but must be uint8 of shape "
            "(n, h, w), (n, h, w, c) or (n, d), as linvae.images.load.load gives it"
        )
        raise ValueError(msg)
    return images.reshape(len(images), math.prod(images.shape[1:]))


def _checked_lam(lam: float) -> float:
    value = number("lam", lam)
    if not 0 < value < 0.5:
        msg = f"lam={lam!r} must lie strictly between 0 and 0.5"
        raise ValueError(msg)
    return value
