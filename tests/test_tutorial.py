"""The tutorial notebook runs, and ends where it says it does."""

import json
from pathlib import Path

import matplotlib as mpl
import pytest

NOTEBOOK = Path(__file__).parents[1] / "docs" / "tutorial.ipynb"


@pytest.mark.slow
def test_every_cell_of_the_tutorial_runs(monkeypatch):
    mpl.use("Agg")
    names: dict = {}
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(code) > 8
    for text in code:
        exec(compile(text, str(NOTEBOOK), "exec"), names)
    analysis = names["analysis"]
    assert analysis.reference == "mine"
    told = {name: one.significance.verdict for name, one in analysis.models.items() if name != "mine"}
    assert told["sgd"] == "indistinguishable"
    assert told["langevin"] == "distinguishable"
    assert names["result"].verdict == "distinguishable"
    assert (names["folder"] / "mine.png").stat().st_size > 10_000


def test_the_tutorial_shows_what_it_found():
    """It is kept executed: figures and tables are in the file."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells if cell["cell_type"] == "code" for output in cell["outputs"]]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert {"text/html", "image/png"} <= kinds
    assert not any(output["output_type"] == "error" for output in outputs)
