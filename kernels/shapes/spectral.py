"""Noise made of eigenvalues and vectors: of the Hessian of the loss, or of the covariance of SGD's gradient.

With K the one or the other, ``B B^T = s K_+`` (the part of K with eigenvalues above 0) or ``s k_1 v_1 v_1^T``
(the largest eigenvalue alone, if it is above 0), s a number or one times the loss; B is the symmetric root,
so that no sign of a vector counts. All eigenvalues come from Jacobi's rotations, or some from Lanczos'
method: from xi itself for the whole root, ``K_+^(1/2) xi = |xi| Q T_+^(1/2) e_1`` (Druskin and Knizhnerman
1989), and from other random numbers for the largest eigenvalue. The product of the Hessian and a direction is
a derivative of the gradient along it.
"""

import math
from typing import NamedTuple

from fastsde.kernels.dln import inner_product
from fastsde.kernels.jacobi import diagonalise
from fastsde.kernels.lanes import broadcast, fma, load, scalar, select, store
from fastsde.kernels.options import inlined, never_inlined
from fastsde.kernels.probe import hold_state, probe, return_to_hold
from fastsde.kernels.shape import SPARE, excess, gradient_place, noise_place, shape_noise_of, work_place
from fastsde.kernels.shapes.samples import centred_rows
from fastsde.kernels.vectors import add_times, clear, copy, unit_vector

__all__ = ["spectral_work"]


class _Places(NamedTuple):
    """Where in the memory what is."""

    matrix: int
    vectors: int
    coordinates: int  # of the random numbers, then of the noise, in the basis
    rows: int  # gradients of samples
    basis: int  # of Lanczos' method


def spectral_work(parameters, samples, steps):
    """Return the lane vectors of memory that it works with."""
    n = steps or parameters
    start = parameters + SPARE
    return start + 2 * n * n + n + samples * parameters + (steps + 1) * parameters


@inlined
def _places(net, shape, n):
    matrix = work_place(net, shape) + net.parameters + SPARE
    coordinates = matrix + 2 * n * n
    rows = coordinates + n
    return _Places(matrix, matrix + n * n, coordinates, rows, rows + shape.samples * net.parameters)


@shape_noise_of("spectral")
def spectral_noise(m, net, data, shape):
    """Return the trace of ``B B^T``; of the whole root by Lanczos' method that is not known: 0."""
    p, noise = net.parameters, noise_place(net)
    n = shape.steps if shape.steps > 0 else p
    at = _places(net, shape, n)
    size = broadcast(m, shape.strength)
    if shape.by_loss:
        size = size * excess(m, net, data, shape.floor)
    if shape.samples > 0:
        centred_rows(m, net, data, gradient_place(net), at.rows)
    else:
        hold_state(m, net)
    length = broadcast(m, 0.0)
    if shape.steps > 0:
        length = _lanczos(m, net, data, shape, at)
    else:
        _columns(m, net, data, shape, at)
    if shape.samples == 0:
        return_to_hold(m, net, data)
    diagonalise(m, at.matrix, at.vectors, n)
    if shape.leading:
        square = _largest(m, at, n)
        vector = work_place(net, shape)
        _expand(m, net, shape, at, n, vector)
        along = inner_product(m, vector, noise, p)
        copy(m, vector, noise, along * math.sqrt(square * size), p)
    else:
        if shape.steps > 0:
            clear(m, at.coordinates, n)
            store(m, at.coordinates, length)
        else:
            copy(m, noise, at.coordinates, broadcast(m, 1.0), p)
        square = _root(m, at, n) * (0.0 if shape.steps > 0 else 1.0)
        _expand(m, net, shape, at, n, noise)
        copy(m, noise, noise, math.sqrt(size), p)
    return square * size


@never_inlined
def _expand(m, net, shape, at, n, target):
    """Write the vector whose coordinates in the basis these are."""
    p = net.parameters
    if shape.steps == 0:
        copy(m, at.coordinates, target, broadcast(m, 1.0), p)
        return
    clear(m, target, p)
    for j in range(n):
        add_times(m, at.basis + j * p, target, load(m, at.coordinates + j), p)


