"""Lane vectors of words: halves of them, words as packed 32-bit integers, and products of words.

As 64-bit integers words need the fewest instructions where a register holds all lanes; packed, they need
half the registers, and no shuffles to become 32-bit floats.
"""

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature

from fastsde.kernels.lane_operators import common
from fastsde.kernels.lane_type import LaneType, promote
from fastsde.kernels.primitive import primitive

__all__ = ["halves", "high_product", "join_words", "side_by_side"]


def side_by_side(a, b):
    """Return the lanes of `a` and after them those of `b`, a lane vector of twice the width."""
    return np.concatenate([a, b])


@infer_global(side_by_side)
class _SideBySide(AbstractTemplate):
    def generic(self, args, kws):
        lane = common(args) if len(args) == 2 else None
        return signature(LaneType(lane.dtype, 2 * lane.count), lane, lane) if lane is not None else None


def _lower_side_by_side(context, builder, sig, args):
    count = sig.return_type.count
    return builder.shuffle_vector(
        *args, ir.Constant(ir.VectorType(ir.IntType(32), count), list(range(count)))
    )


lower_builtin(side_by_side, LaneType, LaneType)(_lower_side_by_side)


def halves(x):
    """Return the first and the second half of the lanes of `x`: the inverse of `side_by_side`."""
    return x[: len(x) // 2], x[len(x) // 2 :]


@infer_global(halves)
class _Halves(AbstractTemplate):
    def generic(self, args, kws):
        if len(args) == 1 and isinstance(args[0], LaneType):
            half = LaneType(args[0].dtype, args[0].count // 2)
            return signature(types.UniTuple(half, 2), *args)
        return None


def _lower_halves(context, builder, sig, args):
    count = sig.args[0].count // 2
    kind = ir.VectorType(ir.IntType(32), count)
    parts = [
        builder.shuffle_vector(args[0], args[0], ir.Constant(kind, list(range(first, first + count))))
        for first in (0, count)
    ]
    return context.make_tuple(builder, sig.return_type, parts)


lower_builtin(halves, LaneType)(_lower_halves)


@primitive
def high_product(a, factor):
    """Return the upper word of the product of the low word of `a` and a factor below ``2**32``.

    Lane vectors are of 64-bit integers, or of 32-bit ones, whose upper words then are words of their own.
    """
    return ((a & np.uint64(0xFFFFFFFF)) * factor) >> np.uint64(32)


@infer_global(high_product)
class _HighProduct(AbstractTemplate):
    def generic(self, args, kws):
        if len(args) == 2 and isinstance(args[0], LaneType) and isinstance(args[1], types.Integer):
            return signature(args[0], args[0], types.uint64)
        return None


def _lower_high_product(context, builder, sig, args):
    lane = sig.args[0]
    words = lane.count * lane.dtype.bitwidth // 32
    long, short = ir.VectorType(ir.IntType(64), words // 2), ir.VectorType(ir.IntType(32), words)
    half, mask = (ir.Constant(long, [number] * (words // 2)) for number in (32, 0xFFFFFFFF))
    factor = promote(context, builder, args[1], sig.args[1], LaneType(types.uint64, words // 2))
    x = builder.bitcast(args[0], long)
    even = builder.mul(builder.and_(x, mask), factor)
    if lane.dtype.bitwidth == 64:
        return builder.lshr(even, half)
    odd = builder.mul(builder.lshr(x, half), factor)
    places = [k + 1 if k % 2 == 0 else words + k for k in range(words)]
    kind = ir.VectorType(ir.IntType(32), words)
    return builder.shuffle_vector(
        builder.bitcast(even, short), builder.bitcast(odd, short), ir.Constant(kind, places)
    )


lower_builtin(high_product, LaneType, types.Integer)(_lower_high_product)


@primitive
def join_words(high, low):
    """Return 64-bit integers of their high and low words."""
    return (high << np.uint64(32)) ^ (low & np.uint64(0xFFFFFFFF))


@infer_global(join_words)
class _JoinWords(AbstractTemplate):
    def generic(self, args, kws):
        if len(args) == 2 and isinstance(args[0], LaneType) and args[0] == args[1]:
            return signature(LaneType(types.uint64, args[0].count), *args)
        return None


def _lower_join_words(context, builder, sig, args):
    """Shuffle words; of 64-bit integers only the low ones."""
    lane = sig.args[0]
    count, apart = lane.count, lane.dtype.bitwidth // 32
    short = ir.VectorType(ir.IntType(32), count * apart)
    places = [place for k in range(count) for place in (k * apart, (count + k) * apart)]
    high, low = (builder.bitcast(v, short) for v in args)
    both = builder.shuffle_vector(low, high, ir.Constant(ir.VectorType(ir.IntType(32), 2 * count), places))
    return builder.bitcast(both, context.get_value_type(sig.return_type))


lower_builtin(join_words, LaneType, LaneType)(_lower_join_words)
