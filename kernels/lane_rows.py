"""Rows of a table, a different one per lane, read like the table itself.

A function of one sample reads ``data.inputs[i, k]``. Where each trajectory sees a sample of its own, these
are lane vectors that were gathered into the block's memory, and `LaneRows` takes the place of the array: one
source serves both, as arithmetic takes vectors and numbers alike.
"""

import operator

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic, make_attribute_wrapper, models, register_model
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature

from fastsde.kernels.gather import gather_four
from fastsde.kernels.lane_memory import load_vector, vector_pointer
from fastsde.kernels.lanes import lanes_of, store
from fastsde.kernels.options import inlined

__all__ = ["LaneRows", "gather_row", "lane_rows"]


class LaneRows(types.Type):
    """The numba type of one row per lane in a block's memory; ``rows[i, k]`` is entry k, whatever i."""

    def __init__(self, memory):
        self.memory = memory
        super().__init__(name=f"LaneRows({memory})")


@register_model(LaneRows)
class _RowsModel(models.StructModel):
    def __init__(self, dmm, fe_type):
        members = [
            ("memory", fe_type.memory),
            ("place", types.int64),
            ("shape", types.UniTuple(types.int64, 2)),
        ]
        super().__init__(dmm, fe_type, members)


make_attribute_wrapper(LaneRows, "shape", "shape")


@intrinsic
def lane_rows(typingctx, m, place, columns):
    """Return the lane vectors at `place`, one per column, as a table of one row."""
    kind = LaneRows(m)

    def codegen(context, builder, sig, args):
        rows = cgutils.create_struct_proxy(kind)(context, builder)
        rows.memory, rows.place, columns = args
        one = context.get_constant(types.int64, 1)
        rows.shape = context.make_tuple(builder, types.UniTuple(types.int64, 2), [one, columns])
        return rows._getvalue()

    return kind(m, types.int64, types.int64), codegen


@infer_global(operator.getitem)
class _Entry(AbstractTemplate):
    def generic(self, args, kws):
        rows, index = args
        if isinstance(rows, LaneRows) and isinstance(index, types.BaseTuple) and len(index) == 2:
            return signature(lanes_of(rows.memory), rows, index)
        return None


@lower_builtin(operator.getitem, LaneRows, types.BaseTuple)
def _entry(context, builder, sig, args):
    kind, index = sig.args
    rows = cgutils.create_struct_proxy(kind)(context, builder, value=args[0])
    column = context.cast(builder, builder.extract_value(args[1], 1), index.types[1], types.int64)
    at = builder.add(rows.place, column)
    return load_vector(builder, vector_pointer(context, builder, kind.memory, rows.memory), at)


@lower_builtin(len, LaneRows)
def _length(context, builder, sig, args):
    return ir.Constant(ir.IntType(64), 1)


@infer_global(len)
class _Length(AbstractTemplate):
    def generic(self, args, kws):
        return signature(types.int64, *args) if len(args) == 1 and isinstance(args[0], LaneRows) else None


@inlined
def gather_row(m, rows, indices, place, target):
    """Write entry k of row ``indices[place + lane]`` to lane vector ``target + k``; rows go by fours."""
    for k in range(0, rows.shape[1], 4):
        a, b, c, d = gather_four(m, rows, indices, place, k)
        store(m, target + k, a)
        store(m, target + k + 1, b)
        store(m, target + k + 2, c)
        store(m, target + k + 3, d)
