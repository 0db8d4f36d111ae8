"""Public names stay what they are, whatever submodule is imported or function called before."""

import ast
import importlib
import importlib.util
import pkgutil
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from stand_in import TINY

import fastsde

NAMES = [name for name in dir(fastsde) if name != "__version__"]
HIDDEN = [name for name in NAMES if importlib.util.find_spec(f"fastsde.{name}") is not None]
"""Public names that are submodules too."""
COMMON = f"""
import importlib, types
import fastsde
names, hidden = {NAMES}, {HIDDEN}
def check(when):
    for name in names:
        value = getattr(fastsde, name)
        module = isinstance(value, types.ModuleType)
        assert module == (name in ("user", "plot")) and (module or callable(value)), (when, name, value)
        assert value is getattr(fastsde, name), (when, name)
"""


def in_a_fresh_process(code, *arguments):
    """Run code that may use `check`, and raise what it raises."""
    command = [sys.executable, "-W", "error", "-c", COMMON + textwrap.dedent(code), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr


def test_some_public_name_is_a_submodule_too():
    assert "report" in HIDDEN  # otherwise the tests below show nothing


def test_public_names_survive_the_import_of_their_submodules_in_either_order():
    in_a_fresh_process(
        """
        check("at first")
        for name in hidden:
            module = importlib.import_module(f"fastsde.{name}")
            assert isinstance(module, types.ModuleType), name
            for inside in getattr(module, "__all__", ()):
                assert getattr(module, inside) is not None
        check("after the submodules")
        """
    )
    in_a_fresh_process(
        """
        for name in hidden:
            exec(f"import fastsde.{name}")
        import fastsde.report.page
        from fastsde.report import style, write_report
        from fastsde import report
        assert report is write_report and isinstance(style, types.ModuleType)
        check("submodules first")
        """
    )


def test_a_module_may_still_be_given_other_attributes(monkeypatch):
    monkeypatch.setattr(fastsde, "run", len)
    assert fastsde.run is len
    monkeypatch.undo()
    assert fastsde.run.__module__ == "fastsde.run.run"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = fastsde.nothing


def test_every_public_function_can_be_called_twice_in_one_process(tmp_path):
    """The whole way from the study to the report, with nothing imported but fastsde."""
    in_a_fresh_process(
        f"""
        import sys
        study = fastsde.Study.from_toml({TINY!r})
        problem = fastsde.build_problem(study)
        for turn in range(2):
            directory = f"{{sys.argv[1]}}/{{turn}}"
            fastsde.integrate(study, "sgd", 0, 2, problem=problem)
            fastsde.run(study, directory)
            with fastsde.open(directory) as ensemble:
                fastsde.analyze(ensemble).save(f"{{directory}}/analysis.h5")
            assert fastsde.report(directory).is_file()
            check(turn)
        """,
        tmp_path,
    )


def packages():
    """Yield the package and its subpackages."""
    yield fastsde
    for found in pkgutil.walk_packages(fastsde.__path__, "fastsde."):
        if found.ispkg:
            yield importlib.import_module(found.name)


def test_no_other_package_has_a_name_that_a_submodule_would_hide():
    for package in packages():
        if package is not fastsde:
            inside = {module.name for module in pkgutil.iter_modules(package.__path__)}
            assert not inside & set(getattr(package, "__all__", ())), package.__name__


def referred(text):
    """Yield the dotted names below fastsde that a text has in backticks."""
    yield from re.findall(r"(?<!`)`(fastsde(?:\.\w+)+)(?:\(\))?`(?!`)", text)


def exists(name):
    """Say whether a dotted name is a module, or what is inside one."""
    parts = name.split(".")
    for split in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:split]))
        except ModuleNotFoundError:
            continue
        for part in parts[split:]:
            if not hasattr(value, part):
                return False
            value = getattr(value, part)
        return True
    return False


def sources():
    """Yield the files of the package: its own, the kernels' and the commands'."""
    root = Path(fastsde.__file__).resolve().parent
    for folder in (root, root.parent / "kernels", root.parent / "cli"):
        yield from sorted(folder.rglob("*.py"))


def test_dotted_names_in_backticks_exist():
    assert list(referred("`fastsde.run`, ``fastsde.no``, `fastsde run` and `fastsde.a.b()`")) == [
        "fastsde.run",
        "fastsde.a.b",
    ]
    assert exists("fastsde.report.style")
    assert not exists("fastsde.report.no_such_name")
    found = {(path.name, name) for path in sources() for name in referred(path.read_text(encoding="utf-8"))}
    assert len(found) > 20
    assert sorted(pair for pair in found if not exists(pair[1])) == []


def identifiers(tree):
    """Return the names that code has, and the words among its strings, such as those of variables."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.alias):
            found.update(node.name.split("."))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            found.add(node.value)
        found.update(
            value
            for key in ("id", "arg", "attr", "name")
            if isinstance(value := getattr(node, key, None), str)
        )
    return found


def test_words_in_backticks_are_names_that_the_program_has():
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sources()}
    known = set().union(*map(identifiers, trees.values()), *(path.parts for path in trees))
    known |= {path.stem for path in trees}
    assert not {"quantity_moment_of_old", "fastsde_no"} & known
    said = {
        (path.name, word)
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for name in re.findall(r"(?<!`)`([A-Za-z_][\w.]*)(?:\(\))?`(?!`)", node.value)
        for word in name.split(".")
    }
    assert len(said) > 300
    assert sorted(pair for pair in said if pair[1] not in known) == []
