"""A network's products where several threads have a trajectory: every size and place is a constant.

They take the place of `fastsde.kernels.dln.product`, ``push`` and the like, layer by layer, with products
whose sums are in registers (`fastsde.kernels.gpu.tiling`).
"""

from functools import reduce
from typing import Any, NamedTuple

from fastsde.kernels import dln, matmul, normal
from fastsde.kernels.gpu.tiling import tiling

__all__ = ["Team", "forms", "shapes"]


class Team(NamedTuple):
    """What threads that have a trajectory between them have of their target."""

    lanes: int
    make: Any  # turns a Python function into what kernels of the target call
    rank: Any  # the number of this thread
    wait: Any  # for the others
    product_of: Any  # a thread's part of a product, of a tiling, the terms of a sum, and strides
    entry: Any  # of an array in rows
    zero_of: Any
    multiply_add: Any
    half: Any  # in the trajectories' precision


def shapes(network, samples, batch):
    """Return the sizes ``(n, m, inner)`` of the products that steps of a network ask for by their sizes."""
    widths = [int(w) for w in network.widths]
    d_in, d_out = widths[0], widths[-1]
    found = [(d_out, d_in, d_in)]
    if samples:
        found += [(d_out, samples, d_in), (d_out, d_in, samples)]
    if batch > 1:
        for rows, columns in zip(widths[1:], widths[:-1], strict=True):
            found += [(rows, batch, columns), (columns, batch, rows), (rows, columns, batch)]
    return list(dict.fromkeys(found))


def forms(net, by_size, team, otherwise, measured):
    """Return the forms of functions of a network, by what they take the place of.

    Parameters
    ----------
    net : fastsde.kernels.layout.Network
        The plan (`fastsde.kernels.gpu.plan.step_plan`) with integers.
    by_size : list of tuple
        Sizes of other products (`shapes`).
    team : Team
    otherwise : callable
        A product of any size.
    measured : bool
        Whether data are measurements, whose loss is a sum over them and not one of products.
    """
    total = _sum(net.size, team)
    loss = {} if measured else {dln.scaled_loss: _scaled_loss(net, team, total)}
    return loss | {
        dln.product: _product(net, team),
        dln.push: _push(net, team),
        dln.deviate: _deviate(net, team),
        dln.deviation_square: _deviation_square(net, team),
        dln.inner_product: _inner_product(team, total),
        matmul.matmul: _by_size(by_size, team, otherwise),
        normal.put_four: _put_four(team),
        normal.add_four: _add_four(team),
    }


def _sum(scratch, team):
    """Return the sum of a number of each thread, for all of them, in the order of the threads."""
    lanes, rank, wait, zero_of = team.lanes, team.rank, team.wait, team.zero_of

    def total_of(m, part):
        m[scratch + rank()] = part
        wait()
        total = zero_of(m)
        for k in range(lanes):
            total += m[scratch + k]
        wait()
        return total

    return team.make(total_of)


def _in_turn(functions, make):
    """Return the function that calls some functions of the same arguments in turn."""

    def joined(first, second):
        def both(memory, target, scale):
            first(memory, target, scale)
            second(memory, target, scale)

        return make(both)

    return reduce(joined, functions)


def _stored(team, sizes, a, b, place):
    """Return what writes a product; factors are a place, and strides of lines and terms."""
    (a0, ar, ak), (b0, bk, bc), rank, wait = a, b, team.rank, team.wait
    part = team.product_of(tiling(*sizes[:2], team.lanes), sizes[2], (ar, ak, bk, bc))

    def product(memory, target, scale):
        part(rank(), memory, a0, ar, ak, memory, b0, bk, bc, memory, place, None)
        wait()

    return team.make(product)


def _to_layer(team, sizes, a, b, l):
    """Return what writes a product to layer `l` of a target, or subtracts it, `scale` times."""
    (a0, ar, ak), (b0, bk, bc), rank, wait = a, b, team.rank, team.wait
    part = team.product_of(tiling(*sizes[:2], team.lanes), sizes[2], (ar, ak, bk, bc))

    def product(memory, target, scale):
        part(rank(), memory, a0, ar, ak, memory, b0, bk, bc, memory, target[l], scale)
        wait()

    return team.make(product)


def _product(net, team):
    widths, d_in = net.widths, net.widths[0]
    layers = []
    for l in range(1, len(net.weight)):
        sizes = widths[l + 1], d_in, widths[l]
        weights, below = (net.weight[l], widths[l], 1), (net.prefix[l - 1], d_in, 1)
        layers.append(_stored(team, sizes, weights, below, net.prefix[l]))
    if not layers:
        return team.make(lambda m, net: None)
    all_layers = _in_turn(layers, team.make)

    def product(m, net):
        all_layers(m, None, None)

    return team.make(product)


def _push(net, team):
    widths, d_in = net.widths, net.widths[0]
    back, steps = net.residual, []
    for l in range(len(net.weight) - 1, 0, -1):
        rows, columns = widths[l + 1], widths[l]
        following = net.left if back != net.left else net.right
        weights, below = (net.weight[l], 1, columns), (net.prefix[l - 1], 1, d_in)
        steps.append(_stored(team, (columns, d_in, rows), weights, (back, d_in, 1), following))
        steps.append(_to_layer(team, (rows, columns, d_in), (back, d_in, 1), below, l))
        back = following
    steps.append(_to_first_layer(team, back, widths[0] * widths[1]))
    all_layers = _in_turn(steps, team.make)

    def push(m, net, target, scale):
        all_layers(m, target, scale)

    return team.make(push)


