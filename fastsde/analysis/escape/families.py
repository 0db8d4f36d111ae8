"""Families of models: groups of stays that differ in one setting and agree in all others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastsde.analysis.escape.passages import Passages

__all__ = ["COVARIATES", "LOGARITHMIC", "Group", "families", "level"]

COVARIATES: dict[str, str] = {
    "alpha": "tail index of the noise",
    "noise": "anisotropy of the noise (0 isotropic, 1 as SGD's gradient)",
    "anisotropy": "anisotropy of the noise (0 isotropic, 1 as SGD's gradient)",
    "tempering": "tempering rate",
    "temperature": "temperature",
    "batch": "batch size",
    "substeps": "integrator steps per learning-rate step",
    "time.learning_rate": "learning rate",
}
"""What may vary within a family, and in words; any other number that a sweep varies as well."""

LOGARITHMIC = {"tempering", "temperature", "batch", "substeps", "time.learning_rate"}
"""These act by factors: the slope is a power."""

NOISES = {"isotropic": 0.0, "gradient": 1.0}


@dataclass(frozen=True)
class Group:
    """Stays of one model on one data set.

    Attributes
    ----------
    name : str
        The model, with its case in a sweep.
    settings : dict of str to object
        What the model is: the fields of its table, and what a sweep varies, by dotted key.
    dataset : int
        Seed of the data.
    stays : Passages
    """

    name: str
    settings: Mapping[str, Any]
    dataset: int
    stays: Passages


def level(group: Group, covariate: str) -> float:
    """Return the value of a covariate in a group; NaN if it has none that is a number.

    Examples
    --------
    >>> import numpy as np
    >>> nothing = Passages(np.empty(0), np.empty(0, bool), np.empty(0, bool))
    >>> level(Group("sde", {"noise": "gradient", "alpha": 1.5}, 0, nothing), "noise")
    1.0
    """
    value = group.settings.get(covariate)
    if covariate == "noise":
        value = NOISES.get(str(value))
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and value is not None else math.nan


def families(groups: Sequence[Group], covariate: str) -> list[list[Group]]:
    """Return the families of a covariate: groups that agree in all else, at two levels of it or more.

    A Gaussian model has no tempering and so belongs to the family of any; of isotropic noise only that whose
    temperature is matched is compared with gradient noise.
    """
    found: dict[frozenset[tuple[str, str]], list[Group]] = {}
    gaussian: list[Group] = []
    for group in groups:
        if math.isnan(level(group, covariate)):
            continue
        if covariate == "alpha" and group.settings["alpha"] == 2:
            gaussian.append(group)
        found.setdefault(_rest(group, covariate), []).append(group)
    if covariate == "alpha":
        for key, family in found.items():
            family += [g for g in gaussian if g not in family and _plain(g, key)]
    several = [f for f in found.values() if len({level(g, covariate) for g in f}) > 1]
    return [f for f in several if not any(f is not other and _within(f, other) for other in several)]


def _rest(group: Group, covariate: str) -> frozenset[tuple[str, str]]:
    """Everything else that a group is."""
    hidden = {covariate, "data.seed"}
    if covariate == "noise":
        hidden |= {"match_at"} | (
            {"temperature"} if group.settings.get("temperature") == "matched" else set()
        )
    return frozenset((key, repr(value)) for key, value in group.settings.items() if key not in hidden)


def _plain(group: Group, key: frozenset[tuple[str, str]]) -> bool:
    """Whether a Gaussian group differs from a family only in the family's tempering."""
    rest = {item for item in key if item[0] != "tempering"}
    return _rest(group, "alpha") == rest


def _within(family: list[Group], other: list[Group]) -> bool:
    return len(family) < len(other) and all(any(one is two for two in other) for one in family)
