"""``fastsde reproduce``: verdicts, exit codes and page, on a result with a stand-in for the integration."""

import json

import pytest
from stand_in import TINY

MODULE = """
from fastsde.published import Claim, Deviation

QUICK = {"trajectories": 4}

def claims(runs):
    found = float(runs.ensemble["sgd"].count)
    known = Deviation(found, 0.5, "it is another number") if KNOWN else None
    claim = Claim("trajectories", EXPECTED, found, 0.5, "Tiny 2020, table 1", known)
    return [claim, Claim("late", 1.0, 2.0, 0.0, "Tiny 2020", untested="shortened" if runs.quick else "")]

def figure(runs, axes):
    axes[0].plot(runs.ensemble["sgd"]["loss"][:, 0], label="loss")
"""


@pytest.fixture
def results(tmp_path, monkeypatch, integrated):
    """Put a folder with one result where fastsde looks for them; return a function that writes its module."""
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "tiny-2020.toml").write_text(TINY)
    (folder / "tiny-2020.md").write_text("# A tiny result\n\nOf two sentences. This is\none.\n\n## Setting\n")
    monkeypatch.setattr("fastsde.published.result.folder", lambda: folder)

    def write(expected, known=False):
        text = MODULE.replace("EXPECTED", str(expected)).replace("KNOWN", str(known))
        (folder / "tiny-2020.py").write_text(text)

    write(4)
    return write


@pytest.mark.parametrize(
    ("expected", "known", "verdict", "code"),
    [(4, False, "reproduced", 0), (9, True, "deviates as stated", 0), (9, False, "not reproduced", 1)],
)
def test_the_exit_code_is_that_of_the_verdicts(invoke, results, tmp_path, expected, known, verdict, code):
    results(expected, known)
    result = invoke("reproduce", "tiny-2020", "--quick", "-o", tmp_path / "out", "--json")
    assert result.exit_code == code, result.output
    document = json.loads(result.stdout)
    claims = document["results"][0]["claims"]
    assert [claim["verdict"] for claim in claims] == [verdict, "not tested"]
    page = (tmp_path / "out" / "published.html").read_text()
    assert document["page"] == str(tmp_path / "out" / "published.html")
    assert f"1 {verdict}, 1 not tested" in page
    assert "Of two sentences. This is one." in page
    assert "data:image/png;base64," in page
    assert ("it is another number" in page) == known


def test_finished_runs_are_used_again(invoke, results, integrated, tmp_path):
    arguments = ("reproduce", "--quick", "-o", tmp_path / "out")
    assert "A tiny result (tiny-2020)" in invoke(*arguments).stdout
    calls = len(integrated.calls)
    assert calls > 0
    assert invoke(*arguments).exit_code == 0
    assert len(integrated.calls) == calls


def test_the_list_runs_nothing(invoke, results, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert json.loads(invoke("reproduce", "--list", "--json").stdout) == [
        {"name": "tiny-2020", "title": "A tiny result", "recorded": "", "processor_time": ""}
    ]
    assert "A tiny result" in invoke("reproduce", "--list").stdout
    assert not (tmp_path / "runs").exists()


def test_an_unknown_name_is_bad_input(invoke, results, tmp_path):
    result = invoke("reproduce", "tony-2020", "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "no published result 'tony-2020'; there are tiny-2020" in result.stderr
    assert not (tmp_path / "out").exists()