def _to_first_layer(team, back, count):
    """Return what writes what was carried back to the first layer, or subtracts it, `scale` times."""
    lanes, rank, wait, multiply_add = team.lanes, team.rank, team.wait, team.multiply_add

    def first(memory, target, scale):
        for k in range(rank(), count, lanes):
            if scale is None:
                memory[target[0] + k] = memory[back + k]
            else:
                memory[target[0] + k] = multiply_add(-scale, memory[back + k], memory[target[0] + k])
        wait()

    return team.make(first)


def _deviate(net, team):
    """Return `deviate`, which leaves the sum of squares of each thread's entries behind the memory."""
    lanes, rank, wait, entry, zero_of = team.lanes, team.rank, team.wait, team.entry, team.zero_of
    multiply_add, count = team.multiply_add, net.widths[0] * net.widths[-1]
    matrix, deviation, squares = net.prefix[-1], net.deviation, net.size + lanes

    def deviate(m, net, data):
        total = zero_of(m)
        for k in range(rank(), count, lanes):
            value = m[matrix + k] - entry(data.optimum, k)
            m[deviation + k] = value
            total = multiply_add(value, value, total)
        m[squares + rank()] = total
        wait()

    return team.make(deviate)


def _deviation_square(net, team):
    """Return the sum of the squares that `deviate` has left; D itself may have become R."""
    lanes, zero_of, squares = team.lanes, team.zero_of, net.size + team.lanes

    def deviation_square(m, net):
        total = zero_of(m)
        for k in range(lanes):
            total += m[squares + k]
        return total

    return team.make(deviation_square)


def _scaled_loss(net, team, total_of):
    """Return `scaled_loss`, which writes nothing but sums."""
    lanes, rank, entry, zero_of = team.lanes, team.rank, team.entry, team.zero_of
    multiply_add, half, deviation_square = team.multiply_add, team.half, _deviation_square(net, team)
    d_in, count, deviation = net.widths[0], net.widths[0] * net.widths[-1], net.deviation

    def scaled_loss(m, net, data):
        if data.white:
            return deviation_square(m, net) * (half * data.scale)
        part = zero_of(m)
        for k in range(rank(), count, lanes):
            i, j, value = k // d_in, k % d_in, zero_of(m)
            for q in range(d_in):
                value = multiply_add(m[deviation + i * d_in + q], entry(data.factor, q * d_in + j), value)
            part = multiply_add(value, value, part)
        return total_of(m, part) * (half * data.scale)

    return team.make(scaled_loss)


def _inner_product(team, total_of):
    lanes, rank, zero_of, multiply_add = team.lanes, team.rank, team.zero_of, team.multiply_add

    def inner_product(m, first, second, count):
        part = zero_of(m)
        for k in range(rank(), count, lanes):
            part = multiply_add(m[first + k], m[second + k], part)
        return total_of(m, part)

    return team.make(inner_product)


def _by_size(by_size, team, otherwise):
    """Return `fastsde.kernels.matmul.matmul`, for some sizes with sums in registers."""
    rank, wait, rest = team.rank, team.wait, otherwise
    for rows, columns, terms in by_size:
        part = team.product_of(tiling(rows, columns, team.lanes), terms, None)
        rest = team.make(_if_of_size(rows, columns, terms, part, rest, rank, wait))
    return rest


def _if_of_size(rows, columns, terms, part, rest, rank, wait):
    def matmul(a, a0, ar, ak, b, b0, bk, bc, c, c0, n, m, inner, scale):
        if n == rows and m == columns and inner == terms:
            part(rank(), a, a0, ar, ak, b, b0, bk, bc, c, c0, scale)
            wait()
        else:
            rest(a, a0, ar, ak, b, b0, bk, bc, c, c0, n, m, inner, scale)

    return matmul


def _turned(team):
    """Return what turns four numbers by the thread's rank.

    Neighbouring threads have neighbouring quadruples: at the same entry of them they would meet in a bank.
    """
    rank = team.rank

    def turned(x0, x1, x2, x3):
        turn = rank() & 3
        if turn & 1:
            x0, x1, x2, x3 = x1, x2, x3, x0
        if turn & 2:
            x0, x1, x2, x3 = x2, x3, x0, x1
        return turn, x0, x1, x2, x3

    return team.make(turned)


def _put_four(team):
    turned = _turned(team)

    def put_four(m, at, x0, x1, x2, x3):
        turn, y0, y1, y2, y3 = turned(x0, x1, x2, x3)
        m[at + turn] = y0
        m[at + (turn + 1 & 3)] = y1
        m[at + (turn + 2 & 3)] = y2
        m[at + (turn + 3 & 3)] = y3

    return team.make(put_four)


def _add_four(team):
    turned, multiply_add = _turned(team), team.multiply_add

    def one(m, place, x, scale):
        m[place] = multiply_add(x, scale, m[place])

    one = team.make(one)

    def add_four(m, at, left, x0, x1, x2, x3, scale):
        if left > 3:
            turn, y0, y1, y2, y3 = turned(x0, x1, x2, x3)
            one(m, at + turn, y0, scale)
            one(m, at + (turn + 1 & 3), y1, scale)
            one(m, at + (turn + 2 & 3), y2, scale)
            one(m, at + (turn + 3 & 3), y3, scale)
        else:
            one(m, at, x0, scale)
            if left > 1:
                one(m, at + 1, x1, scale)
            if left > 2:
                one(m, at + 2, x2, scale)

    return team.make(add_four)
