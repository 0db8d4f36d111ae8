"""One step of mini-batch SGD as chains of products with narrow matrices, cheapest for small batches.

For a batch of one these are matrix-vector products and rank-one updates, each weight read twice and written
once.
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic

from fastsde.kernels.dln import inner
from fastsde.kernels.lanes import (
    broadcast,
    lanes_of,
    load,
    load_vector,
    store,
    store_vector,
    vector_pointer,
)
from fastsde.kernels.matmul import I64, WIDE, matmul, tile
from fastsde.kernels.options import inlined, kernel

__all__ = ["chain_step"]


@inlined
def chain_step(m, net, scale, batch, dt):
    """Descend along the mini-batch gradient of the samples in ``h_0`` (inputs) and `error` (labels).

    ``scale`` is c / batch. Returns the sum of squares of the scaled errors, finite while the trajectory is.
    """
    layers = len(net.weight)
    for l in range(layers):
        rows, columns = net.widths[l + 1], net.widths[l]
        below, above = net.activation[l], net.activation[l + 1]
        if batch == 1:
            _matrix_vector(m, net.weight[l], below, above, rows, columns)
        else:
            matmul(m, net.weight[l], columns, 1, m, below, batch, 1, m, above, rows, batch, columns, None)
    count = net.widths[-1] * batch
    top, back = net.activation[-1], net.error
    for k in range(count):
        store(m, back + k, (load(m, top + k) - load(m, back + k)) * scale)
    size = inner(m, back, back, count)
    for l in range(layers - 1, -1, -1):
        rows, columns = net.widths[l + 1], net.widths[l]
        following = net.left if back != net.left else net.right
        h = net.activation[l]
        if batch == 1:
            _back_and_update(m, net.weight[l], h, back, following, rows, columns, dt)
        else:
            if l > 0:
                matmul(
                    m, net.weight[l], 1, columns, m, back, batch, 1, m, following, columns, batch, rows, None
                )
            matmul(m, back, batch, 1, m, h, 1, batch, m, net.weight[l], rows, columns, batch, dt)
        back = following
    return size


@kernel
def _matrix_vector(m, w, x, y, rows, columns):
    """``y = W x``, eight or four rows at a time."""
    i = 0
    if WIDE:
        while i + 8 <= rows:
            tile(8, 1, m, w + i * columns, columns, 1, m, x, 1, 1, m, y + i, 1, columns, None)
            i += 8
    if i + 4 <= rows:
        tile(4, 1, m, w + i * columns, columns, 1, m, x, 1, 1, m, y + i, 1, columns, None)
        i += 4
    if i + 2 <= rows:
        tile(2, 1, m, w + i * columns, columns, 1, m, x, 1, 1, m, y + i, 1, columns, None)
        i += 2
    if i < rows:
        tile(1, 1, m, w + i * columns, columns, 1, m, x, 1, 1, m, y + i, 1, columns, None)


@kernel
def _back_and_update(m, w, h, e, g, rows, columns, dt):
    """``g_j = sum_i W_ij e_i`` with the old W, then ``W_ij -= dt e_i h_j``, four columns at a time."""
    step = broadcast(m, 0.0) - dt
    j = 0
    while j + 4 <= columns:
        _back_columns(4, m, w + j, columns, h + j, e, g + j, rows, step)
        j += 4
    while j < columns:
        _back_columns(1, m, w + j, columns, h + j, e, g + j, rows, step)
        j += 1


@intrinsic(prefer_literal=True)
def _back_columns(typingctx, columns, m, w, stride, h, e, g, rows, step):
    """Work of `_back_and_update` on a few neighbouring columns, each weight loaded and stored once."""
    lane, count = lanes_of(m), columns.literal_value
    index = types.int64

    def codegen(context, builder, sig, args):
        (_, array, w, stride, h, e, g, rows, step) = args
        pointer = vector_pointer(context, builder, sig.args[1], array)
        vector = context.get_value_type(lane)
        kind = ir.FunctionType(vector, [vector] * 3)
        name = f"llvm.fma.v{lane.count}f{lane.dtype.bitwidth}"
        fma = cgutils.get_or_insert_function(builder.module, kind, name)
        zero = ir.Constant(vector, [0.0] * lane.count)
        sums = [cgutils.alloca_once(builder, vector) for _ in range(count)]
        for total in sums:
            builder.store(zero, total)
        places = [builder.add(h, I64(j)) for j in range(count)]
        scaled = [builder.fmul(load_vector(builder, pointer, place), step) for place in places]
        with cgutils.for_range(builder, rows, intp=I64) as loop:
            error = load_vector(builder, pointer, builder.add(e, loop.index))
            first = builder.add(w, builder.mul(loop.index, stride))
            for j in range(count):
                place = builder.add(first, I64(j))
                weight = load_vector(builder, pointer, place)
                builder.store(builder.call(fma, [weight, error, builder.load(sums[j])]), sums[j])
                store_vector(builder, builder.call(fma, [error, scaled[j], weight]), pointer, place)
        for j in range(count):
            store_vector(builder, builder.load(sums[j]), pointer, builder.add(g, I64(j)))
        return context.get_dummy_value()

    return types.void(columns, m, index, index, index, index, index, index, lane), codegen
