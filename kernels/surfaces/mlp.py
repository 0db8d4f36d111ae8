"""Nonlinear networks of fully connected layers: one sample forward and back, one block of trajectories.

One function for each activation and loss is made from the same source and compiled when it is used. The
parameters are W_1 (row by row), b_1, W_2, b_2, ...; ``data.sizes`` holds whether there are biases, how many
outputs are observed, then the widths, ``data.vector`` the factor of the outputs and that of the squared
error, ``data.table`` the inputs for which outputs are observed.

In the workspace are the values of each layer below the outputs, ``h_0 ... h_{L-1}``, their slopes, and two
rooms for what is carried back.
"""

from types import FunctionType

from fastsde.kernels.activations import ACTIVATIONS, LINEAR
from fastsde.kernels.chain import back_and_add, matrix_vector
from fastsde.kernels.lanes import broadcast, fma, load, select, store
from fastsde.kernels.options import inlined
from fastsde.kernels.special import exponential, logarithm
from fastsde.kernels.surface import sample_surface

__all__ = ["mlp_name", "workspace"]

FIRST = 2
"""Place of the first width in ``data.sizes``."""


def mlp_name(activation, loss):
    """Return the name under which the function of an activation and a loss is registered."""
    return f"mlp-{activation}-{loss}"


def workspace(widths):
    """Return the lane vectors that a network of these widths needs.

    Examples
    --------
    >>> workspace((2, 3, 1))
    16
    """
    return 2 * sum(widths[:-1]) + 2 * max(widths)


def activate(m, at, slopes, rows):
    """Replace the sums at `at` by the activation's values, and write its slopes."""
    raise NotImplementedError("exchanged")


def unit(m, z):
    """Return value and slope of an activation."""
    raise NotImplementedError("exchanged")


def steepen(m, at, slopes, rows):
    """Multiply what is carried back by the slopes."""
    raise NotImplementedError("exchanged")


def miss(m, data, i, out, rows, room, weight):
    """Replace the outputs at `out` by `weight` times the loss's derivative; return the loss of sample `i`."""
    raise NotImplementedError("exchanged")


def _activate(m, at, slopes, rows):
    for k in range(rows):
        value, slope = unit(m, load(m, at + k))
        store(m, at + k, value)
        store(m, slopes + k, slope)


@inlined
def _steepen(m, at, slopes, rows):
    for k in range(rows):
        store(m, at + k, load(m, at + k) * load(m, slopes + k))


@inlined
def _leave(m, at, slopes, rows):
    """Do nothing, as a linear activation does."""


@inlined
def _squared(m, data, i, out, rows, room, weight):
    """``c/2 sum_k (f_k - y_k)^2``."""
    loss, factor = broadcast(m, 0.0), weight * data.vector[1]
    for k in range(rows):
        error = load(m, out + k) - data.labels[i, k]
        loss = fma(error, error, loss)
        store(m, out + k, error * factor)
    return loss * (data.vector[1] * 0.5)


@inlined
def _cross_entropy(m, data, i, out, rows, room, weight):
    """``-sum_k y_k log softmax(f)_k``, labels being shares of the classes; `room` holds exponentials."""
    top = load(m, out)
    for k in range(1, rows):
        value = load(m, out + k)
        top = select(value > top, value, top)
    total, shares, inner = broadcast(m, 0.0), broadcast(m, 0.0), broadcast(m, 0.0)
    for k in range(rows):
        value = load(m, out + k) - top
        power = exponential(m, value)
        store(m, room + k, power)
        total = total + power
        shares = shares + data.labels[i, k]
        inner = fma(value, data.labels[i, k], inner)
    each = shares / total
    for k in range(rows):
        error = fma(load(m, room + k), each, broadcast(m, 0.0) - data.labels[i, k])
        store(m, out + k, error * weight)
    return fma(logarithm(m, total), shares, broadcast(m, 0.0) - inner)


