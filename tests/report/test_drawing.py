"""Figures drawn by several processes are those that one process draws."""

import pytest
from stand_in import TINY

import fastsde
from fastsde.analysis import Settings
from fastsde.report import drawing
from fastsde.report.spec import FIGURES
from fastsde.system.children import ChildError
from fastsde.system.progress import Silent


@pytest.fixture(scope="module")
def analysed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawing") / "run"
    fastsde.run(fastsde.Study.from_toml(TINY).replace(trajectories=40), folder)
    with fastsde.open(folder) as ensemble:
        analysis = fastsde.analyze(ensemble, settings=Settings.quickly(), sections=["distances"])
    analysis.save(folder / "analysis.h5")
    return analysis, folder / "analysis.h5"


@pytest.fixture
def eager(monkeypatch, analysed):
    """Ask for another process at once, and draw the first five figures only."""
    some = [spec for spec in FIGURES.values() if spec.draw is not None and spec.applies(analysed[0])][:5]
    monkeypatch.setattr(drawing, "FIGURES", {spec.name: spec for spec in some})
    monkeypatch.setattr(drawing, "WORTHWHILE_SECONDS", 0.0)
    monkeypatch.setattr(drawing, "default_threads", lambda: 2)


def test_two_processes_draw_what_one_draws(analysed, eager, monkeypatch):
    analysis, source = analysed
    alone = drawing.draw(analysis, Silent(), ("png",))
    monkeypatch.setattr(drawing, "FIRST_FIGURES", 1)
    asked = []
    ask = drawing.Child.ask

    def noted(child, request):
        answer = ask(child, request)
        asked.append(request)
        return answer

    monkeypatch.setattr(drawing.Child, "ask", noted)
    monkeypatch.setattr(drawing, "_next", waiting_for(asked, drawing._next))
    together = drawing.draw(analysis, Silent(), ("png",), source=source)
    assert together == alone
    assert list(together) == list(alone)
    assert len(asked) >= 2


def waiting_for(asked, take):
    """Let the parent take its second figure only when the other process has drawn one."""
    import threading
    import time

    def taken(left):
        late = time.monotonic() + 60
        first = len(left) > 3
        while not first and threading.current_thread() is threading.main_thread():
            if len(asked) >= 2 or time.monotonic() > late:
                break
            time.sleep(0.01)
        return take(left)

    return taken


def test_what_another_process_cannot_draw_is_drawn_here(analysed, eager, monkeypatch):
    analysis, source = analysed
    monkeypatch.setattr(drawing, "FIRST_FIGURES", 1)

    def lose(child, request):
        raise ChildError("killed")

    monkeypatch.setattr(drawing.Child, "ask", lose)
    assert list(drawing.draw(analysis, Silent(), ("png",), source=source)) == list(drawing.FIGURES)
