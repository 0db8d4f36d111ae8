"""Where a block is in time and in its random numbers, as a step is given it."""

from typing import Any, NamedTuple

from numba import uint64

from fastsde.kernels.options import inlined
from fastsde.kernels.philox import Stream

__all__ = ["Moment", "rekeyed", "with_stream"]


class Moment(NamedTuple):
    """One step of one block of trajectories."""

    number: int  # of the integrator step
    first: bool  # whether this call takes its first step: `indices` holds nothing yet
    indices: Any  # of samples, one row of lanes for each member of a batch
    trajectory: Any  # numbers of the block's trajectories
    stream: Stream  # random numbers of this step


@inlined
def with_stream(moment, stream):
    """Return the moment with other random numbers."""
    return Moment(moment.number, moment.first, moment.indices, moment.trajectory, stream)


@inlined
def rekeyed(stream, first, second):
    """Return the stream whose key differs in the bits of two words."""
    return Stream(stream.counter, (stream.key[0] ^ uint64(first), stream.key[1] ^ uint64(second)))
