"""Mini-batches: which samples each trajectory sees at a step, and their values, one lane a trajectory.

Sampling indices stand in an integer array `choice`: one row of lanes for each member of the batch.
"""

from numba import uint64

from fastsde.kernels.gather import gather_four
from fastsde.kernels.lanes import broadcast, lane_width, leads, low_word, meet, scalar, share, store
from fastsde.kernels.options import inlined
from fastsde.kernels.philox import HALF, INDEX, MASK, SHUFFLE, counter_words, philox

__all__ = ["DISTINCT", "EPOCH", "REPLACING", "add_counts", "choose", "count_weights", "gather"]

EPOCH, DISTINCT, REPLACING = range(3)


@inlined
def shuffle(choice, m, n, counter, key):
    """Write a uniform permutation of ``0 .. n - 1`` for each lane (Fisher and Yates 1938)."""
    width = lane_width(m)
    for i in range(n):
        for v in range(width):
            choice[i * width + v] = i
    c1, c2, c3 = counter[0], counter[1], counter[2] ^ uint64(SHUFFLE)
    spare = n * width
    for i in range(n - 1, 0, -4):
        w0, w1, w2, w3 = philox(uint64(i), c1, c2, c3, key[0], key[1])
        for k in range(min(4, i)):
            word = w0 if k == 0 else (w1 if k == 1 else (w2 if k == 2 else w3))
            store(choice, n, low_word(((word & MASK) * uint64(i - k + 1)) >> HALF))
            for v in range(width):
                other = choice[spare + v]
                mine = choice[(i - k) * width + v]
                choice[(i - k) * width + v] = choice[other * width + v]
                choice[other * width + v] = mine


@inlined
def replacing(choice, batch, n, counter, key):
    """Write `batch` indices drawn with replacement from ``0 .. n - 1``."""
    c1, c2, c3 = counter[0], counter[1], counter[2] ^ uint64(INDEX)
    for k in range(0, batch, 4):
        w0, w1, w2, w3 = philox(uint64(k), c1, c2, c3, key[0], key[1])
        store(choice, k, low_word(((w0 & MASK) * uint64(n)) >> HALF))
        if k + 1 < batch:
            store(choice, k + 1, low_word(((w1 & MASK) * uint64(n)) >> HALF))
        if k + 2 < batch:
            store(choice, k + 2, low_word(((w2 & MASK) * uint64(n)) >> HALF))
        if k + 3 < batch:
            store(choice, k + 3, low_word(((w3 & MASK) * uint64(n)) >> HALF))


@inlined
def distinct(choice, m, batch, n, counter, key):
    """Write `batch` different indices, all subsets equally likely (Floyd; Bentley and Floyd 1987)."""
    width = lane_width(m)
    c1, c2, c3 = counter[0], counter[1], counter[2] ^ uint64(INDEX)
    for k in range(batch):
        top = n - batch + k
        w0, _, _, _ = philox(uint64(k), c1, c2, c3, key[0], key[1])
        store(choice, k, low_word(((w0 & MASK) * uint64(top + 1)) >> HALF))
        for v in range(width):
            mine = choice[k * width + v]
            for i in range(k):
                if choice[i * width + v] == mine:
                    choice[k * width + v] = top
                    break


@inlined
def gather(m, net, data, choice, first, batch, column, columns):
    """Write inputs of the chosen samples into ``h_0`` and their labels into `error`, one column per sample.

    The first sample goes into column `column` of `columns`.
    """
    width = lane_width(m)
    d_in, d_out = net.widths[0], net.widths[-1]
    for k in range(batch):
        place = (first + k) * width
        for part in share(m, (d_in + d_out + 3) // 4):
            entry = 4 * part
            values = gather_four(m, data.rows, choice, place, entry)
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
def count_weights(m, net, data, choice, first, batch):
    """Write for each sample how often the batch holds it, times ``c / batch``."""
    for i in share(m, len(data.inputs)):
        store(m, net.weights + i, broadcast(m, 0.0))
    meet(m)
    add_counts(m, net, data, choice, first, batch)


@inlined
def add_counts(m, net, data, choice, first, batch):
    """Add for each sample how often the batch holds it, times ``c / batch``, to its weight."""
    width = lane_width(m)
    part = data.scale / scalar(m, batch)
    if leads(m):
        for k in range(batch):
            for v in range(width):
                m[(net.weights + choice[(first + k) * width + v]) * width + v] += part
    meet(m)


@inlined
def choose(sampling, batch, n, m, choice, number, first, trajectory, counter, key):
    """Fill `choice` for step `number` and return the batch's first row in it and its size.

    In epochs of ``ceil(n / batch)`` steps the permutation is made at the first step of an epoch, or anew
    when the kernel starts inside one; the last batch of an epoch holds what is left.
    """
    if sampling == EPOCH:
        batches = (n + batch - 1) // batch
        place = number % batches
        if (place == 0 or first) and leads(m):
            shuffle(choice, m, n, counter_words(trajectory, uint64(number // batches), 0), key)
        meet(m)
        start = place * batch
        return start, min(batch, n - start)
    if leads(m):
        if sampling == DISTINCT:
            distinct(choice, m, batch, n, counter, key)
        else:
            replacing(choice, batch, n, counter, key)
    meet(m)
    return 0, batch
