"""Loops in emitted code that stay as they are written."""

from contextlib import contextmanager

from llvmlite import ir

__all__ = ["I64", "rounds"]

I64 = ir.IntType(64)


@contextmanager
def rounds(builder, count):
    """Emit a loop of `count` rounds, at least one, and yield the number of the round.

    The loops of products have as many rounds as layers have units, often 4 to 10. LLVM would turn each into
    two, one of four rounds at once and one for what is left, whose ends the processor mispredicts. It is told
    not to.
    """
    entry, body, end = builder.block, builder.append_basic_block(), builder.append_basic_block()
    builder.branch(body)
    builder.position_at_end(body)
    number = builder.phi(I64)
    number.add_incoming(I64(0), entry)
    yield number
    following = builder.add(number, I64(1))
    number.add_incoming(following, builder.block)
    again = builder.cbranch(builder.icmp_signed("<", following, count), body, end)
    again.set_metadata("llvm.loop", _not_unrolled(builder.module))
    builder.position_at_end(end)


def _not_unrolled(module):
    """Return metadata for one loop that LLVM is not to unroll; as LLVM demands, it begins with itself."""
    rule = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    node = module.add_metadata([rule, ir.Constant(I64, len(module.metadata))])
    node.operands = (node, rule)
    return node
