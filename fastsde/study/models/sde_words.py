"""What an SDE is called, and how it is integrated, in words."""

from __future__ import annotations

from typing import Any

from fastsde.study.models.model import beginning

__all__ = ["method", "title"]


def title(model: Any, subject: str) -> str:
    """Name an SDE in a few plain words, shorter than its `subject`.

    Examples
    --------
    >>> from fastsde.study.models.sde import Sde
    >>> Sde(noise="isotropic", temperature=0.1).title()
    'Langevin dynamics'
    >>> Sde(noise="gradient", alpha=1.5, batch=4, sampling="fresh").title()
    "SDE with 1.5-stable noise shaped as SGD's"
    """
    tail, gaussian = beginning(model.noise_law.words()), model.noise_law.gaussian
    if model.degree_words() or model.form is not None or model.noise == "given":
        return beginning(subject)
    if model.noise == "isotropic":
        return "Langevin dynamics" if gaussian else f"Langevin dynamics with {tail} noise"
    if not gaussian:
        return f"SDE with {tail} noise shaped as SGD's"
    return "SGD with Gaussian noise" if model.substeps == 1 else "SDE with the noise covariance of SGD"


def method(model: Any) -> str:
    """Say how an SDE is integrated."""
    if model.substeps == 1:
        return "Euler with dt = the learning rate"
    return f"Euler with dt = 1/{model.substeps} of the learning rate"
