"""diffrax: Euler with fixed steps and `UnsafeBrownianPath`, vmapped and compiled.

Times are arrays of the case's precision: Python's would be float64 and promote the parameters with them.
"""

import math
from functools import partial

import diffrax
import jax
import jax.numpy as jnp
import lineax
import numpy as np

from bench.peers import jax_peer

__all__ = ["VERSION", "variants"]

VERSION = diffrax.__version__
GENERATORS = ("threefry2x32", "unsafe_rbg")
BATCHES = (1024, 8192)


def variants(setting):
    """Return the run with each generator and batch size; isotropic noise only."""
    if setting.kind != "langevin":
        return {}
    sizes = sorted({min(size, setting.trajectories) for size in BATCHES})
    return {
        f"{generator}, batches of {size}": jax_peer._Ensemble(
            setting, partial(_solve, setting), generator, size
        )
        for generator in GENERATORS
        for size in sizes
    }


def _solve(setting, key):
    first, rest = jax.random.split(key)
    shapes = [(above, below) for below, above in zip(setting.widths[:-1], setting.widths[1:], strict=True)]
    ends = np.cumsum([a * b for a, b in shapes])
    size = int(ends[-1])

    def unpack(theta):
        return [w.reshape(shape) for w, shape in zip(jnp.split(theta, ends[:-1]), shapes, strict=True)]

    def drift(t, theta, args):
        gradients = jax_peer._by_hand(setting, unpack(theta), None)
        return -jnp.concatenate([g.ravel() for g in gradients])

    def diffusion(t, theta, args):
        return lineax.DiagonalLinearOperator(
            jnp.full(size, math.sqrt(2 * setting.temperature), setting.dtype)
        )

    path = diffrax.UnsafeBrownianPath(shape=jax.ShapeDtypeStruct((size,), setting.dtype), key=rest)
    terms = diffrax.MultiTerm(diffrax.ODETerm(drift), diffrax.ControlTerm(diffusion, path))
    start = jnp.concatenate([w.ravel() for w in jax_peer._start(setting, first)])
    end = setting.steps * setting.learning_rate
    solution = diffrax.diffeqsolve(
        terms,
        diffrax.Euler(),
        t0=jnp.zeros((), setting.dtype),
        t1=jnp.asarray(end, setting.dtype),
        dt0=jnp.asarray(setting.learning_rate, setting.dtype),
        y0=start,
        saveat=diffrax.SaveAt(t1=True),
        stepsize_controller=diffrax.ConstantStepSize(),
        adjoint=diffrax.ForwardMode(),
        max_steps=setting.steps + 2,
    )
    theta = solution.ys[0]
    return theta, jax_peer._excess(setting, unpack(theta)) + setting.floor
