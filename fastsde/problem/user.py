"""A user's own landscape: Python functions compiled to what the kernels call."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fastsde.system.errors import StudyError

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["check_code", "function_address", "register"]

PERMISSION = "FASTSDE_ALLOW_CODE"
_registered: dict[str, Callable[..., float]] = {}
_compiled: dict[Any, Any] = {}


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
    key: Any = landscape.model_dump_json() if name is None else _find(name, study.places())
    if key not in _compiled:
        function = landscape.function_of_point() if name is None else key
        _compiled[key] = _compile(name or landscape.kind, function)
    return int(_compiled[key].address)


def check_code(study: Study) -> None:
    """Raise a `StudyError` if a study runs code of the user's that is not there, or not allowed."""
    function_address(study)


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


def _find(name: str, places: Sequence[Path]) -> Callable[..., float]:
    if name in _registered:
        return _registered[name]
    module, colon, attribute = name.partition(":")
    where = f'landscape.function is "{name}"'
    if not colon:
        known = ", ".join(sorted(_registered)) or "none"
        fix = 'call fastsde.user.register first, or write "module:name"'
        raise StudyError(f"{where}: no function of that name is registered (registered: {known}); {fix}")
    if os.environ.get(PERMISSION) != "1":
        raise StudyError(f"{where}: it would run code of yours; set {PERMISSION}=1 to allow it")
    loaded = _module(module, places, where)
    if not hasattr(loaded, attribute):
        raise StudyError(f"{where}: {loaded.__file__ or module} has no function {attribute}")
    found: Callable[..., float] = getattr(loaded, attribute)
    return found


def _module(name: str, places: Sequence[Path], where: str) -> ModuleType:
    """Import a module from the first of the places that has it, else from Python's path."""
    looked = [place.joinpath(*name.split(".")).with_suffix(".py") for place in places]
    looked = [file for path in looked for file in (path, path.with_suffix("") / "__init__.py")]
    try:
        for file in looked:
            if file.is_file():
                return _loaded(name, file)
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise StudyError(f"{where}: it cannot be imported: {error}") from None
        files = ", ".join(map(str, looked[::2]))
        looked_for = f"no module {name}; looked for {files}, and on Python's path"
        raise StudyError(f"{where}: it cannot be imported: {looked_for}") from None
    except Exception as error:  # the module raises whatever it likes
        raise StudyError(f"{where}: it cannot be imported: {error}") from error


def _loaded(name: str, file: Path) -> ModuleType:
    """Import a file, which finds its own neighbours as in a program beside it; once a version."""
    version = abs(hash((str(file), file.stat().st_mtime_ns)))
    unique = f"fastsde_user_{name.replace('.', '_')}_{version:x}"
    if unique in sys.modules:
        return sys.modules[unique]
    plan = importlib.util.spec_from_file_location(unique, file)
    assert plan is not None
    assert plan.loader is not None
    module = importlib.util.module_from_spec(plan)
    sys.modules[unique] = module
    sys.path.insert(0, str(file.parent))
    try:
        plan.loader.exec_module(module)
    except BaseException:
        del sys.modules[unique]
        raise
    finally:
        sys.path.remove(str(file.parent))
    return module
