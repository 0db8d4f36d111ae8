"""fastsde: large ensembles of SGD and of the stochastic differential equations proposed as models of it.

Examples
--------
>>> import fastsde
>>> study = fastsde.Study.load("examples/saddle_to_saddle.toml")  # doctest: +SKIP
>>> fastsde.run(study, "runs/saddle")  # doctest: +SKIP
>>> ensemble = fastsde.open("runs/saddle")  # doctest: +SKIP
>>> ensemble["sgd"]["loss"]  # doctest: +SKIP
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "FastsdeError": ("fastsde.system.errors", "FastsdeError"),
    "Study": ("fastsde.study.study", "Study"),
    "analyze": ("fastsde.analysis", "analyze"),
    "build_problem": ("fastsde.problem.data", "build_problem"),
    "compare": ("fastsde.analysis.arrays", "compare"),
    "exact_learning_coefficient": ("fastsde.analysis.learning_coefficient", "exact_learning_coefficient"),
    "integrate": ("fastsde.run.integrate", "integrate"),
    "learning_coefficient": ("fastsde.analysis.learning_coefficient", "learning_coefficient"),
    "moments": ("fastsde.analysis.arrays", "moments"),
    "objective": ("fastsde.problem.user", "objective"),
    "open": ("fastsde.storage.ensemble", "open_ensemble"),
    "plot": ("fastsde.report.plot", ""),
    "report": ("fastsde.report", "write_report"),
    "run": ("fastsde.run.run", "run"),
    "survival": ("fastsde.analysis.arrays", "survival"),
    "tails": ("fastsde.analysis.arrays", "tails"),
    "user": ("fastsde.problem.user", ""),
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


class _Package(ModuleType):
    """The package, in which a submodule never hides a public name.

    Importing ``fastsde.report`` ends with the import system setting ``fastsde.report`` to that submodule; the
    function of this name would be gone. A submodule with the name of something public is therefore not set.
    It is in ``sys.modules`` all the same, and ``from fastsde.report import ...`` takes it from there (but not
    ``import fastsde.report.page as page``, which asks this package for ``report``).
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _WHERE and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
