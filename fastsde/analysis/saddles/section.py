"""Which saddles the trajectories of every model visit, for how long, and what curvature they have there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.analysis.protocols import Bools, Floats, Trajectories
from fastsde.analysis.saddles.found import Saddles, saddle_name
from fastsde.analysis.saddles.locator import GAPS, Locator
from fastsde.analysis.saddles.model_visits import model_visits
from fastsde.analysis.saddles.noise_at_saddles import NoiseCollector
from fastsde.analysis.saddles.saddle_types import SaddleTypes, saddle_types
from fastsde.analysis.saddles.visits import Rules, Visits, VisitTracker
from fastsde.analysis.section_cost import Cost
from fastsde.analysis.sections import Section, of_regressions, register_section
from fastsde.problem.saddles import balanced_point

if TYPE_CHECKING:
    from fastsde.analysis.context import Context
    from fastsde.integrate.lowering import Lowered

__all__ = ["Saddles", "measure", "saddle_name"]

MOST_SADDLES = 12
"""Saddles that are reported: those of the strongest modes, then the most visited others."""
STATES = 256
"""Visits to a saddle whose curvature is computed afterwards, if it was not recorded."""
FIRST = 4096
"""Number of trajectories, the first ones, from which they are taken."""


def measure(context: Context) -> Saddles | None:
    """Find the visits of every model; None unless loss and modes were recorded."""
    if not of_regressions(context.ensemble.study) or not context.recorded("loss", "modes"):
        return None
    return _Pass(context, Rules()).saddles()


class _Pass:
    """Two passes over the snapshots of every model: for the scales, and for the visits."""

    def __init__(self, context: Context, rules: Rules) -> None:
        from fastsde.problem.network import DeepLinearNetwork

        self.context, self.rules = context, rules
        study, problem = context.ensemble.study, context.ensemble.problem
        self.problem = problem
        self.network = DeepLinearNetwork(study.network.widths, study.network.loss_scale)
        self.locator = Locator(context, self.network)
        self.has_levels = bool(self.locator.exact and np.isfinite(problem.optimum_loss))
        self.floor = float(problem.optimum_loss) if np.isfinite(problem.optimum_loss) else 0.0
        strength = self.locator.strength
        self.full = (1 << int(np.sum(strength > 0.01 * strength[0]))) - 1
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
            name: model_visits(
                self._curved(name, visits, listed, source),
                listed,
                context.views[name],
                rules.negative * scale,
            )
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
            negative_rule=rules.negative,
            gradient_scale=self.gradient_scale,
            rate_scale=self.rate_scale,
            curvature_scale=scale,
            naming=self.locator.naming,
            gradient_source=self.gradient_source,
            distance_source=self.locator.source,
            curvature_source=source,
            noise_source=next(iter(found.values()))[1].source,
            types=self._types(listed),
            models=models,
            noise=noise,
        )

    def _lowered(self, name: str) -> Lowered:
        from fastsde.integrate.lowering import lower

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
            kept = self.locator.kept(view, snapshot)
            moving = np.isfinite(gradient) & (kept != self.full)
            peak = np.fmax(peak, np.where(moving, gradient, 0.0))
            fastest = np.fmax(fastest, np.where(moving, self._rate(loss, gradient), 0.0))
        return float(np.median(peak)), float(np.median(fastest))

    def _visits(self, name: str) -> tuple[Visits, NoiseCollector]:
        view = self.context.views[name]
        tracker = VisitTracker(view.count, self.rules.checks)
        noise = NoiseCollector(name, self.context, self.network, self.locator)
        for snapshot, loss, gradient in self._snapshots(view):
            kept = self.locator.kept(view, snapshot)
            plateau = self._on_plateau(loss, gradient, kept)
            known = {"loss": loss}
            for key in ("hessian_min", "hessian_max", "hessian_error"):
                if key in view.variables:
                    known[key] = np.asarray(view.read(key, snapshot), dtype=np.float64)
            tracker.add(snapshot, kept, plateau, gradient, known)
            noise.add(snapshot, np.where(plateau, kept, -1))
        return self._placed(view, tracker.visits()), noise

    def _placed(self, view: Trajectories, visits: Visits) -> Visits:
        """Add how far W is from the saddle's at the closest approach of each visit."""
        found = {name: np.full(len(visits.kept), np.nan) for name in GAPS}
        for snapshot in np.unique(visits.closest):
            here = np.flatnonzero(visits.closest == snapshot)
            kept = np.full(view.count, -1, dtype=np.int64)
            kept[visits.trajectory[here]] = visits.kept[here]
            gaps = self.locator.gaps(view, int(snapshot), kept)
            for name in GAPS:
                found[name][here] = gaps[name][visits.trajectory[here]]
        return dataclasses.replace(visits, there={**visits.there, **found})

    def _on_plateau(self, loss: Floats, gradient: Floats, kept: Any) -> Bools:
        rules = self.rules
        small = gradient <= rules.gradient * self.gradient_scale
        slow = self._rate(loss, gradient) <= rules.rate * self.rate_scale
        there = small & slow & (kept >= 0) & (kept != self.full)
        if self.has_levels:
            level = self._levels(kept)
            there &= np.abs(loss - level) <= rules.loss * (level - self.floor)
        return np.asarray(there)

    def _levels(self, kept: Any) -> Floats:
        """Loss of the saddles that keep these modes."""
        return self.locator.basis.levels(kept, self.floor, self.problem.loss_scale)

    def _plateau(self, kept: int) -> float:
        return float(self._levels(np.array(kept))) if self.has_levels else np.nan

    def _listed(self, found: dict[str, Visits]) -> list[int]:
        """Choose the saddles to report: those of the strongest modes and the most visited others, by rank."""
        top = [(1 << rank) - 1 for rank in range(self.full.bit_length())]
        many = np.concatenate([visits.kept for visits in found.values()])
        kept, count = np.unique(many, return_counts=True)
        others = [int(k) for k in kept[np.argsort(-count, kind="stable")] if int(k) not in top]
        chosen = [*top, *others][: max(MOST_SADDLES, len(top))]
        return sorted(chosen, key=lambda k: (k.bit_count(), k))

    def _extremes(self, points: Floats) -> Floats:
        """Smallest and largest Hessian eigenvalue and their error bound at parameters, (n, 3)."""
        from fastsde.integrate.curvature import curvature

        lowered = self._lowered(next(iter(self.context.views)))
        return np.asarray(curvature(np.asarray(points, dtype=self.context.ensemble.study.dtype), lowered))

    def _curvature_scale(self) -> float:
        optimum = self.problem.optimum
        point = balanced_point(self.network, optimum, min(optimum.shape))
        return float(self._extremes(point[None])[0, 1])

    def _types(self, listed: list[int]) -> SaddleTypes:
        """Find the type of the saddles themselves, where their own maps are known."""
        kept = np.array(listed)
        maps = self.locator.basis.maps(kept)
        rank = np.array([float(one.bit_count()) for one in listed])
        if not self.locator.exact:
            maps = np.full_like(maps, np.nan)
        return saddle_types(maps, rank, self.network, self.problem, self._extremes)

    def _curved(self, name: str, visits: Visits, listed: list[int], source: str) -> Visits:
        """Add the curvature of visits that was not recorded."""
        if not source.startswith("computed") or not visits.trajectory.size:
            return visits
        from fastsde.integrate.curvature import curvature

        view, lowered = self.context.views[name], self._lowered(name)
        rows = chosen_visits(visits, listed, STATES)
        found = np.full((len(visits.kept), 3), np.nan)
        for snapshot in np.unique(visits.closest[rows]):
            here = rows[visits.closest[rows] == snapshot]
            theta = view.read("parameters", int(snapshot), slice(0, FIRST))[visits.trajectory[here]]
            found[here] = curvature(theta, lowered)
        keys = ("hessian_min", "hessian_max", "hessian_error")
        there = {**visits.there, **{key: found[:, column] for column, key in enumerate(keys)}}
        return dataclasses.replace(visits, there=there)


def chosen_visits(visits: Visits, listed: list[int], most: int) -> Any:
    """Return at most `most` visits to each listed saddle, of the first `FIRST` trajectories."""
    near = visits.trajectory < FIRST
    rows = [np.flatnonzero(near & (visits.kept == kept))[:most] for kept in listed]
    return np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)


SECTION = register_section(
    Section(
        name="saddles",
        record=Saddles,
        measure=measure,
        order=60,
        applies=of_regressions,
        cost=Cost((0, 0.00626, 0, 9.42e-05, 0, 4.15e-08, 0, 5.18e-07)),  # 0.61 to 1.14
    )
)
