"""How kernels are compiled, decided once, and where the compiled code is kept."""

import hashlib
import os
from pathlib import Path

import numba as nb

from fastsde.kernels.lanes import VECTOR_BYTES

FOLDER = Path(__file__).parent


def source_hash():
    """Return a hash of all kernel sources and of the vector width.

    Numba's own cache looks at the file of the outermost function only, and would serve old code after a
    change in another kernel file.
    """
    digest = hashlib.sha256(f"{nb.__version__} {VECTOR_BYTES}".encode())
    for path in sorted(FOLDER.glob("*.py")):
        source = path.read_bytes()
        digest.update(f" {path.name} {len(source)} ".encode())
        digest.update(source)
    return digest.hexdigest()[:16]


def cache_folder():
    """Return the folder of compiled kernels: below ``NUMBA_CACHE_DIR``, or the user's cache folder."""
    base = os.environ.get("NUMBA_CACHE_DIR")
    root = (
        Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fastsde"
    )
    return root / f"kernels-{source_hash()}"


nb.config.CACHE_DIR = str(cache_folder())

COMMON = {"error_model": "numpy", "boundscheck": False, "_nrt": False}
"""For all compiled code. ``_nrt=False``: nothing is allocated, and no time goes into counting references."""


def kernel(function):
    """Compile `function` without the interpreter, cached on disk; it rounds as its formula says."""
    return nb.njit(cache=True, nogil=True, **COMMON)(function)


def inlined(function):
    """Compile `function` into each of its callers; it stays an ordinary Python function elsewhere."""
    return nb.extending.register_jitable(forceinline=True, **COMMON)(function)


def has_class(kind, tuple_class):
    """Return whether a numba type is that of the named tuple `tuple_class`."""
    return getattr(kind, "instance_class", None) is tuple_class
