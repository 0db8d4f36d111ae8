"""Energy and gradient of landscapes: at a point, over all samples, and over the members of a batch."""

from typing import Any, NamedTuple

from numba.core.errors import NumbaError

from fastsde.kernels.lane_rows import gather_row, lane_rows
from fastsde.kernels.lanes import broadcast, fma, lane_width, load, scalar, store
from fastsde.kernels.options import choice, inlined
from fastsde.kernels.routine import address_of, call_routine, with_callee
from fastsde.kernels.surface import Surface, named, registered_at

__all__ = [
    "Members",
    "Sums",
    "add_members",
    "member_routine",
    "routines",
    "surface_energy",
    "surface_residual",
    "surface_trace",
    "surface_weighted",
]


class Members(NamedTuple):
    """Which samples each trajectory of a block sees."""

    indices: Any  # one row of lanes for each member
    first: int  # row of the first
    count: int
    label_sd: float  # of the noise at `label_noise` that is added to their labels; 0: none


class Sums(NamedTuple):
    """How a landscape goes over samples on CPUs, in place of one call per sample; None: by such calls."""

    value: Any = None  # as `surface_value`
    trace: Any = None  # as `trace_value`
    members: Any = None  # as `add_members`


def routines(name, net, data):
    """Return the addresses of a landscape's `surface_value` and noise trace, compiled for CPUs.

    Parameters
    ----------
    name : str
        Under which the function is registered.
    net : fastsde.kernels.layout.Network
    data : Surface
        Of which only the types count.

    Returns
    -------
    tuple of int
        ``Surface.value`` and ``Surface.trace``.
    """
    one = named(name)
    if not one.mean:
        return address_of(one.function, net, data, "target"), 0
    sums = one.sums or Sums()
    value = sums.value or with_callee(_weighted, "sample_value", one.function)
    trace = sums.trace or with_callee(_trace, "sample_value", one.function)
    return address_of(value, net, data, "target"), address_of(trace, net, data, "target", "lanes")


def member_routine(name, net, data, members):
    """Return the address of `add_members` of a landscape, ``Surface.members``, compiled for CPUs.

    A function that takes numbers of a sample, but no lane vectors, is evaluated for all samples by weights;
    its labels cannot have noise then.

    Raises
    ------
    numba.core.errors.NumbaError
        If there is noise of the labels, and the function does not compile for lane vectors.
    """
    one = named(name)

    def compiled(routine):
        return address_of(routine, net, data, members, "lanes", "target")

    if one.sums is not None and one.sums.members is not None:
        return compiled(one.sums.members)
    try:
        return compiled(with_callee(_gathered, "sample_value", one.function))
    except NumbaError:
        if members.label_sd > 0.0:
            raise
        return compiled(with_callee(_counted, "sample_value", one.function))


def surface_value(m, net, data, target):
    """Write the gradient to `target` and return the energy; of a mean over samples, by their weights."""
    raise NotImplementedError("compiled only")


@choice(surface_value, inline=True)
def _surface_value(m, net, data, target):
    if isinstance(data, Surface):  # the landscape itself is known, not only its type
        return _weighted if registered_at(data.kind).mean else registered_at(data.kind).function
    return lambda m, net, data, target: call_routine(data.value, m, net, data, target)


def sample_value(m, net, data, i, weight, target):
    """Add `weight` times the gradient of sample `i` to `target`; return its energy."""
    raise NotImplementedError("compiled only")


@choice(sample_value)
def _sample_value(m, net, data, i, weight, target):
    return registered_at(data.kind).function


def trace_value(m, net, data, target, gradient_square):
    """Return the trace of the covariance of one sample's gradient; overwrites `target`."""
    raise NotImplementedError("compiled only")


@choice(trace_value, inline=True)
def _trace_value(m, net, data, target, gradient_square):
    if isinstance(data, Surface):
        return _trace
    return lambda m, net, data, target, gradient_square: call_routine(
        data.trace, m, net, data, target, gradient_square
    )


