"""JAX: ``jit(vmap(scan))`` over trajectories, with each of its generators and two sizes of batches."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from bench.setting import symmetric

jax.config.update("jax_enable_x64", True)

__all__ = ["VERSION", "variants"]

VERSION = jax.__version__
GENERATORS = ("threefry2x32", "rbg", "unsafe_rbg")
BATCHES = (1024, 8192)


def variants(setting):
    """Return the run with each generator, batch size and gradient (Langevin: by hand or by `jax.grad`)."""
    trajectories = {"by hand": partial(_sde, setting, _by_hand), "jax.grad": partial(_sde, setting, _by_grad)}
    if setting.kind == "sgd":
        trajectories = {"jax.grad": partial(_sgd, setting)}
    elif setting.kind == "gradient":
        del trajectories["jax.grad"]
    sizes = sorted({min(size, setting.trajectories) for size in BATCHES})
    return {
        f"{generator}, {how}, batches of {size}": _Ensemble(setting, trajectory, generator, size)
        for generator in GENERATORS
        for how, trajectory in trajectories.items()
        for size in sizes
    }


class _Ensemble:
    """One compiled function over a batch of keys, called until all trajectories are done."""

    def __init__(self, setting, trajectory, generator, batch):
        self.setting, self.generator, self.batch = setting, generator, batch
        self.compiled = jax.jit(jax.vmap(trajectory))

    def __call__(self, seed):
        count = self.setting.trajectories
        keys = jax.random.split(
            jax.random.key(seed, impl=self.generator), -(-count // self.batch) * self.batch
        )
        parts = [self.compiled(keys[i : i + self.batch]) for i in range(0, count, self.batch)]
        return tuple(
            np.concatenate([np.asarray(part) for part in saved])[:count] for saved in zip(*parts, strict=True)
        )


def _start(setting, key):
    keys = jax.random.split(key, setting.layers)
    pairs = zip(setting.widths[:-1], setting.widths[1:], keys, strict=True)
    return [setting.std * jax.random.normal(k, (above, below), setting.dtype) for below, above, k in pairs]


def _flat(weights):
    return jnp.concatenate([w.ravel() for w in weights])


def _end_to_end(weights):
    product = weights[0]
    for w in weights[1:]:
        product = w @ product
    return product


def _excess(setting, weights):
    return 0.5 * setting.scale * jnp.sum((_end_to_end(weights) - setting.optimum) ** 2)


def _by_grad(setting, weights, key):
    return jax.grad(partial(_excess, setting))(weights)


def _by_hand(setting, weights, key):
    """Layer gradients ``W_{>l}^T R W_{<l}^T`` of R = c D, or with the gradient noise in R."""
    prefix = [weights[0]]
    for w in weights[1:]:
        prefix.append(w @ prefix[-1])
    residual = deviation = prefix[-1] - setting.optimum
    if setting.kind == "gradient":
        index, scale = symmetric(len(deviation), setting.dtype)
        pairs = int(index.max()) + 1
        normals = jax.random.normal(key, (pairs + deviation.size,), deviation.dtype)
        labels = setting.label_sd * normals[pairs:].reshape(deviation.shape)
        residual = deviation + deviation @ (scale * normals[index]) + labels
    back, gradients = setting.scale * residual, []
    for layer in range(setting.layers - 1, 0, -1):
        gradients.append(back @ prefix[layer - 1].T)
        back = weights[layer].T @ back
    return [back, *reversed(gradients)]


def _sde(setting, gradient, key):
    first, rest = jax.random.split(key)
    rate = setting.learning_rate
    amplitude = math.sqrt(2 * setting.temperature * rate)
    shapes = [(above, below) for below, above in zip(setting.widths[:-1], setting.widths[1:], strict=True)]
    ends = np.cumsum([a * b for a, b in shapes])

    def step(weights, key):
        descent = gradient(setting, weights, key)
        if setting.kind == "gradient":
            return [w - rate * g for w, g in zip(weights, descent, strict=True)], None
        noise = jnp.split(jax.random.normal(key, (int(ends[-1]),), setting.dtype), ends[:-1])
        return [
            w - rate * g + amplitude * n.reshape(shape)
            for w, g, n, shape in zip(weights, descent, noise, shapes, strict=True)
        ], None

    weights, _ = jax.lax.scan(step, _start(setting, first), jax.random.split(rest, setting.steps))
    return _flat(weights), _excess(setting, weights) + setting.floor


def _output(setting, layers, h):
    """Return the output of a linear network, or of one with biases and an activation."""
    if setting.activation is None:
        for w in layers:
            h = w @ h
        return h
    activation = getattr(jnp, setting.activation)
    for w, b in layers[:-1]:
        h = activation(w @ h + b)
    return layers[-1][0] @ h + layers[-1][1]


def _sgd(setting, key):
    x, y = jnp.asarray(setting.inputs), jnp.asarray(setting.labels)
    n = len(x)
    if setting.steps % n:
        raise ValueError(f"steps must be a multiple of the {n} samples, not {setting.steps}")
    first, rest = jax.random.split(key)

    def loss(weights, i):
        return 0.5 * setting.scale * jnp.sum((_output(setting, weights, x[i]) - y[i]) ** 2)

    def step(weights, i):
        gradients = jax.grad(loss)(weights, i)
        return jax.tree.map(lambda w, g: w - setting.learning_rate * g, weights, gradients), None

    def epoch(weights, key):
        return jax.lax.scan(step, weights, jax.random.permutation(key, n))

    start = _start(setting, first)
    if setting.activation is not None:
        start = [(w, jnp.zeros(len(w), setting.dtype)) for w in start]
    weights, _ = jax.lax.scan(epoch, start, jax.random.split(rest, setting.steps // n))
    error = jax.vmap(partial(_output, setting, weights))(x) - y
    return _flat(jax.tree.leaves(weights)), 0.5 * setting.scale * jnp.sum(error**2) / n
