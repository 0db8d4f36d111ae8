"""Smallest and largest Hessian eigenvalue of every trajectory, by Lanczos over interleaved trajectories.

Each trajectory has a Krylov space of its own, made by the same instructions: the vectors are orthogonalised
twice against all before them, so no spurious copies of an eigenvalue appear. The extreme eigenvalues of the
tridiagonal matrix are found by bisection on the sign of its pivots, their errors bounded by ``|b_m y_m|``,
the residual of the Ritz pair (Parlett 1998, section 13.2), and rounding: some eigenvalue of H lies within it.
"""

import math

from fastsde.kernels.dln import inner_product
from fastsde.kernels.hessian import hessian_vector, settle
from fastsde.kernels.lanes import any_lane, broadcast, fma, lane_width, load, scalar, select, store
from fastsde.kernels.options import inlined, kernel

__all__ = ["CHECK_EVERY", "block_eigenvalues", "extreme_eigenvalues"]

CHECK_EVERY = 8  # steps between looks at the error bounds
ROUNDING = 32.0  # units of rounding of the largest absolute eigenvalue that a Hessian product may be off


@kernel
def extreme_eigenvalues(state, m, space, net, data, plan, starts, tolerance, out):
    """Write, one row per trajectory: smallest and largest Hessian eigenvalue, and the bound of their errors.

    The bound is the larger residual norm, plus `ROUNDING` units of rounding of the largest absolute
    eigenvalue: in a small network the Krylov space is the whole space, and the residual exactly zero.

    Parameters
    ----------
    state : (blocks, parameters * lanes) array
    m, space : the block's memory (`Network.size` lane vectors) and the second one (`Space.size`)
    starts : (starts, parameters) unit vectors; each gives an independent run, and the extremes of all count
    tolerance : stop once both bounds are below this share of the largest absolute eigenvalue
    out : (trajectories, 3) array
    """
    for b in range(state.shape[0]):
        for k in range(state.shape[1]):
            m[k] = state[b, k]
        block_eigenvalues(m, space, net, data, plan, starts, tolerance, out, b * lane_width(m))


@inlined
def block_eigenvalues(m, space, net, data, plan, starts, tolerance, out, first):
    """Write the same of the block in `m`, from row `first` on."""
    width = lane_width(m)
    settle(m, space, net, data, plan)
    for start in range(starts.shape[0]):
        _run(m, space, net, data, plan, starts[start], tolerance)
        for v in range(width):
            row = first + v
            low, high = space[plan.found * width + v], space[(plan.found + 1) * width + v]
            low_error, high_error = space[(plan.found + 2) * width + v], space[(plan.found + 3) * width + v]
            if start == 0 or low < out[row, 0]:
                out[row, 0] = low
            if start == 0 or high > out[row, 1]:
                out[row, 1] = high
            error = max(low_error, high_error)
            if start == 0 or error > out[row, 2]:
                out[row, 2] = error
    unit = scalar(space, ROUNDING * (2.220446049250313e-16 if space.itemsize == 8 else 1.1920929e-07))
    for v in range(width):
        row = first + v
        out[row, 2] += unit * max(-out[row, 0], out[row, 1])


