"""Verdicts on claims, and what is recorded of them."""

import json
import math

import pytest

from fastsde.published import Claim, Deviation, Reproduction, Verdict
from fastsde.published.record import END, START, readme_table, result_section, with_section, with_table

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
    assert 'Deviation in "x": it is two' in once
    table = with_table(f"before\n{START}old\n{END}after\n", [found])
    assert table == f"before\n{START}{readme_table([found])}{END}after\n"
    assert "1 reproduced, 1 deviates as stated" in table
    assert with_table("no marks\n", [found]) == "no marks\n"
