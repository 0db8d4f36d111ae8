"""Verdicts on claims, and what is recorded of them."""

import json
import math
from dataclasses import replace

import pytest

from fastsde.published import Claim, Deviation, Reproduction, Verdict
from fastsde.published.record import (
    END,
    START,
    record,
    result_section,
    results_table,
    with_section,
    with_table,
)

KNOWN = Deviation(2.0, 0.1, "it is two")
CASES = [
    (1.0, 1.05, 0.1, None, Verdict.REPRODUCED),
    (1.0, 1.15, 0.1, None, Verdict.FAILED),
    (1.0, math.nan, 0.1, None, Verdict.FAILED),
    (1.0, math.nan, 0.1, KNOWN, Verdict.FAILED),
    (1.0, 2.05, 0.1, KNOWN, Verdict.DEVIATES),
    (1.0, 2.2, 0.1, KNOWN, Verdict.FAILED),
    (1.0, 1.0, 0.1, KNOWN, Verdict.REPRODUCED),
    ((-math.inf, 2.0), 2.01, 0.02, None, Verdict.REPRODUCED),
    ((-math.inf, 2.0), 2.03, 0.02, None, Verdict.FAILED),
    ((1.0, math.inf), 0.5, 0.0, None, Verdict.FAILED),
    ((1.0, 2.0), 1.5, 0.0, None, Verdict.REPRODUCED),
]


@pytest.mark.parametrize(("expected", "found", "tolerance", "known", "verdict"), CASES)
def test_the_verdict_follows_from_the_numbers(expected, found, tolerance, known, verdict):
    claim = Claim("x", expected, found, tolerance, "nobody", known)
    assert claim.verdict is verdict
    again = Claim.from_document(json.loads(json.dumps(claim.document(), allow_nan=False)))
    assert again.verdict is verdict
    assert again.row() == claim.row()


def test_a_claim_that_is_not_tested_says_so_whatever_the_number():
    assert Claim("x", 1.0, 5.0, 0.0, "nobody", untested="too short").verdict is Verdict.UNTESTED


@pytest.fixture
def found():
    claims = (Claim("x", 1.0, 2.0, 0.1, "nobody", KNOWN), Claim("y", (0.0, 1.0), 0.5, 0.0, "nobody"))
    return Reproduction(
        "a-2020", "A", "Short.", False, claims, 9.0, 8.0, ("f",), "2026-01-02T03", {"numpy": "2"}
    )


def test_a_reproduction_is_the_same_when_read_again(found, tmp_path):
    found.save(tmp_path / "a.json")
    assert Reproduction.load(tmp_path / "a.json") == found


def test_texts_are_replaced_in_place(found):
    once = with_section("# A\n\nShort.\n", found)
    assert once == with_section(once, found)
    assert once.endswith(result_section(found))
    assert "Deviation, x: it is two." in once
    table = with_table(f"before\n{START}old\n{END}after\n", [found])
    assert table == f"before\n{START}{results_table([found])}{END}after\n"
    assert "1 reproduced, 1 deviates as stated" in table
    assert with_table("no marks\n", [found]) == "no marks\n"


def test_whole_forms_are_recorded_and_texts_written_again(found, tmp_path, monkeypatch):
    folder, runs = tmp_path / "published", tmp_path / "runs"
    readme = folder / "README.md"
    for name in ("fastsde.published.result.folder", "fastsde.published.record.folder"):
        monkeypatch.setattr(name, lambda: folder)
    folder.mkdir(parents=True)
    readme.write_text(f"before\n{START}{END}after\n")
    for name, quick in (("a-2020", False), ("b-2020", True)):
        (folder / f"{name}.toml").touch()
        (folder / f"{name}.md").write_text("# New\n\nAlso new.\n")
        (runs / name).mkdir(parents=True)
        replace(found, name=name, quick=quick).save(runs / name / "reproduction.json")
    record(runs)
    stored = Reproduction.load(folder / "a-2020.json")
    assert stored == replace(found, title="New", summary="Also new.")
    assert (folder / "a-2020.md").read_text().endswith(result_section(stored))
    assert not (folder / "b-2020.json").exists()
    assert results_table([stored]) in readme.read_text()
    (folder / "a-2020.md").write_text("# Newer\n\nAlso new.\n")
    record(None)
    assert Reproduction.load(folder / "a-2020.json").title == "Newer"
    assert "[Newer](a-2020.md)" in readme.read_text()
