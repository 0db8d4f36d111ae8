"""Memory that several trajectories have side by side, and what is emitted for it, for numba's CUDA target.

Only imported where code is compiled: the simulator has views of NumPy arrays and plain functions instead
(`fastsde.kernels.gpu.tiles`).
"""

import operator

from llvmlite import ir
from numba.core import cgutils
from numba.cuda import types
from numba.cuda.extending import intrinsic, models, overload, register_model

from fastsde.kernels.gpu.emit import Numbers, emit_back, emit_forward, emit_product

__all__ = [
    "Memory",
    "back_of",
    "entry",
    "entry_of",
    "forward_of",
    "product_of",
    "row_of",
    "split_view",
    "view",
]

I64 = ir.IntType(64)
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


def _data(context, builder, kind, array):
    return context.make_array(kind)(context, builder, array).data


def _byte(context, builder, kind, array, index):
    """Return the pointer to a byte of an array."""
    first = builder.bitcast(_data(context, builder, kind, array), ir.IntType(8).as_pointer())
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
            return _made(context, builder, kind, shared, _data(context, builder, sig.args[2], args[2]))

        return kind(array, types.int64, own), codegen

    return made


def _numbers(context, builder, kind, value, shared=True):
    """Return `Numbers` of a `Memory` or of an array in rows without gaps."""
    if not isinstance(kind, Memory):
        return Numbers(builder, _data(context, builder, kind, value))
    struct = cgutils.create_struct_proxy(kind)(context, builder, value)
    return Numbers(builder, struct.shared, kind.stride, kind.pad) if shared else Numbers(builder, struct.own)


def _whole(context, builder, kind, value):
    return context.cast(builder, value, kind, types.int64)


@intrinsic
def _load(typingctx, m, index):
    def codegen(context, builder, sig, args):
        index = _whole(context, builder, sig.args[1], args[1])
        found = cgutils.alloca_once(builder, context.get_data_type(m.dtype))
        with _where(context, builder, m, args[0], index) as places:
            for guard, pointer in places:
                with guard:
                    builder.store(builder.load(pointer()), found)
        return context.unpack_value(builder, m.dtype, found)

    return m.dtype(m, index), codegen


@intrinsic
def _store(typingctx, m, index, value):
    def codegen(context, builder, sig, args):
        index = _whole(context, builder, sig.args[1], args[1])
        value = context.cast(builder, args[2], sig.args[2], m.dtype)
        with _where(context, builder, m, args[0], index) as places:
            for guard, pointer in places:
                with guard:
                    builder.store(value, pointer())
        return context.get_dummy_value()

    return types.void(m, index, value), codegen


class _where:
    """The memories a number may be in: pairs of a context for the code of one, and its pointer."""

    def __init__(self, context, builder, kind, value, index):
        self._shared = _numbers(context, builder, kind, value)
        self._own = _numbers(context, builder, kind, value, shared=False)
        self._builder, self._limit, self._index = builder, kind.limit, index

    def __enter__(self):
        if self._limit is None:
            return [(_always(), lambda: self._shared.at(self._index))]
        b = self._builder
        limit = I64(self._limit)
        return [
            (b.if_then(b.icmp_signed("<", self._index, limit)), lambda: self._shared.at(self._index)),
            (
                b.if_then(b.icmp_signed(">=", self._index, limit)),
                lambda: self._own.at(b.sub(self._index, limit)),
            ),
        ]

    def __exit__(self, *exception):
        pass


class _always:
    def __enter__(self):
        pass

    def __exit__(self, *exception):
        pass


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


@intrinsic
def entry(typingctx, array, index):
    """Return entry `index`, counted row by row, of an array without gaps."""

    def codegen(context, builder, sig, args):
        return builder.load(builder.gep(_data(context, builder, array, args[0]), [args[1]]))

    return array.dtype(array, types.int64), codegen


def entry_of(array, index):
    """Return an entry of a trajectory's matrix, or of one that all trajectories share."""
    raise NotImplementedError("compiled only")


@overload(entry_of)
def _entry_of(array, index):
    if isinstance(array, Memory) or array.ndim == 1:
        return lambda array, index: array[index]
    return lambda array, index: entry(array, index)


