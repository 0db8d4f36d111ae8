"""Fetch four neighbouring numbers of one row per lane and turn them into four lane vectors.

Copying number by number would leave vector loads waiting for many small stores; four numbers at a time
travel in one register and are transposed there.
"""

from llvmlite import ir
from numba.core import types
from numba.core.extending import intrinsic

from fastsde.kernels.lanes import lanes_of
from fastsde.kernels.primitive import primitive

__all__ = ["gather_four"]

I32 = ir.IntType(32)
I64 = ir.IntType(64)


@primitive
@intrinsic
def gather_four(typingctx, m, table, indices, place, column):
    """Return four lane vectors: entries `column` to ``column + 3`` of rows ``indices[place + lane]``.

    `table` is two-dimensional, of the element type of `m`; its rows are at least ``column + 4`` long.
    """
    lane = lanes_of(m)
    result = types.UniTuple(lane, 4)

    def codegen(context, builder, sig, args):
        _, table, indices, place, column = args
        rows = context.make_array(sig.args[1])(context, builder, table)
        data, length = rows.data, builder.extract_value(rows.shape, 1)
        indices = context.make_array(sig.args[2])(context, builder, indices).data
        four = ir.VectorType(context.get_value_type(lane.dtype), 4)

        def fetch(v):
            index = builder.load(builder.gep(indices, [builder.add(place, I64(v))]))
            start = builder.add(builder.mul(builder.sext(index, I64), length), column)
            value = builder.load(builder.bitcast(builder.gep(data, [start]), four.as_pointer()))
            value.align = lane.dtype.bitwidth // 8
            return value

        fetched = [fetch(v) for v in range(lane.count)]
        columns = _transpose_wide(builder, fetched) if lane.count >= 4 else _transpose_pair(builder, fetched)
        return context.make_tuple(builder, result, columns)

    return result(m, table, indices, types.int64, types.int64), codegen


def _shuffle(builder, a, b, mask):
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, len(mask)), mask))


def _transpose_pair(builder, fetched):
    """Two lanes: entry j of both rows, for each j."""
    a, b = fetched
    return [_shuffle(builder, a, b, [j, 4 + j]) for j in range(4)]


def _transpose_wide(builder, fetched):
    """Four lanes or more: part q of register i holds lane ``4 q + i``; then 4 x 4 transposes in the parts."""
    parts = len(fetched) // 4
    quads = [_join(builder, fetched[i::4]) for i in range(4)]

    def merge(a, b, inside):
        total = 4 * parts
        mask = [4 * q + (k if k < 4 else total + k - 4) for q in range(parts) for k in inside]
        return _shuffle(builder, a, b, mask)

    low, high = [0, 4, 1, 5], [2, 6, 3, 7]
    a0, a1 = merge(quads[0], quads[1], low), merge(quads[0], quads[1], high)
    b0, b1 = merge(quads[2], quads[3], low), merge(quads[2], quads[3], high)
    first, second = [0, 1, 4, 5], [2, 3, 6, 7]
    return [merge(a0, b0, first), merge(a0, b0, second), merge(a1, b1, first), merge(a1, b1, second)]


def _join(builder, pieces):
    """Concatenate vectors of equal length; their number is a power of two."""
    while len(pieces) > 1:
        size = pieces[0].type.count
        pairs = zip(pieces[::2], pieces[1::2], strict=True)
        pieces = [_shuffle(builder, a, b, list(range(2 * size))) for a, b in pairs]
    return pieces[0]