@never_inlined
def _columns(m, net, data, shape, at):
    """Write the matrix, column by column, and make it symmetric to rounding."""
    p = net.parameters
    for j in range(p):
        unit_vector(m, at.vectors, j, p)
        _image(m, net, data, shape, at, at.vectors, at.matrix + j * p)
    for i in range(p):
        for j in range(i):
            upper, lower = at.matrix + j * p + i, at.matrix + i * p + j
            mean = (load(m, upper) + load(m, lower)) * 0.5
            store(m, upper, mean)
            store(m, lower, mean)


@never_inlined
def _image(m, net, data, shape, at, vector, target):
    """Write the matrix times a unit vector."""
    p = net.parameters
    clear(m, target, p)
    if shape.samples > 0:
        for i in range(shape.samples):
            row = at.rows + i * p
            add_times(m, row, target, inner_product(m, row, vector, p), p)
        return
    copy(m, vector, net.along, broadcast(m, 1.0), p)
    for i in range(2 * len(shape.nodes)):
        j, sign = i >> 1, 1.0 - 2.0 * scalar(m, i & 1)
        probe(m, net, data, sign * shape.nodes[j])
        add_times(m, net.gradient[0], target, broadcast(m, sign * shape.odd[j]), p)


@never_inlined
def _lanczos(m, net, data, shape, at):
    """Lanczos' method, orthogonalised twice; returns the length of the vector that it begins with.

    Where the space is exhausted, what follows is 0, and so is its part of the matrix.
    """
    p, n = net.parameters, shape.steps
    clear(m, at.matrix, n * n)
    first = work_place(net, shape) if shape.leading else noise_place(net)
    copy(m, first, at.basis, broadcast(m, 1.0), p)
    length = _normalise(m, at.basis, p, broadcast(m, 0.0))
    largest = broadcast(m, 0.0)
    for j in range(n):
        here, following = at.basis + j * p, at.basis + (j + 1) * p
        _image(m, net, data, shape, at, here, following)
        middle = inner_product(m, here, following, p)
        store(m, at.matrix + j * n + j, middle)
        for i in range(2 * (j + 1)):
            other = at.basis + i % (j + 1) * p
            add_times(m, other, following, -inner_product(m, other, following, p), p)
        size = select(middle < 0.0, -middle, middle)
        largest = select(size > largest, size, largest)
        off = _normalise(m, following, p, largest * 1e-9)
        if j + 1 < n:
            store(m, at.matrix + j * n + j + 1, off)
            store(m, at.matrix + (j + 1) * n + j, off)
    return length


@never_inlined
def _normalise(m, vector, p, least):
    """Divide a vector by its length and return that; 0 for both where it is not above `least`."""
    length = math.sqrt(inner_product(m, vector, vector, p))
    some = length > least
    copy(m, vector, vector, select(some, 1.0 / select(some, length, 1.0), 0.0), p)
    return select(some, length, 0.0)


@never_inlined
def _root(m, at, n):
    """Turn coordinates u into ``V Lambda_+^(1/2) V^T u``; return the sum of the eigenvalues above 0.

    What is on the diagonal of the matrix is used up: it becomes ``Lambda_+^(1/2) V^T u``.
    """
    total = broadcast(m, 0.0)
    for e in range(n):
        value = load(m, at.matrix + e * n + e)
        value = select(value > 0.0, value, 0.0)
        total = total + value
        part = broadcast(m, 0.0)
        for k in range(n):
            part = fma(load(m, at.vectors + k * n + e), load(m, at.coordinates + k), part)
        store(m, at.matrix + e * n + e, part * math.sqrt(value))
    for k in range(n):
        entry = broadcast(m, 0.0)
        for e in range(n):
            entry = fma(load(m, at.vectors + k * n + e), load(m, at.matrix + e * n + e), entry)
        store(m, at.coordinates + k, entry)
    return total


@never_inlined
def _largest(m, at, n):
    """Write the coordinates of the leading eigenvector; return its eigenvalue, at least 0."""
    best = broadcast(m, 0.0)
    clear(m, at.coordinates, n)
    for e in range(n):
        value = load(m, at.matrix + e * n + e)
        better = value > best
        best = select(better, value, best)
        for k in range(n):
            entry = select(better, load(m, at.vectors + k * n + e), load(m, at.coordinates + k))
            store(m, at.coordinates + k, entry)
    return best
