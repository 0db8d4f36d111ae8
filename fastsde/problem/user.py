"""A user's own landscape or noise: Python functions compiled to what the kernels call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsde.study.extensions import extension_files
from fastsde.system.errors import StudyError
from fastsde.system.user_code import PERMISSION, import_module, may_run

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["check_code", "function_address", "noise_address", "register"]

_registered: dict[str, Callable[..., float]] = {}
_compiled: dict[Any, Any] = {}


def register(name: str, function: Callable[..., float]) -> None:
    """Give a function the name by which a landscape of kind "user", or a noise, finds it.

    Parameters
    ----------
    name : str
    function : callable
        Of a landscape, ``function(x, gradient)``: reads x (d,), fills gradient (d,), both float64, and
        returns the energy. Of a noise, ``function(theta, B)``: reads theta (p,) and fills B (p, r), which
        begins as 0. In the subset of Python that numba compiles.

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


def function_address(study: Study) -> int:
    """Return the address of the compiled function of one point that a study's landscape is; 0 if it is none.

    Raises
    ------
    StudyError
        If there is no such function, code may not be run, or numba cannot compile it.
    """
    landscape = study.landscape
    if landscape is None or not landscape.by_point:
        return 0
    name = landscape.code_name
    where = "landscape.function"
    key: Any = landscape.model_dump_json() if name is None else _find(name, study.places(), where)
    if key not in _compiled:
        function = landscape.function_of_point() if name is None else key
        _compiled[key] = _compile(name or landscape.kind, function)
    return int(_compiled[key].address)


def noise_address(study: Study, model: Any) -> int:
    """Return the address of the compiled function that the noise of a model is; 0 if it is none.

    Raises
    ------
    StudyError
        As `function_address`.
    """
    name = getattr(model, "function", None)
    if name is None:
        return 0
    where = next((f"models.{key}.function" for key, one in study.models.items() if one is model), "function")
    function = _find(name, study.places(), where)
    key = "noise", function
    if key not in _compiled:
        _compiled[key] = _compile_noise(name, where, function)
    return int(_compiled[key].address)


def check_code(study: Study) -> None:
    """Raise a `StudyError` if a study runs code of the user's that is not there, or not allowed."""
    extension_files(study.extensions)
    function_address(study)
    for model in study.models.values():
        noise_address(study, model)


def _compile(name: str, inner: Any) -> Any:
    import numba

    from fastsde.kernels.options import compiling

    view: Any = vars(numba)["carray"]
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


def _compile_noise(name: str, key: str, inner: Any) -> Any:
    import numba

    from fastsde.kernels.options import compiling

    view: Any = vars(numba)["carray"]
    try:
        with compiling():
            jitted = inner if hasattr(inner, "py_func") else numba.njit(inner)

        @numba.cfunc("void(CPointer(float64), CPointer(float64), int64, int64)")
        def call(theta: Any, columns: Any, size: int, rank: int) -> None:
            jitted(view(theta, (size,)), view(columns, (size, rank)))

    except Exception as error:  # the compiler raises whatever it met
        raise StudyError(
            f"{key} is {name!r}: numba cannot compile it as function(theta, B), which fills B: {error}"
        ) from error
    return call


def _find(name: str, places: Sequence[Path], key: str) -> Callable[..., float]:
    if name in _registered:
        return _registered[name]
    module, colon, attribute = name.partition(":")
    where = f'{key} is "{name}"'
    if not colon:
        known = ", ".join(sorted(_registered)) or "none"
        fix = 'call fastsde.user.register first, or write "module:name"'
        raise StudyError(f"{where}: no function of that name is registered (registered: {known}); {fix}")
    if not may_run():
        raise StudyError(f"{where}: it would run code of yours; set {PERMISSION}=1 to allow it")
    loaded = import_module(module, places, where)
    if not hasattr(loaded, attribute):
        raise StudyError(f"{where}: {loaded.__file__ or module} has no function {attribute}")
    found: Callable[..., float] = getattr(loaded, attribute)
    return found
