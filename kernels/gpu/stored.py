"""Compiled kernels of devices on disk: a file per kernel, under a hash of everything it was compiled from.

The files are beside the compiled code for CPUs (`fastsde.kernels.options.CACHE_FOLDER`), in ``cuda``. The
hash covers the code of all functions that a kernel calls, at any depth, with the constants in it, the sources
of all kernels (some of which emit code), the types of the arguments, the compute capability and the versions
of compiler and toolkit. So a file never has to be changed or removed; one that is broken is the same as none.
A file appears under its name when it is whole: processes that compile the same kernel at the same time
replace each other's file by an equal one.
"""

import contextlib
import hashlib
import json
import os
import re
import tempfile
from functools import cache
from importlib import metadata
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType

import numpy as np

from fastsde.kernels import options

__all__ = ["Stored", "code_hash", "read", "signature_hash", "versions", "write"]

FORMAT = b"fastsde-kernel-1\n"
PACKAGES = ("numba", "numba-cuda", "llvmlite", "numpy", "cuda-core", "nvidia-nvvm", "nvidia-nvjitlink")
ADDRESS = re.compile(r"0x[0-9a-f]+")
FOREIGN = ("numba", "numpy", "builtins", "math", "operator", "llvmlite")
"""Packages whose functions are known by their names: their versions are part of the hash."""


@cache
def versions():
    """Return the versions of what compiles, by package; those that are absent are left out."""
    found = {}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


@cache
def sources():
    """Return a hash of the sources of all kernels, those for GPUs among them."""
    digest = hashlib.sha256()
    for path in sorted(options.FOLDER.rglob("*.py")):
        digest.update(f" {path.relative_to(options.FOLDER).as_posix()} ".encode() + path.read_bytes())
    return digest.hexdigest()


def code_hash(function):
    """Return a hash of a function's code and of all that it refers to, at any depth.

    Examples
    --------
    >>> def double(x):
    ...     return 2 * x
    >>> def triple(x):
    ...     return 3 * x
    >>> code_hash(double) == code_hash(FunctionType(double.__code__, {}, "another"))
    True
    >>> code_hash(double) == code_hash(triple)
    False
    """
    digest, seen = hashlib.sha256(), {}
    _add(function, digest, seen)
    return digest.hexdigest()


def signature_hash(code, kinds, capability):
    """Return the name of a kernel's file: from the hash of its code, its types and the compute capability."""
    parts = [code, sources(), str(kinds), list(capability), versions()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _add(value, digest, seen):
    """Add a value that code refers to, a function with what it refers to in turn."""
    function = getattr(value, "py_func", getattr(value, "_defn", value))
    if id(function) in seen:
        digest.update(f"#{seen[id(function)][0]}".encode())
    elif isinstance(function, FunctionType) and not _is_foreign(function):
        seen[id(function)] = len(seen), function
        wanted = sorted(getattr(value, "targetoptions", {}).items())
        digest.update(f"({function.__name__} {function.__defaults__} {wanted}".encode())
        _add_code(function.__code__, digest, seen)
        for cell in function.__closure__ or ():
            _add(cell.cell_contents, digest, seen)
        for name in sorted(_names(function.__code__)):
            if name in function.__globals__:
                digest.update(name.encode())
                _add(function.__globals__[name], digest, seen)
        digest.update(b")")
    elif isinstance(function, tuple):
        digest.update(type(function).__name__.encode())
        for one in function:
            _add(one, digest, seen)
    else:
        digest.update(_text(function).encode())


def _add_code(code, digest, seen):
    digest.update(code.co_code)
    digest.update(repr((code.co_names, code.co_varnames, code.co_freevars)).encode())
    for one in code.co_consts:
        if isinstance(one, CodeType):
            _add_code(one, digest, seen)
        else:
            ordered = sorted(map(repr, one)) if isinstance(one, frozenset) else one
            digest.update(f"{type(one).__name__} {ordered!r}".encode())


def _names(code):
    inside = (_names(one) for one in code.co_consts if isinstance(one, CodeType))
    return set(code.co_names).union(*inside)


def _is_foreign(function):
    return (function.__module__ or "").split(".")[0] in FOREIGN


def _text(value):
    """Return what tells a value from others, without the address that its text may have."""
    if isinstance(value, ModuleType):
        return value.__name__
    if isinstance(value, type | FunctionType | BuiltinFunctionType):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape} {value.tobytes().hex()}"
    return f"{type(value).__name__} {ADDRESS.sub('', repr(value))}"


