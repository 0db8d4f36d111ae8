"""Registries: the declarations of one kind of ingredient, by name.

An ingredient (a noise law, an observable, a landscape, a distance, a section of the analysis, ...) is
declared in one module and registered there. Whoever needs it asks the registry of its kind: nothing else
names it. The modules of fastsde's own declarations are those of one package and the packages in it, which
the registry imports when it is first asked; a module of a user's registers its declarations when it is
imported.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import FrameType
from typing import Any, Protocol, TypeVar

__all__ = ["Declaration", "Registry"]

LAST = 1_000
"""Place of a declaration that does not say its own: after all of fastsde's."""


class Declaration(Protocol):
    """What can be registered: it has a name, and may have `order`, its place among the others."""

    @property
    def name(self) -> str:
        """Name by which a study file, or a reader of the results, refers to it."""


D = TypeVar("D", bound=Declaration)


class Registry(Mapping[str, D]):
    """Declarations by name, sorted by their `order`; those without one are last, as they were registered.

    Parameters
    ----------
    kind : str
        What is declared, for messages: "noise law", "distance", ...
    package : str, optional
        Package whose modules, at any depth, register fastsde's own declarations.

    Examples
    --------
    >>> from typing import NamedTuple
    >>> class Colour(NamedTuple):
    ...     name: str
    ...     order: int = 1000
    >>> colours = Registry("colour")
    >>> _ = colours.register(Colour("red")), colours.register(Colour("blue", order=1))
    >>> list(colours)
    ['blue', 'red']
    """

    def __init__(self, kind: str, package: str = "") -> None:
        self.kind = kind
        self._package = package
        self._declared: dict[str, D] = {}
        self._file: dict[str, str] = {}

    def register(self, declaration: D) -> D:
        """Add a declaration and return it, so that it can be used as a decorator.

        Raises
        ------
        ValueError
            If a declaration of another file has the name. One of the same file replaces it: the file was
            imported again.
        """
        name = declaration.name
        caller = _caller()
        if not str(caller.get("__name__", "")).startswith("fastsde."):
            self._import_own()  # so that fastsde's own names are known to be taken
        file = str(caller.get("__file__", ""))
        if self._file.setdefault(name, file) != file:
            where = self._file[name]
            raise ValueError(f"there is a {self.kind} named {name!r} already, of {where}; take another name")
        self._declared[name] = declaration
        return declaration

    def __getitem__(self, name: str) -> D:
        """Return the declaration of that name."""
        self._import_own()
        return self._declared[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names in order."""
        self._import_own()
        return iter(sorted(self._declared, key=self._place))

    def _place(self, name: str) -> tuple[int, str]:
        """Return the place of a declaration; those of one place are sorted by name, except at the end."""
        order = getattr(self._declared[name], "order", LAST)
        return order, name if order < LAST else ""

    def __len__(self) -> int:
        """Return the number of declarations."""
        self._import_own()
        return len(self._declared)

    def _import_own(self) -> None:
        package, self._package = self._package, ""
        if package:
            _import_modules(package)


def _caller() -> dict[str, Any]:
    """Return the global names of what has called `Registry.register`, itself or by `fastsde.extend`."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__") == "fastsde.extend":
        frame = frame.f_back
    return {} if frame is None else frame.f_globals


def _import_modules(package: str) -> None:
    """Import the modules of a package, and of the packages in it."""
    for module in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
        import_module(module.name)
        if module.ispkg:
            _import_modules(module.name)
