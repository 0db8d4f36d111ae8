"""GPUs: whether one can be used, and for what."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING, Any

from fastsde.study.models.batches import label_sd
from fastsde.system.errors import DeviceError

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = [
    "DEVICES",
    "check_device",
    "choose_device",
    "obstacle",
    "refusal",
    "simulated",
    "survey",
    "unusable",
]

DEVICES = ("cpu", "cuda", "auto")


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
    from fastsde.kernels.gpu import driver

    problem: str | None = driver.unavailable_reason()
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
    from fastsde.kernels.gpu import driver

    there = driver.count()
    if number >= there:
        raise DeviceError(
            f"there is no GPU {number}: this process sees {there}, numbered from 0\n"
            "Fix: choose a smaller --gpu; CUDA_VISIBLE_DEVICES lists the GPUs that a process sees"
        )
    driver.select(number)


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
    from fastsde.kernels.gpu import driver

    return DeviceError(
        f"the driver (CUDA {driver.describe()['driver']}) is older than the toolkit that compiles ({error})\n"
        "Fix: install a newer driver, or toolkit wheels of the driver's version, see docs/gpu.md"
    )


def survey() -> dict[str, Any]:
    """Return what there is to compute on besides CPUs, or why there is nothing."""
    why = unusable()
    if why is not None:
        return {"usable": False, "why": why.splitlines()[0]}
    from fastsde.kernels.gpu import driver

    return {"usable": True, "devices": driver.count(), **driver.describe()}


def check_device(study: Study) -> None:
    """Refuse a study that cannot be computed on a GPU here."""
    why = obstacle(study) or unusable()
    if why is not None:
        raise DeviceError(f"no GPU can be used: {why}")
