"""GPUs: whether one can be used, for what, and the programs of models for it."""

from __future__ import annotations

import importlib.util
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.study.models.batches import label_sd
from fastsde.system.errors import DeviceError

if TYPE_CHECKING:
    from fastsde.integrate.lowering import Lowered
    from fastsde.study.study import Study

__all__ = [
    "DEVICES",
    "check_device",
    "choose_device",
    "classes",
    "memory_class",
    "model_program",
    "survey",
    "unusable",
]

DEVICES = ("cpu", "cuda", "auto")
LOCAL_BYTES = 8 << 10
"""Up to so much memory a thread that measures has of its own; above, it has a column of global memory."""


def memory_class(lowered: Lowered, dtype: str, limit: int | None = None) -> str:
    """Return where the memory of a trajectory of a model is while it advances.

    Parameters
    ----------
    lowered, dtype
        A model and its precision.
    limit : int, optional
        Bytes of shared memory that a block may have; those of the device in use by default.

    Returns
    -------
    {"local", "lane", "shared", "block", "team", "global"}
        Of `fastsde.kernels.cuda.Program`.
    """
    return str(placement(lowered, dtype, limit).where)


def measuring_class(lowered: Lowered, dtype: str) -> str:
    """Return where the memory of a trajectory is while it is measured: it has one thread."""
    return "local" if lowered.network.size * np.dtype(dtype).itemsize <= LOCAL_BYTES else "global"


def placement(lowered: Lowered, dtype: str, limit: int | None = None) -> Any:
    """Return the same with all that belongs to it, a `fastsde.kernels.gpu.placement.Placement`."""
    from fastsde.kernels.gpu.placement import place

    limit = shared_limit() if limit is None else limit
    return place(lowered.network, lowered.data, dtype, lowered.dynamics, max(lowered.choice, 1), limit)


@cache
def shared_limit() -> int:
    """Return the bytes of shared memory that a block may have on the device; without one, on an H100."""
    from fastsde.kernels.gpu.placement import HOPPER, limit_of

    if simulated() or unusable() is not None:
        return int(limit_of(HOPPER))
    from fastsde.kernels import cuda

    major, minor = cuda.describe()["compute_capability"].split(".")
    return int(limit_of((int(major), int(minor))))


WORDS = {
    "local": "one thread per trajectory",
    "lane": "one thread per trajectory, its weights in shared memory",
    "shared": "{lanes} threads of a warp per trajectory, in shared memory",
    "block": "a block of {lanes} threads per trajectory, in shared memory",
    "team": "a block of 128 threads a trajectory, in global memory",
    "global": "one thread per trajectory, in global memory",
}


def classes(study: Study) -> dict[str, str]:
    """Return for each model of a study how a GPU would hold a trajectory, in words.

    Examples
    --------
    >>> from fastsde.study.study import Study
    >>> study = Study.from_mapping({
    ...     "trajectories": 1,
    ...     "network": {"widths": [4, 10, 10, 4], "init": {"std": 0.1}},
    ...     "data": {"samples": 16, "teacher": {"singular_values": [2.0, 1.0]}},
    ...     "time": {"learning_rate": 0.1, "steps": 100},
    ...     "models": {"sgd": {"kind": "sgd"}},
    ... })
    >>> classes(study)
    {'sgd': 'one thread per trajectory, its weights in shared memory; 2.28 KiB each'}
    """
    from fastsde.integrate.lowering import lower
    from fastsde.problem.data import build_problem
    from fastsde.system.progress import size_text

    why = obstacle(study)
    if why is not None:
        return dict.fromkeys(study.models, f"not at all: {why.splitlines()[0]}")
    problem = build_problem(study)
    itemsize = np.dtype(study.dtype).itemsize
    found = {}
    for name in study.models:
        lowered = lower(study, name, problem)
        place = placement(lowered, study.dtype)
        plan = lowered.network if place.plan is None else place.plan.network
        words = WORDS[place.where].format(lanes=place.lanes)
        found[name] = f"{words}; {size_text(plan.size * itemsize)} each"
    return found


def simulated() -> bool:
    """Return whether numba's simulator replaces a device."""
    return os.environ.get("NUMBA_ENABLE_CUDASIM", "0") == "1"


def unusable() -> str | None:
    """Return why no GPU can be used, and how to fix it; None if one can."""
    if not simulated() and importlib.util.find_spec("numba_cuda") is None:
        return (
            "the package numba-cuda is not installed\n"
            "Fix: pip install 'fastsde[cuda13]' for a driver of version 580 or later, "
            "'fastsde[cuda12]' for one of version 525 or later"
        )
    from fastsde.kernels import cuda

    problem: str | None = cuda.unavailable_reason()
    if problem is None:
        return None
    return (
        f"the driver does not give one: {' '.join(problem.split())}\n"
        "Fix: check nvidia-smi; a driver older than 525 is too old, one older than 580 needs "
        "fastsde[cuda12] instead of fastsde[cuda13]; CUDA_VISIBLE_DEVICES may hide it"
    )


