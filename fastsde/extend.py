"""What a file of your own ingredients needs, in one place: ``from fastsde.extend import NoiseLaw, register``.

Each name is imported from its module when it is first asked for. docs/extending.md shows each kind of
ingredient on a page.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, TypeVar

__all__ = ["register"]

T = TypeVar("T")

_WHERE = {
    "Context": "fastsde.analysis.context",
    "Count": "fastsde.study.fields",
    "Dataset": "fastsde.study.datasets.base",
    "Distance": "fastsde.analysis.distances.base",
    "Examples": "fastsde.study.datasets.base",
    "Expect": "fastsde.study.fields",
    "Fault": "fastsde.study.fields",
    "Figure": "fastsde.report.spec:FigureSpec",
    "GradientDescent": "fastsde.study.models.gradient_descent",
    "Landscape": "fastsde.study.landscapes.base",
    "Model": "fastsde.study.models.model",
    "NOISE": "fastsde.kernels.philox",
    "NoiseLaw": "fastsde.study.noise.law",
    "Number": "fastsde.study.fields",
    "Numbers": "fastsde.study.landscapes.base",
    "Observable": "fastsde.study.observable",
    "Positive": "fastsde.study.fields",
    "Real": "fastsde.study.fields",
    "SUBORDINATOR": "fastsde.kernels.philox",
    "Sde": "fastsde.study.models.sde",
    "Section": "fastsde.analysis.sections",
    "Sgd": "fastsde.study.models.sgd",
    "Share": "fastsde.study.fields",
    "Size": "fastsde.study.fields",
    "Snapshot": "fastsde.study.observable",
    "TailEstimate": "fastsde.analysis.tails.tail_estimate",
    "TailEstimator": "fastsde.analysis.tails.registry",
    "Term": "fastsde.study.terms.term",
    "add_normals": "fastsde.kernels.normal",
    "broadcast": "fastsde.kernels.lanes",
    "component_law": "fastsde.kernels.noise_law",
    "deviation_square": "fastsde.kernels.dln",
    "faster_with_inner": "fastsde.kernels.step",
    "fma": "fastsde.kernels.lanes",
    "from_gamma": "fastsde.analysis.tails.tail_estimate",
    "full_residual": "fastsde.kernels.dln",
    "gamma": "fastsde.kernels.stable",
    "grid": "fastsde.report.style",
    "inner_product": "fastsde.kernels.dln",
    "legend_below": "fastsde.report.style",
    "listed": "fastsde.study.fields",
    "load": "fastsde.kernels.lanes",
    "meet": "fastsde.kernels.lanes",
    "model_lines": "fastsde.report.style",
    "noise_law": "fastsde.kernels.noise_law",
    "over_labellings": "fastsde.analysis.distances.base",
    "plain_step": "fastsde.integrate.lowering.plain",
    "push": "fastsde.kernels.dln",
    "rescaled": "fastsde.kernels.step",
    "sample_surface": "fastsde.kernels.surface",
    "select": "fastsde.kernels.lanes",
    "share": "fastsde.kernels.lanes",
    "step": "fastsde.kernels.step",
    "step_of": "fastsde.kernels.step",
    "store": "fastsde.kernels.lanes",
    "surface": "fastsde.kernels.surface",
    "time_axis": "fastsde.report.style",
}
"""The module of each name, and its name there after a colon if that is another one."""

_REGISTRIES = {
    "Dataset": "fastsde.study.datasets.base:DATASETS",
    "Distance": "fastsde.analysis.distances.registry:DISTANCES",
    "Figure": "fastsde.report.spec:FIGURES",
    "Landscape": "fastsde.study.landscapes.base:LANDSCAPES",
    "Model": "fastsde.study.models.model:MODEL_KINDS",
    "NoiseLaw": "fastsde.study.noise.law:NOISE_LAWS",
    "Observable": "fastsde.study.observable:OBSERVABLES",
    "Section": "fastsde.analysis.sections:SECTIONS",
    "TailEstimator": "fastsde.analysis.tails.registry:ESTIMATORS",
    "Term": "fastsde.study.terms.term:TERMS",
}
"""The registry of each kind of ingredient."""


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__} has no attribute {name!r}")
    return _imported(_WHERE[name], name)


def __dir__() -> list[str]:
    return sorted([*__all__, *_WHERE])


def register(declaration: T) -> T:
    """Register an ingredient with the others of its kind, and return it.

    Parameters
    ----------
    declaration
        A class derived from `NoiseLaw`, `Model`, `Landscape` or `Dataset` (use it as a decorator), or an
        `Observable`, `Distance`, `TailEstimator`, `Term`, `Section` or `Figure`.

    Raises
    ------
    TypeError
        If it is none of these.
    ValueError
        If another file has registered the name.
    """
    declared = declaration if isinstance(declaration, type) else type(declaration)
    above = {f"{base.__module__}:{base.__qualname__}" for base in declared.__mro__}
    for kind, registry in _REGISTRIES.items():
        module, _, other = _WHERE[kind].partition(":")
        if f"{module}:{other or kind}" in above:
            registered: T = _imported(registry, kind).register(declaration)
            return registered
    kinds = ", ".join(_REGISTRIES)
    raise TypeError(f"{declaration!r} is no ingredient: register a {kinds}")


def _imported(where: str, name: str) -> Any:
    module, _, other = where.partition(":")
    return getattr(import_module(module), other or name)
