"""Named tuples of extensions: a file outside the package may define a noise law or a step of its own.

The compile cache keeps compiled code under the types it was compiled for, and finds the class of a named
tuple again by its module and name. A class of an extension therefore moves to this module, under a name with
a hash of the files that define it: code of an old version is never taken for that of a new one, and a process
that has not loaded the extension can still read the cache, where it sees a placeholder.
"""

import hashlib
import re
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

__all__ = ["adopt", "content_hash"]

PACKAGE = "fastsde.kernels"
ADOPTED = re.compile(r"\w+_[0-9a-f]{16}")
_INSTALLED = tuple({Path(path).resolve() for path in sysconfig.get_paths().values()})
_OWN = Path(__file__).resolve().parent


def adopt(tuple_class, function):
    """Move a class of an extension into this module; `function` is what computes with it.

    Its name becomes ``Name_hash``. Classes of the package stay as they are.
    """
    if is_own(tuple_class):
        return
    name = f"{tuple_class.__name__}_{content_hash(tuple_class, function)}"
    tuple_class.__module__ = __name__
    tuple_class.__name__ = tuple_class.__qualname__ = name
    globals()[name] = tuple_class


def is_own(thing):
    """Return whether a class or function is of the package, or has moved here."""
    return thing.__module__ == PACKAGE or thing.__module__.startswith(f"{PACKAGE}.")


def __getattr__(name):
    """Return a placeholder for a class of an extension that this process has not loaded."""
    if not ADOPTED.fullmatch(name):
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return globals().setdefault(name, type(name, (tuple,), {"__module__": __name__}))


def content_hash(tuple_class, function):
    """Return a hash of the files that define a class and a function, 16 hex digits.

    Files that these import count too, but for those of installed packages. Without a file, as in an
    interactive session, the code of the function counts.
    """
    digest = hashlib.sha256()
    todo, seen = [tuple_class.__module__, function.__module__], set()
    while todo:
        name = todo.pop(0)
        module = sys.modules.get(name)
        scope = function.__globals__ if name == function.__module__ else vars(module) if module else {}
        path = scope.get("__file__")
        if name in seen or (path is not None and _is_installed(Path(path).resolve())):
            continue
        seen.add(name)
        if path is not None and Path(path).is_file():
            digest.update(Path(path).read_bytes())
            todo += sorted({_module_of(value) for value in scope.values()} - {""})
    code = function.__code__
    digest.update(f"{tuple_class.__name__} {tuple_class._fields} {code.co_names}".encode() + code.co_code)
    digest.update(repr([value for value in code.co_consts if not hasattr(value, "co_code")]).encode())
    return digest.hexdigest()[:16]


def _module_of(value):
    return value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None) or ""


def _is_installed(path):
    return any(folder == path or folder in path.parents for folder in (*_INSTALLED, _OWN))
