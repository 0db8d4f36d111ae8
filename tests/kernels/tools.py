"""Small studies, one block of trajectories advanced with its memory guarded, and the draws it used."""

import numpy as np
import probes

from fastsde.integrate.lowering import lower
from fastsde.kernels.block import Model, Passages, Span
from fastsde.kernels.box_muller import normals32, normals64
from fastsde.kernels.cpu import advance, aligned, from_lanes, to_lanes
from fastsde.kernels.lanes import lane_count
from fastsde.kernels.philox import counter_words, philox
from fastsde.problem.data import build_problem
from fastsde.problem.network import DeepLinearNetwork

GUARD = 64
SHAPES = [(3, 2), (1, 1), (3, 4, 2), (2, 5, 3, 4), (4, 10, 10, 10, 4), (3, 1, 3), (2, 3, 3, 3, 3, 2)]
INPUTS = {
    "white": {"samples": 9, "inputs": {"kind": "gaussian", "whiten": True}},
    "raw": {"samples": 40},
    "population": {"samples": "population"},
    "spectrum": {"samples": "population", "inputs": {"kind": "gaussian"}, "spectrum": (0.5, 2.0)},
    "heavy": {"samples": "population", "inputs": {"kind": "student-t", "nu": 7.0}},
}


def network(a_study):
    """The plain reference of a study's network."""
    return DeepLinearNetwork(a_study.network.widths, a_study.network.loss_scale)


def points(a_study, count=5, seed=0):
    """Parameters well away from the origin and from divergence; (count, p)."""
    spread = max(a_study.network.widths) ** -0.5
    return np.random.default_rng(seed).normal(0, spread, (count, network(a_study).size))


class Case:
    """A study's model lowered, and its problem and reference beside it."""

    def __init__(self, a_study):
        self.study = a_study
        self.problem = build_problem(a_study)
        self.reference = network(a_study)
        self.lowered = lower(a_study, "m", self.problem)
        self.lanes = lane_count(a_study.dtype)

    def points(self, count=None, seed=0):
        """Starting parameters, one block of them by default, in the study's precision."""
        return points(self.study, count or self.lanes, seed).astype(self.study.dtype)

    def advance(self, theta, *, first=0, start=0, steps=1, dynamics=None, diverged=None):
        """Advance rows of parameters; fails if a kernel writes beyond the memory planned for it."""
        low, dtype = self.lowered, self.study.dtype
        state = to_lanes(np.asarray(theta, dtype=dtype))
        memory, indices = (
            guarded(low.network.size * self.lanes, dtype),
            guarded(low.choice * self.lanes, "i4"),
        )
        rows = len(state) * self.lanes
        diverged = np.full(rows, -1, dtype=np.int64) if diverged is None else diverged
        passed = np.empty((rows, 0), dtype=np.int64)
        model = Model(low.network, low.data, dynamics or low.dynamics, low.key)
        passages = Passages(low.events, diverged, passed)
        numbers = np.arange(first, first + rows, dtype=np.uint64)
        advance(state, memory, indices, numbers, Span(start, steps, True), model, passages)
        assert untouched(memory)
        assert untouched(indices)
        return from_lanes(state, len(theta))

    def draws(self, count, purpose, *, first=0, step=0):
        """The block's standard normals of one step, made in plain NumPy; (trajectories, count)."""
        words = [self.words(i, purpose, first=first, step=step) for i in range(-(-count // 2))]
        if self.study.dtype == "float32":
            rows = [x for w in words for pair in (w[:2], w[2:]) for x in normals32(*pair)]
        else:
            rows = [x for w in words for x in normals64(*w)]
        return np.stack(rows[:count], axis=1).astype(np.float64)

    def words(self, draw, purpose, *, first=0, step=0):
        """The four Philox words of a draw of one step, for each trajectory of the block."""
        numbers = np.arange(first, first + self.lanes).astype(np.uint64)
        with np.errstate(over="ignore"):
            counter = counter_words(numbers, np.uint64(step), purpose)
            return philox(np.uint64(draw), *counter, *self.lowered.key)

    def batches(self, steps, *, first=0, start=0):
        """Sample indices of the block's mini-batches, (steps, batch, lanes), and their sizes."""
        low, model, n = self.lowered, self.lowered.dynamics, len(self.lowered.data.inputs)
        memory, indices = aligned(self.lanes, self.study.dtype), aligned(low.choice * self.lanes, np.int32)
        out = np.full((steps, model.batch, self.lanes), -1, dtype=np.int64)
        sizes = np.zeros(steps, dtype=np.int64)
        law = model.sampling, model.batch, n
        probes.chosen(memory, indices, out, sizes, *law, start, steps, first, low.key)
        return out, sizes


def guarded(size, dtype):
    """Memory with numbers behind it that must stay; see `untouched`."""
    array = aligned(size + GUARD, dtype)
    array[...] = 77
    return array


def untouched(array):
    """Whether a kernel kept to the memory planned for it."""
    return bool(np.all(array[-GUARD:] == 77))
