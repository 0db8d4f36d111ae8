"""Memory that several trajectories have side by side, as a type of numba's CUDA target.

Only imported where code is compiled: the simulator has views of NumPy arrays instead.
"""

import operator
from contextlib import nullcontext

from llvmlite import ir
from numba.core import cgutils
from numba.cuda import types
from numba.cuda.extending import intrinsic, models, overload, register_model

from fastsde.kernels.gpu.emit import Numbers

__all__ = ["Memory", "data_of", "numbers_of", "split_view", "view"]

I64, BYTE = ir.IntType(64), ir.IntType(8)
SHARED = 3
"""Number of the address space of shared memory."""


class Memory(types.Type):
    """Numbers of one trajectory in shared memory: number k is `stride` times ``k + k >> pad`` from the first.

    With a `limit`, numbers from there on are in memory of the thread alone.
    """

    ndim = 1

    def __init__(self, dtype, stride, pad=0, limit=None):
        self.dtype, self.stride, self.pad, self.limit = dtype, stride, pad, limit
        super().__init__(f"Memory({dtype}, {stride}, {pad}, {limit})")


@register_model(Memory)
class _MemoryModel(models.StructModel):
    def __init__(self, manager, kind):
        members = [("shared", _Pointer(kind.dtype, SHARED)), ("own", _Pointer(kind.dtype, 0))]
        super().__init__(manager, kind, members)


class _Pointer(types.Type):
    def __init__(self, dtype, space):
        self.dtype, self.space = dtype, space
        super().__init__(f"Pointer({dtype}, {space})")


@register_model(_Pointer)
class _PointerModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        inside = manager.lookup(kind.dtype).get_data_type()
        super().__init__(manager, kind, ir.PointerType(inside, addrspace=kind.space))


def data_of(context, builder, kind, array):
    """Return the pointer to the first number of an array."""
    return context.make_array(kind)(context, builder, array).data


def _byte(context, builder, kind, array, index):
    """Return the pointer to a byte of an array."""
    first = builder.bitcast(data_of(context, builder, kind, array), BYTE.as_pointer())
    return builder.gep(first, [index])


def _made(context, builder, kind, shared, own):
    value = cgutils.create_struct_proxy(kind)(context, builder)
    value.shared = builder.bitcast(
        builder.addrspacecast(shared, ir.PointerType(shared.type.pointee, addrspace=SHARED)),
        context.get_value_type(_Pointer(kind.dtype, SHARED)),
    )
    pointer = context.get_value_type(_Pointer(kind.dtype, 0))
    value.own = ir.Constant(pointer, None) if own is None else builder.bitcast(own, pointer)
    return value._getvalue()


def view(dtype, stride, pad):
    """Return a function that makes a `Memory` in an array of shared memory, beginning at one of its bytes."""
    kind = Memory(dtype, stride, pad)

    @intrinsic
    def made(typingctx, array, start):
        def codegen(context, builder, sig, args):
            shared = _byte(context, builder, sig.args[0], args[0], args[1])
            return _made(context, builder, kind, shared, None)

        return kind(array, types.int64), codegen

    return made


def split_view(dtype, stride, limit):
    """Return the same for a `Memory` with a limit; the third argument is the thread's own array."""
    kind = Memory(dtype, stride, 0, limit)

    @intrinsic
    def made(typingctx, array, start, own):
        def codegen(context, builder, sig, args):
            shared = _byte(context, builder, sig.args[0], args[0], args[1])
            return _made(context, builder, kind, shared, data_of(context, builder, sig.args[2], args[2]))

        return kind(array, types.int64, own), codegen

    return made


def numbers_of(context, builder, kind, value, shared=True):
    """Return `Numbers` of a `Memory` or of an array in rows without gaps."""
    if not isinstance(kind, Memory):
        return Numbers(builder, data_of(context, builder, kind, value))
    struct = cgutils.create_struct_proxy(kind)(context, builder, value)
    return Numbers(builder, struct.shared, kind.stride, kind.pad) if shared else Numbers(builder, struct.own)


def _whole(context, builder, kind, value):
    return context.cast(builder, value, kind, types.int64)


@intrinsic
def _load(typingctx, m, index):
    def codegen(context, builder, sig, args):
        index = _whole(context, builder, sig.args[1], args[1])
        found = cgutils.alloca_once(builder, context.get_data_type(m.dtype))
        for guard, pointer in _places(context, builder, m, args[0], index):
            with guard:
                builder.store(builder.load(pointer()), found)
        return context.unpack_value(builder, m.dtype, found)

    return m.dtype(m, index), codegen


@intrinsic
def _store(typingctx, m, index, value):
    def codegen(context, builder, sig, args):
        index = _whole(context, builder, sig.args[1], args[1])
        value = context.cast(builder, args[2], sig.args[2], m.dtype)
        for guard, pointer in _places(context, builder, m, args[0], index):
            with guard:
                builder.store(value, pointer())
        return context.get_dummy_value()

    return types.void(m, index, value), codegen


def _places(context, builder, kind, value, index):
    """Return the memories a number may be in: a context for the code of each, and what gives its pointer."""
    shared = numbers_of(context, builder, kind, value)
    if kind.limit is None:
        return [(nullcontext(), lambda: shared.at(index))]
    own, limit = numbers_of(context, builder, kind, value, shared=False), I64(kind.limit)
    near = builder.if_then(builder.icmp_signed("<", index, limit))
    far = builder.if_then(builder.icmp_signed(">=", index, limit))
    return [(near, lambda: shared.at(index)), (far, lambda: own.at(builder.sub(index, limit)))]


@overload(operator.getitem)
def _getitem(m, index):
    if isinstance(m, Memory):
        return lambda m, index: _load(m, index)
    return None


@overload(operator.setitem)
def _setitem(m, index, value):
    if isinstance(m, Memory):

        def setitem(m, index, value):
            _store(m, index, value)

        return setitem
    return None
