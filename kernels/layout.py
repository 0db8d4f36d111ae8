"""What kernels are given, as named tuples: what is where in a block's memory, the data, the events.

A block's memory is one flat array of lane vectors: first the parameters (layer 1 first, each ``W_l`` row
after row), then everything a step needs. All places and strides are in lane vectors.
"""

from typing import Any, NamedTuple

import numpy as np

__all__ = ["SAMPLE_CHUNK", "Data", "Events", "Measurements", "Network", "plan_landscape", "plan_network"]

SAMPLE_CHUNK = 32  # samples whose activations are held at once when noise is measured


class Network(NamedTuple):
    """Sizes of a network and the places of its matrices in a block's memory."""

    widths: Any  # (L + 1,) input first
    weight: Any  # (L,) W_l, d_l x d_{l-1}; layer 1 at 0
    prefix: Any  # (L,) P_l = W_l ... W_1, d_l x d_in; P_1 is W_1 itself
    gradient: Any  # (L,) room for the gradient of each layer
    activation: Any  # (L + 1,) h_0 ... h_L of a mini-batch, d_l x batch
    parameters: int
    deviation: int  # D = W - optimum, d_out x d_in
    residual: int  # R, d_out x d_in
    left: int  # back-propagated matrix, at most max(width) x max(d_in, batch)
    right: int  # its partner
    error: int  # E, d_out x chunk of samples
    weights: int  # one weight a sample
    mix: int  # d_in x d_in
    spare: int  # d_out x d_in
    draw: int  # normals
    carried: int  # what a dynamics carries from step to step besides the parameters, right behind them
    hold: int  # p: the state a step came from
    kept: int  # p: the same for the outermost step
    extra: int  # p: drift beyond the gradient
    along: int  # p: a direction
    unit: int  # p: noise before it is shaped
    central: int  # of the central flow, see `fastsde.kernels.drift.central`
    row: int  # of a landscape: each trajectory's own sample
    label_noise: int  # of a landscape: normals for the labels of a batch
    work: int  # of a landscape: what its function needs, `Landscape.workspace`
    shaped: int  # of noise that follows the state, see `fastsde.kernels.shape`
    size: int  # of the whole memory


class Data(NamedTuple):
    """The learning problem: sample or population moments about the optimum, and the samples."""

    inputs: Any  # (n, d_in); n = 0 for a population
    labels: Any  # (n, d_out)
    rows: Any  # (n, d_in + d_out and padding to a multiple of 4): inputs beside labels
    noise: Any  # (n, d_out): labels less what the optimum predicts
    optimum: Any  # (d_out, d_in)
    covariance: Any  # (d_in, d_in) S
    factor: Any  # (d_in, d_in) F with F F^T = S
    factor_transposed: Any  # (d_in, d_in)
    white: bool  # S is the identity
    scale: float  # c: loss = c/2 E |W x - y|^2
    floor: float  # loss at the optimum
    label_sd: float  # standard deviation of the population's label noise
    spread: float  # E tau^2 of elliptical inputs x = sqrt(tau) g; 1 for Gaussian


class Measurements(NamedTuple):
    """The problem of linear measurements of the end-to-end matrix, ``y_i = <A_i, W> + noise``.

    Each A_i is full, or a single entry (completion): `entries` and `first` are empty, or not.
    """

    inputs: Any  # (n, d_out d_in) A_i row by row; (n, 0) of single entries; n = 0 for a population
    labels: Any  # (n, 1)
    noise: Any  # (n,): labels less what the optimum predicts
    entries: Any  # (n,) ascending, the place of each sample's entry; of a population, those that are drawn
    first: Any  # (d_out d_in + 1,) of each entry, the first of its samples
    density: Any  # (d_out d_in,) the diagonal of E vec(A) vec(A)^T where that is diagonal; else empty
    optimum: Any  # (d_out, d_in)
    scale: float  # c: loss = c/2 E (<A, W> - y)^2
    floor: float  # loss at the optimum
    label_sd: float  # standard deviation of the population's label noise


