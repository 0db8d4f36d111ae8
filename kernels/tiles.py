"""Pieces of a matrix product that are kept in vector registers, as emitted code."""

from functools import partial

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic

from fastsde.kernels.lanes import (
    LaneType,
    lanes_of,
    load_vector,
    promote,
    store_vector,
    vector_pointer,
)
from fastsde.kernels.loops import I64, rounds

__all__ = ["PACKED", "fused", "pack", "reader", "strips", "tile", "zeros"]

PACKED = 64  # columns of A at most that are copied before they are used


@intrinsic(prefer_literal=True)
def tile(typingctx, rows, columns, a, a0, ar, ak, b, b0, bk, bc, c, c0, cr, inner, scale):
    """``C = A B``, or ``C -= scale A B`` unless `scale` is None, on one tile of `rows` x `columns`."""
    rows_n, columns_n = rows.literal_value, columns.literal_value
    lane = lanes_of(c)
    index = types.int64
    sig = types.void(
        rows, columns, a, index, index, index, b, index, index, index, c, index, index, index, scale
    )

    def codegen(context, builder, sig, args):
        (_, _, a, a0, ar, ak, b, b0, bk, bc, c, c0, cr, inner, scale) = args
        fma = fused(builder, lane, context.get_value_type(lane))
        read_a = reader(context, builder, sig.args[2], a, lane)
        read_b = reader(context, builder, sig.args[6], b, lane)
        write = _writer(context, builder, sig.args[10], c, sig.args[14], scale, lane)
        zero = zeros(lane, context)
        sums = [[cgutils.alloca_once_value(builder, zero) for _ in range(columns_n)] for _ in range(rows_n)]
        for row in sums:
            for total in row:
                builder.store(zero, total)
        with rounds(builder, inner) as k:
            first_a = builder.add(a0, builder.mul(k, ak))
            first_b = builder.add(b0, builder.mul(k, bk))
            left = [partial(read_a, builder.add(first_a, builder.mul(I64(i), ar))) for i in range(rows_n)]
            right = [partial(read_b, builder.add(first_b, builder.mul(I64(j), bc))) for j in range(columns_n)]
            for i, j, x, y in _pairs(left, right):
                builder.store(fma(x, y, builder.load(sums[i][j])), sums[i][j])
        for i in range(rows_n):
            for j in range(columns_n):
                place = builder.add(c0, builder.add(builder.mul(I64(i), cr), I64(j)))
                write(builder.load(sums[i][j]), place)
        return context.get_dummy_value()

    return sig, codegen


@intrinsic(prefer_literal=True)
def strips(typingctx, inner, a, a0, ar, ak, b, b0, bk, bc, c, c0, rows, columns, scale):
    """Compute all of C, as `tile` does, for a small `inner` that is known when compiling.

    Two columns of B, which are `inner` long, stay in registers while the rows of A are read one by one.
    """
    inner_n = inner.literal_value
    lane = lanes_of(c)
    index = types.int64
    sig = types.void(inner, a, index, index, index, b, index, index, index, c, index, index, index, scale)

    def codegen(context, builder, sig, args):
        (_, a, a0, ar, ak, b, b0, bk, bc, c, c0, rows, columns, scale) = args
        fma = fused(builder, lane, context.get_value_type(lane))
        read_a = reader(context, builder, sig.args[1], a, lane)
        read_b = reader(context, builder, sig.args[5], b, lane)
        write = _writer(context, builder, sig.args[9], c, sig.args[13], scale, lane)

        def strip(first, many):
            """Compute `many` columns from column `first` on."""
            start = builder.add(b0, builder.mul(first, bc))
            kept = [
                [
                    read_b(builder.add(start, builder.add(builder.mul(I64(k), bk), builder.mul(I64(j), bc))))
                    for j in range(many)
                ]
                for k in range(inner_n)
            ]
            with rounds(builder, rows) as i:
                row = builder.add(a0, builder.mul(i, ar))
                sums = [zeros(lane, context)] * many
                for k, terms in enumerate(kept):
                    x = read_a(builder.add(row, builder.mul(I64(k), ak)))
                    sums = [fma(x, y, total) for y, total in zip(terms, sums, strict=True)]
                place = builder.add(builder.add(c0, first), builder.mul(i, columns))
                for j, total in enumerate(sums):
                    write(total, builder.add(place, I64(j)))

        pairs = builder.lshr(columns, I64(1))
        with builder.if_then(builder.icmp_signed(">", pairs, I64(0))), rounds(builder, pairs) as pair:
            strip(builder.shl(pair, I64(1)), 2)
        with builder.if_then(builder.trunc(columns, ir.IntType(1))):
            strip(builder.sub(columns, I64(1)), 1)
        return context.get_dummy_value()

    return sig, codegen


