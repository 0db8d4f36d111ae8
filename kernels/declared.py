"""Names of a package of ingredients, one per module: ``steps.Descent`` is of ``steps/descent.py``."""

import pkgutil
from importlib import import_module

__all__ = ["names_of"]


def names_of(package):
    """Return the ``__getattr__`` of a package: it finds what any of its modules exports.

    Modules are imported when a name is first asked for; names that were found are kept.

    Examples
    --------
    >>> names_of("fastsde.kernels.steps")("Descent").__module__
    'fastsde.kernels.steps.descent'
    """
    found = {}

    def find(name):
        if name in found:
            return found[name]
        if not name.startswith("_"):
            path = import_module(package).__path__
            names = [module.name for module in pkgutil.iter_modules(path)]
            for module in [] if name in names else names:
                declared = import_module(f"{package}.{module}")
                if name in declared.__all__:
                    return found.setdefault(name, getattr(declared, name))
        raise AttributeError(f"module {package} has no attribute {name}")

    return find
