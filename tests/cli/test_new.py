"""``fastsde new`` writes a study that loads, with every key there is."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from fastsde.study.fields import Section
from fastsde.study.keys import choices_of, keys_of, misspelt, tables, tags_of
from fastsde.study.notes import notes
from fastsde.study.reference import meanings, page
from fastsde.study.study import Study

TEMPLATES = ("template.toml", "template_landscape.toml", "template_mlp.toml")
HEADER = re.compile(r"^(?:# ?)?\[([\w.]+)\]")
KEY = re.compile(r"^(?:# ?)?\"?[a-z][\w.]*\"? = .+")
RESOLVED = {"origin", "sha256"}
"""What is resolved when a study is run, and not to be written."""
Written = tuple[tuple[str, ...], str | None, str]


@pytest.mark.parametrize("name", ["first", "first.toml"])
def test_new_study_loads(invoke, tmp_path, name):
    result = invoke("new", tmp_path / name)
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path / 'first.toml'}\n"
    study = Study.load(tmp_path / "first.toml")
    assert study.network.widths == (4, 10, 10, 10, 4)
    assert study.models["sgd"].kind == "sgd"
    assert study.models["sgd_replacement"].sampling == "replacement"
    assert notes(study) == []


def test_new_landscape_loads(invoke, tmp_path):
    assert invoke("new", tmp_path / "well", "--kind", "landscape").exit_code == 0
    study = Study.load(tmp_path / "well.toml")
    assert study.landscape.kind == "double-well"
    assert study.landscape.dimension == 2


def test_new_nonlinear_network_loads(invoke, tmp_path):
    assert invoke("new", tmp_path / "parity", "--kind", "mlp").exit_code == 0
    study = Study.load(tmp_path / "parity.toml")
    assert study.landscape.widths == (8, 32, 1)
    assert notes(study) == []


def test_an_example_is_copied(invoke, tmp_path):
    example = Path(__file__).parents[2] / "examples" / "lazy.toml"
    assert invoke("new", tmp_path / "mine", "--example", "lazy").exit_code == 0
    assert (tmp_path / "mine.toml").read_text() == example.read_text()
    wrong = invoke("new", tmp_path / "other", "--example", "lazzy")
    assert wrong.exit_code == 2
    assert "saddle_to_saddle" in wrong.stderr
    assert not (tmp_path / "other.toml").exists()


@pytest.mark.parametrize("kind", ["network", "landscape"])
def test_new_names_every_observable(invoke, tmp_path, kind):
    from fastsde.study.observable import OBSERVABLES

    invoke("new", tmp_path / "all", "--kind", kind)
    text = (tmp_path / "all.toml").read_text()
    for name, observable in OBSERVABLES.items():
        assert (f'"{name}"' in text) == (kind in observable.objectives), name
    assert "OTHER_OBSERVABLES" not in text


def test_new_does_not_replace(invoke, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("mine")
    result = invoke("new", path)
    assert result.exit_code == 2
    assert path.read_text() == "mine"
    assert invoke("new", path, "--force").exit_code == 0
    assert path.read_text() != "mine"


def written(text: str) -> set[Written]:
    """Return every key of a template, in comments or not: path and kind of its table, and the key."""
    found: set[Written] = set()
    path: tuple[str, ...] = ()
    kind: str | None = None
    for line in text.splitlines():
        header = HEADER.match(line)
        if header:
            path, kind = _place(header[1]), None
            found.add(((), None, path[0]))
        elif KEY.match(line):
            document = _read(line.removeprefix("#").strip())
            if "kind" in document and isinstance(document["kind"], str):
                kind = document["kind"]
            if path != ("sweep",):
                found |= set(_keys(document, path, kind))
    return found


def _place(name: str) -> tuple[str, ...]:
    parts = tuple(name.split("."))
    return ("models", "*") if parts[0] == "models" else parts


def _read(line: str) -> dict:
    try:
        return tomllib.loads(line)
    except tomllib.TOMLDecodeError:  # a list that goes on
        return {line.partition(" = ")[0]: None}


def _keys(document: dict, path: tuple[str, ...], kind: str | None):
    for key, value in document.items():
        yield path, kind, key
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield from _keys(item, (*path, key), item.get("kind"))


def text_of(name: str) -> str:
    return resources.files("fastsde.cli").joinpath(name).read_text(encoding="utf-8")


def lacking(found: set[Written]) -> list[str]:
    """Return the keys of the schema that are not written: for each kind, but for what all kinds share."""
    every = list(tables(Study))
    missing = []
    for path, table in every:
        union = [other for place, other in every if place == path]
        for key in set(keys_of(table)) - RESOLVED:
            shared = all(key in keys_of(other) for other in union)
            tag = None if shared else next(iter(tags_of(table)), None)
            there = any(
                place == path and name == key and (tag is None or kind == tag) for place, kind, name in found
            )
            if not there:
                missing.append(".".join([*path, *([tag] if tag else []), key]))
    return missing


def test_every_key_is_in_the_templates():
    texts = [text_of(name) for name in TEMPLATES]
    assert lacking(set().union(*map(written, texts))) == []
    for key in ("schedule", "svag", "central_flow", "covariance", "points", "intervals"):  # negative controls
        without = ["\n".join(line for line in text.splitlines() if key not in line) for text in texts]
        assert lacking(set().union(*map(written, without)))


def test_the_template_of_networks_has_all_keys_but_those_of_landscapes():
    assert all(name.startswith("landscape") for name in lacking(written(text_of(TEMPLATES[0]))))


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_key_of_a_template_exists(name):
    for path, kind, key in written(text_of(name)):
        document: dict = {}
        here = document
        for part in path:
            here = here.setdefault("m" if part == "*" else part, {})
        if kind is not None:
            here["kind"] = kind
        assert misspelt(Study, document, [*("m" if part == "*" else part for part in path), key]) is None, key


def test_the_page_of_all_keys_is_that_of_the_schema():
    """To write it again: python -m fastsde.study.reference > docs/keys.md."""
    assert (Path(__file__).parents[2] / "docs" / "keys.md").read_text(encoding="utf-8") == page()


def test_every_key_has_a_meaning():
    for path, table in tables(Study):
        known = meanings(table)
        for key in set(table.model_fields) - ({"kind"} if tags_of(table) else set()):
            assert known.get(key), f"{'.'.join(path)}: {table.__name__}.{key}"


def test_tables_finds_all_classes_of_the_schema():
    """What the tests above walk through is everything: no class of the study's modules is left out."""
    from fastsde.study import distributions, landscapes, models, terms
    from fastsde.study import tables as tables_of_studies

    walked = {table for _, table in tables(Study)}
    for module in (distributions, landscapes, models, tables_of_studies, terms):
        for value in vars(module).values():
            public = (
                isinstance(value, type) and issubclass(value, Section) and value.__module__ == module.__name__
            )
            if public and not value.__name__.startswith("_"):
                assert choices_of(value) == (value,)
                assert value in walked, value