@inlined
def forward(m, net, data, total):
    """Carry the inputs at ``net.work`` to the outputs at ``net.work + 2 total``; return the end of the state.

    `total` is the number of values below the outputs.
    """
    biases, layers = data.sizes[0], len(data.sizes) - FIRST - 1
    place, h = 0, net.work
    for l in range(layers):
        columns, rows = data.sizes[FIRST + l], data.sizes[FIRST + l + 1]
        top = l + 1 == layers
        above = net.work + 2 * total if top else h + columns
        matrix_vector(m, place, h, above, rows, columns)
        place += rows * columns
        if top:
            _scale(m, above, rows, data.vector[0])
        if biases:
            for k in range(rows):
                store(m, above + k, load(m, above + k) + load(m, place + k))
            place += rows
        if not top:
            activate(m, above, above + total, rows)
        h = above
    return place


@inlined
def _scale(m, at, rows, factor):
    """Multiply by the factor of the outputs."""
    if factor != 1.0:
        for k in range(rows):
            store(m, at + k, load(m, at + k) * factor)


@inlined
def backward(m, net, data, total, end, out, room, target):
    """Carry what is at `out` back, and add the gradient of each layer at `target`."""
    biases, layers = data.sizes[0], len(data.sizes) - FIRST - 1
    place, h, back, following = end, net.work + total, out, room
    for l in range(layers - 1, -1, -1):
        columns, rows = data.sizes[FIRST + l], data.sizes[FIRST + l + 1]
        h -= columns
        if biases:
            place -= rows
            for k in range(rows):
                at = target + place + k
                store(m, at, load(m, at) + load(m, back + k))
        place -= rows * columns
        if l + 1 == layers:
            _scale(m, back, rows, data.vector[0])
        if l > 0:
            back_and_add(m, place, h, back, following, rows, columns, target + place, True)
            steepen(m, following, h + total, columns)
            back, following = following, back
        else:
            back_and_add(m, place, h, back, following, rows, columns, target + place, None)


def _sample(m, net, data, i, weight, target):
    """Add `weight` times the gradient of one sample at `target`, which may be the state; return its loss."""
    for k in range(data.sizes[FIRST]):
        store(m, net.work + k, broadcast(m, 0.0) + data.inputs[i, k])
    outputs = data.sizes[len(data.sizes) - 1]
    total, widest = 0, outputs
    for l in range(FIRST, len(data.sizes) - 1):
        total += data.sizes[l]
        widest = max(widest, data.sizes[l])
    end = forward(m, net, data, total)
    out = net.work + 2 * total
    loss = miss(m, data, i, out, outputs, out + widest, weight)
    backward(m, net, data, total, end, out, out + widest, target)
    return loss


def _observed(m, net, data, target):
    """Write the first outputs for the inputs in ``data.table``, as many as ``data.sizes`` says."""
    outputs = data.sizes[len(data.sizes) - 1]
    total = 0
    for l in range(FIRST, len(data.sizes) - 1):
        total += data.sizes[l]
    place = 0
    for i in range(data.table.shape[0]):
        for k in range(data.sizes[FIRST]):
            store(m, net.work + k, broadcast(m, data.table[i, k]))
        forward(m, net, data, total)
        for k in range(min(outputs, data.sizes[1] - place)):
            store(m, target + place + k, load(m, net.work + 2 * total + k))
        place += outputs
    return broadcast(m, 0.0)


LOSSES = {"squared": _squared, "cross-entropy": _cross_entropy}


def _exchanged(template, name, **callees):
    """Return a copy of a function that calls others by the same names."""
    name = name.replace("-", "_")
    copy = FunctionType(template.__code__, {**template.__globals__, **callees}, name)
    copy.__qualname__ = name
    return copy


def _register(activation):
    """Register the functions of an activation, one per loss."""
    parts = {"activate": _leave, "steepen": _leave}
    if activation != LINEAR:
        unit_of = {"unit": ACTIVATIONS[activation]}
        parts = {
            "activate": inlined(_exchanged(_activate, f"activate_{activation}", **unit_of)),
            "steepen": _steepen,
        }
    ways = {
        way.__name__: inlined(_exchanged(way, f"{way.__name__}_{activation}", **parts))
        for way in (forward, backward)
    }
    observed = _exchanged(_observed, f"observed_mlp_{activation}", forward=ways["forward"])
    for loss, function in LOSSES.items():
        name = mlp_name(activation, loss)
        sample_surface(name, observed=observed, in_place=True)(
            _exchanged(_sample, name, miss=function, **ways)
        )


for _activation in (LINEAR, *ACTIVATIONS):
    _register(_activation)
