"""NumPy: batched ``matmul`` into preallocated arrays, the fastest generator, batches that fit the cache.

NumPy releases the interpreter's lock in its loops, so batches run on a pool of threads.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from bench.setting import symmetric

__all__ = ["VERSION", "variants"]

VERSION = np.__version__
BATCHES = (32, 128, 1024)


def variants(setting):
    """Return the run with each batch size, one thread per core."""
    if setting.kind == "sgd":
        return {}
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    sizes = sorted({min(size, setting.trajectories) for size in BATCHES})
    return {f"batches of {size}, {threads} threads": partial(_run, setting, size, threads) for size in sizes}


def _run(setting, batch, threads, seed):
    starts = range(0, setting.trajectories, batch)
    seeds = np.random.SeedSequence(seed).spawn(len(starts))
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(partial(_batch, setting, batch), seeds))
    return tuple(np.concatenate(saved)[: setting.trajectories] for saved in zip(*parts, strict=True))


def _batch(setting, batch, seed):
    random = np.random.Generator(np.random.SFC64(seed))
    width, layers, dtype = setting.widths[0], setting.layers, np.dtype(setting.dtype)
    draw = partial(random.standard_normal, dtype=dtype)
    theta = draw(size=(layers, batch, width, width))
    theta *= dtype.type(setting.std)
    prefix = [theta[0], *(np.empty_like(theta[0]) for _ in range(layers - 1))]
    residual, change, spare = (np.empty_like(theta[0]) for _ in range(3))
    noise = np.empty_like(theta)
    index, scale = symmetric(width, dtype)
    free, labels = np.empty((batch, width * (width + 1) // 2), dtype), np.empty_like(residual)
    rate = dtype.type(setting.scale * setting.learning_rate)
    amplitude = dtype.type(math.sqrt(2 * setting.temperature * setting.learning_rate))
    for _ in range(setting.steps):
        _deviate(theta, prefix, residual, setting.optimum)
        back = residual
        if setting.kind == "gradient":
            draw(out=free)
            np.take(free, index, axis=1, out=change, mode="clip")
            change *= scale
            np.matmul(residual, change, out=spare)
            spare += residual
            draw(out=labels)
            labels *= dtype.type(setting.label_sd)
            spare += labels
            back = spare
        for layer in range(layers - 1, 0, -1):
            np.matmul(back, prefix[layer - 1].swapaxes(1, 2), out=change)
            change *= rate
            following = spare if back is residual else residual
            np.matmul(theta[layer].swapaxes(1, 2), back, out=following)
            theta[layer] -= change
            back = following
        back *= rate
        theta[0] -= back
        if setting.kind == "langevin":
            draw(out=noise)
            noise *= amplitude
            theta += noise
    _deviate(theta, prefix, residual, setting.optimum)
    losses = 0.5 * setting.scale * np.square(residual).sum(axis=(1, 2)) + dtype.type(setting.floor)
    return theta.swapaxes(0, 1).reshape(batch, -1), losses


def _deviate(theta, prefix, residual, optimum):
    for layer in range(1, len(theta)):
        np.matmul(theta[layer], prefix[layer - 1], out=prefix[layer])
    np.subtract(prefix[-1], optimum, out=residual)
