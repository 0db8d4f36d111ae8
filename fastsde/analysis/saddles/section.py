"""Which saddles the trajectories of every model visit, for how long, and what curvature they have there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.analysis.law import plateaus
from fastsde.analysis.protocols import Bools, Floats, Trajectories
from fastsde.analysis.saddles.noise_at_saddles import NoiseCollector, SaddleNoise
from fastsde.analysis.saddles.visits import Rules, Visits, VisitTracker, kept_modes

if TYPE_CHECKING:
    from fastsde.analysis.sections import Context
    from fastsde.lowering import Lowered

__all__ = ["ModelVisits", "Saddles", "measure", "saddle_name"]

MOST_SADDLES = 12
"""Saddles that are reported: those of the strongest modes, then the most visited others."""
STATES = 256
"""Visits to a saddle whose curvature is computed afterwards, if it was not recorded."""
FIRST = 4096
"""They are taken from the first so many trajectories."""
LEVELS = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class ModelVisits:
    """Visits of one model; every array has the saddle first.

    Attributes
    ----------
    visits : ndarray, shape (saddle,)
        Trajectories that stay at the saddle for the checks asked for.
    ends : ndarray, shape (saddle,)
        Of those, how many are still there at the end of the run.
    entry : ndarray, shape (saddle, level)
        Time of the first snapshot there: quantiles 0.05, 0.5, 0.95 over visits.
    dwell : ndarray, shape (saddle, level)
        Time from the first to the last snapshot there: a lower bound of the stay, short of it by up to two
        distances of snapshots.
    gradient, distance, loss : ndarray, shape (saddle,)
        Medians at the closest approach: gradient norm, relative distance of W from the saddle's, loss.
    lowest, highest : ndarray, shape (saddle, level)
        Smallest and largest Hessian eigenvalue at the closest approach.
    error : ndarray, shape (saddle,)
        Largest bound of their errors.
    strict, flat : ndarray, shape (saddle,)
        Visits at a point with a negative eigenvalue of account, and without.
    """

    visits: Floats
    ends: Floats
    entry: Floats
    dwell: Floats
    gradient: Floats
    distance: Floats
    loss: Floats
    lowest: Floats
    highest: Floats
    error: Floats
    strict: Floats
    flat: Floats


@dataclass(frozen=True)
class Saddles:
    """Saddles that are visited, and the visits.

    Attributes
    ----------
    kept : tuple of str
        Numbers of the modes that each saddle keeps, as "1+2"; "none" for the origin.
    rank : ndarray, shape (saddle,)
    plateau : ndarray, shape (saddle,)
        Its loss; NaN unless the inputs are white.
    top : ndarray, shape (saddle,)
        1 if it keeps the strongest modes, 0 if it keeps others in their stead.
    gradient_rule, rate_rule, loss_rule, strict_rule : float
        The rules' shares, see `fastsde.analysis.saddles.visits.Rules`.
    gradient_scale, rate_scale : float
        Usual largest gradient norm and relative rate of descent, of which the rules are shares.
    curvature_scale : float
        Largest Hessian eigenvalue at the balanced minimum.
    gradient_source, curvature_source, noise_source : str
        "recorded", or what was done instead.
    models : dict of str to ModelVisits
    noise : dict of str to SaddleNoise
        Noise near the saddles; models without noise are left out.
    """

    kept: tuple[str, ...]
    rank: Floats
    plateau: Floats
    top: Floats
    gradient_rule: float
    rate_rule: float
    loss_rule: float
    strict_rule: float
    gradient_scale: float
    rate_scale: float
    curvature_scale: float
    gradient_source: str
    curvature_source: str
    noise_source: str
    models: dict[str, ModelVisits]
    noise: dict[str, SaddleNoise] = field(default_factory=dict)


def saddle_name(kept: int) -> str:
    """Return the modes of a set as text.

    Examples
    --------
    >>> saddle_name(0), saddle_name(5)
    ('none', '1+3')
    """
    return "+".join(str(k + 1) for k in range(kept.bit_length()) if kept >> k & 1) or "none"


def measure(context: Context) -> Saddles | None:
    """Find the visits of every model; None unless loss and modes were recorded."""
    if context.ensemble.study.landscape is not None or not context.recorded("loss", "modes"):
        return None
    return _Pass(context, Rules()).saddles()


class _Pass:
    """Two passes over the snapshots of every model: for the scales, and for the visits."""

    def __init__(self, context: Context, rules: Rules) -> None:
        from fastsde.network import DeepLinearNetwork

        self.context, self.rules = context, rules
        study, problem = context.ensemble.study, context.ensemble.problem
        self.problem = problem
        self.network = DeepLinearNetwork(study.network.widths, study.network.loss_scale)
        self.levels = plateaus(problem)
        self.floor = float(problem.optimum_loss) if np.isfinite(problem.optimum_loss) else 0.0
        self.full = (1 << int(np.sum(context.strength > 0.01 * context.strength[0]))) - 1
        self.has_parameters = context.recorded("parameters")
        self.gradient_source = self._gradient_source()

    def saddles(self) -> Saddles:
        context, rules = self.context, self.rules
        self.gradient_scale, self.rate_scale = self._scales()
        found = {name: self._visits(name) for name in context.views}
        listed = self._listed({name: visits for name, (visits, _) in found.items()})
        source = self._curvature_source()
        scale = self._curvature_scale()
        models = {
            name: self._summary(name, self._curved(name, visits, listed, source), listed, scale)
            for name, (visits, _) in found.items()
        }
        noise = {name: noise.result(visits, listed) for name, (visits, noise) in found.items() if noise.noisy}
        return Saddles(
            kept=tuple(saddle_name(kept) for kept in listed),
            rank=np.array([float(kept.bit_count()) for kept in listed]),
            plateau=np.array([self._plateau(kept) for kept in listed]),
            top=np.array([float(kept & (kept + 1) == 0) for kept in listed]),
            gradient_rule=rules.gradient,
            rate_rule=rules.rate,
            loss_rule=rules.loss,
            strict_rule=rules.strict,
            gradient_scale=self.gradient_scale,
            rate_scale=self.rate_scale,
            curvature_scale=scale,
            gradient_source=self.gradient_source,
            curvature_source=source,
            noise_source=next(iter(found.values()))[1].source,
            models=models,
            noise=noise,
        )

    def _lowered(self, name: str) -> Lowered:
        from fastsde.lowering import lower

        return lower(self.context.ensemble.study, name, self.problem)

    def _gradient_source(self) -> str:
        if self.context.recorded("gradient_norm"):
            return "recorded"
        if self.has_parameters:
            return "computed from the recorded parameters"
        return "not recorded: the slope of the loss between snapshots in its place"

    def _curvature_source(self) -> str:
        if self.context.recorded("hessian_min", "hessian_max", "hessian_error"):
            return "recorded"
        if self.has_parameters:
            return f"computed from the recorded parameters, of at most {STATES} visits to each saddle"
        return "unknown: record hessian_min, hessian_max and hessian_error, or parameters"

    def _snapshots(self, view: Trajectories) -> Iterator[tuple[int, Floats, Floats]]:
        """Yield each snapshot's loss and gradient norm; without the latter, the root of the loss's slope."""
        time = view.time
        before = np.asarray(view.read("loss", 0), dtype=np.float64)
        for snapshot in range(len(time)):
            loss = np.asarray(view.read("loss", snapshot), dtype=np.float64)
            if self.gradient_source == "recorded":
                gradient = np.asarray(view.read("gradient_norm", snapshot), dtype=np.float64)
            elif self.has_parameters:
                gradient = self._gradient(view, snapshot)
            elif snapshot:
                fall = np.maximum(before - loss, 0.0) / (time[snapshot] - time[snapshot - 1])
                gradient = np.sqrt(fall)
            else:
                gradient = np.zeros(len(loss))
            before = loss
            yield snapshot, loss, gradient

    def _gradient(self, view: Trajectories, snapshot: int) -> Floats:
        pieces = []
        for first in range(0, view.count, FIRST):
            theta = np.asarray(view.read("parameters", snapshot, slice(first, first + FIRST)), np.float64)
            with np.errstate(invalid="ignore", over="ignore"):
                pieces.append(np.linalg.norm(self.network.gradient(theta, self.problem), axis=-1))
        return np.concatenate(pieces)

    def _rate(self, loss: Floats, gradient: Floats) -> Floats:
        """Relative rate of descent, |grad L|^2 / (L - L_min)."""
        excess = loss - self.floor
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            return np.where(excess > 0, gradient**2 / excess, np.inf)

    def _scales(self) -> tuple[float, float]:
        """Return medians over the reference's trajectories of the largest gradient and rate of a run.

        The rate counts only until the last mode is learned: at the minimum it is a ratio of small numbers.
        """
        name = self.context.reference or next(iter(self.context.views))
        view = self.context.views[name]
        peak, fastest = np.zeros(view.count), np.zeros(view.count)
        for snapshot, loss, gradient in self._snapshots(view):
            kept = kept_modes(np.asarray(view.read("modes", snapshot), np.float64), self.context.strength)
            moving = np.isfinite(gradient) & (kept != self.full)
            peak = np.fmax(peak, np.where(moving, gradient, 0.0))
            fastest = np.fmax(fastest, np.where(moving, self._rate(loss, gradient), 0.0))
        return float(np.median(peak)), float(np.median(fastest))

    def _visits(self, name: str) -> tuple[Visits, NoiseCollector]:
        view = self.context.views[name]
        tracker = VisitTracker(view.count, self.rules.checks)
        noise = NoiseCollector(name, self.context, self.network)
        for snapshot, loss, gradient in self._snapshots(view):
            modes = np.asarray(view.read("modes", snapshot), dtype=np.float64)
            kept = kept_modes(modes, self.context.strength)
            plateau = self._on_plateau(loss, gradient, kept)
            known = {"loss": loss, "distance": self._distance(modes, kept)}
            for key in ("hessian_min", "hessian_max", "hessian_error"):
                if key in view.variables:
                    known[key] = np.asarray(view.read(key, snapshot), dtype=np.float64)
            tracker.add(snapshot, kept, plateau, gradient, known)
            noise.add(snapshot, np.where(plateau, kept, -1))
        return tracker.visits(), noise

    def _on_plateau(self, loss: Floats, gradient: Floats, kept: Any) -> Bools:
        rules = self.rules
        small = gradient <= rules.gradient * self.gradient_scale
        slow = self._rate(loss, gradient) <= rules.rate * self.rate_scale
        there = small & slow & (kept >= 0) & (kept != self.full)
        if self.levels.size:
            level = self._levels(kept)
            there &= np.abs(loss - level) <= rules.loss * (level - self.floor)
        return np.asarray(there)

    def _levels(self, kept: Any) -> Floats:
        """Loss of the saddles that keep these modes, for white inputs."""
        drops = self.levels[:-1] - self.levels[1:]
        level = np.full(np.shape(kept), self.levels[0])
        for k in range(min(len(drops), self.full.bit_length())):
            level = level - np.where(np.asarray(kept) >> k & 1, drops[k], 0.0)
        return level

    def _plateau(self, kept: int) -> float:
        return float(self._levels(np.array(kept))) if self.levels.size else np.nan

    def _distance(self, modes: Floats, kept: Any) -> Floats:
        """Distance of the modes from the saddle's, over its size (that of the first saddle at the origin)."""
        strength = self.context.strength
        bits = np.asarray(kept)[:, None] >> np.minimum(np.arange(len(strength)), 62) & 1
        target = np.where(bits == 1, strength, 0.0)
        size = np.linalg.norm(target, axis=1)
        size = np.where(size > 0, size, strength[0])
        return np.asarray(np.linalg.norm(modes - target, axis=1) / size)

    def _listed(self, found: dict[str, Visits]) -> list[int]:
        """Choose the saddles to report: those of the strongest modes and the most visited others, by rank."""
        top = [(1 << rank) - 1 for rank in range(self.full.bit_length())]
        many = np.concatenate([visits.kept for visits in found.values()])
        kept, count = np.unique(many, return_counts=True)
        others = [int(k) for k in kept[np.argsort(-count, kind="stable")] if int(k) not in top]
        chosen = [*top, *others][: max(MOST_SADDLES, len(top))]
        return sorted(chosen, key=lambda k: (k.bit_count(), k))

    def _curvature_scale(self) -> float:
        from fastsde.curvature import curvature
        from fastsde.start import balanced_factors

        hidden = [np.eye(width) for width in self.network.widths[1:-1]]
        point = self.network.pack([np.asarray(w) for w in balanced_factors(self.problem.optimum, hidden)])
        lowered = self._lowered(next(iter(self.context.views)))
        dtype = self.context.ensemble.study.dtype
        return float(curvature(np.asarray(point, dtype=dtype)[None], lowered)[0, 1])

    def _curved(self, name: str, visits: Visits, listed: list[int], source: str) -> Visits:
        """Add the curvature of visits that was not recorded."""
        if not source.startswith("computed") or not visits.trajectory.size:
            return visits
        from fastsde.curvature import curvature

        view, lowered = self.context.views[name], self._lowered(name)
        rows = chosen_visits(visits, listed, STATES)
        found = np.full((len(visits.kept), 3), np.nan)
        for snapshot in np.unique(visits.closest[rows]):
            here = rows[visits.closest[rows] == snapshot]
            theta = view.read("parameters", int(snapshot), slice(0, FIRST))[visits.trajectory[here]]
            found[here] = curvature(theta, lowered)
        keys = ("hessian_min", "hessian_max", "hessian_error")
        there = {**visits.there, **{key: found[:, column] for column, key in enumerate(keys)}}
        return Visits(visits.trajectory, visits.kept, visits.entry, visits.last, visits.closest, there)

    def _summary(self, name: str, visits: Visits, listed: list[int], scale: float) -> ModelVisits:
        view = self.context.views[name]
        rows = [self._saddle(visits, np.flatnonzero(visits.kept == kept), view, scale) for kept in listed]
        return ModelVisits(**{key: np.array([row[key] for row in rows]) for key in rows[0]})

    def _saddle(self, visits: Visits, rows: Any, view: Trajectories, scale: float) -> dict[str, Any]:
        unknown = np.full(len(rows), np.nan)
        there = {key: visits.there[key][rows] if key in visits.there else unknown for key in _THERE}
        lowest, error = there["hessian_min"], there["hessian_error"]
        strict = lowest + error < -self.rules.strict * scale
        return {
            "visits": float(len(rows)),
            "ends": float(np.sum(visits.last[rows] == len(view.time) - 1)),
            "entry": _quantiles(view.time[visits.entry[rows]]),
            "dwell": _quantiles(view.time[visits.last[rows]] - view.time[visits.entry[rows]]),
            "gradient": _median(there["gradient"]),
            "distance": _median(there["distance"]),
            "loss": _median(there["loss"]),
            "lowest": _quantiles(lowest),
            "highest": _quantiles(there["hessian_max"]),
            "error": float(np.nanmax(error)) if np.isfinite(error).any() else np.nan,
            "strict": float(strict.sum()),
            "flat": float(np.sum(np.isfinite(lowest) & ~strict)),
        }


_THERE = ("gradient", "distance", "loss", "hessian_min", "hessian_max", "hessian_error")


def chosen_visits(visits: Visits, listed: list[int], most: int) -> Any:
    """Return at most `most` visits to each listed saddle, of the first `FIRST` trajectories."""
    near = visits.trajectory < FIRST
    rows = [np.flatnonzero(near & (visits.kept == kept))[:most] for kept in listed]
    return np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)


def _quantiles(values: Floats) -> Floats:
    known = values[np.isfinite(values)]
    return np.quantile(known, LEVELS) if known.size else np.full(len(LEVELS), np.nan)


def _median(values: Floats) -> float:
    return float(_quantiles(values)[1])
