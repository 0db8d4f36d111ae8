"""Lane vectors in and out of flat arrays, made from numbers, and asked as a whole."""

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic, register_jitable

from fastsde.kernels.lane_type import ALIGNMENT, LaneType, lanes_of, promote
from fastsde.kernels.primitive import primitive

__all__ = [
    "any_lane",
    "broadcast",
    "lane_width",
    "leads",
    "like",
    "load",
    "load_vector",
    "mask_bits",
    "meet",
    "numbers_at",
    "ramp",
    "scalar",
    "scratch",
    "share",
    "store",
    "store_vector",
    "vector_pointer",
]


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


@primitive
@intrinsic
def load(typingctx, array, index):
    """Load lane vector number `index` of a flat array."""

    def codegen(context, builder, sig, args):
        return load_vector(builder, vector_pointer(context, builder, sig.args[0], args[0]), args[1])

    return lanes_of(array)(array, types.int64), codegen


@primitive
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


@intrinsic(prefer_literal=True)
def scratch(typingctx, array, count):
    """Return room for `count` lane vectors, a literal, that lasts as long as the calling function runs."""
    if not isinstance(count, types.IntegerLiteral):
        return None
    vectors = count.literal_value

    def codegen(context, builder, sig, args):
        vector = context.get_value_type(lanes_of(sig.args[0]))
        room = cgutils.alloca_once(builder, ir.ArrayType(vector, vectors))
        room.align = ALIGNMENT
        made = context.make_array(sig.return_type)(context, builder)
        made.data = builder.bitcast(room, made.data.type)
        return made._getvalue()

    return array(array, count), codegen


@primitive
@intrinsic
def lane_width(typingctx, array):
    """Return the number of lanes of the array's lane vectors, known when compiling."""

    def codegen(context, builder, sig, args):
        return context.get_constant(types.int64, lanes_of(sig.args[0]).count)

    return types.int64(array), codegen


@primitive
@intrinsic
def broadcast(typingctx, array, value):
    """Return a lane vector, of the array's element type, with `value` in every lane."""
    lane = lanes_of(array)

    def codegen(context, builder, sig, args):
        return promote(context, builder, args[1], sig.args[1], lane)

    return lane(array, value), codegen


@primitive
@intrinsic
def ramp(typingctx, array, start):
    """Return ``start, start + 1, ...`` as ``uint64``, as many as the array's lane vectors have lanes."""
    count = lanes_of(array).count
    lane = LaneType(types.uint64, count)

    def codegen(context, builder, sig, args):
        first = promote(context, builder, args[1], sig.args[1], lane)
        return builder.add(first, ir.Constant(ir.VectorType(ir.IntType(64), count), list(range(count))))

    return lane(array, types.uint64), codegen


@intrinsic
def numbers_at(typingctx, array, numbers, index):
    """Load ``numbers[index], ...`` (``uint64``), as many as the array's lane vectors have lanes."""
    lane = LaneType(types.uint64, lanes_of(array).count)

    def codegen(context, builder, sig, args):
        data = context.make_array(sig.args[1])(context, builder, args[1]).data
        first = builder.bitcast(builder.gep(data, [args[2]]), context.get_value_type(lane).as_pointer())
        return load_vector(builder, first, context.get_constant(types.int64, 0))

    return lane(array, numbers, types.int64), codegen


@primitive
@register_jitable(forceinline=True)
def scalar(array, number):
    """Return a number that all lanes share, in the precision in which numbers beside `array` are kept.

    On CPUs that is ``float64``: lane vectors round what they meet. On other devices it is the array's.
    """
    return number


# On CPUs one thread has a block for itself. Elsewhere several may have one trajectory between them: all
# go through the same instructions, and share loops whose rounds do not depend on each other.


@primitive
@register_jitable(forceinline=True)
def share(array, count):
    """Return the rounds of a loop, ``0 .. count - 1``, that are this thread's."""
    return range(count)


@primitive
@register_jitable(forceinline=True)
def meet(array):
    """Wait for the threads that share a block: what one has written, all can read."""


@primitive
@register_jitable(forceinline=True)
def leads(array):
    """Return whether this thread does what cannot be shared."""
    return True


@primitive
@intrinsic
def any_lane(typingctx, mask):
    """Return whether any lane of `mask` holds."""

    def codegen(context, builder, sig, args):
        bits = builder.bitcast(args[0], ir.IntType(sig.args[0].count))
        return builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))

    return types.boolean(mask), codegen


@primitive
@intrinsic
def mask_bits(typingctx, mask):
    """Return `mask` as the low bits of an integer, lane 0 lowest."""

    def codegen(context, builder, sig, args):
        bits = builder.bitcast(args[0], ir.IntType(sig.args[0].count))
        return builder.zext(bits, ir.IntType(64))

    return types.int64(mask), codegen


@primitive
@intrinsic
def like(typingctx, array, value):
    """Return ``float64`` lanes rounded to the array's element type."""
    target = LaneType(array.dtype, value.count)

    def codegen(context, builder, sig, args):
        vector = context.get_value_type(target)
        return args[1] if args[1].type == vector else builder.fptrunc(args[1], vector)

    return target(array, value), codegen