@kernel
def _run(m, space, net, data, plan, start, tolerance):
    """Lanczos from one start; leaves the extreme Ritz values and their bounds at `found`.

    Each trajectory keeps what it finds at the first look that meets the tolerance, however long those beside
    it take.
    """
    p = net.parameters
    for k in range(p):
        store(space, plan.basis + k, broadcast(space, start[k]))
    largest, going = broadcast(space, 0.0), broadcast(space, 1.0)
    for j in range(plan.steps):
        v, w = plan.basis + j * p, plan.basis + (j + 1) * p
        hessian_vector(m, space, net, data, plan, v, w)
        a = inner_product(space, v, w, p)
        if j > 0:  # a trajectory whose space is exhausted repeats a value inside its spectrum
            a = select(load(space, plan.off + j - 1) > 0.0, a, load(space, plan.diagonal))
        store(space, plan.diagonal + j, a)
        _orthogonalise(space, plan.basis, j + 1, w, p)
        b = math.sqrt(inner_product(space, w, w, p))
        size = select(a < 0.0, -a, a) + b
        largest = select(size > largest, size, largest)
        b = select(b > largest * (4e-15 if space.itemsize == 8 else 2e-6), b, 0.0)
        store(space, plan.off + j, b)
        factor = select(b > 0.0, 1.0 / b, 0.0)
        for k in range(p):
            store(space, w + k, load(space, w + k) * factor)
        if (j + 1) % CHECK_EVERY == 0 or j + 1 == plan.steps:
            low, low_error = _lowest(space, plan, j + 1, 1.0)
            high, high_error = _lowest(space, plan, j + 1, -1.0)
            _keep(space, plan.found, going, low)
            _keep(space, plan.found + 1, going, -high)
            _keep(space, plan.found + 2, going, low_error)
            _keep(space, plan.found + 3, going, high_error)
            expected = largest * tolerance
            going = select(low_error > expected, going, select(high_error > expected, going, 0.0))
            if not any_lane(going > 0.0):
                break


@inlined
def _keep(space, place, going, value):
    """Store a value for the trajectories whose run is still going on."""
    store(space, place, select(going > 0.0, value, load(space, place)))


@kernel
def _orthogonalise(space, basis, count, w, p):
    """Take from the vector at `w` its parts along the first `count` of the basis, twice."""
    for _ in range(2):
        for i in range(count):
            v = basis + i * p
            part = inner_product(space, v, w, p)
            part = -part
            for k in range(p):
                store(space, w + k, fma(part, load(space, v + k), load(space, w + k)))


@kernel
def _lowest(space, plan, count, sign):
    """Return the smallest eigenvalue of `sign` times the tridiagonal matrix, and its residual bound."""
    low = load(space, plan.diagonal) * sign
    high = low
    before = broadcast(space, 0.0)
    for i in range(count):
        a, b = load(space, plan.diagonal + i) * sign, load(space, plan.off + i)
        edge = a - before - b
        low = select(edge < low, edge, low)
        high = select(a < high, a, high)
        before = b
    low = low - (high - low) * 0.01
    for _ in range(60 if space.itemsize == 8 else 30):
        middle = (low + high) * 0.5
        above = _least_pivot(space, plan, count, sign, middle) > 0.0
        low, high = select(above, middle, low), select(above, high, middle)
    return low, _residual(space, plan, count, sign, low)


@kernel
def _least_pivot(space, plan, count, sign, shift):
    """Return the smallest pivot of the factorisation of ``sign T - shift``: above 0 if it is definite."""
    pivot = load(space, plan.diagonal) * sign - shift
    least = pivot
    for i in range(1, count):
        b = load(space, plan.off + i - 1)
        pivot = load(space, plan.diagonal + i) * sign - shift - b * b / pivot
        least = select(pivot < least, pivot, least)
    return least


@kernel
def _residual(space, plan, count, sign, value):
    """Return ``b_m |y_m|``, y the unit eigenvector: one step of inverse iteration from the first unit vector.

    The Lanczos start has a part of order ``p^(-1/2)`` along the eigenvector, and `value` is within rounding
    below the eigenvalue, so one solve is enough.
    """
    first = load(space, plan.diagonal)
    pivot = first * sign - value
    column = select(first < 0.0, -first, first) + load(space, plan.off)  # so that nothing overflows
    for i in range(count):
        b = load(space, plan.off + i)
        ratio = b / pivot
        store(space, plan.solved + i, column / pivot)
        store(space, plan.ratio + i, ratio)
        column = -(ratio * column)
        if i + 1 < count:
            pivot = load(space, plan.diagonal + i + 1) * sign - value - b * b / pivot
    last = load(space, plan.solved + count - 1)
    entry = last
    total = entry * entry
    for i in range(count - 2, -1, -1):
        entry = load(space, plan.solved + i) - load(space, plan.ratio + i) * entry
        total = fma(entry, entry, total)
    b = load(space, plan.off + count - 1)
    share = last * last / total
    return select(b > 0.0, b * math.sqrt(select(share > 0.0, share, 0.0)), 0.0)
