"""A landscape as an objective: its functions are the compiled ones that the steps call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastsde.problem.initial_points import MATCHED_STARTS, AffineStart
from fastsde.problem.objective import OBJECTIVES, Array, Key
from fastsde.problem.user import function_address
from fastsde.study.models.batches import by_members, label_sd
from fastsde.system.cache_lock import once

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.objective import ObjectiveTraits
    from fastsde.study.study import Study

__all__ = ["LandscapeObjective"]


@OBJECTIVES.register
class LandscapeObjective:
    """The energy of a landscape, see `fastsde.problem.objective.Objective`.

    Parameters
    ----------
    study : Study
    problem : Problem, optional
        Not needed.
    """

    name: ClassVar[str] = "landscape"

    def __init__(self, study: Study, problem: Problem | None = None) -> None:
        assert study.landscape is not None
        self.landscape = study.landscape
        self._study, self._dtype = study, study.dtype
        self._numbers = study.landscape.numbers_in(study.places())
        self._surface: Any = None

    @property
    def traits(self) -> ObjectiveTraits:
        """Sizes, what the objective supports, and its words."""
        return self.landscape.traits()

    @property
    def samples(self) -> int:
        """Number of samples; 0 if the energy is no mean over any."""
        return len(self._numbers.inputs)

    def starting_points(self, normals: Array, first: int = 0) -> Array:
        """Turn standard normals of trajectories `first`, ... into starting points."""
        origins = self.landscape.origins()
        numbers = np.arange(first, first + len(normals)) % len(origins)
        start = origins[numbers] + self.landscape.start_spread() * normals
        return np.asarray(start, dtype=normals.dtype)

    def affine_start(self) -> AffineStart:
        """Return what `starting_points` does."""
        scales = np.zeros(self.landscape.dimension) + self.landscape.start_spread()
        return AffineStart(np.asarray(self.landscape.origins(), np.float64), scales)

    def matching_points(self, where: str, key: Key) -> Array:
        """Return the first starting points; no minimum of a landscape is known."""
        from fastsde.kernels.cpu import standard_normals

        normals = standard_normals(self.landscape.dimension, 0, MATCHED_STARTS, key, self._dtype)
        return self.starting_points(normals)

    def loss(self, points: Array) -> Array:
        """Return the energy."""
        return self._evaluated(points, self._even())[:, 0]

    def gradient(self, points: Array) -> Array:
        """Return the gradient of the energy."""
        return self._evaluated(points, self._even())[:, 1:]

    def sample_gradients(self, points: Array) -> Array | None:
        """Return the gradient of each sample's energy; None if the energy is no mean over samples."""
        if not self.samples:
            return None
        single = np.eye(self.samples, dtype=self._dtype)
        return np.stack([self._evaluated(points, weights)[:, 1:] for weights in single], axis=1)

    def noise_trace(self, points: Array) -> Array | None:
        """Return the trace of the covariance of one sample's gradient; None without samples."""
        if not self.samples:
            return None
        from fastsde.kernels.cpu import to_lanes
        from fastsde.kernels.observe import FINITE_TRACE, NOISE_TRACE, observe

        state = to_lanes(np.asarray(points, dtype=self._dtype))
        network, memory, out = self._room(state, 3 + self.landscape.dimension)
        observe(state, memory, network, self.kernel_data(), FINITE_TRACE, out)
        return out[: len(points), NOISE_TRACE].astype(np.float64)

    def kernel_data(self) -> Any:
        """Return the landscape as the kernels take it, its functions compiled."""
        if self._surface is None:
            self._surface = self._lowered()
        return self._surface

    def _lowered(self) -> Any:
        from fastsde.kernels.surface import Surface, place_of

        name, numbers = self.landscape.surface_name, self._numbers
        inputs, labels = numbers.inputs, numbers.labels
        padding = -(inputs.shape[1] + labels.shape[1]) % 4
        made = Surface(
            kind=place_of(name),
            inputs=self._cast(inputs),
            labels=self._cast(labels),
            rows=self._cast(np.pad(np.hstack([inputs, labels]), ((0, 0), (0, padding)))),
            table=self._cast(numbers.table),
            vector=self._cast(numbers.vector),
            sizes=numbers.sizes,
            optimum=self._cast(self.landscape.middle()[:, None]),
            scale=1.0,
            floor=0.0,
            address=function_address(self._study),
            value=0,
            trace=0,
            members=0,
            observed=0,
        )
        return made._replace(**self._routines(name, made))

    def _routines(self, name: str, made: Any) -> dict[str, int]:
        """Return the addresses of the compiled functions of a landscape."""
        from fastsde.kernels.layout import plan_landscape
        from fastsde.kernels.observed import observed_routine
        from fastsde.kernels.surface import is_kept
        from fastsde.kernels.surface_sums import Members, member_routine, routines

        network = plan_landscape(self.landscape.dimension, 0)
        drawn = [model for model in self._study.models.values() if by_members(model, self.samples)]
        noise = max(map(label_sd, drawn), default=0.0)
        members = Members(np.empty(0, np.int32), 0, 0, noise)

        def compiled() -> dict[str, int]:
            value, trace = routines(name, network, made)
            return {"value": value, "trace": trace, "observed": observed_routine(name, network, made)}

        def gathered() -> dict[str, int]:
            return {"members": member_routine(name, network, made, members)} if drawn else {}

        if is_kept(name):
            once(f"{name}-{self._dtype}", compiled)
            if drawn:
                once(f"{name}-members-{self._dtype}", gathered)
        return compiled() | gathered()

    def _evaluated(self, points: Array, weights: Array) -> Array:
        """Return energy and gradient, (points, 1 + d), of samples of these weights."""
        from fastsde.kernels.cpu import to_lanes
        from fastsde.kernels.evaluate import evaluate

        state = to_lanes(np.asarray(points, dtype=self._dtype))
        network, memory, out = self._room(state, 1 + self.landscape.dimension)
        evaluate(state, memory, network, self.kernel_data(), weights, out)
        return out[: len(points)]

    def _room(self, state: Array, columns: int) -> tuple[Any, Array, Array]:
        """Return the plan of a block's memory, the memory, and room for results."""
        from fastsde.kernels.cpu import aligned
        from fastsde.kernels.lanes import lane_count
        from fastsde.kernels.layout import plan_landscape

        network = plan_landscape(self.landscape.dimension, self.samples, work=self.landscape.workspace)
        lanes = lane_count(self._dtype)
        memory = aligned(network.size * lanes, self._dtype)
        return network, memory, np.empty((len(state) * lanes, columns), self._dtype)

    def _even(self) -> Array:
        count = self.samples
        return np.full(count, 1.0 / count if count else 0.0, dtype=self._dtype)

    def _cast(self, array: Array) -> Array:
        return np.ascontiguousarray(array, dtype=self._dtype)
