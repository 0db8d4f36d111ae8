"""Observables: what a snapshot can record of each trajectory, one declaration each.

fastsde's own are in the modules of `fastsde.study.observables`. A file of a user's declares another with
`register`; a study then records it by its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

from numpy.typing import NDArray

from fastsde.study.fields import Fault
from fastsde.study.passages import EVENTS, THRESHOLDS
from fastsde.study.variables import KINDS, Variable
from fastsde.system.registry import LAST, Registry

__all__ = [
    "OBSERVABLES",
    "Curvature",
    "Observable",
    "Path",
    "Rates",
    "Snapshot",
    "default_observables",
    "record_faults",
    "recorded_observables",
    "register",
]

Array = NDArray[Any]
T = TypeVar("T")
OBJECTIVES = ("network", "landscape")
NEEDS = ("parameters", "noise_trace", "update_noise", "curvature", "rates", "path")
DIMENSIONS = ("mode", "mode_in", "output", "input", "interface", "parameter")
"""Dimensions that every study has, besides snapshot and trajectory."""
TAKEN = {"snapshot", "trajectory", "step", "time", "mode_strength", "passage"}
"""Names that files use for something else."""


class Curvature(NamedTuple):
    """Extreme eigenvalues of the Hessian of the loss, (rows,) each, and a bound on their error."""

    smallest: Array
    largest: Array
    error: Array


class Rates(NamedTuple):
    """Drift and diffusion of the modes per unit time, (rows, modes) each."""

    drift: Array
    diffusion: Array


class Path(NamedTuple):
    """What is kept of every step of a trajectory; NaN where its observable is not recorded.

    Attributes
    ----------
    average : (rows, parameters) array, float64
        Mean of the states after each integrator step so far; at step 0 the state itself.
    length : (rows,) array, float64
        Sum of the distances ``|theta_{k+1} - theta_k|``.
    displacement : (rows,) array, float64
        ``|theta_k - theta_0|``.
    """

    average: Array
    length: Array
    displacement: Array


class Snapshot(Protocol):
    """Some trajectories at a snapshot, as the `measure` function of an observable receives them.

    Each array has one row per trajectory, in the study's dtype. Parameters and matrices of trajectories that
    have diverged are zeros here, and what is made of them is replaced by NaN. What costs time of its own
    must be listed in the `needs` of the observable.
    """

    @property
    def study(self) -> Any:
        """The study."""

    @property
    def model(self) -> Any:
        """The model of the trajectories."""

    @property
    def problem(self) -> Any:
        """The problem that the study describes: the optimum, its modes, the data."""

    @property
    def step(self) -> int:
        """Integrator step."""

    @property
    def mode_left(self) -> Array:
        """Left singular vectors u_a of the optimum, (modes, outputs)."""

    @property
    def mode_right(self) -> Array:
        """Right singular vectors v_a of the optimum, (modes, inputs)."""

    @property
    def loss(self) -> Array:
        """Loss, (rows,)."""

    @property
    def gradient_norm(self) -> Array:
        """Euclidean norm of the gradient, (rows,)."""

    @property
    def balance(self) -> Array:
        """Frobenius norm of ``W_{l+1}^T W_{l+1} - W_l W_l^T``, (rows, layers - 1)."""

    @property
    def end_to_end(self) -> Array:
        """End-to-end matrices, (rows, outputs, inputs)."""

    @property
    def modes(self) -> Array:
        """Mode strengths ``u_a^T W v_a``, (rows, modes)."""

    @property
    def mode_matrix(self) -> Array:
        """End-to-end matrices in the modes, ``u_a^T W v_b``, (rows, modes, modes)."""

    @property
    def singular_values(self) -> Array:
        """Singular values of the end-to-end matrices, descending, (rows, modes)."""

    @property
    def parameters(self) -> Array:
        """All weights, layer 1 first, each matrix row by row, (rows, parameters); to be in `needs`."""

    @property
    def layers(self) -> list[Array]:
        """The weights of each layer, (rows, outputs, inputs); `needs` "parameters"."""

    @property
    def noise_trace(self) -> Array:
        """Trace of the covariance of one sample's gradient, (rows,); to be in `needs`."""

    @property
    def update_noise(self) -> Array:
        """Noise of one integrator step in each mode, (rows, modes); to be in `needs`."""

    @property
    def curvature(self) -> Curvature:
        """Extreme eigenvalues of the Hessian; to be in `needs`."""

    @property
    def rates(self) -> Rates:
        """Drift and diffusion of the modes; to be in `needs`."""

    @property
    def path(self) -> Path:
        """What is kept of every step; to be in `needs`."""

    def loss_at(self, points: Array) -> Array:
        """Return the loss at other parameters, (rows, parameters)."""

    def once(self, function: Callable[[Any], T]) -> T:
        """Return ``function(problem)``, which is computed once per integration."""


