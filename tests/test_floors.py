"""The stages of the package: imports only go down, and nothing imports itself by a detour.

Read from the sources by `ast`: imports inside functions and for types only count like any other.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = {"fastsde": "fastsde", "fastsde.kernels": "kernels", "fastsde.cli": "cli"}
FLOORS = (
    "kernels",
    "system",
    "study",
    "problem",
    "integrate",
    "storage",
    "run",
    "analysis",
    "report",
    "published",
    "benchmark",
    "cli",
)
"""From the ground up; the package itself, which only says where its public names are, stands above all."""


def module_files(folders=FOLDERS, root=ROOT):
    """Return the file of every module of the installed package, by its dotted name."""
    found = {}
    for prefix, folder in folders.items():
        for path in sorted((root / folder).rglob("*.py")):
            parts = [prefix, *path.relative_to(root / folder).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(source, modules):
    """Return the modules among `modules` that a source imports, wherever it does."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (full & modules) or {node.module}
            found |= {node.module} if full - modules else set()
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & modules


def import_graph():
    files = module_files()
    return {name: imports(path.read_text(), set(files)) - {name} for name, path in files.items()}


def floor(module):
    """Return how high a module stands; the package itself and its entry point are above all."""
    parts = module.split(".")
    return FLOORS.index(parts[1]) if len(parts) > 1 and parts[1] in FLOORS else len(FLOORS)


def climbing(graph):
    return sorted(
        f"{module} imports {other}"
        for module, others in graph.items()
        for other in others
        if floor(other) > floor(module)
    )


def cycles(graph):
    """Return the sets of modules that reach one another (Tarjan 1972)."""
    order, low, stack, found = {}, {}, [], []

    def visit(module):
        order[module] = low[module] = len(order)
        stack.append(module)
        for other in sorted(graph[module]):
            if other not in order:
                visit(other)
            if other in stack:
                low[module] = min(low[module], low[other])
        if low[module] == order[module]:
            at = stack.index(module)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for module in graph:
        if module not in order:
            visit(module)
    return found


def test_every_module_stands_on_a_floor():
    strays = [name for name in import_graph() if floor(name) == len(FLOORS) and name.count(".")]
    assert strays == ["fastsde.__main__", "fastsde.extend"]


def test_imports_only_go_down():
    assert climbing(import_graph()) == []


def test_there_are_no_import_cycles():
    assert cycles(import_graph()) == []


def test_a_climb_and_a_cycle_are_found():
    graph = {
        "fastsde.study.a": {"fastsde.run.b"},
        "fastsde.run.b": {"fastsde.run.c"},
        "fastsde.run.c": {"fastsde.run.b"},
    }
    assert climbing(graph) == ["fastsde.study.a imports fastsde.run.b"]
    assert cycles(graph) == [["fastsde.run.b", "fastsde.run.c"]]


def test_imports_are_seen_wherever_they_are():
    modules = {"fastsde.run", "fastsde.run.b", "fastsde.run.c", "fastsde.run.d"}
    source = (
        "from typing import TYPE_CHECKING\n"
        "import fastsde.run.d\n"
        "if TYPE_CHECKING:\n    from fastsde.run import b\n"
        "def f():\n    from fastsde.run.c import g\n"
    )
    assert imports(source, modules) == {"fastsde.run.b", "fastsde.run.c", "fastsde.run.d"}
