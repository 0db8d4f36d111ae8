"""Loops in emitted code that stay as they are written."""

from contextlib import contextmanager

from llvmlite import ir
from numba.core import cgutils

from fastsde.kernels.matmul import WIDE

__all__ = ["rounds"]


@contextmanager
def rounds(builder, count):
    """Emit a loop of `count` rounds and yield the number of the round.

    A layer's loops have 4 to 10 rounds. LLVM would turn each into three, by fours, by ones, and what is left,
    whose ends the processor mispredicts. With 16 vector registers it is told not to.
    """
    with cgutils.for_range(builder, count, intp=ir.IntType(64)) as loop:
        yield loop.index
        last = builder.block
    if not WIDE:
        last.terminator.set_metadata("llvm.loop", _not_unrolled(builder.module))


def _not_unrolled(module):
    """Return the metadata of a loop that LLVM does not unroll; its first operand is itself."""
    rule = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    node = module.add_metadata([ir.MetaDataString(module, "fastsde.rounds"), rule])
    node.operands = (node, rule)
    return node
