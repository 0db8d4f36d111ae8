"""What is measured of a block at a snapshot."""

import math
from typing import NamedTuple

from fastsde.kernels.dln import (
    deviate,
    full_residual,
    inner_product,
    interface_imbalance,
    product,
    push,
    scaled_loss,
)
from fastsde.kernels.lanes import lane_width, load, select, store
from fastsde.kernels.options import inlined, kernel
from fastsde.kernels.residual import noise_trace_finite, noise_trace_population

__all__ = [
    "FINITE_TRACE",
    "LOSS",
    "NOISE_TRACE",
    "NO_TRACE",
    "POPULATION_TRACE",
    "Columns",
    "measurement_columns",
    "observe",
    "observe_block",
    "observe_without_trace",
    "products",
    "project",
    "put_product",
]

NO_TRACE, FINITE_TRACE, POPULATION_TRACE = range(3)

LOSS, GRADIENT_NORM, NOISE_TRACE, BALANCE = range(4)
"""Columns of the measurements; balances have one per interface, the end-to-end matrix follows them."""


class Columns(NamedTuple):
    """Where each measurement is in a row that `observe` writes."""

    loss: int
    gradient_norm: int
    noise_trace: int
    balance: slice  # one column per interface
    end_to_end: slice  # the matrix row by row
    count: int  # of all columns


def measurement_columns(widths):
    """Return the columns of a network of these widths.

    Examples
    --------
    >>> measurement_columns((3, 4, 2)).end_to_end
    slice(4, 10, None)
    """
    matrix = BALANCE + len(widths) - 2
    count = matrix + int(widths[0] * widths[-1])
    return Columns(LOSS, GRADIENT_NORM, NOISE_TRACE, slice(BALANCE, matrix), slice(matrix, count), count)


@kernel
def observe(state, memory, net, data, trace, out):
    """Write one row per trajectory, with the columns of `measurement_columns`."""
    for b in range(state.shape[0]):
        _enter(state, b, memory)
        observe_block(memory, net, data, trace, out, b * lane_width(memory))


@inlined
def observe_block(m, net, data, trace, out, row):
    """Write the same of the block in `m`, from `row` on."""
    square = _observe_loss(m, net, data, out, row)
    if trace == FINITE_TRACE:
        value = noise_trace_finite(m, net, data, square)
        _put(m, net, out, row, NOISE_TRACE, select(value < 0.0, 0.0, value))
    elif trace == POPULATION_TRACE:
        _put(m, net, out, row, NOISE_TRACE, noise_trace_population(m, net, data, square))
    _observe_layers(m, net, out, row)


@inlined
def observe_without_trace(m, net, data, out, row):
    """Write the same but for the noise trace, which landscapes without samples have no code for."""
    _observe_loss(m, net, data, out, row)
    _observe_layers(m, net, out, row)


@inlined
def _observe_loss(m, net, data, out, row):
    """Write the loss and the norm of its gradient, and return the square of that."""
    product(m, net)
    deviate(m, net, data)
    _put(m, net, out, row, LOSS, scaled_loss(m, net, data) + data.floor)
    full_residual(m, net, data)
    push(m, net, net.gradient, None)
    square = inner_product(m, net.gradient[0], net.gradient[0], net.parameters)
    _put(m, net, out, row, GRADIENT_NORM, math.sqrt(square))
    return square


@inlined
def _observe_layers(m, net, out, row):
    """Write the imbalance of neighbouring layers and the end-to-end matrix."""
    layers = len(net.weight)
    for l in range(layers - 1):
        _put(m, net, out, row, BALANCE + l, math.sqrt(interface_imbalance(m, net, l)))
    put_product(m, net, out, row, BALANCE + layers - 1)


@kernel
def products(state, memory, net, out):
    """Write the end-to-end matrix, one row per trajectory."""
    for b in range(state.shape[0]):
        _enter(state, b, memory)
        product(memory, net)
        put_product(memory, net, out, b * lane_width(memory), 0)


@inlined
def put_product(m, net, out, row, column):
    """Write the end-to-end matrix of the block in `m`, from `row` and `column` on."""
    for k in range(net.widths[0] * net.widths[-1]):
        _put(m, net, out, row, column + k, load(m, net.prefix[-1] + k))


@kernel
def _enter(state, b, memory):
    for k in range(state.shape[1]):
        memory[k] = state[b, k]


@kernel
def _put(m, net, out, row, column, value):
    """Write a lane vector down a column of `out`."""
    store(m, net.draw, value)
    width = lane_width(m)
    for v in range(width):
        out[row + v, column] = m[net.draw * width + v]


@kernel
def project(matrices, left, right, out):
    """Write ``u_a^T W v_b`` of each matrix, one row each; the diagonal only if `out` has K columns."""
    modes, d_out, d_in = left.shape[0], left.shape[1], right.shape[1]
    diagonal = out.shape[1] == modes
    for n in range(matrices.shape[0]):
        for a in range(modes):
            for b in range(modes):
                if diagonal and a != b:
                    continue
                total = matrices[n, 0] * 0
                for i in range(d_out):
                    row = matrices[n, 0] * 0
                    for j in range(d_in):
                        row += matrices[n, i * d_in + j] * right[b, j]
                    total += row * left[a, i]
                out[n, a if diagonal else a * modes + b] = total
