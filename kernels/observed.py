"""What is observed of a state as its modes: entries of the end-to-end matrix, coordinates, or outputs.

A landscape that is a network has outputs, which symmetries of its parameters leave as they are; its function
of lanes is registered beside that of its samples (`fastsde.kernels.surface.sample_surface`). Of any other
landscape the coordinates are observed.
"""

from fastsde.kernels.lanes import lane_width, load, store
from fastsde.kernels.layout import Data, Measurements
from fastsde.kernels.options import choice, has_class, kernel
from fastsde.kernels.routine import address_of, call_routine
from fastsde.kernels.surface import Surface, named, registered_at

__all__ = ["observed_outputs", "observed_place", "observed_routine"]


def observed_routine(name, net, data):
    """Return the address of a landscape's function of outputs, ``Surface.observed``; 0 if it has none."""
    function = named(name).observed
    return 0 if function is None else address_of(function, net, data, "target")


def observed_place(m, net, data):
    """Return the place of what is observed: one lane vector per mode; may overwrite `spare`."""
    raise NotImplementedError("compiled only")


@choice(observed_place, inline=True)
def _observed_place(m, net, data):
    if has_class(data, Data) or has_class(data, Measurements):
        return _of_matrix
    if isinstance(data, Surface):  # the landscape itself is known, not only its type
        return _of_matrix if registered_at(data.kind).observed is None else _of_outputs
    return _of_either


def _of_matrix(m, net, data):
    return net.prefix[-1]


def _of_outputs(m, net, data):
    write_outputs(m, net, data, net.spare)
    return net.spare


def _of_either(m, net, data):
    if data.observed == 0:
        return net.prefix[-1]
    write_outputs(m, net, data, net.spare)
    return net.spare


def write_outputs(m, net, data, target):
    """Write the observed outputs to `target`."""
    raise NotImplementedError("compiled only")


@choice(write_outputs, inline=True)
def _write_outputs(m, net, data, target):
    if isinstance(data, Surface):
        return registered_at(data.kind).observed
    return lambda m, net, data, target: call_routine(data.observed, m, net, data, target)


@kernel
def observed_outputs(state, memory, net, data, out):
    """Write the observed outputs of each point, one row per trajectory.

    Parameters
    ----------
    state : (blocks, parameters * lanes) array
    memory : one thread's memory for a block
    out : (blocks * lanes, modes) array
    """
    width = lane_width(memory)
    for b in range(state.shape[0]):
        for k in range(state.shape[1]):
            memory[k] = state[b, k]
        call_routine(data.observed, memory, net, data, net.spare)
        for a in range(out.shape[1]):
            store(memory, net.draw, load(memory, net.spare + a))
            for v in range(width):
                out[b * width + v, a] = memory[net.draw * width + v]
