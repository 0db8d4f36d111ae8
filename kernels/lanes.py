"""Lane vectors: one value for each of several trajectories, as a numba type.

`LaneType(dtype, count)` lowers to an LLVM vector, so a formula written with ``+ - * /``, comparisons,
``fma``, ``select`` and ``sqrt`` compiles to packed instructions whose lanes are trajectories. The same
functions run on plain NumPy values, which is how the formulas are tested. A number met by a lane vector
takes the vector's element type, so a constant never promotes ``float32`` to ``float64``.
"""

import math
import operator
import os

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic, models, register_model
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature

__all__ = [
    "ALIGNMENT",
    "LaneType",
    "alike",
    "any_lane",
    "as_bits",
    "as_float",
    "broadcast",
    "fma",
    "lane_count",
    "lane_width",
    "like",
    "load",
    "low_word",
    "mask_bits",
    "narrow",
    "ramp",
    "select",
    "store",
    "to_float",
    "to_int",
    "widen",
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


def lane_count(dtype):
    """Return how many trajectories one block carries for ``float32`` or ``float64``."""
    return VECTOR_BYTES // np.dtype(dtype).itemsize


class LaneType(types.Type):
    """The numba type of ``count`` numbers of type ``dtype``, one a trajectory."""

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


def _common(args):
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
            lane = _common(args) if len(args) == arity and not kws else None
            if lane is not None and accepts(lane):
                return signature(result(lane), *args)
            return None

    infer_global(function)(Template)

    def lower(context, builder, sig, args):
        lane = _common(sig.args)
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


def fma(a, b, c):
    """Return ``a * b + c``, rounded once where compiled."""
    return a * b + c


_register(fma, 3, _vector_intrinsic("fma"), accepts=_is_float)


def alike(x, value):
    """Return `value` in the type, and for lane vectors in every lane, of `x`."""
    return value


_register(alike, 2, lambda context, builder, lane, values: values[1])


def select(mask, a, b):
    """Return `a` where `mask` holds and `b` elsewhere."""
    return np.where(mask, a, b)


@infer_global(select)
class _Select(AbstractTemplate):
    def generic(self, args, kws):
        if len(args) == 3 and isinstance(args[0], LaneType) and args[0].dtype == types.boolean:
            lane = _common(args[1:])
            if lane is not None and lane.count == args[0].count:
                return signature(lane, *args)
        return None


def _lower_select(context, builder, sig, args):
    lane = _common(sig.args[1:])
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


def as_bits(x):
    """Return the bit pattern of floats as signed integers of the same width."""
    return x.view(f"int{x.dtype.itemsize * 8}")


def as_float(x):
    """Return integers reinterpreted as floats of the same width."""
    return x.view(f"float{x.dtype.itemsize * 8}")


def to_float(x):
    """Convert signed integers to floats of the same width, to nearest."""
    return x.astype(f"float{x.dtype.itemsize * 8}")


def to_int(x):
    """Convert floats to signed integers of the same width, toward zero."""
    return x.astype(f"int{x.dtype.itemsize * 8}")


def low_word(x):
    """Return the low 32 bits of 64-bit integers as signed 32-bit integers."""
    return np.asarray(x & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.int32)


def narrow(x):
    """Round ``float64`` to ``float32``."""
    return x.astype(np.float32)


def widen(x):
    """Convert ``float32`` to ``float64``."""
    return x.astype(np.float64)


_conversion(as_bits, _same_width("int"), lambda b, v, t, s: b.bitcast(v, t))
_conversion(as_float, _same_width("float"), lambda b, v, t, s: b.bitcast(v, t))
_conversion(to_float, _same_width("float"), lambda b, v, t, s: b.sitofp(v, t))
_conversion(to_int, _same_width("int"), lambda b, v, t, s: b.fptosi(v, t))
_conversion(low_word, lambda lane: LaneType(types.int32, lane.count), lambda b, v, t, s: b.trunc(v, t))
_conversion(
    narrow,
    lambda lane: LaneType(types.float32, lane.count),
    lambda b, v, t, s: v if s.dtype.bitwidth == 32 else b.fptrunc(v, t),
)
_conversion(
    widen,
    lambda lane: LaneType(types.float64, lane.count),
    lambda b, v, t, s: v if s.dtype.bitwidth == 64 else b.fpext(v, t),
)


def lanes_of(array_type):
    """Return the lane type whose vectors fill a register with the array's elements."""
    return LaneType(array_type.dtype, VECTOR_BYTES // (array_type.dtype.bitwidth // 8))


def vector_pointer(context, builder, array_type, array):
    """Return the data of an array as a pointer to lane vectors."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(data, context.get_value_type(lanes_of(array_type)).as_pointer())


def load_vector(builder, pointer, index):
    """Emit the load of lane vector `index`; the address need only suit one element."""
    value = builder.load(builder.gep(pointer, [index]))
    value.align = value.type.element.get_abi_size(_LAYOUT)
    return value


def store_vector(builder, value, pointer, index):
    """Emit the store of lane vector `index`."""
    builder.store(value, builder.gep(pointer, [index])).align = value.type.element.get_abi_size(_LAYOUT)


_LAYOUT = llvm.create_target_data("e-i64:64-f80:128-n8:16:32:64-S128")


@intrinsic
def load(typingctx, array, index):
    """Load lane vector number `index` of a flat array."""

    def codegen(context, builder, sig, args):
        return load_vector(builder, vector_pointer(context, builder, sig.args[0], args[0]), args[1])

    return lanes_of(array)(array, types.int64), codegen


@intrinsic
def store(typingctx, array, index, value):
    """Store `value` into a flat array of its element type, as the lane vector number `index`."""
    if not isinstance(value, LaneType) or value.dtype != array.dtype:
        return None

    def codegen(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        store_vector(builder, args[2], builder.bitcast(data, args[2].type.as_pointer()), args[1])
        return context.get_dummy_value()

    return types.void(array, types.int64, value), codegen


@intrinsic
def lane_width(typingctx, array):
    """Return the number of lanes of the array's lane vectors, known when compiling."""

    def codegen(context, builder, sig, args):
        return context.get_constant(types.int64, lanes_of(sig.args[0]).count)

    return types.int64(array), codegen


@intrinsic
def broadcast(typingctx, array, value):
    """Return a lane vector, of the array's element type, with `value` in every lane."""
    lane = lanes_of(array)

    def codegen(context, builder, sig, args):
        return promote(context, builder, args[1], sig.args[1], lane)

    return lane(array, value), codegen


@intrinsic
def ramp(typingctx, array, start):
    """Return ``start, start + 1, ...`` as ``uint64``, as many as the array's lane vectors have lanes."""
    count = VECTOR_BYTES // (array.dtype.bitwidth // 8)
    lane = LaneType(types.uint64, count)

    def codegen(context, builder, sig, args):
        first = promote(context, builder, args[1], sig.args[1], lane)
        return builder.add(first, ir.Constant(ir.VectorType(ir.IntType(64), count), list(range(count))))

    return lane(array, types.uint64), codegen


@intrinsic
def any_lane(typingctx, mask):
    """Return whether any lane of `mask` holds."""

    def codegen(context, builder, sig, args):
        bits = builder.bitcast(args[0], ir.IntType(sig.args[0].count))
        return builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))

    return types.boolean(mask), codegen


@intrinsic
def mask_bits(typingctx, mask):
    """Return `mask` as the low bits of an integer, lane 0 lowest."""

    def codegen(context, builder, sig, args):
        bits = builder.bitcast(args[0], ir.IntType(sig.args[0].count))
        return builder.zext(bits, ir.IntType(64))

    return types.int64(mask), codegen


@intrinsic
def like(typingctx, array, value):
    """Return ``float64`` lanes rounded to the array's element type."""
    target = LaneType(array.dtype, value.count)

    def codegen(context, builder, sig, args):
        vector = context.get_value_type(target)
        return args[1] if args[1].type == vector else builder.fptrunc(args[1], vector)

    return target(array, value), codegen
