"""Named tuples of the host as kernels of a device take them."""

import numpy as np

from fastsde.kernels.precision import double_fields

__all__ = ["frozen", "put_on", "structure"]


def frozen(value):
    """Return a named tuple of sizes and places as constants: arrays become tuples of integers."""
    if hasattr(value, "_fields"):
        return type(value)(*(frozen(field) for field in value))
    return tuple(int(x) for x in value) if isinstance(value, np.ndarray) else value


def put_on(value, dtype, put):
    """Return a named tuple as kernels of a device take it.

    Arrays of floats have the trajectories' precision and are on the device (`put` takes them there); numbers
    have it too. Fields that `fastsde.kernels.precision` marks stay in ``float64``, as those of noise laws.
    None is 0, which nothing looks at.
    """
    if value is None:
        return 0
    if isinstance(value, np.ndarray):
        return put(np.ascontiguousarray(value, dtype if value.dtype.kind == "f" else None))
    if hasattr(value, "_fields"):
        double = double_fields(type(value))
        fields = zip(value._fields, value, strict=True)
        return type(value)(
            *(_put_double(x, put) if field in double else put_on(x, dtype, put) for field, x in fields)
        )
    if isinstance(value, np.bool_):
        return bool(value)
    return np.dtype(dtype).type(value) if isinstance(value, float | np.floating) else value


def _put_double(value, put):
    return float(value) if isinstance(value, float | np.floating) else put_on(value, np.float64, put)


def structure(value):
    """Return what code depends on of a named tuple: the classes in it, and what is absent."""
    if isinstance(value, tuple):
        return type(value), *(structure(part) for part in value)
    return type(value)
