"""Kernels that can be launched: their compiled code is kept on disk, and large shared memory is asked for."""

from numba import cuda

from fastsde.kernels.gpu.stored import Stored
from fastsde.kernels.gpu.target import SIMULATED

__all__ = ["launchable"]


def launchable(function, shared=0):
    """Return what starts a kernel, as ``made[blocks, threads, stream, bytes](...)``.

    Parameters
    ----------
    function : callable
        The kernel as a Python function.
    shared : int
        Bytes of shared memory of a block.
    """
    made = cuda.jit(function)
    if SIMULATED:
        return made
    made._cache = Stored(function, lambda: cuda.get_current_device().compute_capability)
    return _WithRoom(made, shared) if shared else made


class _WithRoom:
    """A kernel that asks for more shared memory than blocks have without asking, once, before it starts."""

    def __init__(self, made, shared):
        self._made, self._shared, self._asked = made, shared, set()

    def __getitem__(self, shape):
        def start(*args):
            self._ask(args)
            self._made[shape](*args)

        return start

    def __getattr__(self, name):
        return getattr(self._made, name)

    def _ask(self, args):
        kinds = tuple(self._made.typeof_pyval(value) for value in args)
        if kinds in self._asked:
            return
        from cuda.bindings import driver

        function = self._made.compile(kinds)._codelibrary.get_cufunc()
        attribute = driver.CUfunction_attribute
        for name, value in (
            (attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, self._shared),
            (attribute.CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT, 100),
        ):
            cuda.cudadrv.driver.driver.cuKernelSetAttribute(
                name, value, function.handle, cuda.get_current_device().id
            )
        self._asked.add(kinds)
