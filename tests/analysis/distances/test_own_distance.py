"""A distance declared in one file outside the package is measured, stored and shown like any other."""

import json

import numpy as np
import pytest
from declared import imported, preserved
from fakes import fake_ensemble

from fastsde.analysis import Analysis, Settings, analyze
from fastsde.analysis.distances.base import Distance
from fastsde.analysis.distances.head_to_head import compare, document
from fastsde.analysis.distances.registry import DISTANCES, declared, markdown
from fastsde.report.distances import figures, text

SOURCE = """
import numpy as np
from fastsde.analysis.distances.registry import Distance, over_labellings, register


def shift(x, y):
    return float(np.linalg.norm(np.median(x, axis=0) - np.median(y, axis=0)))


SHIFT = register(
    Distance(
        name="median_shift",
        label="shift of the medians",
        units="share or decade",
        relabelled=over_labellings(shift),
        limit=64,
        every_snapshot=True,
        detects="differences of the medians",
    )
)
"""
QUICK = Settings(
    permutations=49, directions=8, frequencies=32, sliced_limit=60, kernel_limit=60, pair_limit=60,
    transport_limit=32, blocks=50, chosen=2, replicates=5,
)  # fmt: skip


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Import the file of a user, and forget its distance after the test."""
    preserved(monkeypatch, DISTANCES)
    return imported(tmp_path / "my_distance.py", SOURCE)


@pytest.fixture
def ensemble():
    return fake_ensemble(160, 8, ("sgd", "langevin"), seed=5)


def test_from_the_file_to_the_tables(own, ensemble, tmp_path):
    analysis = analyze(ensemble, settings=QUICK)
    again = Analysis.load(analysis.save(tmp_path / "analysis.h5"))
    for each in (analysis, again):
        test = each.sections["distances"].models["langevin"].tests["median_shift"]
        assert 1 / 50 <= test.p_value[-1] < 0.05
        assert test.count[-1] == 64
        assert np.isfinite(each.models["langevin"].distances["median_shift"].value).all()
        assert each.sections["relevance"].distances["median_shift"].exists
    table = text.battery_table(again)
    assert "shift of the medians" in table
    assert "share or decade" in table
    assert "shift of the medians" in text.relevance_table(again)
    figures.all_distances(again)
    figures.relevance(again)
    stored = json.dumps(again.document())
    assert '"median_shift"' in stored


def test_compare_measures_it(own, ensemble):
    found = compare(ensemble, ["sgd", "langevin"], settings=QUICK)
    rows = {row["distance"]: row for row in found[0].distance_rows(0)}
    assert "significant" in rows["shift of the medians"]["alone"]
    assert float(rows["shift of the medians"]["ratio"]) > 0
    assert "median_shift" in document(found)[0]["pair"]["tests"]


def test_its_results_are_shown_where_the_file_is_not_imported(own, ensemble, tmp_path, monkeypatch):
    path = analyze(ensemble, settings=QUICK).save(tmp_path / "analysis.h5")
    monkeypatch.delitem(DISTANCES._declared, "median_shift")
    again = Analysis.load(path)
    assert "median_shift" in text.battery_table(again)
    figures.all_distances(again)
    assert declared("median_shift").units == ""


def test_a_name_is_taken_once(own):
    with pytest.raises(ValueError, match="energy"):
        DISTANCES.register(Distance("energy", "", "", own.SHIFT.relabelled))


def test_one_distance_exists_always():
    always = [one for one in DISTANCES.values() if one.primary]
    assert [one.moments_needed(QUICK) for one in always] == [0]
    assert always[0].diverged
    assert always[0].every_snapshot


def test_declarations_say_all():
    for one in DISTANCES.values():
        for words in (one.label, one.units, one.detects, one.exists, one.equation, one.source):
            assert words, one.name


def test_the_table_of_the_documentation(pytestconfig):
    """Update with ``python -c "from fastsde.analysis.distances.registry import *; print(markdown())"``."""
    assert markdown() in (pytestconfig.rootpath / "docs" / "distances.md").read_text()
