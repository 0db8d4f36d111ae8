"""A small extension file for tests of how extensions get in, and a study that names it."""

import sys
from typing import NamedTuple

from stand_in import TINY

from fastsde.problem import user
from fastsde.study import extension_imports
from fastsde.system.registry import Registry


class Mark(NamedTuple):
    name: str
    value: str


REGISTRY = Registry("mark")


def extension(name="mark", value="mark"):
    """Return the code of a file that registers a mark."""
    return f"from extension_files import REGISTRY, Mark\n\n\nREGISTRY.register(Mark({name!r}, {value!r}))\n"


def study_text(names=("mine.py",)):
    """Return a study with these extensions."""
    key = "" if names is None else f"extensions = {list(names)!r}\n"
    return key + TINY


def forget_imports():
    """Forget all extensions, and what they registered, as a new process would."""
    for known in extension_imports._imported.values():
        sys.modules.pop(known.module.__name__, None)
    extension_imports._imported.clear()
    REGISTRY._declared.clear()
    REGISTRY._file.clear()
    for name, function in list(user._registered.items()):
        if not function.__module__.startswith("test_"):  # what a test file registers stays
            del user._registered[name]
