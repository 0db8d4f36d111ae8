"""Published results: every one is complete and valid, and what is recorded of it agrees everywhere.

Whole forms take minutes and are run by ``fastsde reproduce``. Here the shortened form of one result is run;
with ``FASTSDE_TESTS=all`` those of all.
"""

import os
import re
from pathlib import Path

import pytest

from fastsde.published import all_results, reproduce
from fastsde.published.record import END, START, recorded, result_section, results_table

ROOT = Path(__file__).parents[2]
RESULTS = all_results()
RUN = RESULTS if os.environ.get("FASTSDE_TESTS") == "all" else [r for r in RESULTS if r.name == "saxe-2014"]
SECTIONS = ("Setting", "Published", "Differences from the paper", "Tolerance", "Result")


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: result.name)
def test_a_result_is_complete(result):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*-\d{4}(-[a-z0-9]+)*", result.name)
    assert result.title
    assert 40 < len(result.summary) < 800
    headings = re.findall(r"^## (.*)$", result.text, re.MULTILINE)
    assert headings == list(SECTIONS)
    whole, short = result.cases(), result.cases(quick=True)
    assert sum(work(case.study) for case in short) < sum(work(case.study) for case in whole)


def work(study):
    """Return the integrator steps of a study, over all its models."""
    steps = sum(getattr(model, "substeps", 1) for model in study.models.values())
    return study.trajectories * study.time.steps * steps


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: result.name)
def test_what_is_recorded_agrees_with_the_text(result):
    found = recorded(result)
    assert found is not None
    assert (found.name, found.title, found.summary) == (result.name, result.title, result.summary)
    assert not found.quick
    assert found.failed == []
    assert result.text.endswith(result_section(found))


def test_the_readme_has_the_table():
    text = (ROOT / "examples" / "published" / "README.md").read_text(encoding="utf-8")
    assert text.partition(START)[2].partition(END)[0] == results_table([recorded(r) for r in RESULTS])


@pytest.mark.parametrize("result", RUN, ids=lambda result: result.name)
def test_shortened_forms_reproduce(result, tmp_path):
    found = reproduce(result, tmp_path / result.name, quick=True)
    assert found.failed == []
    assert any(not claim.untested for claim in found.claims)
