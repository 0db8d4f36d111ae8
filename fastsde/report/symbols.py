"""What the letters in the equations of the models mean."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["OWN", "SYMBOLS", "letters", "meanings"]

_WORD = re.compile(r"[A-Za-z]+0?")
"""A letter or word of an equation."""

SYMBOLS = {
    "theta": "the parameters",
    "U": "the {loss}, with weight decay if there is any",
    "grad": "the gradient by the parameters",
    "g": "the gradient of a batch",
    "eta": "the learning rate; a step takes the time eta",
    "dt": "the time of an integrator step",
    "dM": "what the noise adds in the time dt",
    "W": "Brownian motion",
    "Sigma": "the covariance of a batch's gradient",
    "C": "the covariance of a batch's gradient",
    "B": "a matrix that depends on the state",
    "T": "the temperature",
    "I": "the identity",
    "xi": "standard normal numbers",
    "A": "a random time that increases by jumps, tempered (alpha/2)-stable, independent of W",
    "A0": "a positive random number, one-sided (alpha/2)-stable",
    "s": "independent standard alpha-stable numbers",
    "alpha": "the tail index of the noise, 2 for Gaussian noise",
    "K": "a Poisson number: the jumps in a step",
    "m": "a running average of gradients (Adam's first moment, or a momentum)",
    "v": "a running average of gradients, or of their squares in Adam and RMSProp",
    "p": "the velocity",
    "mu": "the momentum",
    "beta": "the factor by which an average is kept in a step",
    "epsilon": "a small number that bounds the step",
    "e": "the mean of the sign of a batch's gradient",
    "l": "the level of SVAG",
}
"""Meaning of each letter, in the order in which they are explained."""

OWN = {
    "Sigma =": ("Sigma", "the covariance of the noise per unit time"),
    "dv = (grad": ("v", "the momentum: a running average of gradients"),
    "s = (2l": ("s", "a number given by the level"),
}
"""Equations in which a letter means something else: a part of them, the letter, and its meaning there."""


def meanings(equations: Sequence[str], loss: str = "loss") -> list[tuple[str, str]]:
    """Explain the letters of some equations, U as the loss or what takes its place.

    Returns
    -------
    list of tuple
        Letter and meaning, in the order of `SYMBOLS`; twice where equations differ in it.

    Examples
    --------
    >>> meanings(["theta <- theta - eta grad U"])[0]
    ('theta', 'the parameters')
    """
    found: dict[tuple[str, str], None] = {}
    for equation in equations:
        own = dict(pair for part, pair in OWN.items() if part in equation)
        for word in letters(equation):
            if meaning := own.get(word) or SYMBOLS.get(word, ""):
                found[word, meaning.replace("{loss}", loss)] = None
    order = list(SYMBOLS)
    return sorted(found, key=lambda pair: order.index(pair[0]))


def letters(equation: str) -> list[str]:
    """Split an equation into letters and words; a differential is that of its letter, except dt and dM."""
    words = _WORD.findall(equation.replace("^T", ""))  # a transposed matrix
    return [word[1:] if word[0] == "d" and len(word) == 2 and word not in SYMBOLS else word for word in words]
