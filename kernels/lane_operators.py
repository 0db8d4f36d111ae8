"""Arithmetic, comparison, selection and conversion of lane vectors; plain NumPy when not compiled."""

import math
import operator

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature

from fastsde.kernels.lane_type import LaneType, promote
from fastsde.kernels.primitive import primitive

__all__ = [
    "alike",
    "as_bits",
    "as_float",
    "common",
    "fma",
    "low_word",
    "root",
    "select",
    "to_float",
    "to_int",
]


def common(args):
    """Return the one lane type among `args`, if the others are it or numbers."""
    lanes = {a for a in args if isinstance(a, LaneType)}
    if len(lanes) == 1 and all(isinstance(a, LaneType | types.Number | types.Boolean) for a in args):
        return lanes.pop()
    return None


def _is_float(lane):
    return isinstance(lane.dtype, types.Float)


def _register(function, arity, emit, result=lambda lane: lane, accepts=lambda lane: True):
    """Teach numba `function` on lane vectors; ``emit(context, builder, lane, values)`` writes the code."""

    class Template(AbstractTemplate):
        key = function

        def generic(self, args, kws):
            lane = common(args) if len(args) == arity and not kws else None
            if lane is not None and accepts(lane):
                return signature(result(lane), *args)
            return None

    infer_global(function)(Template)

    def lower(context, builder, sig, args):
        lane = common(sig.args)
        values = [promote(context, builder, v, s, lane) for v, s in zip(args, sig.args, strict=True)]
        return emit(context, builder, lane, values)

    for kinds in _argument_kinds(arity):
        lower_builtin(function, *kinds)(lower)


def _argument_kinds(arity):
    if arity == 0:
        return [()]
    shorter = _argument_kinds(arity - 1)
    return [(kind, *rest) for kind in (LaneType, types.Number) for rest in shorter]


def _binary(float_name, int_name):
    def emit(context, builder, lane, values):
        name = float_name if _is_float(lane) else int_name
        if _is_float(lane):
            return getattr(builder, name)(*values, flags=("contract",))
        return getattr(builder, name)(*values)

    return emit


def _comparison(op):
    def emit(context, builder, lane, values):
        if _is_float(lane):
            compare = builder.fcmp_unordered if op == "!=" else builder.fcmp_ordered
            return compare(op, *values)
        if lane.dtype.signed:
            return builder.icmp_signed(op, *values)
        return builder.icmp_unsigned(op, *values)

    return emit


def _mask_type(lane):
    return LaneType(types.boolean, lane.count)


def _shift_right(context, builder, lane, values):
    return builder.ashr(*values) if lane.dtype.signed else builder.lshr(*values)


def _negate(context, builder, lane, values):
    return builder.fneg(values[0]) if _is_float(lane) else builder.neg(values[0])


def _vector_intrinsic(name):
    def emit(context, builder, lane, values):
        vector = values[0].type
        suffix = f"v{lane.count}f{lane.dtype.bitwidth}"
        kind = ir.FunctionType(vector, [vector] * len(values))
        return builder.call(
            cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.{suffix}"), values
        )

    return emit


for _op, _names in {
    operator.add: ("fadd", "add"),
    operator.sub: ("fsub", "sub"),
    operator.mul: ("fmul", "mul"),
    operator.truediv: ("fdiv", "sdiv"),
}.items():
    _register(_op, 2, _binary(*_names))
for _op, _name in {
    operator.and_: "and_",
    operator.or_: "or_",
    operator.xor: "xor",
    operator.lshift: "shl",
}.items():
    _register(_op, 2, _binary("", _name), accepts=lambda lane: not _is_float(lane))
_register(operator.rshift, 2, _shift_right, accepts=lambda lane: not _is_float(lane))
_register(operator.neg, 1, _negate)
for _op, _symbol in {
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
    operator.eq: "==",
    operator.ne: "!=",
}.items():
    _register(_op, 2, _comparison(_symbol), result=_mask_type)
_register(math.sqrt, 1, _vector_intrinsic("sqrt"), accepts=_is_float)


@primitive
def root(x):
    """Return the square root: `math.sqrt` of lane vectors, and of NumPy arrays when not compiled."""
    return np.sqrt(x)


_register(root, 1, _vector_intrinsic("sqrt"), accepts=_is_float)


@primitive
def fma(a, b, c):
    """Return ``a * b + c``, rounded once where compiled."""
    return a * b + c


_register(fma, 3, _vector_intrinsic("fma"), accepts=_is_float)


@primitive
def alike(x, value):
    """Return `value` in the type, and for lane vectors in every lane, of `x`."""
    return value


_register(alike, 2, lambda context, builder, lane, values: values[1])


@primitive
def select(mask, a, b):
    """Return `a` where `mask` holds and `b` elsewhere."""
    return np.where(mask, a, b)


@infer_global(select)
class _Select(AbstractTemplate):
    def generic(self, args, kws):
        if len(args) == 3 and isinstance(args[0], LaneType) and args[0].dtype == types.boolean:
            lane = common(args[1:])
            if lane is not None and lane.count == args[0].count:
                return signature(lane, *args)
        return None


def _lower_select(context, builder, sig, args):
    lane = common(sig.args[1:])
    a, b = (promote(context, builder, v, s, lane) for v, s in zip(args[1:], sig.args[1:], strict=True))
    return builder.select(args[0], a, b)


for _kinds in ((LaneType, LaneType), (LaneType, types.Number), (types.Number, LaneType)):
    lower_builtin(select, LaneType, *_kinds)(_lower_select)


def _conversion(function, result, emit):
    """Teach numba a one-argument `function` from one lane type to another."""

    class Template(AbstractTemplate):
        key = function

        def generic(self, args, kws):
            if len(args) == 1 and isinstance(args[0], LaneType):
                target = result(args[0])
                if target is not None:
                    return signature(target, *args)
            return None

    infer_global(function)(Template)

    def lower(context, builder, sig, args):
        target = context.get_value_type(sig.return_type)
        return emit(builder, args[0], target, sig.args[0])

    lower_builtin(function, LaneType)(lower)


def _same_width(kind):
    def result(lane):
        return LaneType(getattr(types, f"{kind}{lane.dtype.bitwidth}"), lane.count)

    return result


@primitive
def as_bits(x):
    """Return the bit pattern of floats as signed integers of the same width."""
    return x.view(f"int{x.dtype.itemsize * 8}")


@primitive
def as_float(x):
    """Return integers reinterpreted as floats of the same width."""
    return x.view(f"float{x.dtype.itemsize * 8}")


@primitive
def to_float(x):
    """Convert signed integers to floats of the same width, to nearest."""
    return x.astype(f"float{x.dtype.itemsize * 8}")


@primitive
def to_int(x):
    """Convert floats to signed integers of the same width, toward zero."""
    return x.astype(f"int{x.dtype.itemsize * 8}")


@primitive
def low_word(x):
    """Return the low 32 bits of 64-bit integers as signed 32-bit integers."""
    return np.asarray(x & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.int32)


_conversion(as_bits, _same_width("int"), lambda b, v, t, s: b.bitcast(v, t))
_conversion(as_float, _same_width("float"), lambda b, v, t, s: b.bitcast(v, t))
_conversion(to_float, _same_width("float"), lambda b, v, t, s: b.sitofp(v, t))
_conversion(to_int, _same_width("int"), lambda b, v, t, s: b.fptosi(v, t))
_conversion(
    low_word,
    lambda lane: LaneType(types.int32, lane.count),
    lambda b, v, t, s: v if v.type == t else b.trunc(v, t),
)