def path_of(name):
    """Return the file of a kernel."""
    return Path(options.CACHE_FOLDER) / "cuda" / f"{name}.kernel"


def write(name, about, image):
    """Store a compiled kernel with what has to be known of it; where nothing can be written, do nothing."""
    path = path_of(name)
    header = json.dumps({**about, "sha256": hashlib.sha256(image).hexdigest()}).encode()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        file, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{name}.", suffix=".new")
        try:
            with os.fdopen(file, "wb") as stream:
                stream.write(FORMAT + header + b"\n" + image)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise


def read(name):
    """Return what is known of a stored kernel, and its code; None if there is none, or it is broken."""
    try:
        content = path_of(name).read_bytes()
        if not content.startswith(FORMAT):
            return None
        header, image = content[len(FORMAT) :].split(b"\n", 1)
        about = json.loads(header)
        return (about, image) if about["sha256"] == hashlib.sha256(image).hexdigest() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


class Stored:
    """What a kernel's dispatcher of numba-cuda asks for compiled code, and gives it to: our files.

    Parameters
    ----------
    function : callable
        The kernel as a Python function.
    capability : callable
        Returns the compute capability of the device.
    """

    cache_path = property(lambda self: str(path_of("").parent))

    def __init__(self, function, capability):
        self._function, self._capability = function, capability
        self._code = None
        self.loaded = 0

    def _name(self, kinds):
        if self._code is None:
            self._code = code_hash(self._function)
        return signature_hash(self._code, kinds, self._capability())

    def has(self, kinds):
        """Return whether there is code for arguments of these types."""
        return read(self._name(kinds)) is not None

    def load_overload(self, kinds, target_context):
        """Return the kernel for arguments of these types; None if it has to be compiled."""
        target_context.refresh()
        found = read(self._name(kinds))
        if found is None:
            return None
        try:
            kernel = _rebuilt(kinds, *found)
            kernel.bind()
        except Exception:  # of the driver, which may refuse code; it is compiled then
            return None
        self.loaded += 1
        return kernel

    def save_overload(self, kinds, kernel):
        """Keep a kernel that was compiled for arguments of these types."""
        library = kernel._codelibrary
        if len(library._cubin_cache) != 1 or library._linking_files or kernel.cooperative:
            return
        ((target, image),) = library._cubin_cache.items()
        about = {"entry": kernel.entry_name, "name": library.name, "target": target}
        write(self._name(kinds), about, bytes(image.code))

    def flush(self):
        """Forget nothing: files are right as long as they are there."""

    enable = disable = flush


def _rebuilt(kinds, about, image):
    """Return a kernel as numba-cuda launches it, of code that is there already."""
    from cuda.core import ObjectCode
    from numba.cuda import types
    from numba.cuda.codegen import CUDACodeLibrary
    from numba.cuda.dispatcher import _Kernel
    from numba.cuda.typing import Signature

    library = CUDACodeLibrary._rebuild(
        codegen=None, name=about["name"], entry_name=about["entry"], llvm_strs=[], ptx_cache={},
        cubin_cache={tuple(about["target"]): ObjectCode.from_cubin(image)}, linkerinfo_cache={},
        max_registers=None, nvvm_options={}, needs_cudadevrt=False, nrt=False, use_cooperative=False,
        lto=False,
    )  # fmt: skip
    return _Kernel._rebuild(
        cooperative=False, name=about["entry"], signature=Signature(types.none, kinds, None),
        codelibrary=library, debug=False, lineinfo=False, call_helper=None, extensions=[],
    )  # fmt: skip