def no_faults(study: Any) -> Iterable[Fault]:
    """Find nothing wrong with a study."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Observable:
    """An observable: its variable in the files, and how it is measured.

    Parameters
    ----------
    name : str
        Small letters, digits and underscores.
    long_name : str
        Its meaning, in a line.
    measure : callable
        Given a `Snapshot`, returns an array of shape (rows, sizes of `dims`). It is called from several
        threads at once.
    dims : tuple of str
        Dimensions besides snapshot and trajectory: of "mode", "mode_in", "output", "input", "interface",
        "parameter", and `sizes`.
    units : str
    kind : {"float", "float64", "int64"}
        Type in the files; "float" is the study's dtype.
    order : int
        Place in the files.
    objectives : tuple of str
        Whether networks, landscapes or both have it: of "network" and "landscape".
    default_for : tuple of str
        Of which it is recorded where a study does not say what is.
    needs : tuple of str
        What `measure` reads of the snapshot that has to be measured for it: of "parameters", "noise_trace",
        "update_noise", "curvature", "rates" and "path".
    sizes : mapping of str to callable
        Dimensions of its own: each size, given the study.
    check : callable
        Given a study that records it, yields what is wrong.

    Raises
    ------
    ValueError
        If a name, dimension, kind, objective or need does not exist, or a name is taken.

    Examples
    --------
    >>> import numpy as np
    >>> spread = Observable(
    ...     name="spread",
    ...     long_name="standard deviation of the weights",
    ...     measure=lambda snapshot: snapshot.parameters.std(axis=1),
    ... )
    >>> spread.variable.dims
    ('snapshot', 'trajectory')
    """

    name: str
    long_name: str
    measure: Callable[[Snapshot], Array]
    dims: tuple[str, ...] = ()
    units: str = "1"
    kind: str = "float"
    order: int = LAST
    objectives: tuple[str, ...] = OBJECTIVES
    default_for: tuple[str, ...] = ()
    needs: tuple[str, ...] = ("parameters",)
    sizes: Mapping[str, Callable[[Any], int]] = field(default_factory=dict)
    check: Callable[[Any], Iterable[Fault]] = no_faults

    def __post_init__(self) -> None:
        taken = TAKEN | {one.name for one in THRESHOLDS} | {event.key for event in EVENTS.values()}
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise ValueError(f"observable {self.name!r}: a name has small letters, digits and underscores")
        for name in (self.name, *self.sizes):
            if name in taken or name in DIMENSIONS:
                raise ValueError(f"observable {self.name!r}: files use the name {name!r} for something else")
        self._are("dims", (*DIMENSIONS, *self.sizes))
        self._are("objectives", OBJECTIVES)
        self._are("default_for", self.objectives)
        self._are("needs", NEEDS)
        if self.kind not in KINDS:
            raise ValueError(f"observable {self.name!r}: kind is one of {KINDS}, not {self.kind!r}")

    def _are(self, field_name: str, expected: tuple[str, ...]) -> None:
        """Refuse words that do not exist."""
        given = getattr(self, field_name)
        if isinstance(given, str) or not set(given) <= set(expected):
            words = ", ".join(expected)
            raise ValueError(f"observable {self.name!r}: {field_name} is a tuple of {words}; it is {given!r}")

    @property
    def variable(self) -> Variable:
        """The variable of a file."""
        return Variable(("snapshot", "trajectory", *self.dims), self.long_name, self.units, self.kind)


OBSERVABLES: Registry[Observable] = Registry("observable", "fastsde.study.observables")
register = OBSERVABLES.register


def default_observables(objective: str) -> tuple[str, ...]:
    """Return the names of what is recorded of an objective where a study does not say it.

    Examples
    --------
    >>> default_observables("landscape")
    ('loss', 'gradient_norm', 'modes')
    """
    return tuple(name for name, one in OBSERVABLES.items() if objective in one.default_for)


def recorded_observables(study: Any) -> list[Observable]:
    """Return the observables that a study records, in the order of the files."""
    wanted = set(study.record.observables)
    return [one for name, one in OBSERVABLES.items() if name in wanted]


def record_faults(study: Any) -> Iterator[Fault]:
    """Check that what a study records exists for what it descends, and what each observable asks for."""
    objective = study.objective.table
    for name in study.record.observables:
        observable = OBSERVABLES[name]
        if objective not in observable.objectives:
            known = ", ".join(one.name for one in OBSERVABLES.values() if _recordable(one, objective, study))
            expected = f"one of {known}: the study has a {objective}"
            yield Fault(("record", "observables"), name, expected)
        else:
            yield from observable.check(study)


def _recordable(observable: Observable, objective: str, study: Any) -> bool:
    """Whether a study could record an observable."""
    return objective in observable.objectives and not list(observable.check(study))
