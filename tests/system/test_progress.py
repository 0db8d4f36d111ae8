"""Progress: few lines in a log, a bar on a terminal, nothing when silent."""

import io
import sys

import pytest

from fastsde.system.progress import Bar, Log, Silent, make


class Clock:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self):
        return True


def test_log_is_sparse():
    clock, stream = Clock(), io.StringIO()
    log = Log(stream, clock=clock)
    with log.task("integrate", 1000, "trajectory-steps"):
        for done in range(1001):
            clock.now += 0.1
            log.update(done, "sgd")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "integrate: 1 k trajectory-steps to do"
    assert lines[1].startswith("integrate sgd: 10%, ")
    assert lines[1].endswith("trajectory-steps/s, 1:31 left")
    assert lines[-1] == "integrate: 1 k of 1 k trajectory-steps in 1:40 (9.99/s)"
    assert len(lines) == 12
    assert "\r" not in stream.getvalue()


def test_log_says_what_is_left_of_a_study_of_several_phases():
    clock, stream = Clock(), io.StringIO()
    log = Log(stream, clock=clock)

    def work(label, total, unit, seconds, inner=False):
        with log.task(label, total, unit):
            for done in range(1, total + 1):
                clock.now += seconds / total
                log.update(done)
                if inner and done == 1:
                    work("within", 10, "snapshots", 100)

    with log.followed_by(60.0):
        with log.followed_by(120.0):
            work("integrate", 10, "trajectory-steps", 100)
        work("analyse", 4, "", 100, inner=True)
    work("report", 10, "figures", 50)
    lines = stream.getvalue().splitlines()
    assert lines[1] == "integrate: 10%, 0.1 trajectory-steps/s, 1:30 left; about 4 min left of the study"
    assert lines[10] == "integrate: 100%, 0.1 trajectory-steps/s, 0 s left; about 3 min left of the study"
    begun = lines.index("analyse: begun")
    assert lines[begun + 1] == "analyse: 25%, 1:15 left; about 2 min left of the study"
    assert "analyse: done in 3:20" in lines
    assert not any("of the study" in line for line in lines if line.startswith(("within", "report")))


def test_log_speaks_every_minute_of_a_slow_task():
    clock, stream = Clock(), io.StringIO()
    log = Log(stream, clock=clock)
    with log.task("integrate", 10**9):
        for done in range(300):
            clock.now += 1.0
            log.update(done)
    assert len(stream.getvalue().splitlines()) == 2 + 5


def test_log_of_a_quick_task_is_two_lines():
    stream = io.StringIO()
    log = Log(stream)
    with log.task("analyse", 100):
        for done in range(101):
            log.update(done)
    assert len(stream.getvalue().splitlines()) == 2


def test_log_says_how_far_a_failed_task_came():
    stream = io.StringIO()
    log = Log(stream)

    def fail():
        with log.task("integrate", 100):
            log.update(40)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert "40 of 100" in stream.getvalue().splitlines()[-1]


def test_bar_shows_model_rate_and_time_left():
    stream = Terminal()
    bar = Bar(stream)
    with bar.task("integrate", 2_000_000, "trajectory-steps"):
        bar.update(1_000_000, "langevin")
    text = stream.getvalue()
    assert "langevin" in text
    assert "50%" in text
    assert "M" in text


def test_bar_of_no_work_is_full():
    stream = Terminal()
    with Bar(stream).task("integrate", 0):
        pass
    assert "100%" in stream.getvalue()


@pytest.mark.parametrize(
    ("mode", "stream", "kind"),
    [
        ("auto", Terminal(), Bar),
        ("auto", io.StringIO(), Log),
        ("bar", io.StringIO(), Bar),
        ("log", Terminal(), Log),
        ("none", Terminal(), Silent),
    ],
)
def test_mode_chooses_the_reporter(mode, stream, kind):
    assert type(make(mode, stream)) is kind


def test_silent_says_nothing(capsys):
    silent = Silent()
    with silent.task("integrate", 10):
        silent.update(5, "sgd")
    assert capsys.readouterr() == ("", "")


def test_a_log_of_tasks_inside_a_task_tells_of_each():
    clock, stream = Clock(), io.StringIO()
    log = Log(stream, clock=clock)
    with log.task("sweep", 2, "cases"):
        for case in range(2):
            log.update(case, f"case{case}")
            with log.task("integrate", 10):
                clock.now += 3.0
                log.update(5, "sgd")
            clock.now += 1.0
        log.update(2)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "sweep: 2 cases to do"
    assert "integrate sgd: 50%, 1.67 steps/s, 3 s left" in lines
    assert any(line.startswith("sweep case1: 50%, ") for line in lines)
    assert lines[-1] == "sweep: 2 of 2 cases in 8 s (0.25/s)"


def test_what_a_task_waits_for_is_said_and_counts_for_no_rate():
    clock, stream = Clock(), io.StringIO()
    log = Log(stream, clock=clock)
    with log.task("integrate", 100):
        with log.aside("compiling", "sgd, about 15 s"):
            clock.now += 80.0
        log.update(0, "sgd")
        clock.now += 5.0
        log.update(50, "sgd")
        with log.aside("compiling", "sde, about 8 s"):
            clock.now += 20.0
        clock.now += 5.0
        log.update(100, "sde")
    assert stream.getvalue().splitlines() == [
        "integrate: 100 steps to do",
        "integrate: compiling sgd, about 15 s",
        "integrate sgd: 50%, 10 steps/s, 5 s left",
        "integrate: compiling sde, about 8 s",
        "integrate sde: 100%, 10 steps/s, 0 s left",
        "integrate: 100 of 100 steps in 1:50 (10/s apart from 1:40 of compiling)",
    ]


def test_before_there_is_a_rate_none_is_shown():
    clock, stream = Clock(), io.StringIO()
    log = Log(stream, clock=clock)
    with log.task("integrate", 100):
        clock.now += 61.0
        log.update(0, "sgd")
    assert stream.getvalue().splitlines()[1] == "integrate sgd: 0%"


def test_a_bar_says_what_it_waits_for():
    stream = Terminal()
    bar = Bar(stream)
    with bar.task("integrate", 100):
        with bar.aside("compiling", "sgd"):
            bar._bar.refresh()
        assert "compiling" in stream.getvalue()
        assert "steps/s" not in stream.getvalue()
        bar.update(50, "sgd")
        bar._bar.refresh()
        assert "steps/s" in stream.getvalue()


def test_a_bar_moves_on_while_a_task_inside_a_task_tells_nothing():
    """The clock on the terminal goes on: silence is never longer than two seconds."""
    import time

    stream = Terminal()
    bar = Bar(stream)
    with bar.task("sweep", 2, "cases"), bar.task("analyse", 10):
        time.sleep(0.6)
        first = len(stream.getvalue())
        time.sleep(1.2)
        assert len(stream.getvalue()) > first
    assert "sweep" in stream.getvalue()
    assert "analyse" in stream.getvalue()


def test_notebooks_get_bars_where_nothing_is_named(monkeypatch):
    from types import SimpleNamespace

    from fastsde.system.progress import by_default

    assert isinstance(by_default(), Silent)
    assert isinstance(make("auto", io.StringIO()), Log)
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert isinstance(by_default(), Bar)
    assert isinstance(make("auto", io.StringIO()), Bar)
