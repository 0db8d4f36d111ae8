"""Loops in emitted code that stay as they are written."""

from contextlib import contextmanager

from llvmlite import ir
from numba.core import cgutils

from fastsde.kernels.lanes import WIDE

__all__ = ["rounds"]


@contextmanager
def rounds(builder, count):
    """Emit a loop of `count` rounds and yield the number of the round.

    The loops of products have as many rounds as layers have units, often 4 to 10. LLVM would turn each into
    two, one of four rounds at once and one for what is left, whose ends the processor mispredicts. With 16
    vector registers it is told not to.
    """
    with cgutils.for_range(builder, count, intp=ir.IntType(64)) as loop:
        yield loop.index
        last = builder.block
    if not WIDE:
        last.terminator.set_metadata("llvm.loop", _not_unrolled(builder.module))


def _not_unrolled(module):
    """Return metadata for one loop that LLVM is not to unroll; as LLVM demands, it begins with itself."""
    rule = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    node = module.add_metadata([rule, ir.Constant(ir.IntType(64), len(module.metadata))])
    node.operands = (node, rule)
    return node