class Events(NamedTuple):
    """First passages: the loss below levels, modes at fractions, radii, intervals, a saddle left."""

    every: int
    levels: Any  # (levels,)
    thresholds: Any  # (fractions, modes), infinite where a mode has no strength
    left: Any  # (modes, d_out) U^T
    right: Any  # (modes, d_in) V^T
    radii: Any  # (radii,) distances from the origin, of a landscape from its centre
    intervals: Any  # (intervals, 2) lower and upper ends, NaN where a mode has no strength
    watched: Any  # (intervals, 2) the mode, from 0, and whether it is awaited outside
    stops: Any  # (stops, passages) 1 for those that must all have happened, for a trajectory to stop
    saddle: Any  # (d_out, d_in) end-to-end matrix of the saddle that trajectories start at; empty without one
    escapes: Any  # (escapes,) distances of the end-to-end matrix from it


def plan_network(widths, samples, batch, carried=0, refined=False, central=0, shaped=0):
    """Lay out the memory of one block: a network, `samples` training samples, mini-batches of `batch`.

    `carried` lane vectors are behind the parameters; `refined` makes room for what refinements of a step
    need, of which `central` for the central flow; `shaped` is for noise that follows the state.
    """
    widths = np.asarray(widths, dtype=np.int64)
    layers = len(widths) - 1
    d_in, d_out, widest = int(widths[0]), int(widths[-1]), int(widths.max())
    sizes = widths[1:] * widths[:-1]
    weight = np.concatenate([[0], np.cumsum(sizes)])[:-1]
    parameters = int(sizes.sum())
    room = _Rooms(parameters + carried)
    columns = max(d_in, batch, min(samples, SAMPLE_CHUNK))
    prefix = np.array([0] + [room(widths[l] * d_in) for l in range(2, layers + 1)], dtype=np.int64)
    activation = np.array(
        [room(w * max(batch, min(samples, SAMPLE_CHUNK), d_out)) for w in widths], dtype=np.int64
    )
    gradient = np.array([room(s) for s in sizes], dtype=np.int64)
    places = {
        "deviation": room(d_out * d_in),
        "residual": room(d_out * d_in),
        "left": room(widest * columns),
        "right": room(widest * columns),
        "error": room(d_out * max(samples, batch, d_in)),
        "weights": room(max(samples, batch) + 4),
        "mix": room(widest * max(d_in, widest)),
        "spare": room(d_out * d_in),
        "draw": room(max(samples, d_in * (d_in + 1) // 2 + d_out * d_in + 1, batch * (d_in + d_out)) + 4),
        "carried": parameters,
        **_refinements(room, parameters, refined, central, shaped),
        **dict.fromkeys(("row", "label_noise", "work"), 0),
    }
    return Network(widths, weight, prefix, gradient, activation, parameters, **places, size=room.end)


def plan_landscape(
    dimension, samples, carried=0, refined=False, central=0, shaped=0, *, row=0, label_noise=0, work=0
):
    """Lay out the memory of one block on a landscape; no step uses the places of a network's activations.

    `row`, `label_noise` and `work` are the lane vectors of the three places that only landscapes have.
    """
    widths = np.array([1, dimension], dtype=np.int64)
    zero = np.zeros(1, dtype=np.int64)
    room = _Rooms(dimension + carried)
    gradient = np.array([room(dimension)], dtype=np.int64)
    places = {
        **{name: room(dimension) for name in ("deviation", "residual", "left", "right", "spare")},
        **dict.fromkeys(("error", "mix"), 0),
        "weights": room(samples + 4),
        "draw": room(4),
        "carried": dimension,
        **_refinements(room, dimension, refined, central, shaped),
        "row": room(row),
        "label_noise": room(label_noise + 4 if label_noise else 0),
        "work": room(work),
    }
    activation = np.zeros(2, dtype=np.int64)
    return Network(widths, zero, zero, gradient, activation, dimension, **places, size=room.end)


class _Rooms:
    """Hands out places one behind the other."""

    def __init__(self, end):
        self.end = end

    def __call__(self, size):
        start = self.end
        self.end += int(size)
        return start


def _refinements(room, parameters, refined, central, shaped):
    """Return the places of what refinements of a step, and noise that follows the state, need."""
    names = ("hold", "kept", "extra", "along", "unit")
    places = {name: room(parameters + 4 if refined else 0) for name in names}
    return {**places, "central": room(central), "shaped": room(shaped)}
