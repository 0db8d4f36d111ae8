"""Drift of each mode, and the variance its noise gives it, exactly from the state; one row per trajectory.

With ``b_l = W_{>l}^T u`` and ``f_l = W_{<l} v`` the mode ``m = u^T W v`` has the gradient ``b_l f_l^T`` in
layer l. An end-to-end gradient R (of the loss, of one sample, of noise) therefore moves it at the rate
``-sum_l (W_{>l} b_l)^T R (W_{<l}^T f_l)``.
"""

from fastsde.kernels.options import kernel

__all__ = ["FINITE_RATES", "NO_RATES", "POPULATION_RATES", "mode_rates", "rates_scratch"]

NO_RATES, FINITE_RATES, POPULATION_RATES = range(3)


def rates_scratch(widths, samples):
    """Return how many numbers `mode_rates` needs to work in."""
    d_in, d_out, top, layers = widths[0], widths[-1], max(widths), len(widths) - 1
    return layers * (2 * top + d_in + d_out) + 2 * top + 4 * d_in * (d_in + d_out) + samples * d_out


@kernel
def mode_rates(theta, widths, left, right, noise, data, scratch, out):
    """Write for each mode: drift, variance of one sample's push, and squared norm of the mode's gradient.

    Parameters
    ----------
    theta : (rows, parameters)
    widths : (layers + 1,) integers
    left, right : (modes, d_out) and (modes, d_in), the modes' singular vectors
    noise : which formula gives the variance; it is 0 with `NO_RATES`
    data : the problem
    scratch : float64 vector of `rates_scratch` numbers
    out : (rows, 3 * modes) float64
    """
    layers, modes = len(widths) - 1, len(left)
    d_in, d_out = widths[0], widths[-1]
    top = 0
    for width in widths:
        top = max(top, width)
    size = d_in * d_out
    back = scratch[: layers * top].reshape(layers, top)
    forth = scratch[layers * top : 2 * layers * top].reshape(layers, top)
    at = 2 * layers * top
    lefts = scratch[at : at + layers * d_out].reshape(layers, d_out)
    at += layers * d_out
    rights = scratch[at : at + layers * d_in].reshape(layers, d_in)
    at += layers * d_in
    swap = scratch[at : at + 2 * top].reshape(2, top)
    at += 2 * top
    deviation = scratch[at : at + size].reshape(d_out, d_in)
    at += size
    residual = scratch[at : at + size].reshape(d_out, d_in)
    at += size
    rest = scratch[at:]
    for n in range(len(theta)):
        row = theta[n]
        _deviation(row, widths, data, swap, deviation)
        _times(deviation, data.covariance, data.scale, residual)
        if noise == FINITE_RATES:
            _errors(deviation, data, rest)
        for a in range(modes):
            _vectors(row, widths, left[a], right[a], back, forth, lefts, rights, swap)
            drift, square = 0.0, 0.0
            for l in range(layers):
                one, two = 0.0, 0.0
                for i in range(widths[l + 1]):
                    one += back[l, i] * back[l, i]
                for j in range(widths[l]):
                    two += forth[l, j] * forth[l, j]
                square += one * two
                for i in range(d_out):
                    for j in range(d_in):
                        drift -= lefts[l, i] * residual[i, j] * rights[l, j]
            out[n, a] = drift
            out[n, modes + a] = 0.0
            if noise == FINITE_RATES:
                out[n, modes + a] = _finite_variance(lefts, rights, data, rest, drift)
            elif noise == POPULATION_RATES:
                out[n, modes + a] = _population_variance(lefts, rights, deviation, data, rest)
            out[n, 2 * modes + a] = square


@kernel
def _forward(row, widths, first, last, vector, swap):
    """Multiply ``vector`` by layers ``first`` to ``last - 1``; the result is in ``vector``."""
    start = 0
    for l in range(first):
        start += widths[l] * widths[l + 1]
    for l in range(first, last):
        for i in range(widths[l + 1]):
            total = 0.0
            for j in range(widths[l]):
                total += row[start + i * widths[l] + j] * vector[j]
            swap[i] = total
        for i in range(widths[l + 1]):
            vector[i] = swap[i]
        start += widths[l] * widths[l + 1]


@kernel
def _backward(row, widths, first, last, vector, swap):
    """Multiply ``vector`` by the transposes of layers ``last - 1`` down to ``first``, in place."""
    start = 0
    for l in range(last):
        start += widths[l] * widths[l + 1]
    for l in range(last - 1, first - 1, -1):
        start -= widths[l] * widths[l + 1]
        for j in range(widths[l]):
            total = 0.0
            for i in range(widths[l + 1]):
                total += row[start + i * widths[l] + j] * vector[i]
            swap[j] = total
        for j in range(widths[l]):
            vector[j] = swap[j]


@kernel
def _deviation(row, widths, data, swap, deviation):
    """Compute ``D = W - optimum``, a column at a time."""
    d_in, d_out = widths[0], widths[-1]
    for j in range(d_in):
        for k in range(d_in):
            swap[0, k] = 1.0 if k == j else 0.0
        _forward(row, widths, 0, len(widths) - 1, swap[0], swap[1])
        for i in range(d_out):
            deviation[i, j] = swap[0, i] - data.optimum[i, j]


