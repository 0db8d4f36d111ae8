"""The noise of finite data by rows, for few inputs: what two products give, bit for bit."""

import numpy as np
import probes
import pytest

from fastsde.kernels.cpu import aligned
from fastsde.kernels.lanes import lane_count
from fastsde.kernels.layout import plan_network
from fastsde.kernels.matmul import matmul


def by_products(m, net, samples):
    """R from the products ``E = D X`` and ``R = E diag(w) X^T``, in a copy of the memory; (numbers,)."""
    m, lanes = m.copy(), lane_count(m.dtype)
    d_in, d_out, n = net.widths[0], net.widths[-1], len(samples.inputs)
    matmul(m, net.deviation, d_in, 1, samples.inputs, 0, 1, d_in, m, net.error, d_out, n, d_in, None)
    error = m[net.error * lanes :][: d_out * n * lanes].reshape(d_out, n, lanes)
    error -= samples.noise.T[:, :, None]
    error *= m[net.weights * lanes :][: n * lanes].reshape(n, lanes)
    matmul(m, net.error, n, 1, samples.inputs, 0, d_in, 1, m, net.residual, d_out, d_in, n, None)
    return m[net.residual * lanes :][: d_out * d_in * lanes]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_are_what_products_give(dtype):
    random, lanes = np.random.default_rng(0), lane_count(dtype)
    for d_in in range(1, 8):
        for d_out, n in ((1, 1), (3, 7), (5, 16)):
            net = plan_network((d_in, 2, d_out), n, 1)
            m = aligned(net.size * lanes, dtype)
            m[...] = random.normal(size=m.shape)
            inputs, noise = (random.normal(size=(n, width)).astype(dtype) for width in (d_in, d_out))
            samples = probes.Samples(inputs, noise)
            expected, before = by_products(m, net, samples), m.copy()
            assert probes.by_rows(m, net, samples) == (d_in <= 6)
            place = slice(net.residual * lanes, (net.residual + d_out * d_in) * lanes)
            if d_in <= 6:
                assert np.array_equal(m[place], expected)
                before[place] = expected
            assert np.array_equal(m, before)  # nothing else was written
