"""Functions whose code is emitted (`fastsde.kernels.gpu.emit`), as kernels of numba's CUDA target call them.

Only imported where code is compiled: the simulator has `fastsde.kernels.gpu.tiles` instead, with the same
names.
"""

from llvmlite import ir
from numba.core import cgutils
from numba.cuda import types
from numba.cuda.extending import intrinsic, overload

from fastsde.kernels.gpu.emit import emit_back, emit_forward, emit_product
from fastsde.kernels.gpu.memory_type import Memory, data_of, numbers_of

__all__ = ["back_of", "entry", "entry_of", "forward_of", "product_of", "row_of"]

I64 = ir.IntType(64)


@intrinsic
def entry(typingctx, array, index):
    """Return entry `index`, counted row by row, of an array without gaps."""

    def codegen(context, builder, sig, args):
        return builder.load(builder.gep(data_of(context, builder, array, args[0]), [args[1]]))

    return array.dtype(array, types.int64), codegen


def entry_of(array, index):
    """Return an entry of a trajectory's matrix, or of one that all trajectories share."""
    raise NotImplementedError("compiled only")


@overload(entry_of)
def _entry_of(array, index):
    if isinstance(array, Memory) or array.ndim == 1:
        return lambda array, index: array[index]
    return lambda array, index: entry(array, index)


def product_of(t, inner, way, strides=None):
    """Return a thread's part of a product (`emit_product`) as kernels call it.

    Parameters
    ----------
    t : fastsde.kernels.gpu.tiling.Tiling
    inner : int
    way : fastsde.kernels.gpu.ways.Way
        How the other threads of a trajectory are waited for.
    strides : tuple of int, optional
        ``ar, ak, bk, bc`` where they are known.
    """

    @intrinsic
    def product(typingctx, rank, a, a0, ar, ak, b, b0, bk, bc, c, c0, scale):
        index = types.int64
        kinds = (index, a, index, index, index, b, index, index, index, c, index)
        last = scale if isinstance(scale, types.NoneType) else c.dtype

        def codegen(context, builder, sig, args):
            rank, a_value, a0, *_, c_value, c0, factor = args
            b_value, b0 = args[5], args[6]
            ar, ak, bk, bc = strides or (args[3], args[4], args[7], args[8])
            meet = _meeting(builder, way.barrier, (a, a0), (b, b0), c0)
            emit_product(
                builder,
                context.get_data_type(c.dtype),
                t,
                inner,
                rank,
                (numbers_of(context, builder, a, a_value), a0, ar, ak),
                (numbers_of(context, builder, b, b_value), b0, bc, bk),
                (numbers_of(context, builder, c, c_value), c0, t.m, 1),
                None if isinstance(last, types.NoneType) else factor,
                meet,
            )
            return context.get_dummy_value()

        return types.void(*kinds, last), codegen

    return product


def _meeting(builder, barrier, a, b, c0):
    """Return what emits waiting where a product takes the place of a factor."""

    def meet():
        same = [builder.icmp_signed("==", start, c0) for kind, start in (a, b) if isinstance(kind, Memory)]
        if same:
            with builder.if_then(same[0] if len(same) == 1 else builder.or_(*same)):
                _emit_barrier(builder, barrier)

    return meet


def _emit_barrier(builder, name):
    """Emit waiting for the threads of a warp, or of a block."""
    whole = name.endswith("warp.sync")
    kind = ir.FunctionType(ir.VoidType(), [ir.IntType(32)] if whole else [])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    builder.call(function, [ir.IntType(32)(-1)] if whole else [])


def forward_of(rows, columns):
    """Return ``y = W x`` for tuples (`emit_forward`) as kernels call it."""

    @intrinsic
    def forward(typingctx, m, w, x):
        kind = types.UniTuple(m.dtype, rows)

        def codegen(context, builder, sig, args):
            inside = cgutils.unpack_tuple(builder, args[2], columns)
            real = context.get_data_type(m.dtype)
            found = emit_forward(
                builder, real, numbers_of(context, builder, m, args[0]), args[1], rows, columns, inside
            )
            return context.make_tuple(builder, kind, found)

        return kind(m, types.int64, x), codegen

    return forward


def back_of(rows, columns, back):
    """Return ``g = W^T e`` and the change of W (`emit_back`) as kernels call it."""

    @intrinsic
    def backwards(typingctx, m, w, h, e, dt):
        kind = types.UniTuple(m.dtype, columns)

        def codegen(context, builder, sig, args):
            numbers = numbers_of(context, builder, m, args[0])
            real = context.get_data_type(m.dtype)
            inside = [cgutils.unpack_tuple(builder, args[k], n) for k, n in ((2, columns), (3, rows))]
            found = emit_back(builder, real, numbers, args[1], rows, columns, *inside, args[4], back)
            return context.make_tuple(builder, kind, found)

        return kind(m, types.int64, h, e, m.dtype), codegen

    return backwards


def row_of(count):
    """Return what reads the first numbers of a row, of which a table has whole quadruples, as a tuple."""

    @intrinsic
    def read(typingctx, table, row):
        kind = types.UniTuple(table.dtype, count)

        def codegen(context, builder, sig, args):
            array = context.make_array(table)(context, builder, args[0])
            real = context.get_data_type(table.dtype)
            width = 128 // table.dtype.bitwidth
            vector = ir.VectorType(real, width)
            length = builder.extract_value(array.shape, 1)
            row = context.cast(builder, args[1], sig.args[1], types.int64)
            first = builder.gep(array.data, [builder.mul(row, length)])
            found = []
            for start in range(0, count, width):
                pointer = builder.bitcast(builder.gep(first, [I64(start)]), vector.as_pointer())
                part = builder.load(pointer, align=16)
                found += [builder.extract_element(part, ir.IntType(32)(k)) for k in range(width)]
            return context.make_tuple(builder, kind, found[:count])

        return kind(table, row), codegen

    return read
