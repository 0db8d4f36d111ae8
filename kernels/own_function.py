"""Functions of a user's: called by their address on CPUs, compiled into the kernels on GPUs."""

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from fastsde.kernels.options import choice
from fastsde.kernels.routine import with_callee

__all__ = ["call_sample", "own_functions", "own_loss"]

own_functions = {}
"""The Python function behind each address that this process has compiled."""


@intrinsic
def call_sample(typingctx, address, m, theta, rows, row, gradient, parameters, columns):
    """Call ``loss(theta, sample, gradient)`` at `address`; returns the loss.

    `theta` and `gradient` are places in the array `m`, `row` is one in the array `rows`, which may be `m`
    too: all in numbers from the beginning.
    """
    real = m.dtype

    def codegen(context, builder, sig, args):
        address, m, theta, rows, row, gradient, parameters, columns = args
        memory = context.make_array(sig.args[1])(context, builder, m).data
        table = context.make_array(sig.args[3])(context, builder, rows).data
        number = context.get_value_type(real)
        pointer, whole = number.as_pointer(), ir.IntType(64)
        kind = ir.FunctionType(number, [pointer, pointer, pointer, whole, whole])
        called = builder.inttoptr(address, kind.as_pointer())
        places = [builder.gep(memory, [theta]), builder.gep(table, [row]), builder.gep(memory, [gradient])]
        return builder.call(called, [*places, parameters, columns])

    whole = types.int64
    return real(whole, m, whole, rows, whole, whole, whole, whole), codegen


def own_loss(data, theta, sample, gradient):
    """Return ``loss(theta, sample, gradient)`` of the landscape, on a GPU."""
    raise NotImplementedError("compiled only")


@choice(own_loss)
def _own_loss(data, theta, sample, gradient):
    return with_callee(_given, "sample_loss", own_functions[data.address])


def _given(data, theta, sample, gradient):
    return sample_loss(theta, sample, gradient)


def sample_loss(theta, sample, gradient):
    """Stand for the function of a user's."""
    raise NotImplementedError("replaced where it is called")
