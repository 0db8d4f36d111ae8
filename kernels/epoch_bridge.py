"""Weights of samples over shuffled epochs: a bridge, since every sample is used once in an epoch.

Let ``s_ki`` be 1 if batch k of an epoch holds sample i, less its mean ``b_k / n``. Of batches without
replacement, with ``P = I - 1 1^T / n``::

    Cov(s_k, s_k) = b_k (n - b_k) / (n (n - 1)) P
    Cov(s_k, s_l) = - b_k b_l / (n (n - 1)) P,      k != l

and ``sum_k s_k = 0``. These are the covariances of ``sqrt(n / (n - 1))`` times the increments of n
independent standard Brownian bridges, less their mean, over the shares ``b_k / n`` of the epoch, also where
the last batch is smaller. An increment over the share h, when the share r of the epoch is left, is normal
with mean ``-h / r Z`` and variance ``h (r - h) / r``, Z the bridge: the conditional mean is that of shuffled
batches.
"""

import math

from fastsde.kernels.lanes import broadcast, fma, load, meet, scalar, share, store
from fastsde.kernels.normal import fill_normals
from fastsde.kernels.options import inlined
from fastsde.kernels.philox import NOISE

__all__ = ["bridge_weights"]


@inlined
def bridge_weights(m, net, data, dynamics, moment):
    """Weight of each sample: the mean, and the increment of its bridge, which is carried.

    ``w_i = c (1 / n + amplitude sqrt(batch substeps) / b_k (Z'_i - Z_i))``, Z before the step and Z' after
    it. At the end of an epoch Z is exactly 0.
    """
    n, batch, substeps = len(data.inputs), dynamics.batch, dynamics.substeps
    first = (moment.number // substeps) % ((n + batch - 1) // batch) * batch
    size = min(batch, n - first)
    left = (n - first) * substeps - size * (moment.number % substeps)
    rest = 1.0 - scalar(m, size) / scalar(m, left)
    deviation = math.sqrt(scalar(m, size) / scalar(m, n * substeps) * rest)
    factor = data.scale * dynamics.amplitude * math.sqrt(scalar(m, batch * substeps)) / scalar(m, size)
    fill_normals(m, net.weights, n, moment.stream, NOISE)
    total = broadcast(m, 0.0)
    for i in range(n):
        total = total + load(m, net.weights + i)
    meet(m)
    mean = total * (1.0 / scalar(m, n))
    alike = broadcast(m, data.scale / scalar(m, n))
    for i in share(m, n):
        before = load(m, net.carried + i)
        after = fma(before, broadcast(m, rest), (load(m, net.weights + i) - mean) * deviation)
        store(m, net.carried + i, after)
        store(m, net.weights + i, fma(after - before, broadcast(m, factor), alike))
    meet(m)