@intrinsic
def pack(typingctx, a, a0, ar, ak, inner, like):
    """Copy four rows of A side by side, at most `PACKED` lane vectors (of `like`) each, and return where.

    Rows that lie far apart fall into the same few sets of the L1 cache and drive each other out.
    """
    lane, index = lanes_of(like), types.int64
    sig = types.CPointer(like.dtype)(a, index, index, index, index, like)

    def codegen(context, builder, sig, args):
        a, a0, ar, ak, inner, _ = args
        vector = context.get_value_type(lane)
        panel = cgutils.alloca_once(builder, vector, size=I64(4 * PACKED))
        panel.align = 64
        read = reader(context, builder, sig.args[0], a, lane)
        with rounds(builder, inner) as k:
            for i in range(4):
                index = builder.add(builder.add(a0, builder.mul(k, ak)), builder.mul(I64(i), ar))
                store_vector(builder, read(index), panel, builder.add(builder.mul(k, I64(4)), I64(i)))
        return builder.bitcast(panel, context.get_value_type(sig.return_type))

    return sig, codegen


def _pairs(left, right):
    """Yield ``i, j, left[i], right[j]``: the shorter operand is read first, then the other one by one.

    So one register is enough for the longer operand.
    """
    if len(left) < len(right):
        left = [read() for read in left]
        for j, read in enumerate(right):
            y = read()
            yield from ((i, j, x, y) for i, x in enumerate(left))
    else:
        right = [read() for read in right]
        for i, read in enumerate(left):
            x = read()
            yield from ((i, j, x, y) for j, y in enumerate(right))


def reader(context, builder, array_type, array, lane):
    """Return a function that reads an operand: a lane vector, or a shared entry put in every lane."""
    if isinstance(array_type, types.CPointer):
        pointer = builder.bitcast(array, context.get_value_type(lane).as_pointer())
        return lambda index: load_vector(builder, pointer, index)
    if array_type.ndim == 1:
        pointer = vector_pointer(context, builder, array_type, array)
        return lambda index: load_vector(builder, pointer, index)
    data = context.make_array(array_type)(context, builder, array).data
    plain = LaneType(array_type.dtype, lane.count)
    return lambda index: promote(
        context, builder, builder.load(builder.gep(data, [index])), array_type.dtype, plain
    )


def zeros(lane, context):
    """Return a lane vector of zeros."""
    return ir.Constant(context.get_value_type(lane), [0.0] * lane.count)


def fused(builder, lane, vector):
    """Return a function that emits a fused multiply-add."""
    kind = ir.FunctionType(vector, [vector] * 3)
    name = f"llvm.fma.v{lane.count}f{lane.dtype.bitwidth}"
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return lambda x, y, z: builder.call(function, [x, y, z])


def _writer(context, builder, array_type, array, scale_type, scale, lane):
    """Return a function that stores an entry of C, or subtracts `scale` times it unless that is None."""
    out = vector_pointer(context, builder, array_type, array)
    if isinstance(scale_type, types.NoneType):
        return lambda value, place: store_vector(builder, value, out, place)
    fma = fused(builder, lane, context.get_value_type(lane))
    factor = builder.fneg(promote(context, builder, scale, scale_type, lane))
    return lambda value, place: store_vector(
        builder, fma(factor, value, load_vector(builder, out, place)), out, place
    )
