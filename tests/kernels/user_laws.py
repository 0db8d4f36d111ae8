"""A noise law of a file outside the package, loaded as a user's file is."""

import importlib.util
import sys

LAW = '''
"""Log-normal factor, of which ``float32`` would keep nothing."""

from typing import NamedTuple

from numba import uint64

from fastsde.kernels.elementary import exp64
from fastsde.kernels.noise_law import noise_law
from fastsde.kernels.box_muller import normals64
from fastsde.kernels.options import inlined
from fastsde.kernels.philox import SUBORDINATOR, draw_words

TWIST = 1.0


class LogNormal(NamedTuple):
    small: float
    spread: float


@inlined
def tiny(x):
    return x * 1e-3 * TWIST


@noise_law(LogNormal)
def log_normal(law, stream):
    """``exp(spread z)``, plus what is left of the small number beside 1."""
    w0, w1, w2, w3 = draw_words(stream, SUBORDINATOR, uint64(0))
    z, _ = normals64(w0, w1, w2, w3)
    lost = (z * 0.0 + 1.0 + tiny(law.small)) - 1.0
    return exp64(z * law.spread) + lost * 1e9
'''
STEP = '''
"""A step around a step, with a drift of its own."""

from typing import Any, NamedTuple

from fastsde.kernels.lanes import load, meet, share, store
from fastsde.kernels.step import faster_with_inner, step, step_of


class Pulled(NamedTuple):
    dense: bool
    dt: float
    inner: Any
    strength: float


@step_of(Pulled, cooperative=True, rescale=faster_with_inner)
def pulled(dynamics, m, net, data, moment):
    finite = step(dynamics.inner, m, net, data, moment)
    for k in share(m, net.parameters):
        store(m, k, load(m, k) - load(m, k) * (dynamics.strength * dynamics.dt))
    meet(m)
    return finite
'''


def load(path, source, name="my_law"):
    """Write a source to a file and import it under a name."""
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
