"""Gradient noise gathered near saddles: exact covariances at visited points, and draws of single steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from fastsde.analysis.law import follows_gradient
from fastsde.analysis.noise_level import level_variable, noise_level
from fastsde.analysis.protocols import Floats, Integers
from fastsde.analysis.saddles.noise_summary import Point, SaddleNoise, of_points, of_steps
from fastsde.analysis.saddles.saddle_noise import LEADING, NoiseShape, noise_rows, noise_shape
from fastsde.analysis.saddles.saddle_types import DENSE
from fastsde.analysis.tails.gaussian_null import FALSE_ALARMS
from fastsde.analysis.tails.tail_report import TailReport, side_by_side, tail_report

if TYPE_CHECKING:
    from fastsde.analysis.context import Context
    from fastsde.analysis.saddles.locator import Locator
    from fastsde.analysis.saddles.visits import Visits
    from fastsde.problem.network import DeepLinearNetwork

__all__ = ["NoiseCollector"]

STATES = 48
"""Visited points of each saddle at which covariances are computed."""
FIRST = 4096
"""Number of trajectories, the first ones, from which they are taken."""
DRAWS = 20_000
"""Single steps kept of each saddle."""
LARGEST = 4_000_000
"""Rows times dimension beyond which a covariance is not computed."""


class NoiseCollector:
    """Gathers the noise of one model near saddles, snapshot by snapshot.

    Parameters
    ----------
    name : str
        The model.
    context : Context
    network : DeepLinearNetwork
    locator : Locator
        Knows the modes by which saddles are named.
    """

    def __init__(self, name: str, context: Context, network: DeepLinearNetwork, locator: Locator) -> None:
        self.name, self.context, self.network, self.locator = name, context, network, locator
        self.view, self.model = context.views[name], context.ensemble.study.models[name]
        self.problem = context.ensemble.problem
        self.noisy = self.model.noisy
        self.draws: dict[int, list[Floats]] = {}
        self.count: dict[int, int] = {}
        self.scaled = bool(level_variable(self.view, self.model))
        self.source = self._source()

    def _source(self) -> str:
        own = self.locator.exact and not self.locator.basis.isotropic
        steps = "; single steps are along the optimum's mode of the same number, not the saddles' own"
        return self._covariance() + (steps if own else "")

    def _covariance(self) -> str:
        if self.context.recorded("parameters"):
            return f"covariance at the recorded parameters, {STATES} visits to each saddle at most"
        if self.context.recorded("end_to_end"):
            return f"covariance of the end-to-end gradient at the recorded W, {STATES} visits at most"
        return "single steps only: record parameters or end_to_end for covariances"

    def add(self, snapshot: int, at: Any) -> None:
        """Add one snapshot; `at` is the set of modes kept of those on a plateau, -1 of the others."""
        if not self.noisy or "update_noise" not in self.view.variables or not np.any(at >= 0):
            return
        noise = np.asarray(self.view.read("update_noise", snapshot), dtype=np.float64)
        level = noise_level(self.view, self.model, snapshot)
        level = np.broadcast_to(np.nan if level is None else level, noise.shape)
        for kept in np.unique(at[at >= 0]):
            rows = np.flatnonzero(at == kept)[: DRAWS - self.count.get(int(kept), 0)]
            self.draws.setdefault(int(kept), []).append(np.column_stack([noise[rows], level[rows], rows]))
            self.count[int(kept)] = self.count.get(int(kept), 0) + len(rows)

    def result(self, visits: Visits, listed: list[int]) -> SaddleNoise:
        """Return the noise at the listed saddles."""
        rows = []
        for kept in listed:
            noise, _, trajectory = self._drawn(kept)
            rows.append(self._points(visits, kept) | of_steps(noise, trajectory, self._free(kept)))
        tails = side_by_side([self._tail(kept, FALSE_ALARMS / len(listed)) for kept in listed])
        return SaddleNoise(**{key: np.array([row[key] for row in rows]) for key in rows[0]}, tails=tails)

    def _free(self, kept: int) -> int | None:
        """Return the strongest mode that a saddle does not keep."""
        strength = self.locator.strength
        worth = int(np.sum(strength > 0.01 * strength[0]))
        return next((k for k in range(worth) if not kept >> k & 1), None)

    def _drawn(self, kept: int) -> tuple[Floats, Floats, Integers]:
        """Return draws near a saddle and their noise levels, (n, mode), NaN if unknown, and trajectories."""
        modes = len(self.context.strength)
        draws = np.concatenate(self.draws[kept]) if kept in self.draws else np.zeros((0, 2 * modes + 1))
        return draws[:, :modes], draws[:, modes:-1], draws[:, -1].astype(np.int64)

    def _tail(self, kept: int, false_alarms: float) -> TailReport:
        """Judge the tail of draws, each along the strongest mode that the saddle does not keep."""
        free = self._free(kept)
        noise, level, trajectory = self._drawn(kept)
        if free is None:
            noise, level, trajectory = noise[:0], level[:0], trajectory[:0]
        along = [free or 0]
        scale = level[:, along] if self.scaled else None
        return tail_report(noise[:, along], scale, trajectory, false_alarms=false_alarms)

    def _points(self, visits: Visits, kept: int) -> dict[str, Any]:
        rows = np.flatnonzero((visits.kept == kept) & (visits.trajectory < FIRST))[:STATES]
        known = self.context.recorded("parameters") or self.context.recorded("end_to_end")
        shapes = [self._shape(visits, int(row), kept) for row in rows] if known else []
        row = of_points([shape for shape in shapes if shape is not None])
        return row | {"power": self._power(row["power"])}

    def _shape(self, visits: Visits, row: int, kept: int) -> Point | None:
        """Measure the noise at the closest approach of a visit, as the model itself has it."""
        snapshot, trajectory = int(visits.closest[row]), int(visits.trajectory[row])
        one = slice(trajectory, trajectory + 1)
        free = self._free(kept)
        if free is None:
            return None
        toward = self.locator.direction(free)
        if self.context.recorded("parameters"):
            theta = np.asarray(self.view.read("parameters", snapshot, one)[0], dtype=np.float64)
            return self._in_parameters(theta, toward)
        if self._isotropic():  # its noise of W depends on the layers, which are not known
            return None
        matrix = np.asarray(self.view.read("end_to_end", snapshot, one)[0], dtype=np.float64)
        rows = self._rows(matrix, matrix.size)
        if rows is None:
            return None
        shape = noise_shape(rows.reshape(len(rows), -1), toward.ravel())
        return Point(shape, shape, np.nan, matrix.size)

    def _in_parameters(self, theta: Floats, toward: Floats) -> Point | None:
        rows = self._rows(self.network.end_to_end(theta), theta.size)
        if rows is None:
            return None
        raw = noise_shape(rows.reshape(len(rows), -1))
        lowest = self._lowest(theta)
        if self._isotropic():
            size = float(theta.size)
            even = NoiseShape(size, size, np.full(LEADING, 1 / size), 1.0)
            return Point(even, raw, np.nan if lowest is None else 1.0, theta.size)
        pushed = self.network.push(theta, rows)
        shape = noise_shape(pushed, self.network.push(theta, toward))
        return Point(shape, raw, noise_shape(pushed, lowest).alignment, theta.size)

    def _rows(self, matrix: Floats, dimension: int) -> Floats | None:
        """Return the factor of the covariance, or None where there is none or it is too large."""
        d_out, d_in = matrix.shape
        size = len(self.problem.inputs) if self.problem.inputs is not None else d_in * (d_in + d_out)
        if size * dimension > LARGEST:
            return None
        try:
            return noise_rows(matrix, self.problem)
        except ValueError:
            return None

    def _lowest(self, theta: Floats) -> Floats | None:
        """Return orthonormal rows that span the directions of least curvature; None where none is negative.

        All eigenvectors within a hundredth of the spectrum's width of the smallest eigenvalue, since at
        saddles it is degenerate; of a network of more parameters than `DENSE` one, by ARPACK on Hessian
        products.
        """
        size = theta.size
        if size <= DENSE:
            points = np.broadcast_to(theta, (size, size))
            values, vectors = np.linalg.eigh(self.network.hessian_vector(points, np.eye(size), self.problem))
            near = values <= values[0] + 0.01 * (values[-1] - values[0])
            return None if values[0] >= -1e-9 * values[-1] else np.asarray(vectors[:, near].T)
        operator = LinearOperator(
            (size, size),
            matvec=lambda v: self.network.hessian_vector(theta, np.ravel(v), self.problem),
            dtype=np.float64,
        )
        start = np.random.Generator(np.random.Philox(0)).standard_normal(size)
        try:
            value, vector = eigsh(operator, k=1, which="SA", v0=start, tol=1e-4)
        except ArpackError:  # not converged, or no curvature at all
            return None
        return np.asarray(vector.T) if value[0] < 0 else None

    def _isotropic(self) -> bool:
        return not follows_gradient(self.model)

    def _power(self, trace: float) -> float:
        """Variance per unit of time: ``eta`` times a batch's covariance, or 2 T in every direction."""
        from fastsde.integrate.lowering import batch_share

        if self._isotropic():
            heat = float(self.view.attributes.get("temperature", np.nan))
            return 2 * heat * self.network.size
        rate = self.context.ensemble.study.time.learning_rate
        return float(rate * batch_share(self.model, self.problem) * trace)