def _weighted(m, net, data, target):
    """Write the sum of the samples' gradients by their weights to `target`; return that of their energies."""
    energy = broadcast(m, 0.0)
    for k in range(net.parameters):
        store(m, target + k, broadcast(m, 0.0))
    for i in range(len(data.inputs)):
        weight = load(m, net.weights + i)
        energy = fma(weight, sample_value(m, net, data, i, weight, target), energy)
    return energy


def _trace(m, net, data, target, gradient_square):
    n = len(data.inputs)
    total = broadcast(m, 0.0)
    for i in range(n):
        for k in range(net.parameters):
            store(m, target + k, broadcast(m, 0.0))
        sample_value(m, net, data, i, broadcast(m, 1.0), target)
        for k in range(net.parameters):
            total = fma(load(m, target + k), load(m, target + k), total)
    return total * (data.scale * data.scale / scalar(m, n)) - gradient_square


def add_members(m, net, data, members, weight, target):
    """Add `weight` times the gradients of the members of a batch to `target`; return the sum of energies."""
    raise NotImplementedError("compiled only")


@choice(add_members, inline=True)
def _add_members(m, net, data, members, weight, target):
    if isinstance(data, Surface):
        return _scalar_members
    return lambda m, net, data, members, weight, target: call_routine(
        data.members, m, net, data, members, weight, target
    )


def _scalar_members(m, net, data, members, weight, target):
    """Do so where a trajectory has a thread: a sample's number is a number."""
    energy = broadcast(m, 0.0)
    for k in range(members.first, members.first + members.count):
        energy = energy + sample_value(m, net, data, members.indices[k], weight, target)
    return energy


def _gathered(m, net, data, members, weight, target):
    """Do so by gathering each lane's own sample."""
    width, columns, labels = lane_width(m), data.inputs.shape[1], data.labels.shape[1]
    own = Surface(
        data.kind,
        lane_rows(m, net.row, columns),
        lane_rows(m, net.row + columns, labels),
        data.rows,
        data.table,
        data.vector,
        data.sizes,
        data.optimum,
        data.scale,
        data.floor,
        data.address,
        data.value,
        data.trace,
        data.members,
        data.observed,
    )
    energy = broadcast(m, 0.0)
    for k in range(members.count):
        gather_row(m, data.rows, members.indices, (members.first + k) * width, net.row)
        if members.label_sd > 0.0:
            for j in range(labels):
                at, noise = net.row + columns + j, load(m, net.label_noise + k * labels + j)
                store(m, at, fma(noise, members.label_sd, load(m, at)))
        energy = energy + sample_value(m, net, own, 0, weight, target)
    return energy


def _counted(m, net, data, members, weight, target):
    """Do so by the weights of all samples; overwrites these."""
    width, n = lane_width(m), len(data.inputs)
    for i in range(n):
        store(m, net.weights + i, broadcast(m, 0.0))
    store(m, net.draw, weight)
    for k in range(members.first * width, (members.first + members.count) * width):
        m[(net.weights + members.indices[k]) * width + k % width] += m[net.draw * width + k % width]
    energy = broadcast(m, 0.0)
    for i in range(n):
        own = load(m, net.weights + i)
        energy = fma(own, sample_value(m, net, data, i, own, target), energy)
    return energy


def surface_residual(m, net, data):
    """Write the gradient in the place of R."""
    _weigh_alike(m, net, data)
    surface_value(m, net, data, net.residual)


def surface_energy(m, net, data):
    """Return the energy; overwrites `spare`."""
    _weigh_alike(m, net, data)
    return surface_value(m, net, data, net.spare)


@inlined
def _weigh_alike(m, net, data):
    """Give all samples of a mean the same weight."""
    n = len(data.inputs)
    for i in range(n):
        store(m, net.weights + i, broadcast(m, data.scale / scalar(m, n)))


def surface_weighted(m, net, data):
    """Write the sum of the samples' gradients by their weights in the place of R."""
    surface_value(m, net, data, net.residual)


def surface_trace(m, net, data, gradient_square):
    """Return the trace of the covariance of one sample's gradient; overwrites `spare`."""
    return trace_value(m, net, data, net.spare, gradient_square)
