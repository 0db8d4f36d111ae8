"""Noise by a compiled function of one point, ``noise(theta, B)``, called for each trajectory."""

import math
from typing import NamedTuple

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from fastsde.kernels.dln import inner_product
from fastsde.kernels.lanes import broadcast, fma, lane_width, load, select, store
from fastsde.kernels.options import inlined, never_inlined
from fastsde.kernels.shape import (
    correction_place,
    noise_place,
    shape_correction_of,
    shape_noise_of,
    work_place,
)
from fastsde.kernels.vectors import clear, copy

__all__ = ["function_work"]


def function_work(parameters, rank):
    """Return the lane vectors of memory that it works with."""
    return 3 * parameters * rank + 2 * parameters + rank


class _Places(NamedTuple):
    """Where in the memory what is."""

    unit: int
    columns: int
    others: int  # the matrix beside the state
    held: int
    scratch: int


@inlined
def _places(net, shape):
    p, size = net.parameters, net.parameters * shape.rank
    unit = work_place(net, shape)
    columns = unit + shape.rank
    return _Places(unit, columns, columns + size, columns + 2 * size, columns + 2 * size + p)


@shape_noise_of("function")
def function_noise(m, net, data, shape):
    """Return the trace of ``strength B B^T``; only in ``float64``, on CPUs."""
    p, r, at = net.parameters, shape.rank, _places(net, shape)
    square = _fill(m, net, shape, at.columns, at.scratch)
    copy(m, noise_place(net), at.unit, broadcast(m, math.sqrt(shape.strength)), r)
    for k in range(p):
        total = broadcast(m, 0.0)
        for c in range(r):
            total = fma(load(m, at.columns + k * r + c), load(m, at.unit + c), total)
        store(m, noise_place(net) + k, total)
    return square * shape.strength


@never_inlined
def _fill(m, net, shape, target, scratch):
    """Write B of the state to `target`, row by row; return the sum of the squares of its entries."""
    width, p, size = lane_width(m), net.parameters, net.parameters * shape.rank
    x, out = scratch * width, (scratch + p) * width
    for v in range(width):
        for i in range(p):
            m[x + i] = m[i * width + v]
        for i in range(size):
            m[out + i] = 0.0
        _call(m, shape.function, x, out, p, shape.rank)
        for i in range(size):
            m[(target + i) * width + v] = m[out + i]
    return inner_product(m, target, target, size)


@shape_correction_of("function")
def function_correction(m, net, data, shape, trace):
    """Write half the sum over the columns of the derivative of each along itself, by differences."""
    p, at = net.parameters, _places(net, shape)
    here = _level(m, shape, _fill(m, net, shape, at.columns, at.scratch), trace)
    one = broadcast(m, 1.0)
    copy(m, 0, at.held, one, p)
    clear(m, correction_place(net), p)
    for c in range(shape.rank):
        for j in range(len(shape.nodes)):
            _beside(m, net, shape, at, c, here, trace, shape.nodes[j], shape.odd[j])
            _beside(m, net, shape, at, c, here, trace, -shape.nodes[j], -shape.odd[j])
    copy(m, at.held, 0, one, p)
    return here


@never_inlined
def _beside(m, net, shape, at, c, here, trace, node, weight):
    """Add the part of the derivative of column `c` along itself that one point beside the state has."""
    p, r = net.parameters, shape.rank
    square = broadcast(m, 0.0)
    for k in range(p):
        square = fma(load(m, at.columns + k * r + c), load(m, at.columns + k * r + c), square)
    some = square > 0.0
    length = math.sqrt(square)
    far = select(some, 1.0 / select(some, length, 1.0), 0.0) * node
    for k in range(p):
        store(m, k, fma(load(m, at.columns + k * r + c), far, load(m, at.held + k)))
    there = _level(m, shape, _fill(m, net, shape, at.others, at.scratch), trace)
    factor = here * there * length * (0.5 * weight)
    for k in range(p):
        target = correction_place(net) + k
        store(m, target, fma(load(m, at.others + k * r + c), factor, load(m, target)))


@never_inlined
def _level(m, shape, square, trace):
    """Return the factor of B: the root of the strength, or what gives it this trace."""
    if trace <= 0.0:
        return broadcast(m, math.sqrt(shape.strength))
    some = square > 0.0
    return select(some, math.sqrt(broadcast(m, trace) / select(some, square, 1.0)), 0.0)


@intrinsic
def _call(typingctx, m, address, x, out, count, rank):
    """Call the C function at `address` on places `x` and `out` of the array; nothing in ``float32``."""

    def codegen(context, builder, sig, args):
        array, address, x, out, count, rank = args
        if sig.args[0].dtype == types.float64:
            data = context.make_array(sig.args[0])(context, builder, array).data
            pointer, number = ir.DoubleType().as_pointer(), ir.IntType(64)
            kind = ir.FunctionType(ir.VoidType(), [pointer, pointer, number, number])
            called = builder.inttoptr(address, kind.as_pointer())
            builder.call(called, [builder.gep(data, [x]), builder.gep(data, [out]), count, rank])
        return context.get_dummy_value()

    return types.void(m, *[types.int64] * 5), codegen
