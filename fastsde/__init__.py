"""fastsde: large ensembles of SGD and of the stochastic differential equations proposed as models of it.

Examples
--------
>>> import fastsde
>>> study = fastsde.Study.load("examples/saddle_to_saddle.toml")  # doctest: +SKIP
>>> fastsde.run(study, "runs/saddle")  # doctest: +SKIP
>>> ensemble = fastsde.open("runs/saddle")  # doctest: +SKIP
>>> ensemble["sgd"]["loss"]  # doctest: +SKIP
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "FastsdeError": ("fastsde.errors", "FastsdeError"),
    "Study": ("fastsde.study", "Study"),
    "analyze": ("fastsde.analysis", "analyze"),
    "build_problem": ("fastsde.data", "build_problem"),
    "integrate": ("fastsde.ensemble", "integrate"),
    "open": ("fastsde.store", "open_ensemble"),
    "report": ("fastsde.report", "write_report"),
    "run": ("fastsde.parts", "run"),
    "user": ("fastsde.user", ""),
}

__all__ = ["__version__", *_WHERE]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that ``import fastsde`` stays light."""
    if name not in _WHERE:
        raise AttributeError(f"module 'fastsde' has no attribute {name!r}")
    module, attribute = _WHERE[name]
    found = import_module(module)
    return getattr(found, attribute) if attribute else found


def __dir__() -> list[str]:
    return sorted(__all__)
