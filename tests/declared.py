"""Files of a user's that declare ingredients: imported for a test, and forgotten after it."""

import importlib.util


def preserved(monkeypatch, *registries):
    """Forget, at the end of a test, what is registered from now on."""
    for registry in registries:
        len(registry)  # fastsde's own are registered
        for part in ("_declared", "_file"):
            monkeypatch.setattr(registry, part, dict(getattr(registry, part)))


def imported(path, source):
    """Write a file and import it as a module of its own."""
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