def product_of(t, inner, barrier, strides=None):
    """Return a thread's part of a product (`emit_product`) as kernels call it.

    Parameters
    ----------
    t : fastsde.kernels.gpu.tiling.Tiling
    inner : int
    barrier : str
        Name of the function of LLVM that waits for the other threads of a trajectory.
    strides : tuple of int, optional
        ``ar, ak, bk, bc`` where they are known.
    """

    @intrinsic
    def product(typingctx, rank, a, a0, ar, ak, b, b0, bk, bc, c, c0, scale):
        index = types.int64
        kinds = (index, a, index, index, index, b, index, index, index, c, index)
        last = scale if isinstance(scale, types.NoneType) else c.dtype

        def codegen(context, builder, sig, args):
            rank, a_value, a0, *_, c_value, c0, factor = args
            b_value, b0 = args[5], args[6]
            ar, ak, bk, bc = strides or (args[3], args[4], args[7], args[8])
            meet = _meeting(context, builder, barrier, (a, a0), (b, b0), c0)
            emit_product(
                builder,
                context.get_data_type(c.dtype),
                t,
                inner,
                rank,
                (_numbers(context, builder, a, a_value), a0, ar, ak),
                (_numbers(context, builder, b, b_value), b0, bc, bk),
                (_numbers(context, builder, c, c_value), c0, t.m, 1),
                None if isinstance(last, types.NoneType) else factor,
                meet,
            )
            return context.get_dummy_value()

        return types.void(*kinds, last), codegen

    return product


def _meeting(context, builder, barrier, a, b, c0):
    """Return what emits waiting where a product takes the place of a factor."""

    def meet():
        same = [builder.icmp_signed("==", start, c0) for kind, start in (a, b) if isinstance(kind, Memory)]
        if same:
            with builder.if_then(same[0] if len(same) == 1 else builder.or_(*same)):
                emit_barrier(builder, barrier)

    return meet


def emit_barrier(builder, name):
    """Emit waiting for the threads of a warp, or of a block."""
    whole = name.endswith("warp.sync")
    kind = ir.FunctionType(ir.VoidType(), [ir.IntType(32)] if whole else [])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    builder.call(function, [ir.IntType(32)(-1)] if whole else [])


def forward_of(rows, columns):
    """Return ``y = W x`` for tuples (`emit_forward`) as kernels call it."""

    @intrinsic
    def forward(typingctx, m, w, x):
        kind = types.UniTuple(m.dtype, rows)

        def codegen(context, builder, sig, args):
            inside = cgutils.unpack_tuple(builder, args[2], columns)
            real = context.get_data_type(m.dtype)
            found = emit_forward(
                builder, real, _numbers(context, builder, m, args[0]), args[1], rows, columns, inside
            )
            return context.make_tuple(builder, kind, found)

        return kind(m, types.int64, x), codegen

    return forward


def back_of(rows, columns, back):
    """Return ``g = W^T e`` and the change of W (`emit_back`) as kernels call it."""

    @intrinsic
    def backwards(typingctx, m, w, h, e, dt):
        kind = types.UniTuple(m.dtype, columns)

        def codegen(context, builder, sig, args):
            numbers = _numbers(context, builder, m, args[0])
            real = context.get_data_type(m.dtype)
            inside = [cgutils.unpack_tuple(builder, args[k], n) for k, n in ((2, columns), (3, rows))]
            found = emit_back(builder, real, numbers, args[1], rows, columns, *inside, args[4], back)
            return context.make_tuple(builder, kind, found)

        return kind(m, types.int64, h, e, m.dtype), codegen

    return backwards


def row_of(count):
    """Return what reads the first numbers of a row, of which a table has whole quadruples, as a tuple."""

    @intrinsic
    def read(typingctx, table, row):
        kind = types.UniTuple(table.dtype, count)

        def codegen(context, builder, sig, args):
            array = context.make_array(table)(context, builder, args[0])
            real = context.get_data_type(table.dtype)
            width = 128 // table.dtype.bitwidth
            vector = ir.VectorType(real, width)
            length = builder.extract_value(array.shape, 1)
            row = context.cast(builder, args[1], sig.args[1], types.int64)
            first = builder.gep(array.data, [builder.mul(row, length)])
            found = []
            for start in range(0, count, width):
                pointer = builder.bitcast(builder.gep(first, [I64(start)]), vector.as_pointer())
                part = builder.load(pointer, align=16)
                found += [builder.extract_element(part, ir.IntType(32)(k)) for k in range(width)]
            return context.make_tuple(builder, kind, found[:count])

        return kind(table, row), codegen

    return read
