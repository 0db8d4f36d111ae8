"""Is the late-time law in equilibrium? Areas, entropy production and currents of every model.

Between neighbouring snapshots of the late window, at the smallest gap there is. The coordinates are all
``u_a^T W v_b`` where they were recorded and are few, else the modes; what is projected out can hide a current
but not make one. Each quantity needs the law to be stationary in the window, and a gap well below the fastest
relaxation: ``time.snapshots.late`` in the study file makes such snapshots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis.currents.entropy import LEAST_CORRELATION, EntropyProduction, entropy_production
from fastsde.analysis.currents.lagged import LaggedMoments
from fastsde.analysis.currents.linear_process import LinearProcess, from_lag
from fastsde.analysis.currents.planes import (
    FieldCollector,
    Plane,
    fastest_plane,
    noise_plane,
    turning,
    whitened,
)
from fastsde.analysis.currents.stochastic_area import Area, areas
from fastsde.analysis.late_window import LateWindow, spread_out, survivors, unfit
from fastsde.analysis.protocols import Bools, Floats, Trajectories
from fastsde.analysis.section_cost import Cost
from fastsde.analysis.sections import Section, register_section

if TYPE_CHECKING:
    from fastsde.analysis.context import Context

LIMIT = 16
"""Largest number of coordinates."""
FIELD_ROWS = 20_000
"""Most trajectories of which fields are."""


@dataclass(frozen=True)
class Current:
    """What was found about one model.

    Attributes
    ----------
    reason : str
        Why there is nothing; empty if there is.
    counted : int
        Trajectories that neither diverged nor stopped: the only ones here.
    pairs : int
        Pairs of neighbouring snapshots.
    gap : float
        Learning-rate steps between the two.
    relaxation : ndarray, shape (d,)
        Relaxation rates of the fitted linear process times the gap, real parts, rising.
    deviation : ndarray, shape (d,)
        Standard deviation of each coordinate at the start of the late window; empty where there is nothing.
    area : Area or None
        In units of the deviations: ``rate[i, j] * deviation[i] * deviation[j]`` is the area that the
        coordinates as recorded sweep per unit of time.
    entropy : EntropyProduction or None
        By time.
    planes : dict of str to Plane
        "fastest": in which the current turns fastest, chosen on one half of the trajectories and measured
        on the other; "noise": of the two strongest directions of the noise; "modes": of the first two modes.
    """

    reason: str
    counted: int
    pairs: int
    gap: float
    relaxation: Floats
    deviation: Floats
    area: Area | None
    entropy: EntropyProduction | None
    planes: dict[str, Plane]


@dataclass(frozen=True)
class Currents:
    """Currents of all models.

    Attributes
    ----------
    coordinates : tuple of str
    models : dict of str to Current
    """

    coordinates: tuple[str, ...]
    models: dict[str, Current]


def measure(context: Context) -> Currents | None:
    """Look for currents in every model."""
    if not context.recorded("modes"):
        return None
    modes = len(context.strength)
    whole = context.recorded("mode_matrix") and modes**2 <= LIMIT
    names = [f"{a + 1}{b + 1}" for a in range(modes) for b in range(modes)] if whole else []
    if not whole:
        names = [f"mode {a + 1}" for a in range(min(modes, LIMIT))]
    variable = "mode_matrix" if whole else "modes"
    models = {name: _current(context, name, view, variable) for name, view in context.views.items()}
    return Currents(tuple(names), models)


def _points(view: Trajectories, variable: str, snapshot: int, alive: Bools) -> Floats:
    values = np.asarray(view.read(variable, snapshot), dtype=np.float64)[alive]
    return values.reshape(len(values), -1)[:, :LIMIT]


def _current(context: Context, name: str, view: Trajectories, variable: str) -> Current:
    window = LateWindow.of(view.step, context.settings.late)
    alive = survivors(view)
    counted = int(alive.sum())
    study = context.ensemble.study
    reason = unfit(study.models[name], len(study.widths) - 1, counted)
    if not reason and not window.pairs:
        reason = "no two snapshots in the late window"
    scale = np.empty(0)
    if not reason:
        first = _points(view, variable, window.pairs[0][0], alive)
        scale = first.std(axis=0)
        if not spread_out(first, float(context.scale.max())):
            reason = "the modes do not move: no noise is left"
        elif scale.min() < 1e-9 * scale.max():
            reason = "some coordinates do not move"
    if reason:
        return _nothing(reason, counted, window)
    moments = LaggedMoments(counted, len(scale))
    for before, after in window.pairs:
        moments.add(
            _points(view, variable, before, alive) / scale, _points(view, variable, after, alive) / scale
        )
    lag = window.gap * float(view.time[-1]) / float(view.step[-1])
    return _found(context, view, variable, window, alive, scale, moments, lag)


def _nothing(reason: str, counted: int, window: LateWindow) -> Current:
    empty = np.empty(0)
    return Current(reason, counted, len(window.pairs), window.gap, empty, empty, None, None, {})


def _found(
    context: Context,
    view: Trajectories,
    variable: str,
    window: LateWindow,
    alive: Bools,
    scale: Floats,
    moments: LaggedMoments,
    lag: float,
) -> Current:
    settings = context.settings
    counted = int(alive.sum())
    process = from_lag(*moments.moments(), lag, LEAST_CORRELATION)
    if process is None:
        apart = f"{window.gap:,.0f} step{'s' if window.gap != 1 else ''}"
        reason = f"some correlation is gone between snapshots {apart} apart"
        if window.gap > 1:
            reason += "; record closer ones at the end, time.snapshots.late = { count = 64, every = 1 }"
        return _nothing(reason, counted, window)
    rates = np.sort(np.linalg.eigvals(process.drift).real) * lag
    bases = _bases(process, moments, lag, variable, len(context.strength))
    fields = {name: FieldCollector(basis / scale, lag) for name, (basis, _) in bases.items()}
    for before, after in window.pairs:
        here, there = (_points(view, variable, s, alive)[:FIELD_ROWS] for s in (before, after))
        for field in fields.values():
            field.add(here, there)
    planes = {}
    for name, (basis, others) in bases.items():
        angular, bound = turning(others, basis, lag)
        density, velocity = fields[name].result()
        planes[name] = Plane(basis / scale, angular, bound, density, velocity, fields[name].edges)
    return Current(
        "",
        counted,
        len(window.pairs),
        window.gap,
        rates,
        scale,
        areas(moments, lag, settings.surrogates, settings.seed),
        entropy_production(moments, lag, settings.surrogates, settings.seed),
        planes,
    )


def _bases(
    process: LinearProcess, moments: LaggedMoments, lag: float, variable: str, modes: int
) -> dict[str, tuple[Floats, LaggedMoments]]:
    """Planes to look at, each with the trajectories on which to measure it."""
    dimension = len(process.covariance)
    if dimension < 2:
        return {}
    middle = moments.groups // 2
    one, other = moments.part(slice(0, middle)), moments.part(slice(middle, None))
    found = {"noise": (noise_plane(process), moments)}
    half = from_lag(*one.moments(), lag, LEAST_CORRELATION)
    if half is not None:
        found = {"fastest": (fastest_plane(half), other), **found}
    second = modes + 1 if variable == "mode_matrix" else 1
    if modes > 1:
        found["modes"] = (whitened(np.eye(dimension)[[0, second]], process.covariance), moments)
    return found


SECTION = register_section(
    Section(
        name="currents",
        record=Currents,
        measure=measure,
        order=120,
        cost=Cost((0, 0.000378, 0, 7.14e-07, 0, 1e-09, 0, 0)),  # 0.79 to 1.59
    )
)
