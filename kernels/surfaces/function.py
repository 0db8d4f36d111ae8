"""A compiled function of one point, ``function(x, gradient) -> energy``, called for each trajectory."""

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from fastsde.kernels.lanes import lane_width, load
from fastsde.kernels.surface import surface


@surface("function")
def function(m, net, data, target):
    """Call the function at `address` for one trajectory after the other; only in ``float64``, on CPUs."""
    width, d = lane_width(m), net.parameters
    x, out = net.left * width, net.right * width
    for v in range(width):
        for i in range(d):
            m[x + i] = m[i * width + v]
        energy = _call(m, data.address, x, out, d)
        for i in range(d):
            m[(target + i) * width + v] = m[out + i]
        m[net.draw * width + v] = energy
    return load(m, net.draw)


@intrinsic
def _call(typingctx, m, address, x, out, count):
    """Call the C function at `address` on places `x` and `out` of the array; NaN of a ``float32`` array."""

    def codegen(context, builder, sig, args):
        array, address, x, out, count = args
        if sig.args[0].dtype != types.float64:
            return ir.Constant(ir.DoubleType(), float("nan"))
        data = context.make_array(sig.args[0])(context, builder, array).data
        pointer, number = ir.DoubleType().as_pointer(), ir.IntType(64)
        kind = ir.FunctionType(ir.DoubleType(), [pointer, pointer, number])
        called = builder.inttoptr(address, kind.as_pointer())
        return builder.call(called, [builder.gep(data, [x]), builder.gep(data, [out]), count])

    return types.float64(m, types.int64, types.int64, types.int64, types.int64), codegen
