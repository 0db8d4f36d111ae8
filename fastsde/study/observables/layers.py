"""The layers of a network: their norms, their balance, and their singular values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fastsde.study.feedforward import ACTIVATIONS, Layer
from fastsde.study.fields import Fault
from fastsde.study.learner import learner_of
from fastsde.study.observable import Array, Observable, Snapshot, register
from fastsde.study.observables.learning import known_learner, rows_of, without_learner

__all__ = ["layer_balance", "layer_singular_values"]


def _layers(snapshot: Snapshot) -> list[Layer]:
    """Return the layers; those of a deep linear network have no biases."""
    if snapshot.study.objective.linear:
        weights = (np.asarray(one, dtype=np.float64) for one in snapshot.layers)
        return [Layer(one, np.zeros((len(one), one.shape[1]))) for one in weights]
    return known_learner(snapshot).network.layers(rows_of(snapshot))


def layer_balance(layers: list[Layer], degree: int) -> Array:
    """Return ``|W_l|^2 + |b_l|^2 - r |W_{l+1}|^2`` of each hidden layer, (rows, hidden layers).

    Gradient flow conserves it for an activation that is homogeneous of degree r: the sum of
    ``parameter x gradient`` over what enters the units of a layer is r times that over what leaves them
    (Du, Hu and Lee 2018, for r = 1).

    Examples
    --------
    >>> first = Layer(np.array([[[3.0, 4.0]]]), np.array([[1.0]]))
    >>> second = Layer(np.array([[[2.0]]]), np.array([[0.0]]))
    >>> layer_balance([first, second], 1)
    array([[22.]])
    """
    weights = np.stack([np.sum(one.weights**2, axis=(-2, -1)) for one in layers], axis=-1)
    biases = np.stack([np.sum(one.biases**2, axis=-1) for one in layers], axis=-1)
    return np.asarray(weights[:, :-1] + biases[:, :-1] - degree * weights[:, 1:])


def layer_singular_values(layers: list[Layer]) -> Array:
    """Return the singular values of the weights of each layer, descending, NaN beyond the last of a layer.

    Returns
    -------
    (rows, layers, values) array
    """
    found = [np.linalg.svd(one.weights, compute_uv=False) for one in layers]
    out = np.full((len(found[0]), len(found), max(one.shape[-1] for one in found)), np.nan)
    for number, values in enumerate(found):
        out[:, number, : values.shape[-1]] = values
    return out


def _balance(snapshot: Snapshot) -> Array:
    layers = _layers(snapshot)
    if snapshot.study.objective.linear:
        return layer_balance(layers, 1)
    return layer_balance(layers, ACTIVATIONS[known_learner(snapshot).network.activation].degree or 1)


def _without_layers(name: str) -> Callable[[Any], Iterator[Fault]]:
    """Return the check that a study is of a network."""

    def check(study: Any) -> Iterator[Fault]:
        if not study.objective.linear:
            yield from without_learner(study, name)

    return check


def _faults_of_balance(study: Any) -> Iterator[Fault]:
    yield from _without_layers("layer_balance")(study)
    learner = learner_of(study)
    if learner is not None and ACTIVATIONS[learner.network.activation].degree is None:
        homogeneous = ", ".join(name for name, one in ACTIVATIONS.items() if one.degree is not None)
        expected = f"nothing: it is conserved with the activations {homogeneous} only"
        yield Fault(("record", "observables"), "layer_balance", expected, "remove layer_balance")


def _widths(study: Any) -> tuple[int, ...]:
    learner = learner_of(study)
    if learner is None:
        return study.widths if study.objective.linear else ()
    return learner.network.widths


def _depth(study: Any) -> int:
    return len(_widths(study)) - 1


def _most_values(study: Any) -> int:
    widths = _widths(study)
    return max(map(min, widths[:-1], widths[1:]))


register(
    Observable(
        name="layer_norm",
        order=72,
        dims=("weight_layer",),
        long_name="Frobenius norm of the weights of each layer, without biases",
        sizes={"weight_layer": _depth},
        check=_without_layers("layer_norm"),
        measure=lambda snapshot: np.stack(
            [np.linalg.norm(one.weights, axis=(-2, -1)) for one in _layers(snapshot)], axis=-1
        ),
    )
)
register(
    Observable(
        name="layer_balance",
        order=74,
        dims=("hidden_layer",),
        long_name="|W_l|^2 + |b_l|^2 - r |W_{l+1}|^2, r the degree of the activation, 1 if linear",
        sizes={"hidden_layer": lambda study: _depth(study) - 1},
        check=_faults_of_balance,
        measure=_balance,
    )
)
register(
    Observable(
        name="layer_singular_values",
        order=76,
        dims=("weight_layer", "layer_value"),
        long_name="singular values of the weights of each layer, descending, NaN beyond a layer's last",
        sizes={"weight_layer": _depth, "layer_value": _most_values},
        check=_without_layers("layer_singular_values"),
        measure=lambda snapshot: layer_singular_values(_layers(snapshot)),
    )
)
