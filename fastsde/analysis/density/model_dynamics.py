"""The equation of a model of a study, as `Dynamics`, or why its density is not computed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from fastsde.analysis.density import covariances
from fastsde.analysis.density.dynamics import Dynamics
from fastsde.analysis.protocols import Floats
from fastsde.integrate.lowering.batches import batch_share
from fastsde.integrate.lowering.keys import philox_key, stream_of
from fastsde.integrate.lowering.temperature import matched_temperature
from fastsde.problem.data import build_problem
from fastsde.problem.objective import Objective, objective_of
from fastsde.study.models.sde import Sde
from fastsde.study.study import Study

__all__ = ["dynamics_of", "why_no_density", "why_none_at_all"]

DIMENSIONS = 2
MOST_SAMPLES = 200
"""Samples up to which the covariance of their gradients is computed on a grid of two dimensions."""
SENSES = {"ito": 0.0, "stratonovich": 0.5, "anti-ito": 1.0, "klimontovich": 1.0}
KNOWN_TERMS = (
    "noise",
    "interpretation",
    "covariance",
    "rotation",
    "second_order",
    "weight_decay",
    "subordination",
)
KNOWN_KEYS = (
    *("kind", "noise", "substeps", "covariance", "temperature", "match_at", "batch", "sampling"),
    *("alpha", "tempering", "by_component", "truncation", "jumps", "batch_scaling", "law", "subordination"),
    *("strength", "zeta", "trace", "floor", "function", "rank", "products", "interpretation"),
    *("weight_decay", "rotation", "second_order", "central_flow"),
)
"""Keys of a model whose meaning for the density is known; others are refused if they are set."""
FROM_SAMPLES = ("gradient", "gradient-diagonal", "gradient-leading")


def why_none_at_all(study: Study) -> str:
    """Say why no model of a study has a density; empty if some may have one.

    Examples
    --------
    >>> study = Study.from_mapping({
    ...     "trajectories": 1,
    ...     "landscape": {"kind": "double-well", "stiffness": [1.0, 1.0]},
    ...     "time": {"learning_rate": 0.1, "steps": 1},
    ...     "models": {"gd": {"kind": "gd"}},
    ... })
    >>> why_none_at_all(study)
    'it needs a landscape of one or two dimensions: this one has 3'
    """
    if study.landscape is None:
        return "it needs a landscape of one or two dimensions, and this study has a network"
    dimension = study.objective.dimension
    if dimension > DIMENSIONS:
        return f"it needs a landscape of one or two dimensions: this one has {dimension}"
    return ""


def why_no_density(study: Study, name: str) -> str:
    """Say why the density of a model is not computed; empty if it is."""
    model = study.models[name]
    general = why_none_at_all(study)
    if general:
        return general
    if type(model) is not Sde:
        what = (
            "has no noise: its law stays that of the start, moved" if not model.noisy else "is no plain SDE"
        )
        return f'kind = "{model.kind}" {what}; only kind = "sde" has a Fokker-Planck equation here'
    for term, _ in model.terms(study.setting):
        if term.name not in KNOWN_TERMS:
            return f"{term.name} is not part of the equation that is solved: remove it"
    defaults = {key: field.default for key, field in type(model).model_fields.items()}
    for key in defaults.keys() - set(KNOWN_KEYS):
        if getattr(model, key) != defaults[key]:
            return f"{key} is not part of the equation that is solved: remove it"
    if (model.interpretation or "ito") not in SENSES:
        return f"interpretation = {model.interpretation!r} is not known here"
    return _why_not_noise(study, model)


def _why_not_noise(study: Study, model: Sde) -> str:
    law, dimension = model.noise_law, study.objective.dimension
    components = law.kind == "stable-components" and getattr(law, "limit", None) is None
    if not (law.gaussian or law.kind == "stable" or components):
        return f"its law of increments is {law.words()}: only Gaussian and stable increments are solved for"
    form = "gradient" if model.noise == "gradient" else getattr(model.form, "name", "")
    if form and form not in (*covariances.SHAPES, "function"):
        return f"noise = {model.noise!r} is not known here"
    if form in FROM_SAMPLES:
        if not study.objective.samples:
            return f"noise = {model.noise!r} needs a landscape with samples"
        if dimension > 1 and study.objective.samples > MOST_SAMPLES:
            return (
                f"the covariance of {study.objective.samples} samples would be computed in every cell: "
                f"at most {MOST_SAMPLES} in two dimensions"
            )
    if components and (form in FROM_SAMPLES or (form == "function" and (model.rank or dimension) > 1)):
        return "by_component refers to the samples or to the columns of B, which have no one stable scale"
    if components and model.covariance is not None and model.covariance.factor is not None:
        return "by_component refers to the columns of the factor: give covariance.diagonal alone"
    if law.gaussian or dimension == 1:
        return ""
    if form or model.match_at == "local":
        return "stable noise that follows the state is solved for in one dimension only"
    if model.covariance is not None and np.count_nonzero(model.covariance.dense()[0, 1:]):
        return "stable noise in two dimensions is solved for with a diagonal covariance only"
    return ""


def dynamics_of(study: Study, name: str) -> Dynamics:
    """Return the equation of a model for which `why_no_density` says nothing.

    Examples
    --------
    >>> study = Study.from_mapping({
    ...     "trajectories": 1,
    ...     "landscape": {"kind": "double-well"},
    ...     "time": {"learning_rate": 0.1, "steps": 1},
    ...     "models": {"langevin": {"kind": "sde", "noise": "isotropic", "temperature": 0.2}},
    ... })
    >>> found = dynamics_of(study, "langevin")
    >>> found.covariance.tolist(), found.drift(np.array([[2.0]])).tolist()
    ([[0.4]], [[-6.0]])
    """
    model = study.models[name]
    assert isinstance(model, Sde)
    fine = study if study.dtype == "float64" else study.replace(dtype="float64")
    objective = objective_of(fine)
    law = model.noise_law
    alpha = float(min(law.tail_index, 2.0))
    covariance, root = _covariance(fine, name, objective)
    stretch = study.time.learning_rate ** (1 - 2 / alpha)  # of the covariance: the unit of time is eta
    if model.batch_scaling == "stable":
        stretch *= model.batch ** (2 / alpha - 1)
    clock = model.subordination
    potential, gradient, correction = _potential(study, model, objective)
    made = Dynamics(
        dimension=study.objective.dimension,
        potential=potential,
        gradient=gradient,
        covariance=_times(covariance, stretch),
        sense=SENSES[model.interpretation or "ito"],
        correction=correction,
        rotation=_rotation(study, model),
        alpha=alpha,
        by_component=law.kind == "stable-components",
        beta=1.0 if clock is None else clock.beta,
        clock_scale=1.0 if clock is None else clock.scale,
    )
    if root is None or made.sense == 0 or made.dimension == 1:
        return made
    drifts = made.correction, _sense_drift(root, made.sense)

    def both(points: Floats) -> Floats:
        return np.asarray(sum(one(points) for one in drifts if one is not None))

    return replace(made, sense=0.0, correction=both)


def _times(covariance: Any, factor: float) -> Any:
    if isinstance(covariance, np.ndarray):
        return covariance * factor
    return lambda points: covariance(points) * factor


def _rotation(study: Study, model: Sde) -> Floats | None:
    if model.rotation is None:
        return None
    rows, columns, values = model.rotation.entries(study.widths)
    matrix = np.zeros((study.objective.dimension,) * 2)
    matrix[rows, columns] = values
    return matrix


def _potential(study: Study, model: Sde, objective: Objective) -> tuple[Any, Any, Any]:
    """Return U, its gradient, and the drift of second order, ``-(eta/2) H_U grad U``, if the model has it."""
    decay = float(model.weight_decay or 0.0)

    def potential(points: Floats) -> Floats:
        energy = np.asarray(objective.loss(points), np.float64)
        return np.asarray(energy + decay * np.sum(points**2, axis=1) / 2)

    def gradient(points: Floats) -> Floats:
        return np.asarray(np.asarray(objective.gradient(points), np.float64) + decay * points)

    def second(points: Floats) -> Floats:
        curvature = covariances.hessian(objective, points) + decay * np.eye(points.shape[1])
        along = np.einsum("nij,nj->ni", curvature, gradient(points))
        return np.asarray(-study.time.learning_rate / 2 * along)

    return potential, gradient, second if model.second_order else None


def _covariance(study: Study, name: str, objective: Objective) -> tuple[Any, Any]:
    """Return ``B B^T`` per unit time, a matrix or a function, and B of a function of the user's or None."""
    model = study.models[name]
    assert isinstance(model, Sde)
    dimension, problem = study.objective.dimension, build_problem(study)
    share = study.time.learning_rate * batch_share(model, problem, objective.samples)
    if model.noise == "given":
        assert model.covariance is not None
        return model.covariance.dense(), None
    if model.noise == "isotropic":
        if model.match_at == "local":
            return _local(objective, share, dimension), None
        return 2 * _temperature(study, name) * np.eye(dimension), None
    if model.noise == "function":
        root = _function_root(study, model, dimension)
        return lambda points: root(points) @ np.swapaxes(root(points), 1, 2), root
    shape = covariances.SHAPES[model.noise]
    size = {"multiplicative": (model.zeta or 1.0) ** 2}.get(model.noise, model.strength or 1.0)
    size = share if model.noise in FROM_SAMPLES else size

    def following(points: Floats) -> Floats:
        return covariances.scaled_to(model.trace, size * shape(objective, model, points))

    return following, None


