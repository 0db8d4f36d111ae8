"""How kernels are compiled, decided once, and where the compiled code is kept."""

import atexit
import hashlib
import shutil
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

import llvmlite
import numba as nb
import numpy as np
from llvmlite.binding import get_host_cpu_features, get_host_cpu_name
from llvmlite.ir.instructions import CallInstr
from numba.core import cgutils

from fastsde.kernels.folders import cache_root
from fastsde.kernels.kept import KeptCode, OwnCode
from fastsde.kernels.lanes import VECTOR_BYTES
from fastsde.kernels.parts import PartCompiler

FOLDER = Path(__file__).parent
ELSEWHERE = ("cuda.py", "gpu")
"""Files and folders of which nothing is compiled for CPUs."""


def cpu():
    """Return what compiled code depends on of a CPU: its name and features."""
    name = nb.config.CPU_NAME or get_host_cpu_name()
    features = nb.config.CPU_FEATURES
    return f"{name} {get_host_cpu_features().flatten() if features is None else features}"


def source_hash():
    """Return a hash of the sources of all kernels for CPUs, of versions, of the vector width and of the CPU.

    Numba's own cache looks at the file of the outermost function only, and would serve old code after a
    change in another kernel file. It does distinguish CPUs, but two of them that write at once into one
    folder, a home shared by a cluster, can take each other's code.
    """
    versions = f"{nb.__version__} {llvmlite.__version__} {np.__version__}"
    digest = hashlib.sha256(f"{versions} {VECTOR_BYTES} {cpu()} {nb.config.OPT}".encode())
    for path in sorted(FOLDER.rglob("*.py")):
        place = _place(path)
        if place is None:
            continue
        source = path.read_bytes()
        digest.update(f" {place.as_posix()} {len(source)} ".encode())
        digest.update(source)
    return digest.hexdigest()[:16]


def _place(path):
    """Return where below this folder a file is whose content counts in `source_hash`; None if it does not."""
    place = Path(path).relative_to(FOLDER) if Path(path).is_relative_to(FOLDER) else None
    return None if place is None or place.parts[0] in ELSEWHERE else place


def cache_folder():
    """Return the folder of compiled kernels: below ``NUMBA_CACHE_DIR``, or the user's cache folder.

    Where nothing can be written there, it is a folder of this process alone.
    """
    folder = cache_root() / f"kernels-{source_hash()}"
    return folder if _writable(folder) else _own_folder()


def _writable(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@cache
def _own_folder():
    folder = tempfile.mkdtemp(prefix="fastsde-kernels-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def is_private():
    """Return whether compiled kernels are in a folder of this process alone."""
    return _own_folder.cache_info().currsize > 0


CACHE_FOLDER = cache_folder()
nb.config.CACHE_DIR = str(CACHE_FOLDER)

COMMON = {"error_model": "numpy", "boundscheck": False, "_nrt": False}
"""For all compiled code. ``_nrt=False``: nothing is allocated, and no time goes into counting references."""

IN_CALLERS = {**COMMON, "pipeline_class": PartCompiler}
"""For what only compiled code calls."""


CHOICES = {}
"""Functions whose implementation the types of their arguments choose, and how (`Choice`)."""


class Choice(NamedTuple):
    """How the implementation of a function is chosen."""

    choose: Any
    argument: str | None
    field: str | None
    enters: bool


def choice(function, inline=False, argument=None, field=None, enters=False):
    """Make the decorated function choose, by the types of the arguments, what calls of `function` compile.

    It is given numba's types; a driver that knows the values themselves gives it these (`has_class`,
    `is_absent` and `is_single` understand both).

    Parameters
    ----------
    function : callable
    inline : bool
        Whether implementations are compiled into their callers.
    argument, field : str, optional
        An argument that chooses and belongs to a step, and the field of the step in which it is found. All
        other arguments that may choose are `m` (its precision) and `data`.
    enters : bool
        Whether that field holds a step, which is then the one whose fields choose inside the implementation.
    """

    def register(choose):
        CHOICES[function] = Choice(choose, argument, field, enters)
        options = {"forceinline": True, **IN_CALLERS} if inline else IN_CALLERS
        nb.extending.overload(function, jit_options=options)(choose)
        return choose

    return register


def in_double(function):
    """Mark a function that computes in ``float64`` whatever the trajectories' precision."""
    function.in_double = True
    return function


@contextmanager
def compiling():
    """Compile what is decorated within the block even under ``NUMBA_DISABLE_JIT``.

    The variable is meant for looking into one's own functions. Kernels cannot run in the interpreter: they
    load and store vectors.
    """
    before, nb.config.DISABLE_JIT = nb.config.DISABLE_JIT, 0
    try:
        yield
    finally:
        nb.config.DISABLE_JIT = before


def kernel(function):
    """Compile `function` without the interpreter, cached on disk; it rounds as its formula says."""
    options = {"nogil": True, "no_cfunc_wrapper": True, **COMMON}
    place = _place(function.__code__.co_filename)
    with compiling():
        compiled = nb.njit(**options)(_marked(function))
        if place is None:  # of an extension
            compiled._cache = OwnCode(function)
        else:
            compiled._cache = KeptCode(function, CACHE_FOLDER / ".".join(place.with_suffix("").parts))
    return compiled


def inlined(function):
    """Compile `function` into each of its callers; it stays an ordinary Python function elsewhere."""
    return nb.extending.register_jitable(forceinline=True, **IN_CALLERS)(_marked(function))


def never_inlined(function):
    """Compile `function` as `kernel` does, and prevent inlining of its calls.

    LLVM would copy it into every place that calls it, which takes long to compile and gains nothing where a
    call is rare. Returns what compiled code calls.
    """
    dispatcher = kernel(function)
    callee = nb.types.Dispatcher(dispatcher)

    @nb.extending.intrinsic
    def call(typingctx, *args):
        given = args[0].types if len(args) == 1 and isinstance(args[0], nb.types.BaseTuple) else args
        inner = typingctx.resolve_function_type(callee, tuple(given), {})

        def codegen(context, builder, sig, args):
            before = set(_calls(builder))
            result = context.get_function(callee, inner)(builder, cgutils.unpack_tuple(builder, args[0]))
            for instruction in set(_calls(builder)) - before:
                instruction.attributes.add("noinline")
            return result

        return inner.return_type(nb.types.StarArgTuple(given)), codegen

    call.kernel = dispatcher  # numba's type of it holds it weakly
    return call


def _marked(function):
    function.is_kernel = True
    return function


def plain(compiled):
    """Return the Python function behind what one of the decorators above returned; None of anything else."""
    compiled = getattr(compiled, "kernel", compiled)
    function = getattr(compiled, "py_func", compiled)
    return function if isinstance(function, FunctionType) else None


def _calls(builder):
    return [
        one for block in builder.function.blocks for one in block.instructions if isinstance(one, CallInstr)
    ]


def has_class(kind, tuple_class):
    """Return whether a numba type is that of the named tuple `tuple_class`, or a value is of it."""
    return tuple_class in (getattr(kind, "instance_class", None), type(kind))


def is_absent(kind):
    """Return whether a numba type is that of None, or a value is None."""
    return kind is None or isinstance(kind, nb.types.NoneType)


def is_single(array):
    """Return whether an array, or its numba type, has elements of ``float32``."""
    return array.dtype in (nb.types.float32, np.float32)


def for_lanes(array):
    """Return whether an implementation is chosen for lane vectors: by numba's type of a block's memory."""
    return isinstance(array, nb.types.Type)