def obstacle(study: Study) -> str | None:
    """Return what of a study no GPU can compute; None if there is nothing."""
    if study.objective.by_point:
        return (
            f"landscape.kind = '{study.objective.kind}': a function compiled for this machine's CPU "
            "cannot be called on a GPU\nFix: --device cpu"
        )
    if study.landscape is not None and study.landscape.by_sample and _own_function(study).__closure__:
        return (
            f"landscape.function = '{study.landscape.code_name}': it uses names of a function around it, "
            "whose values the code of a GPU does not have\n"
            "Fix: make them numbers of the module, or columns of the data; or --device cpu"
        )
    for name, model in study.models.items():
        if not study.objective.linear and label_sd(model):
            return (
                f"models.{name}.label_noise: noise on the labels of a landscape's samples is for CPUs only\n"
                "Fix: --device cpu"
            )
    for name, model in getattr(study, "models", {}).items():
        form = getattr(model, "form", None)
        if form is not None and form.compiled_for_cpu:
            return (
                f"models.{name}.noise = '{form.name}': a function compiled for this machine's CPU cannot be "
                "called on a GPU\nFix: --device cpu"
            )
    return None


def _own_function(study: Study) -> Any:
    """Return the Python function of a user's loss of one sample."""
    from fastsde.kernels.own_function import own_functions
    from fastsde.problem.user import function_address

    return own_functions[function_address(study)]


def choose_device(study: Study, wanted: str, number: int | None = None) -> str:
    """Return "cpu" or "cuda" for what a user wants; "auto" takes a GPU where there is one.

    Parameters
    ----------
    study : Study
    wanted : {"cpu", "cuda", "auto"}
    number : int, optional
        Which GPU this process takes.

    Raises
    ------
    DeviceError
        If "cuda" is wanted and cannot be had, saying why.

    Examples
    --------
    >>> choose_device(None, "cpu")
    'cpu'
    """
    if wanted not in DEVICES:
        raise DeviceError(f"device is {wanted!r}\n  allowed: {', '.join(DEVICES)}")
    if wanted == "cpu" or (wanted == "auto" and (obstacle(study) or unusable())):
        return "cpu"
    check_device(study)
    if number is not None:
        _select(number)
    return "cuda"


def _select(number: int) -> None:
    from fastsde.kernels import cuda

    there = cuda.count()
    if number >= there:
        raise DeviceError(
            f"there is no GPU {number}: this process sees {there}, numbered from 0\n"
            "Fix: choose a smaller --gpu; CUDA_VISIBLE_DEVICES lists the GPUs that a process sees"
        )
    cuda.select(number)


def refusal(error: Exception, study: Study) -> DeviceError | None:
    """Return a driver's refusal of newer code, or a compiler's of a user's, in words that help; else None."""
    from numba.core.errors import NumbaError

    from_compiler = isinstance(error, NumbaError) or "Linker" in type(error).__name__
    if from_compiler and study.landscape is not None and study.landscape.by_sample:
        name = study.landscape.code_name
        return DeviceError(
            f"landscape.function = '{name}': it does not compile for a GPU: {error}\nFix: --device cpu"
        )
    if "UNSUPPORTED_PTX_VERSION" not in str(error):
        return None
    from fastsde.kernels import cuda

    return DeviceError(
        f"the driver (CUDA {cuda.describe()['driver']}) is older than the toolkit that compiles ({error})\n"
        "Fix: install a newer driver, or toolkit wheels of the driver's version, see docs/gpu.md"
    )


def survey() -> dict[str, Any]:
    """Return what there is to compute on besides CPUs, or why there is nothing."""
    why = unusable()
    if why is not None:
        return {"usable": False, "why": why.splitlines()[0]}
    from fastsde.kernels import cuda

    return {"usable": True, "devices": cuda.count(), **cuda.describe()}


def check_device(study: Study) -> None:
    """Refuse a study that cannot be computed on a GPU here."""
    why = obstacle(study) or unusable()
    if why is not None:
        raise DeviceError(f"no GPU can be used: {why}")


def model_program(study: Study, lowered: Lowered, where: str, **more: Any) -> Any:
    """Return the program of a model, the same for all of its parts: they differ in numbers only."""
    from fastsde.kernels.cuda import Program
    from fastsde.kernels.gpu.arguments import frozen, structure
    from fastsde.kernels.gpu.plan import most_samples

    dynamics = more.pop("dynamics", lowered.dynamics)
    limit = more.pop("limit", None) or shared_limit()
    key = (
        study.dtype,
        where,
        limit,
        most_samples(dynamics),
        frozen(lowered.network),
        lowered.carried,
        lowered.choice,
        structure(lowered.data),
        getattr(lowered.data, "kind", None),
        structure(dynamics),
        tuple((name, frozen(value)) for name, value in more.items()),
    )
    if key not in _PROGRAMS:
        _PROGRAMS[key] = Program(
            lowered.network,
            lowered.data,
            study.dtype,
            dynamics=dynamics,
            carried=lowered.carried,
            indices=lowered.choice,
            where=where,
            limit=limit,
            **more,
        )
    return _PROGRAMS[key]


_PROGRAMS: dict[Any, Any] = {}
