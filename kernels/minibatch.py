"""Mini-batches: which samples each trajectory sees at a step, and their values, one lane per trajectory.

The indices of a batch are in an integer array, one row of lanes for each member of the batch.
"""

from numba import uint64

from fastsde.kernels.gather import gather_four
from fastsde.kernels.lanes import broadcast, lane_width, leads, low_word, meet, scalar, share, store
from fastsde.kernels.options import inlined
from fastsde.kernels.philox import HALF, INDEX, MASK, SHUFFLE, Stream, counter_words, draw_words
from fastsde.kernels.primitive import primitive

__all__ = ["DISTINCT", "EPOCH", "REPLACING", "add_counts", "choose", "count_weights", "gather"]

EPOCH, DISTINCT, REPLACING = range(3)


@inlined
def shuffle(indices, m, n, stream):
    """Write a uniform permutation of ``0 .. n - 1`` for each lane (Fisher and Yates 1938)."""
    width = lane_width(m)
    for i in range(n):
        for v in range(width):
            indices[i * width + v] = i
    spare = n * width
    for i in range(n - 1, 0, -4):
        w0, w1, w2, w3 = draw_words(stream, SHUFFLE, uint64(i))
        for k in range(min(4, i)):
            word = w0 if k == 0 else (w1 if k == 1 else (w2 if k == 2 else w3))
            store(indices, n, low_word(((word & MASK) * uint64(i - k + 1)) >> HALF))
            for v in range(width):
                other = indices[spare + v]
                mine = indices[(i - k) * width + v]
                indices[(i - k) * width + v] = indices[other * width + v]
                indices[other * width + v] = mine


@inlined
def replacing(indices, batch, n, stream):
    """Write `batch` indices drawn with replacement from ``0 .. n - 1``."""
    for k in range(0, batch, 4):
        w0, w1, w2, w3 = draw_words(stream, INDEX, uint64(k))
        store(indices, k, low_word(((w0 & MASK) * uint64(n)) >> HALF))
        if k + 1 < batch:
            store(indices, k + 1, low_word(((w1 & MASK) * uint64(n)) >> HALF))
        if k + 2 < batch:
            store(indices, k + 2, low_word(((w2 & MASK) * uint64(n)) >> HALF))
        if k + 3 < batch:
            store(indices, k + 3, low_word(((w3 & MASK) * uint64(n)) >> HALF))


@inlined
def distinct(indices, m, batch, n, stream):
    """Write `batch` different indices, all subsets equally likely (Floyd; Bentley and Floyd 1987)."""
    width = lane_width(m)
    for k in range(batch):
        top = n - batch + k
        w0, _, _, _ = draw_words(stream, INDEX, uint64(k))
        store(indices, k, low_word(((w0 & MASK) * uint64(top + 1)) >> HALF))
        for v in range(width):
            mine = indices[k * width + v]
            for i in range(k):
                if indices[i * width + v] == mine:
                    indices[k * width + v] = top
                    break


@primitive
@inlined
def gather(m, net, data, indices, first, batch, column, columns):
    """Write inputs of the chosen samples into ``h_0`` and their labels into `error`, one column per sample.

    The first sample goes into column `column` of `columns`.
    """
    width = lane_width(m)
    d_in, d_out = net.widths[0], net.widths[-1]
    for k in range(batch):
        place = (first + k) * width
        for part in share(m, (d_in + d_out + 3) // 4):
            entry = 4 * part
            values = gather_four(m, data.rows, indices, place, entry)
            _put_entry(m, net, entry, d_in, d_out, column + k, columns, values[0])
            _put_entry(m, net, entry + 1, d_in, d_out, column + k, columns, values[1])
            _put_entry(m, net, entry + 2, d_in, d_out, column + k, columns, values[2])
            _put_entry(m, net, entry + 3, d_in, d_out, column + k, columns, values[3])
    meet(m)


@inlined
def _put_entry(m, net, entry, d_in, d_out, column, columns, value):
    """Write an entry of a sample's row, ``[x, y, padding]``, to where it belongs."""
    if entry < d_in:
        store(m, net.activation[0] + entry * columns + column, value)
    elif entry < d_in + d_out:
        store(m, net.error + (entry - d_in) * columns + column, value)


@inlined
def count_weights(m, net, data, indices, first, batch):
    """Write for each sample how often the batch holds it, times ``c / batch``."""
    for i in share(m, len(data.inputs)):
        store(m, net.weights + i, broadcast(m, 0.0))
    meet(m)
    add_counts(m, net, data, indices, first, batch)


@inlined
def add_counts(m, net, data, indices, first, batch):
    """Add for each sample how often the batch holds it, times ``c / batch``, to its weight."""
    width = lane_width(m)
    part = data.scale / scalar(m, batch)
    if leads(m):
        for k in range(batch):
            for v in range(width):
                m[(net.weights + indices[(first + k) * width + v]) * width + v] += part
    meet(m)


@inlined
def choose(sampling, batch, n, m, moment):
    """Fill the moment's indices with a batch, and return its first row in them and its size.

    In epochs of ``ceil(n / batch)`` steps the permutation is made at the first step of an epoch, or again
    when the kernel starts inside one; the last batch of an epoch holds what is left.
    """
    indices, stream = moment.indices, moment.stream
    if sampling == EPOCH:
        batches = (n + batch - 1) // batch
        place = moment.number % batches
        if (place == 0 or moment.first) and leads(m):
            counter = counter_words(moment.trajectory, uint64(moment.number // batches), 0)
            shuffle(indices, m, n, Stream(counter, stream.key))
        meet(m)
        start = place * batch
        return start, min(batch, n - start)
    if leads(m):
        if sampling == DISTINCT:
            distinct(indices, m, batch, n, stream)
        else:
            replacing(indices, batch, n, stream)
    meet(m)
    return 0, batch
