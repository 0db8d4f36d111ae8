"""A landscape as an objective: its functions are the compiled ones that the steps call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastsde.problem.initial_points import MATCHED_STARTS, AffineStart
from fastsde.problem.objective import OBJECTIVES, Array, Key
from fastsde.problem.user import function_address
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
        self._numbers = study.landscape.numbers()
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
        start = origins[numbers] + self.landscape.start.std * normals
        return np.asarray(start, dtype=normals.dtype)

    def affine_start(self) -> AffineStart:
        """Return what `starting_points` does."""
        scales = np.full(self.landscape.dimension, self.landscape.start.std, dtype=np.float64)
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
        from fastsde.kernels.layout import plan_network
        from fastsde.kernels.surface import Surface, is_kept, place_of, routines

        name, numbers = self.landscape.surface_name, self._numbers
        made = Surface(
            kind=place_of(name),
            inputs=self._cast(numbers.inputs),
            labels=self._cast(numbers.labels),
            table=self._cast(numbers.table),
            vector=self._cast(numbers.vector),
            optimum=self._cast(self.landscape.middle()[:, None]),
            scale=1.0,
            floor=0.0,
            address=function_address(self._study),
            value=0,
            trace=0,
        )
        network = plan_network(self.traits.widths, 0, 1)
        if is_kept(name):
            once(f"{name}-{self._dtype}", lambda: routines(name, network, made))
        value, trace = routines(name, network, made)
        return made._replace(value=value, trace=trace)

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
        from fastsde.kernels.layout import plan_network

        network = plan_network(self.traits.widths, self.samples, 1)
        lanes = lane_count(self._dtype)
        memory = aligned(network.size * lanes, self._dtype)
        return network, memory, np.empty((len(state) * lanes, columns), self._dtype)

    def _even(self) -> Array:
        count = self.samples
        return np.full(count, 1.0 / count if count else 0.0, dtype=self._dtype)

    def _cast(self, array: Array) -> Array:
        return np.ascontiguousarray(array, dtype=self._dtype)
