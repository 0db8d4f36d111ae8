"""One step of mini-batch SGD as chains of products with narrow matrices, cheapest for small batches.

For a batch of one these are matrix-vector products and rank-one updates, each weight read twice and written
once.
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic

from fastsde.kernels.dln import inner_product
from fastsde.kernels.lanes import (
    HALF_STORES,
    WIDE,
    broadcast,
    lanes_of,
    load,
    load_vector,
    meet,
    share,
    store,
    store_vector,
)
from fastsde.kernels.loops import I64, rounds
from fastsde.kernels.matmul import matmul
from fastsde.kernels.options import inlined, kernel
from fastsde.kernels.primitive import primitive
from fastsde.kernels.tiles import tile

__all__ = ["back_and_add", "back_columns", "chain_pair_step", "chain_step", "matrix_vector"]


@primitive
@kernel
def chain_step(m, net, scale, batch, dt):
    """Descend along the mini-batch gradient of the samples in ``h_0`` (inputs) and `error` (labels).

    ``scale`` is c / batch. Returns the sum of squares of the scaled errors, finite while the trajectory is.
    """
    _forward(m, net, batch)
    top, back = net.activation[-1], net.error
    for k in share(m, net.widths[-1] * batch):
        store(m, back + k, (load(m, top + k) - load(m, back + k)) * scale)
    meet(m)
    return _descend(m, net, batch, dt)


@kernel
def chain_pair_step(m, net, first, second, batch, dt):
    """Descend along the gradient of two batches of `batch` samples, side by side, each with its own scale."""
    both = 2 * batch
    _forward(m, net, both)
    top, back = net.activation[-1], net.error
    for k in share(m, net.widths[-1] * both):
        scale = first if k % both < batch else second
        store(m, back + k, (load(m, top + k) - load(m, back + k)) * scale)
    meet(m)
    return _descend(m, net, both, dt)


@primitive
@inlined
def _forward(m, net, batch):
    """Carry the samples in ``h_0`` through all layers."""
    for l in range(len(net.weight)):
        rows, columns = net.widths[l + 1], net.widths[l]
        below, above = net.activation[l], net.activation[l + 1]
        if batch == 1:
            matrix_vector(m, net.weight[l], below, above, rows, columns)
        else:
            matmul(m, net.weight[l], columns, 1, m, below, batch, 1, m, above, rows, batch, columns, None)


@primitive
@inlined
def _descend(m, net, batch, dt):
    """Carry the scaled errors back and change each layer after it was used; return their sum of squares."""
    back = net.error
    size = inner_product(m, back, back, net.widths[-1] * batch)
    for l in range(len(net.weight) - 1, -1, -1):
        rows, columns = net.widths[l + 1], net.widths[l]
        following = net.left if back != net.left else net.right
        h = net.activation[l]
        if batch == 1 and l > 0:
            _back_and_update(m, net.weight[l], h, back, following, rows, columns, dt, True)
        elif batch == 1:
            _back_and_update(m, net.weight[l], h, back, following, rows, columns, dt, None)
        else:
            if l > 0:
                matmul(
                    m, net.weight[l], 1, columns, m, back, batch, 1, m, following, columns, batch, rows, None
                )
            matmul(m, back, batch, 1, m, h, 1, batch, m, net.weight[l], rows, columns, batch, dt)
        back = following
    return size


@primitive
@inlined
def matrix_vector(m, w, x, y, rows, columns):
    """``y = W x``; the commonest lengths of a row are known when compiling."""
    if columns == 10:
        _all_rows(m, w, x, y, rows, 10)
    elif columns == 4:
        _all_rows(m, w, x, y, rows, 4)
    else:
        _all_rows(m, w, x, y, rows, columns)


@inlined
def _all_rows(m, w, x, y, rows, columns):
    """Rows by tens or fives until a multiple of four is left: fewer wait for their own sums."""
    i = 0
    while WIDE and rows - i >= 10 and (rows - i) % 4 > 0:
        tile(10, 1, m, w + i * columns, columns, 1, m, x, 1, 1, m, y + i, 1, columns, None)
        i += 10
    while rows - i >= 5 and (rows - i) % 4 > 0:
        tile(5, 1, m, w + i * columns, columns, 1, m, x, 1, 1, m, y + i, 1, columns, None)
        i += 5
    while rows - i >= 4:
        tile(4, 1, m, w + i * columns, columns, 1, m, x, 1, 1, m, y + i, 1, columns, None)
        i += 4
    while i < rows:
        tile(1, 1, m, w + i * columns, columns, 1, m, x, 1, 1, m, y + i, 1, columns, None)
        i += 1


@primitive
@inlined
def _back_and_update(m, w, h, e, g, rows, columns, dt, back):
    """``g_j = sum_i W_ij e_i`` with the old W unless `back` is None, then ``W_ij -= dt e_i h_j``.

    Columns go by fives until a multiple of four is left.
    """
    step = broadcast(m, 0.0) - dt
    j = 0
    while columns - j >= 5 and (columns - j) % 4 > 0:
        back_columns(5, back, m, w + j, columns, h + j, e, g + j, rows, step, None)
        j += 5
    while columns - j >= 4:
        back_columns(4, back, m, w + j, columns, h + j, e, g + j, rows, step, None)
        j += 4
    while j < columns:
        back_columns(1, back, m, w + j, columns, h + j, e, g + j, rows, step, None)
        j += 1


@primitive
@inlined
def back_and_add(m, w, h, e, g, rows, columns, into, back):
    """``g_j = sum_i W_ij e_i`` unless `back` is None, and add ``e_i h_j`` to the matrix at `into`.

    That may be W itself: g is of the old one.
    """
    step = broadcast(m, 1.0)
    j = 0
    while columns - j >= 5 and (columns - j) % 4 > 0:
        back_columns(5, back, m, w + j, columns, h + j, e, g + j, rows, step, into + j)
        j += 5
    while columns - j >= 4:
        back_columns(4, back, m, w + j, columns, h + j, e, g + j, rows, step, into + j)
        j += 4
    while j < columns:
        back_columns(1, back, m, w + j, columns, h + j, e, g + j, rows, step, into + j)
        j += 1


@intrinsic(prefer_literal=True)
def back_columns(typingctx, columns, back, m, w, stride, h, e, g, rows, step, into):
    """Work of `back_and_add`, or of an update in place, on neighbouring columns: weights are read once.

    The update is a product and a sum: a second fused multiply-add, beside that of the column's sum, a load
    and a store of each weight, costs more than both (on Zen 3 a third of the time).
    The update goes to the matrix at `into`, or to the weights themselves if that is None.
    Where a vector is stored in two halves, one half of all columns is done after the other: whole vectors
    take a quarter more time there (Zen 4), and halves a fifth more elsewhere (Emerald Rapids).
    """
    lane, count = lanes_of(m), columns.literal_value
    sums_wanted = not isinstance(back, types.NoneType)
    in_place = isinstance(into, types.NoneType)
    index = types.int64

    def codegen(context, builder, sig, args):
        (_, _, array, w, stride, h, e, g, rows, step, into) = args
        parts = 2 if HALF_STORES else 1
        vector = ir.VectorType(context.get_value_type(lane.dtype), lane.count // parts)
        data = context.make_array(sig.args[2])(context, builder, array).data
        pointer = builder.bitcast(data, vector.as_pointer())
        kind = ir.FunctionType(vector, [vector] * 3)
        name = f"llvm.fma.v{vector.count}f{lane.dtype.bitwidth}"
        fma = cgutils.get_or_insert_function(builder.module, kind, name)
        factor = builder.shuffle_vector(
            step, step, ir.Constant(ir.VectorType(ir.IntType(32), vector.count), list(range(vector.count)))
        )
        for part in range(parts):

            def place(index, offset=0, part=part):
                whole = builder.add(index, I64(offset))
                return builder.add(builder.mul(whole, I64(parts)), I64(part))

            sums = [cgutils.alloca_once(builder, vector) for _ in range(count)]
            for total in sums:
                builder.store(ir.Constant(vector, [0.0] * vector.count), total)
            scaled = [builder.fmul(load_vector(builder, pointer, place(h, j)), factor) for j in range(count)]
            with rounds(builder, rows) as i:
                error = load_vector(builder, pointer, place(builder.add(e, i)))
                before = builder.mul(i, stride)
                first = builder.add(w, before)
                changed = first if in_place else builder.add(into, before)
                for j in range(count):
                    weight = old = load_vector(builder, pointer, place(first, j))
                    if not in_place:
                        old = load_vector(builder, pointer, place(changed, j))
                    if sums_wanted:
                        total = builder.call(fma, [weight, error, builder.load(sums[j])])
                        builder.store(total, sums[j])
                    update = builder.fadd(builder.fmul(error, scaled[j]), old)
                    store_vector(builder, update, pointer, place(changed, j))
            for j in range(count if sums_wanted else 0):
                store_vector(builder, builder.load(sums[j]), pointer, place(g, j))
        return context.get_dummy_value()

    target = into if in_place else index
    return types.void(columns, back, m, index, index, index, index, index, index, lane, target), codegen
