"""Compiled functions that other compiled functions call by their address: on CPUs only.

What calls by address is compiled once, whatever it calls: a new landscape costs the time to compile its own
function, not that of every step.
"""

from types import FunctionType

import numba as nb
from numba.extending import intrinsic

from fastsde.kernels import extensions
from fastsde.kernels.lanes import lanes_of
from fastsde.kernels.options import COMMON, compiling, kernel

__all__ = ["address_of", "call_routine", "is_own", "with_callee"]

_COMPILED = {}


@intrinsic
def call_routine(typingctx, address, m, *args):
    """Call the function at `address` on `m` and `args`; it returns a lane vector."""
    given = args[0].types if len(args) == 1 and isinstance(args[0], nb.types.BaseTuple) else args
    lanes, kinds = lanes_of(m), (m, *given)
    if m.layout != "C":
        return None

    def codegen(context, builder, sig, values):
        convention = context.call_conv
        kind = convention.get_function_type(lanes, kinds)
        target = builder.inttoptr(values[0], kind.as_pointer())
        rest = nb.core.cgutils.unpack_tuple(builder, values[2])
        _, result = convention.call_function(builder, target, lanes, kinds, [values[1], *rest])
        return result

    return lanes(nb.types.int64, m, nb.types.StarArgTuple(given)), codegen


def address_of(function, net, data, *others):
    """Return the address of ``function(m, net, data, *others)``, compiled for trajectories of `data`.

    Parameters
    ----------
    function : callable
        Of which what belongs to `fastsde.kernels` is kept on disk.
    net, data : named tuples
        Of which only the types count; the precision is that of ``data.optimum``.
    others : "target", "lanes" or named tuple
        A place in the memory, a lane vector, or anything of which the type counts.
    """
    real = nb.from_dtype(data.optimum.dtype)
    m = nb.types.Array(real, 1, "C")
    known = {"target": nb.types.int64, "lanes": lanes_of(m)}
    rest = [known[other] if isinstance(other, str) else nb.typeof(other) for other in others]
    kinds = (m, nb.typeof(net), nb.typeof(data), *rest)
    key = function, kinds
    if key not in _COMPILED:
        with compiling():
            compiled = _kernel(function)
            compiled.compile(kinds)
        result = compiled.overloads[kinds]
        address = result.library.get_pointer_to_function(result.fndesc.llvm_func_name)
        _COMPILED[key] = address, compiled
    return _COMPILED[key][0]


def with_callee(template, name, function):
    """Return the copy of `template` that calls `function` by the global name `name`."""
    key = template, function
    if key not in _COMPILED:
        calls = {**template.__globals__, name: _kernel(function)}
        copy = FunctionType(template.__code__, calls, f"{template.__name__}_{function.__name__}")
        copy.__qualname__ = copy.__name__
        copy.kept = is_own(function)
        _COMPILED[key] = copy
    return _COMPILED[key]


def _kernel(function):
    """Compile a function; on disk is kept only what changes no more often than the folder's name."""
    return kernel(function) if is_own(function) else nb.njit(nogil=True, **COMMON)(function)


def is_own(function):
    """Return whether a function is fastsde's own."""
    return getattr(function, "kept", extensions.is_own(function))
