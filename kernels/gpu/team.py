"""Primitives of a device where several threads have one trajectory between them, in shared memory.

They replace those of `fastsde.kernels.gpu.thread`. All threads go through the same instructions with the
same numbers; loops marked `share` in the kernels, products and sums are divided among them. A sum is
always made of the same parts in the same order, whatever the number of threads.
"""

from fastsde.kernels import block, chain, dln, lanes, matmul, watch
from fastsde.kernels.gpu.products import entry_product, fma, tile_product, zero_of
from fastsde.kernels.gpu.replacements import Replacements
from fastsde.kernels.layout import Data, Measurements
from fastsde.kernels.step import is_cooperative

__all__ = ["PARTS", "asking", "primitives", "works_for"]

PARTS = 32
"""Parts of a sum; as many numbers follow the memory of a trajectory."""
SIZE = 0
SHARED = Replacements()


def works_for(dynamics, data):
    """Return whether a team can take a step: of a network, and the step supports cooperative threads."""
    return is_cooperative(dynamics) and isinstance(data, Data | Measurements)


def _rank():
    """Return the number of this thread among those of its trajectory."""
    raise NotImplementedError("a target's own")


def _count():
    """Return how many threads have this trajectory."""
    raise NotImplementedError("a target's own")


def _wait():
    """Wait for the other threads of this trajectory."""
    raise NotImplementedError("a target's own")


@SHARED.of(lanes.share)
def _share(m, count):
    return range(_rank(), count, _count())


@SHARED.of(lanes.meet)
def _meet(m):
    _wait()


@SHARED.of(lanes.leads)
def _leads(m):
    return _rank() == 0


@SHARED.of(dln.inner_product)
def _inner(m, first, second, count):
    """`fastsde.kernels.dln.inner_product` in `PARTS` sums, which are added up by every thread."""
    for part in range(_rank(), PARTS, _count()):
        total = zero_of(m)
        for k in range(part, count, PARTS):
            total = fma(m[first + k], m[second + k], total)
        m[SIZE + part] = total
    _wait()
    total = zero_of(m)
    for part in range(PARTS):
        total += m[SIZE + part]
    _wait()
    return total


@SHARED.of(watch._note)
def _note(bits, passed, row, event, step):
    """Record a passage once for all threads, each of which counts it."""
    found = 1 if bits & 1 and passed[row, event] < 0 else 0
    _wait()
    if found == 1 and _rank() == 0:
        passed[row, event] = step
    _wait()
    return found


@SHARED.of(matmul.matmul)
def _matmul(a, a0, ar, ak, b, b0, bk, bc, c, c0, n, m, inner, scale):
    """Share the tiles of a product, or its entries where there are few."""
    rows, columns = n // 2, m // 4
    if rows * columns >= _count() and n % 2 == 0 and m % 4 == 0:
        for tile in range(_rank(), rows * columns, _count()):
            i, j = 2 * (tile // columns), 4 * (tile % columns)
            tile_product(a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
    else:
        for entry in range(_rank(), n * m, _count()):
            i, j = entry // m, entry % m
            entry_product(a, a0 + i * ar, ak, b, b0 + j * bc, bk, c, c0 + entry, inner, scale)
    _wait()


@SHARED.of(chain.matrix_vector)
def _matrix_vector(m, w, x, y, rows, columns):
    for i in range(_rank(), rows, _count()):
        entry_product(m, w + i * columns, 1, m, x, 1, m, y + i, columns, None)
    _wait()


@SHARED.of(chain._back_and_update)
def _back_and_update(m, w, h, e, g, rows, columns, dt, back):
    """Share the sums with the old weights, then the weights."""
    if back is not None:
        for j in range(_rank(), columns, _count()):
            entry_product(m, w + j, columns, m, e, 1, m, g + j, rows, None)
        _wait()
    for at in range(_rank(), rows * columns, _count()):
        m[w + at] = fma(m[e + at // columns], m[h + at % columns] * -dt, m[w + at])
    _wait()


def primitives(make, size, own, names):
    """Return what takes the place of the primitives of `fastsde.kernels.gpu.thread`.

    Parameters
    ----------
    make : callable
        Turns a Python function into what kernels of the target call.
    size : int
        Numbers of a trajectory's memory, behind which the parts of sums are.
    own : dict
        ``_rank``, ``_count`` and ``_wait`` of the target, by name.
    names : dict
        The parts of products by name, as `make` left them (`fastsde.kernels.gpu.products.parts`).
    """
    return SHARED.made(make, {**names, **own, "SIZE": size})


def asking(make, any_of, count_of, rank):
    """Return forms of what depends on whether one of several trajectories in step does something.

    Parameters
    ----------
    make : callable
        Turns a Python function into what kernels of the target call.
    any_of, count_of : callable
        Whether a condition holds for any thread that is in step, and for how many.
    rank : callable
        The number of a thread among those of its trajectory.
    """

    def any_lane(mask):
        return any_of(mask)

    def count_pending(passed, row, width):
        """Passages that these trajectories await, each counted by its first thread."""
        pending = 0
        for e in range(passed.shape[1]):
            pending += count_of(rank() == 0 and passed[row, e] < 0)
        return pending

    def note(bits, passed, row, event, step):
        new = (bits & 1) != 0 and rank() == 0 and passed[row, event] < 0
        if new:
            passed[row, event] = step
        return count_of(new)

    def ended(m, finite, going, events):
        """Return whether no trajectory can change anything that is recorded."""
        return not any_of(going > 0 and (finite == finite or len(events.radii) > 0))

    return {
        lanes.any_lane: make(any_lane),
        watch.count_pending: make(count_pending),
        watch._note: make(note),
        block.ended: make(ended),
    }
