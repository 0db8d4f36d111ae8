"""Registries: names in order, and no name twice."""

from typing import NamedTuple

import pytest

from fastsde.system.registry import Registry


class Colour(NamedTuple):
    name: str
    order: int = 1_000


def test_order_comes_before_registration() -> None:
    colours: Registry[Colour] = Registry("colour")
    for name, order in (("red", 1_000), ("green", 1_000), ("blue", 1)):
        colours.register(Colour(name, order))
    assert list(colours) == ["blue", "red", "green"]
    assert colours["green"].name == "green"


def test_the_same_file_may_register_again() -> None:
    colours: Registry[Colour] = Registry("colour")
    colours.register(Colour("red"))
    colours.register(Colour("red", 2))
    assert colours["red"].order == 2


def test_another_file_may_not_take_the_name() -> None:
    colours: Registry[Colour] = Registry("colour")
    colours.register(Colour("red"))
    source = "colours.register(Colour('red'))"
    with pytest.raises(ValueError, match=r"colour named 'red' already, of .*test_declarations\.py"):
        exec(source, {"__file__": "elsewhere.py", "colours": colours, "Colour": Colour})


def test_names_of_the_package_are_taken_before_it_was_asked(tmp_path, monkeypatch) -> None:
    (tmp_path / "own_colours").mkdir()
    (tmp_path / "own_colours" / "__init__.py").write_text("from test_declarations import Colour, OWN\n")
    (tmp_path / "own_colours" / "red.py").write_text(
        "from own_colours import *\nOWN.register(Colour('red'))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    source = "OWN.register(Colour('red'))"
    with pytest.raises(ValueError, match=r"colour named 'red' already, of .*own_colours.red\.py"):
        exec(source, {"__file__": "elsewhere.py", "OWN": OWN, "Colour": Colour})


OWN: Registry[Colour] = Registry("colour", "own_colours")
OWN_MODULE = "from own_colours import *\nOWN.register(Colour('red'))\n"