@kernel
def _times(first, second, factor, out):
    for i in range(first.shape[0]):
        for j in range(second.shape[1]):
            total = 0.0
            for k in range(first.shape[1]):
                total += first[i, k] * second[k, j]
            out[i, j] = factor * total


@kernel
def _vectors(row, widths, u, v, back, forth, lefts, rights, swap):
    """Fill ``b_l`` and ``f_l`` of all layers, ``W_{>l} b_l`` and ``W_{<l}^T f_l``."""
    layers = len(widths) - 1
    for l in range(layers):
        if l == 0:
            for j in range(widths[0]):
                forth[0, j] = v[j]
        else:
            for j in range(widths[l - 1]):
                forth[l, j] = forth[l - 1, j]
            _forward(row, widths, l - 1, l, forth[l], swap[0])
    for l in range(layers - 1, -1, -1):
        if l == layers - 1:
            for i in range(widths[layers]):
                back[l, i] = u[i]
        else:
            for i in range(widths[l + 2]):
                back[l, i] = back[l + 1, i]
            _backward(row, widths, l + 1, l + 2, back[l], swap[0])
    for l in range(layers):
        for i in range(widths[l + 1]):
            swap[1, i] = back[l, i]
        _forward(row, widths, l + 1, layers, swap[1], swap[0])
        for i in range(widths[layers]):
            lefts[l, i] = swap[1, i]
        for j in range(widths[l]):
            swap[1, j] = forth[l, j]
        _backward(row, widths, 0, l, swap[1], swap[0])
        for j in range(widths[0]):
            rights[l, j] = swap[1, j]


@kernel
def _errors(deviation, data, errors):
    """Write ``c (W x_i - y_i)`` of every sample, ``D x_i`` less what the optimum leaves."""
    d_out, d_in = deviation.shape
    for k in range(len(data.inputs)):
        for i in range(d_out):
            total = -data.noise[k, i]
            for j in range(d_in):
                total += deviation[i, j] * data.inputs[k, j]
            errors[k * d_out + i] = data.scale * total


@kernel
def _finite_variance(lefts, rights, data, errors, drift):
    """Return the variance (divisor n) over samples of ``sum_l (left_l . e_i) (right_l . x_i)``."""
    n, d_in = data.inputs.shape
    layers, d_out = lefts.shape
    total = 0.0
    for k in range(n):
        push = 0.0
        for l in range(layers):
            one, two = 0.0, 0.0
            for i in range(d_out):
                one += lefts[l, i] * errors[k * d_out + i]
            for j in range(d_in):
                two += rights[l, j] * data.inputs[k, j]
            push += one * two
        total += (push + drift) ** 2
    return total / n


@kernel
def _population_variance(lefts, rights, deviation, data, rest):
    """Return the variance of ``<M, (W x - y) x^T>``, ``M = sum_l left_l right_l^T``, x elliptical.

    With ``Y = M^T D S`` and ``t2 = E tau^2`` of the inputs' mixture it is ``c^2`` times ``t2 [tr(Y D^T M S) +
    tr(Y Y)] + (t2 - 1) (tr Y)^2 + sigma^2 tr(M S M^T)``.
    """
    d_out, d_in = deviation.shape
    size = d_in * d_out
    m = rest[:size].reshape(d_out, d_in)
    ms = rest[size : 2 * size].reshape(d_out, d_in)
    y = rest[2 * size : 2 * size + d_in * d_in].reshape(d_in, d_in)
    back = rest[2 * size + d_in * d_in : 2 * size + 2 * d_in * d_in].reshape(d_in, d_in)
    for i in range(d_out):
        for j in range(d_in):
            m[i, j] = 0.0
            for l in range(len(lefts)):
                m[i, j] += lefts[l, i] * rights[l, j]
    _times(m, data.covariance, 1.0, ms)
    for j in range(d_in):
        for k in range(d_in):
            total, other = 0.0, 0.0
            for i in range(d_out):
                total += m[i, j] * deviation[i, k]
                other += ms[i, j] * deviation[i, k]
            y[j, k] = total
            back[j, k] = other
    quadratic, crossed, trace, labels = 0.0, 0.0, 0.0, 0.0
    for j in range(d_in):
        for k in range(d_in):
            ys, sy = 0.0, 0.0
            for i in range(d_in):
                ys += y[j, i] * data.covariance[i, k]
                sy += y[k, i] * data.covariance[i, j]
            crossed += ys * sy
            quadratic += back[j, k] * ys
            if j == k:
                trace += ys
    for i in range(d_out):
        for j in range(d_in):
            labels += m[i, j] * ms[i, j]
    spread = data.spread
    noise = data.label_sd * data.label_sd * labels
    value = spread * (quadratic + crossed) + (spread - 1.0) * trace * trace + noise
    return data.scale * data.scale * value
