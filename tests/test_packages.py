"""Every package of the sources is one that an installed fastsde has."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = {"fastsde": "fastsde", "kernels": "fastsde.kernels", "cli": "fastsde.cli"}
DATA = {"fastsde.examples", "fastsde.published_results"}
"""The folders examples and examples/published: study files, with code and text beside them, not modules."""


def test_no_package_is_left_out_of_what_is_installed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    installed = set(project["tool"]["setuptools"]["packages"])
    sources = {
        ".".join([name, *init.parent.relative_to(ROOT / folder).parts])
        for folder, name in FOLDERS.items()
        for init in (ROOT / folder).rglob("__init__.py")
    }
    assert sources | DATA == installed
