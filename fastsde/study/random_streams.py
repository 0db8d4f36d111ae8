"""Random draws for teachers and data sets, by numpy's Philox: one independent stream a purpose."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray

from fastsde.study.distributions import Inputs, LabelNoise

__all__ = ["generator", "random_frame", "sample_inputs", "sample_noise", "symmetric_stable", "whitened"]

Array = NDArray[np.float64]
Purpose = Literal["teacher", "inputs", "label noise", "landscape", "test", "entries", "turn"]

_STREAM: dict[Purpose, int] = {
    "teacher": 1,
    "inputs": 2,
    "label noise": 3,
    "landscape": 4,
    "test": 5,
    "entries": 6,
    "turn": 12,
}


def generator(seed: int, purpose: Purpose) -> Generator:
    """Give the stream of one purpose, a Philox generator with the key (seed, purpose)."""
    return Generator(Philox(key=np.array([seed, _STREAM[purpose]], dtype=np.uint64)))


def random_frame(random: Generator, size: int, count: int) -> Array:
    """Draw `count` orthonormal columns in R^size, uniformly (Haar); (size, count).

    The signs of the QR factorisation are fixed, without which the law is not uniform (Mezzadri 2007).
    """
    frame, upper = np.linalg.qr(random.standard_normal((size, count)))
    signs: Array = np.where(np.diag(upper) < 0, -1.0, 1.0)
    return np.asarray(frame * signs)


def symmetric_stable(random: Generator, alpha: float, shape: tuple[int, ...]) -> Array:
    """Draw symmetric alpha-stable variables, ``E exp(iuX) = exp(-|u|^alpha)``.

    The method of Chambers, Mallows and Stuck (1976), with the distance of the angle from its singular end
    as the uniform variable, so that the far tail keeps its precision.

    Examples
    --------
    >>> symmetric_stable(generator(0, "inputs"), 1.5, (3,)).shape
    (3,)
    """
    end = np.pi / 2 * (1.0 - random.random(shape))
    sign = np.where(random.random(shape) < 0.5, -1.0, 1.0)
    exponential = random.standard_exponential(shape)
    angle = np.pi / 2 - end
    if alpha == 1:
        return np.asarray(sign / np.tan(end))
    cosine = np.sin(end)
    stretch = np.cos((1 - alpha) * angle) / np.maximum(exponential, np.finfo(float).tiny)
    return np.asarray(sign * np.sin(alpha * angle) / cosine ** (1 / alpha) * stretch ** ((1 - alpha) / alpha))


def sample_inputs(random: Generator, law: Inputs, count: int, size: int) -> Array:
    """Draw inputs of unit scale; (count, size).

    Normal; Student-t with one chi-square a sample, of unit covariance when nu > 2 and of unit t scale
    otherwise; or independent symmetric stable coordinates of unit scale.
    """
    if law.kind == "stable":
        return symmetric_stable(random, law.alpha, (count, size))
    normal = random.standard_normal((count, size))
    if law.kind == "gaussian":
        return normal
    freedom = law.nu - 2 if law.nu > 2 else law.nu
    return np.asarray(normal * np.sqrt(freedom / random.chisquare(law.nu, (count, 1))))


def sample_noise(random: Generator, law: LabelNoise, shape: tuple[int, ...]) -> Array:
    """Draw independent label noise of the law's scale."""
    if law.scale == 0:
        return np.zeros(shape)
    if law.kind == "stable":
        return law.scale * symmetric_stable(random, law.alpha, shape)
    if law.kind == "student-t":
        return law.scale * random.standard_t(law.nu, shape)
    return law.scale * random.standard_normal(shape)


def whitened(sample: Array) -> Array:
    """Centre `sample` (n, d), n > d, and turn it so that its second moment is the identity.

    The symmetric root is used, so that each coordinate stays as near as possible to itself.
    """
    centred = sample - sample.mean(axis=0)
    left, _, right_t = np.linalg.svd(centred, full_matrices=False)
    return math.sqrt(len(sample)) * np.asarray(left @ right_t)
