"""A user's own landscape, loss or noise: Python functions compiled to what the kernels call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fastsde.study.extensions import extension_files
from fastsde.study.sample_data import checksum, register_samples
from fastsde.system.errors import StudyError
from fastsde.system.user_code import PERMISSION, import_module, may_run

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["check_code", "function_address", "noise_address", "objective", "register"]

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


def objective(
    loss: Callable[..., float], data: ArrayLike, *, parameters: int, labels: int = 0, name: str = ""
) -> dict[str, Any]:
    """Return the table ``landscape`` of a study that trains on your own loss and your own data.

    The objective is ``L(theta) = (1/n) sum_i loss(theta, sample_i)``, and all that follows from samples
    works: mini-batches, gradient noise, SVAG, label noise. Another process does not know the function; a
    study file names it by ``"module:name"`` instead (docs/extending.md).

    Parameters
    ----------
    loss : callable
        ``loss(theta, sample, gradient)``: reads theta (p,) and one row of the data, adds the gradient of the
        loss to `gradient` (p,), which holds zeros, and returns the loss. In the subset of Python that numba
        compiles.
    data : array_like
        The samples, (n, columns), one per row: inputs and labels together.
    parameters : int
        p, the size of theta.
    labels : int, default 0
        How many of the last columns are labels, to which a model may add noise (`label_noise`).
    name : str, optional
        Under which the study names both; by default that of the function and of the data.

    Returns
    -------
    dict
        To which ``start = { point = .., std = .. }`` and ``centre`` can be added.

    Examples
    --------
    Linear regression, ``(theta . x - y)^2 / 2``:

    >>> import numpy as np
    >>> import fastsde
    >>> def squared_error(theta, sample, gradient):
    ...     miss = theta[0] * sample[0] + theta[1] * sample[1] - sample[2]
    ...     gradient[0] += miss * sample[0]
    ...     gradient[1] += miss * sample[1]
    ...     return miss * miss / 2
    >>> rows = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 2.0], [1.0, 1.0, 3.0]])
    >>> study = fastsde.Study.from_mapping({
    ...     "trajectories": 8,
    ...     "landscape": fastsde.objective(squared_error, rows, parameters=2, labels=1),
    ...     "time": {"learning_rate": 0.5, "steps": 200},
    ...     "models": {"sgd": {"kind": "sgd", "batch": 1}},
    ... })
    >>> fastsde.integrate(study, "sgd", 0, 8).parameters[0].round(6).tolist()
    [1.0, 2.0]
    """
    samples = np.asarray(data, dtype=np.float64)
    samples = samples[:, None] if samples.ndim == 1 else samples
    given = name or f"{getattr(loss, '__name__', 'loss')}-{checksum(samples)[:8]}"
    register(given, loss)
    register_samples(given, samples)
    return {"kind": "samples", "function": given, "data": given, "size": parameters, "labels": labels}


def function_address(study: Study) -> int:
    """Return the address of the compiled function of a user's that a study's landscape is; 0 if it is none.

    It is a function of one point, or of one sample in the study's precision.

    Raises
    ------
    StudyError
        If there is no such function, code may not be run, or numba cannot compile it.
    """
    landscape = study.landscape
    if landscape is None or not (landscape.by_point or landscape.by_sample):
        return 0
    name = landscape.code_name
    where = "landscape.function"
    function: Any = landscape.model_dump_json() if name is None else _find(name, study.places(), where)
    key = function, study.dtype, landscape.by_sample
    if key not in _compiled:
        given = landscape.function_of_point() if name is None else function
        compile_it = _compile_loss if landscape.by_sample else _compile
        _compiled[key] = compile_it(name or landscape.kind, given, study.dtype)
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
    """Raise a `StudyError` if code or data of the user's that a study needs are not there, or not allowed."""
    extension_files(study.extensions)
    function_address(study)
    if study.landscape is not None and study.landscape.by_sample:
        study.landscape.numbers_in(study.places())
    for model in study.models.values():
        noise_address(study, model)


def _compile(name: str, inner: Any, dtype: str) -> Any:
    import numba

    view: Any = vars(numba)["carray"]

    def made(jitted: Any) -> Any:
        @numba.cfunc("float64(CPointer(float64), CPointer(float64), int64)")
        def call(x: Any, gradient: Any, size: int) -> Any:
            return jitted(view(x, (size,)), view(gradient, (size,)))

        return call

    return _compiled_as("function(x, gradient), giving the energy", name, inner, made)


def _compile_loss(name: str, inner: Any, dtype: str) -> Any:
    """Compile a loss of one sample; a study in ``float32`` has arrays of it."""
    import numba

    from fastsde.kernels.own_function import own_functions

    view: Any = vars(numba)["carray"]
    pointer = f"CPointer({dtype})"

    def made(jitted: Any) -> Any:
        @numba.cfunc(f"{dtype}({pointer}, {pointer}, {pointer}, int64, int64)", error_model="numpy")
        def call(theta: Any, sample: Any, gradient: Any, size: int, columns: int) -> Any:
            return jitted(view(theta, (size,)), view(sample, (columns,)), view(gradient, (size,)))

        return call

    call = _compiled_as("loss(theta, sample, gradient), giving the loss", name, inner, made)
    own_functions[call.address] = getattr(inner, "py_func", inner)
    return call


def _compiled_as(
    what: str, name: str, inner: Any, made: Callable[[Any], Any], where: str = "landscape.function"
) -> Any:
    """Compile a user's function, named at `where` in the study, and what calls it with pointers."""
    import numba

    from fastsde.kernels.options import compiling

    try:
        with compiling():
            return made(inner if hasattr(inner, "py_func") else numba.njit(inner))
    except Exception as error:  # the compiler raises whatever it met
        raise StudyError(f"{where} is {name!r}: numba cannot compile it as {what}: {error}") from error


def _compile_noise(name: str, where: str, inner: Any) -> Any:
    import numba

    view: Any = vars(numba)["carray"]

    def made(jitted: Any) -> Any:
        @numba.cfunc("void(CPointer(float64), CPointer(float64), int64, int64)")
        def call(theta: Any, columns: Any, size: int, rank: int) -> None:
            jitted(view(theta, (size,)), view(columns, (size, rank)))

        return call

    return _compiled_as("function(theta, B), which fills B", name, inner, made, where)


def _find(name: str, places: Sequence[Path], key: str) -> Callable[..., float]:
    if name in _registered:
        return _registered[name]
    module, colon, attribute = name.partition(":")
    where = f'{key} is "{name}"'
    if not colon:
        known = ", ".join(sorted(_registered)) or "none"
        fix = 'call fastsde.user.register or fastsde.objective first, or write "module:name"'
        raise StudyError(f"{where}: no function of that name is registered (registered: {known}); {fix}")
    if not may_run():
        raise StudyError(f"{where}: it would run code of yours; set {PERMISSION}=1 to allow it")
    loaded = import_module(module, places, where)
    if not hasattr(loaded, attribute):
        raise StudyError(f"{where}: {loaded.__file__ or module} has no function {attribute}")
    found: Callable[..., float] = getattr(loaded, attribute)
    return found
