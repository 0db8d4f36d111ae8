"""One step of a dynamics: a named tuple whose class chooses the step when the kernel is compiled.

Every step is ``theta <- theta - dt (grad L + noise)`` for one block. A step is declared in one module: its
named tuple, whose first fields are ``dense`` (whether it needs the end-to-end product first) and ``dt``, and
its function, registered by `step_of`. Steps around a step hold it in the field ``inner``. Those of this
package are in `fastsde.kernels.steps`.
"""

from fastsde.kernels.dispatch import ByClass
from fastsde.kernels.options import inlined

__all__ = [
    "ALL",
    "INNER",
    "RESIDUAL",
    "SAMPLES",
    "faster",
    "faster_with_inner",
    "is_cooperative",
    "memory_of",
    "rescaled",
    "step",
    "step_of",
]

ALL, RESIDUAL, SAMPLES, INNER = "all", "residual", "samples", "inner"
"""What of its memory a step looks at, for targets whose memory is small (`step_of`)."""


def step(dynamics, m, net, data, moment):
    """Advance one block by one step; return a number per trajectory, finite exactly while it is.

    Parameters
    ----------
    dynamics : named tuple
        The step.
    m : array
        The block's memory.
    net : fastsde.kernels.layout.Network
        Places in it.
    data : fastsde.kernels.layout.Data or fastsde.kernels.surface.Surface
    moment : fastsde.kernels.moment.Moment
    """
    raise NotImplementedError("compiled only")


def rescaled(dynamics, f, noise):
    """Return a step with its learning rate times `f`, noise of constant size times `noise`."""
    raise NotImplementedError("compiled only")


_STEPS = ByClass(step, "dynamics", "inner", enters=True, inline=True)
_RESCALED = ByClass(rescaled, "dynamics", "inner", enters=True)
_COOPERATIVE = set()
_MEMORY = {}


@inlined
def faster(dynamics, f, noise):
    """Multiply dt: noise that is multiplied by dt, or none."""
    return type(dynamics)(dynamics.dense, dynamics.dt * f, *dynamics[2:])


@inlined
def faster_with_inner(dynamics, f, noise):
    """Multiply dt of a step whose third field is the step inside it, and rescale that."""
    return type(dynamics)(dynamics.dense, dynamics.dt * f, rescaled(dynamics.inner, f, noise), *dynamics[3:])


def step_of(tuple_class, *, cooperative=False, rescale=faster, memory=ALL):
    """Register the decorated function as the step of a named tuple.

    Parameters
    ----------
    tuple_class : type
        A named tuple with the fields ``dense`` and ``dt`` first.
    cooperative : bool
        Whether several threads of a GPU may take the step of one trajectory together: every loop over more
        than a few numbers is shared (`fastsde.kernels.lanes.share`), and so are those of steps inside.
    rescale : callable, optional
        The implementation of `rescaled`; None if no schedule is ever put around the step.
    memory : {ALL, RESIDUAL, SAMPLES, INNER}
        What a GPU may let share memory. RESIDUAL: the step makes R of D once, carries it once through the
        layers, and looks at neither afterwards, but for `fastsde.kernels.dln.deviation_square`. SAMPLES: it
        looks at neither product nor deviation, only at a mini-batch. INNER: what the step inside looks at.

    Examples
    --------
    A named tuple ``Sign`` with the fields ``dense`` and ``dt``, and its step::

        @step_of(Sign, cooperative=True)
        def sign_descent(dynamics, m, net, data, moment):
            full_residual(m, net, data)
            push(m, net, net.gradient, None)
            for k in share(m, net.parameters):
                gradient = load(m, net.gradient[0] + k)
                store(m, k, load(m, k) - select(gradient > 0.0, dynamics.dt, -dynamics.dt))
            meet(m)
            return deviation_square(m, net)
    """

    def register(function):
        _STEPS.of(tuple_class)(function)
        if rescale is not None:
            _RESCALED.of(tuple_class)(rescale)
        if cooperative:
            _COOPERATIVE.add(tuple_class)
        _MEMORY[tuple_class] = memory
        return function

    return register


def is_cooperative(dynamics):
    """Return whether several threads can take a step together, with all steps inside it."""
    inside = getattr(dynamics, "inner", None)
    return type(dynamics) in _COOPERATIVE and (inside is None or is_cooperative(inside))


def memory_of(dynamics):
    """Return what of its memory a step looks at: ALL, RESIDUAL or SAMPLES.

    A law of noise may tame the drift, which takes R and D again: ALL.
    """
    if getattr(dynamics, "clock", None) is not None:
        return ALL
    found = _MEMORY.get(type(dynamics), ALL)
    return memory_of(dynamics.inner) if found == INNER else found
