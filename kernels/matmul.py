"""Matrix products over interleaved trajectories.

A matrix of a block is ``rows x columns`` lane vectors in a flat array; a matrix shared by all trajectories
is an ordinary two-dimensional array, whose entries are broadcast. Sizes, offsets and strides are run-time
values, so transposes cost nothing and one compilation serves every network. The product keeps a tile of the
result in registers: 4 x 4 of 32 registers (`WIDE`), 4 x 2 of 16.
"""

from functools import partial

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic

from fastsde.kernels.lanes import (
    WIDE,
    LaneType,
    lanes_of,
    load_vector,
    promote,
    store_vector,
    vector_pointer,
)
from fastsde.kernels.loops import rounds
from fastsde.kernels.options import kernel, never_inlined
from fastsde.kernels.primitive import primitive

__all__ = ["matmul", "tile"]

I64 = ir.IntType(64)
PACKED = 64  # columns of A at most that are copied before they are used
FAR = 32  # lane vectors between columns of A from which on that is worth it


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
        vector = context.get_value_type(lane)
        kind = ir.FunctionType(vector, [vector] * 3)
        fma = cgutils.get_or_insert_function(
            builder.module, kind, f"llvm.fma.v{lane.count}f{lane.dtype.bitwidth}"
        )
        read_a = _reader(context, builder, sig.args[2], a, lane)
        read_b = _reader(context, builder, sig.args[6], b, lane)
        zero = ir.Constant(vector, [0.0] * lane.count)
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
                builder.store(builder.call(fma, [x, y, builder.load(sums[i][j])]), sums[i][j])
        out = vector_pointer(context, builder, sig.args[10], c)
        factor = None
        if not isinstance(sig.args[14], types.NoneType):
            factor = builder.fneg(promote(context, builder, scale, sig.args[14], lane))
        for i in range(rows_n):
            for j in range(columns_n):
                place = builder.add(c0, builder.add(builder.mul(I64(i), cr), I64(j)))
                value = builder.load(sums[i][j])
                if factor is not None:
                    value = builder.call(fma, [factor, value, load_vector(builder, out, place)])
                store_vector(builder, value, out, place)
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
        read = _reader(context, builder, sig.args[0], a, lane)
        with rounds(builder, inner) as k:
            for i in range(4):
                index = builder.add(builder.add(a0, builder.mul(k, ak)), builder.mul(I64(i), ar))
                store_vector(builder, read(index), panel, builder.add(builder.mul(k, I64(4)), I64(i)))
        return builder.bitcast(panel, context.get_value_type(sig.return_type))

    return sig, codegen


def _pairs(left, right):
    """Yield ``i, j, left[i], right[j]``: the shorter operand is read first, then the other one by one.

    So one register is enough for the longer operand. With 32 registers both are read first.
    """
    if WIDE:
        left, right = [read() for read in left], [read() for read in right]
        yield from ((i, j, x, y) for i, x in enumerate(left) for j, y in enumerate(right))
    elif len(left) < len(right):
        left = [read() for read in left]
        for j, read in enumerate(right):
            y = read()
            yield from ((i, j, x, y) for i, x in enumerate(left))
    else:
        right = [read() for read in right]
        for i, read in enumerate(left):
            x = read()
            yield from ((i, j, x, y) for j, y in enumerate(right))


def _reader(context, builder, array_type, array, lane):
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


@never_inlined
def _packed(a, a0, ar, ak, b, b0, bk, bc, c, c0, n, m, inner, scale):
    """Compute all rows of C but the last ``n % 4``, and return how many; `inner` is at most `PACKED`."""
    i = 0
    while i + 4 <= n:
        rows = pack(a, a0 + i * ar, ar, ak, inner, c)
        j = 0
        while j + 2 <= m:
            tile(4, 2, rows, 0, 1, 4, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
            j += 2
        if j < m:
            tile(4, 1, rows, 0, 1, 4, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
        i += 4
    return i


@primitive
@kernel
def matmul(a, a0, ar, ak, b, b0, bk, bc, c, c0, n, m, inner, scale):
    """``C = A B`` (`scale` None) or ``C -= scale A B``; C is `n` x `m`, row after row, from lane vector `c0`.

    ``A[i, k]`` is at ``a0 + i ar + k ak`` and ``B[k, j]`` at ``b0 + k bk + j bc``: in lane vectors for a
    flat array, in elements for a two-dimensional one. C must not overlap A or B.
    """
    i = 0
    if not WIDE and ak >= FAR and inner <= PACKED and m >= 16:
        i = _packed(a, a0, ar, ak, b, b0, bk, bc, c, c0, n, m, inner, scale)
    while i + 4 <= n:
        j = 0
        while WIDE and j + 4 <= m:
            tile(4, 4, a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
            j += 4
        while j + 2 <= m:
            tile(4, 2, a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
            j += 2
        if j < m:
            tile(4, 1, a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
        i += 4
    if i + 2 <= n:
        j = 0
        while j + 4 <= m:
            tile(2, 4, a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
            j += 4
        if not WIDE and j + 2 <= m:
            tile(2, 2, a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
            j += 2
        while j < m:
            tile(2, 1, a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
            j += 1
        i += 2
    if i < n:
        j = 0
        while j + 4 <= m:
            tile(1, 4, a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
            j += 4
        while j < m:
            tile(1, 1, a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
            j += 1
