"""SGD on one sample where a thread has a trajectory: what goes through the layers is in registers.

Each weight is read twice and written once, from memory where the trajectories of a warp lie side by side.
"""

from fastsde.kernels import chain, minibatch

__all__ = ["forms"]


def forms(net, forward_of, back_of, row_of, make, multiply_add):
    """Return the forms of `fastsde.kernels.chain.chain_step` and of `gather` for a batch of one.

    Parameters
    ----------
    net : fastsde.kernels.layout.Network
        The plan with integers.
    forward_of, back_of : callable
        Return a layer's products, of its sizes (`fastsde.kernels.gpu.emit`).
    row_of : callable
        Returns what reads so many numbers of a row of a table.
    make : callable
        Turns a Python function into what kernels of the target call.
    multiply_add : callable
        Of the target.
    """
    inputs, outputs, d_out = net.activation[0], net.error, net.widths[-1]
    layers = _top(_errors(d_out, make), _square(d_out, make, multiply_add), make)
    for l in range(len(net.weight) - 1, -1, -1):
        rows, columns = net.widths[l + 1], net.widths[l]
        forward, backwards = forward_of(rows, columns), back_of(rows, columns, l > 0)
        layers = _through(forward, backwards, net.weight[l], layers, make)
    read_input, read_label = _read(net.widths[0], make), _read(d_out, make)

    def chain_step(m, net, scale, batch, dt):
        _, size = layers(m, read_input(m, inputs), read_label(m, outputs), scale, dt)
        return size

    whole = row_of(net.widths[0] + d_out)
    write_input = _write(0, net.widths[0], inputs, make)
    write_label = _write(net.widths[0], d_out, outputs, make)

    def gather(m, net, data, indices, first, batch, column, columns):
        row = whole(data.rows, indices[first])
        write_input(m, row)
        write_label(m, row)

    return {chain.chain_step: make(chain_step), minibatch.gather: make(gather)}


def _write(first, count, place, make):
    """Return what writes some numbers of a tuple to a place of the memory."""
    last = count - 1
    if last == 0:
        return make(_put(first, place))
    before, put = _write(first, last, place, make), make(_put(first + last, place + last))

    def write(m, row):
        before(m, row)
        put(m, row)

    return make(write)


def _put(k, place):
    def put(m, row):
        m[place] = row[k]

    return put


def _through(forward, backwards, place, above, make):
    """Return a layer with all above it: from its input to the errors below it and their squares' sum."""

    def through(m, x, y, scale, dt):
        error, size = above(m, forward(m, place, x), y, scale, dt)
        return backwards(m, place, x, error, dt), size

    return make(through)


def _top(errors, square, make):
    def top(m, x, y, scale, dt):
        error = errors(x, y, scale)
        return error, square(error)

    return make(top)


def _read(count, make):
    """Return what reads some numbers as a tuple."""
    last = count - 1
    if last == 0:
        return make(lambda m, start: (m[start],))
    before = _read(last, make)

    def read(m, start):
        return before(m, start) + (m[start + last],)  # noqa: RUF005 - unpacking is not compiled

    return make(read)


def _errors(count, make):
    """Return ``scale (x - y)`` of tuples."""
    last = count - 1
    if last == 0:
        return make(lambda x, y, scale: ((x[0] - y[0]) * scale,))
    before = _errors(last, make)

    def errors(x, y, scale):
        return before(x, y, scale) + ((x[last] - y[last]) * scale,)  # noqa: RUF005

    return make(errors)


def _square(count, make, multiply_add):
    """Return the sum of squares of a tuple."""
    last = count - 1
    if last == 0:
        return make(lambda x: x[0] * x[0])
    before = _square(last, make, multiply_add)

    def square(x):
        return multiply_add(x[last], x[last], before(x))

    return make(square)
