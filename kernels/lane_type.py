"""The numba type of lane vectors, and how wide they are on this machine."""

import os

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.extending import models, register_model

__all__ = [
    "ALIGNMENT",
    "HALF_STORES",
    "VECTOR_BYTES",
    "WIDE",
    "LaneType",
    "lane_count",
    "lanes_of",
    "promote",
]

ALIGNMENT = 64


def _register_bytes():
    """Return the width in bytes of the host's vector registers (64, 32 or 16)."""
    forced = os.environ.get("FASTSDE_VECTOR_BYTES")
    if forced:
        if forced not in {"16", "32", "64"}:
            raise ValueError(f"FASTSDE_VECTOR_BYTES is {forced!r}; allowed: 16, 32, 64")
        return int(forced)
    features = llvm.get_host_cpu_features()
    if features.get("avx512f") and features.get("avx512dq"):
        return 64
    return 32 if features.get("avx2") else 16


VECTOR_BYTES = _register_bytes()
WIDE = VECTOR_BYTES == 64
"""Whether there are 32 vector registers, of 64 bytes each; otherwise there are 16."""
HALF_STORES = WIDE and llvm.get_host_cpu_name() == "znver4"
"""Whether the processor stores 64 bytes as two times 32."""


def lane_count(dtype):
    """Return how many trajectories one block carries for ``float32`` or ``float64``."""
    return VECTOR_BYTES // np.dtype(dtype).itemsize


class LaneType(types.Type):
    """The numba type of ``count`` numbers of type ``dtype``, one per trajectory."""

    def __init__(self, dtype, count):
        self.dtype = dtype
        self.count = count
        super().__init__(name=f"Lanes({dtype}, {count})")

    @property
    def key(self):
        """Identity of the type, as numba wants it."""
        return self.dtype, self.count


@register_model(LaneType)
class _LaneModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        element = (
            ir.IntType(1) if fe_type.dtype == types.boolean else dmm.lookup(fe_type.dtype).get_value_type()
        )
        super().__init__(dmm, fe_type, ir.VectorType(element, fe_type.count))


def _splat(builder, value, count):
    vector = ir.VectorType(value.type, count)
    if isinstance(value, ir.Constant):
        return ir.Constant(vector, [value.constant] * count)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.IntType(32)(0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), mask)


def promote(context, builder, value, source, target):
    """Return `value` as a vector of type `target`: unchanged, or cast and repeated."""
    if isinstance(source, LaneType):
        return value
    return _splat(builder, context.cast(builder, value, source, target.dtype), target.count)


def lanes_of(array_type):
    """Return the lane type whose vectors fill a register with the array's elements."""
    return LaneType(array_type.dtype, VECTOR_BYTES // (array_type.dtype.bitwidth // 8))
