"""Primitives of a device where several threads have one trajectory between them, in shared memory.

They take the place of those of `fastsde.kernels.device`. All threads go through the same instructions with
the same numbers; loops marked `share` in the kernels, products and sums are divided among them. A sum is
always made of the same parts in the same order, whatever the number of threads.
"""

from fastsde.kernels import chain, dln, lanes, matmul, watch
from fastsde.kernels.device import _dot, _tile, _with, _zero, fma
from fastsde.kernels.steps import (
    Descent,
    FiniteNoise,
    FreshSgd,
    GivenNoise,
    Isotropic,
    LabelNoiseSgd,
    PopulationNoise,
    SampleSgd,
    Svag,
    WeightSgd,
)

__all__ = ["PARTS", "primitives", "works_for"]

PARTS = 32
"""Parts of a sum; so many numbers stand behind the memory of a trajectory."""
SIZE = 0
STEPS = (
    Descent,
    Isotropic,
    FiniteNoise,
    PopulationNoise,
    SampleSgd,
    WeightSgd,
    FreshSgd,
    GivenNoise,
    LabelNoiseSgd,
    Svag,
)


def works_for(dynamics, data):
    """Return whether all that a step does is divided: of networks, without drift or waits around it."""
    name = type(dynamics).__name__
    if name in {"Scheduled", "Momentum"}:
        return works_for(dynamics.inner, data)
    return isinstance(dynamics, STEPS) and type(data).__name__ == "Data"


def _rank():
    """Return the number of this thread among those of its trajectory."""
    raise NotImplementedError("a target's own")


def _count():
    """Return how many threads have this trajectory."""
    raise NotImplementedError("a target's own")


def _wait():
    """Wait for the other threads of this trajectory."""
    raise NotImplementedError("a target's own")


def _share(m, count):
    return range(_rank(), count, _count())


def _meet(m):
    _wait()


def _leads(m):
    return _rank() == 0


def _inner(m, first, second, count):
    """`fastsde.kernels.dln.inner` in `PARTS` sums, which are added up by every thread."""
    for part in range(_rank(), PARTS, _count()):
        total = _zero(m)
        for k in range(part, count, PARTS):
            total = fma(m[first + k], m[second + k], total)
        m[SIZE + part] = total
    _wait()
    total = _zero(m)
    for part in range(PARTS):
        total += m[SIZE + part]
    _wait()
    return total


def _note(bits, passed, row, event, step):
    """Record a passage once for all threads, each of which counts it."""
    found = 1 if bits & 1 and passed[row, event] < 0 else 0
    _wait()
    if found == 1 and _rank() == 0:
        passed[row, event] = step
    _wait()
    return found


def _matmul(a, a0, ar, ak, b, b0, bk, bc, c, c0, n, m, inner, scale):
    """Share the tiles of a product, or its entries where there are few."""
    rows, columns = n // 2, m // 4
    if rows * columns >= _count() and n % 2 == 0 and m % 4 == 0:
        for tile in range(_rank(), rows * columns, _count()):
            i, j = 2 * (tile // columns), 4 * (tile % columns)
            _tile(a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
    else:
        for entry in range(_rank(), n * m, _count()):
            i, j = entry // m, entry % m
            _dot(a, a0 + i * ar, ak, b, b0 + j * bc, bk, c, c0 + entry, inner, scale)
    _wait()


def _matrix_vector(m, w, x, y, rows, columns):
    for i in range(_rank(), rows, _count()):
        _dot(m, w + i * columns, 1, m, x, 1, m, y + i, columns, None)
    _wait()


def _back_and_update(m, w, h, e, g, rows, columns, dt, back):
    """Share the sums with the old weights, then the weights."""
    if back is not None:
        for j in range(_rank(), columns, _count()):
            _dot(m, w + j, columns, m, e, 1, m, g + j, rows, None)
        _wait()
    for at in range(_rank(), rows * columns, _count()):
        m[w + at] = fma(m[e + at // columns], m[h + at % columns] * -dt, m[w + at])
    _wait()


def primitives(make, size, own, changed):
    """Return what takes the place of the primitives of `fastsde.kernels.device`.

    Parameters
    ----------
    make : callable
        Turns a Python function into what kernels of the target call.
    size : int
        Numbers of a trajectory's memory, behind which the parts of sums stand.
    own : dict
        ``_rank``, ``_count`` and ``_wait`` of the target, by name.
    changed : dict
        Functions of `fastsde.kernels.device` by name, as `make` left them.
    """
    names = {**changed, **own, "SIZE": size}
    functions = {
        lanes.share: _share,
        lanes.meet: _meet,
        lanes.leads: _leads,
        dln.inner: _inner,
        watch._note: _note,
        matmul.matmul: _matmul,
        chain._matrix_vector: _matrix_vector,
        chain._back_and_update: _back_and_update,
    }
    return {original: make(_with(function, names)) for original, function in functions.items()}