def _local(objective: Objective, share: float, dimension: int) -> Callable[[Floats], Floats]:
    def isotropic(points: Floats) -> Floats:
        trace = objective.noise_trace(points)
        assert trace is not None
        return np.asarray((share / dimension * trace)[:, None, None] * np.eye(dimension))

    return isotropic


def _temperature(study: Study, name: str) -> float:
    model = study.models[name]
    assert isinstance(model, Sde)
    if model.trace is not None:
        return model.trace / (2 * study.objective.dimension)
    if model.temperature != "matched":
        assert isinstance(model.temperature, float | int)
        return float(model.temperature)
    stream = "start" if study.start == "paired" else stream_of(study, name)
    return matched_temperature(study, model, build_problem(study), philox_key(study.seed, stream))


def _function_root(study: Study, model: Sde, dimension: int) -> Callable[[Floats], Floats]:
    """Return B of a function of the user's, with its strength or scaled to a trace."""
    plain = covariances.function_root(study, model, model.rank or dimension)

    def root(points: Floats) -> Floats:
        matrices = plain(points)
        if model.trace is None:
            return np.asarray(matrices * math.sqrt(model.strength or 1.0))
        size = np.sum(matrices**2, axis=(1, 2))[:, None, None]
        return np.asarray(matrices * np.sqrt(model.trace / np.where(size > 0, size, np.inf)))

    return root


def _sense_drift(root: Callable[[Floats], Floats], sense: float) -> Callable[[Floats], Floats]:
    """Return the drift ``sense sum_jk (d_j B_ik) B_jk`` by differences of fourth order."""
    step = covariances.SPACING

    def drift(points: Floats) -> Floats:
        here = root(points)
        total = np.zeros(points.shape)
        for axis in range(points.shape[1]):
            shift = step * np.eye(points.shape[1])[axis]
            near = root(points + shift) - root(points - shift)
            far = root(points + 2 * shift) - root(points - 2 * shift)
            slope = (8 * near - far) / (12 * step)
            total += np.einsum("nik,nk->ni", slope, here[:, axis])
        return np.asarray(sense * total)

    return drift
