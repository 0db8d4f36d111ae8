"""A user's own landscape: Python functions compiled to what the kernels call."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastsde.errors import StudyError

if TYPE_CHECKING:
    from fastsde.study import Study

__all__ = ["address_of", "check_code", "register"]

PERMISSION = "FASTSDE_ALLOW_CODE"
_registered: dict[str, Callable[..., float]] = {}
_compiled: dict[str, Any] = {}


def register(name: str, function: Callable[..., float]) -> None:
    """Give a function the name by which a landscape of kind "user" finds it.

    Parameters
    ----------
    name : str
    function : callable
        ``function(x, gradient)``: reads x (d,), fills gradient (d,), both float64, and returns the energy. In
        the subset of Python that numba compiles.

    Examples
    --------
    >>> def bowl(x, gradient):
    ...     gradient[0] = 4.0 * x[0] ** 3
    ...     return x[0] ** 4
    >>> register("bowl", bowl)
    """
    if ":" in name:
        raise ValueError(f"{name!r}: a registered name has no colon, which is for module:name")
    _registered[name] = function
    _compiled.pop(name, None)


def address_of(name: str) -> int:
    """Return the address of the compiled function of that name.

    Raises
    ------
    StudyError
        If there is none, code may not be run, or numba cannot compile it.
    """
    if name not in _compiled:
        _compiled[name] = _compile(name)
    return int(_compiled[name].address)


def check_code(study: Study) -> None:
    """Raise a `StudyError` if a study runs code of the user's that is not there, or not allowed."""
    if study.landscape is not None and study.landscape.kind == "user":
        address_of(study.landscape.function)


def _compile(name: str) -> Any:
    import numba

    from fastsde.kernels.options import compiling

    view: Any = vars(numba)["carray"]
    inner = _find(name)
    try:
        with compiling():
            jitted = inner if hasattr(inner, "py_func") else numba.njit(inner)

        @numba.cfunc("float64(CPointer(float64), CPointer(float64), int64)")
        def call(x: Any, gradient: Any, size: int) -> Any:
            return jitted(view(x, (size,)), view(gradient, (size,)))

    except Exception as error:  # the compiler raises whatever it met
        raise StudyError(
            f"landscape.function is {name!r}: numba cannot compile it as function(x, gradient), giving "
            f"the energy: {error}"
        ) from error
    return call


def _find(name: str) -> Callable[..., float]:
    if name in _registered:
        return _registered[name]
    module, colon, attribute = name.partition(":")
    where = f"landscape.function is {name!r}"
    if not colon:
        known = ", ".join(sorted(_registered)) or "none"
        mend = 'call fastsde.user.register first, or write "module:name"'
        raise StudyError(f"{where}: no function of that name is registered (registered: {known}); {mend}")
    if os.environ.get(PERMISSION) != "1":
        raise StudyError(f"{where}: it would run code of yours; set {PERMISSION}=1 to allow it")
    try:
        found: Callable[..., float] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise StudyError(f"{where}: it cannot be imported: {error}") from None
    return found
