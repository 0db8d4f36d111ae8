"""A second process that compiles: when it is begun, and that a run does not depend on it."""

import pytest

from fastsde.run import compile_ahead
from fastsde.run.compile_ahead import CompileAhead
from fastsde.system.children import ChildError


@pytest.fixture
def ahead(monkeypatch):
    """Requests that other processes were given; they answer at once."""
    requests = []

    class Stub:
        ended = False

        def __init__(self, module):
            assert module == compile_ahead.__name__

        def ask(self, request):
            requests.append(request)

        def end(self):
            self.ended = True

    monkeypatch.setattr(compile_ahead, "Child", Stub)
    monkeypatch.setattr(compile_ahead, "available_memory", lambda: 4 << 30)
    monkeypatch.setattr("fastsde.kernels.options.is_private", lambda: False)
    return requests


def test_it_is_begun_once_with_the_models_in_order(tiny_study, ahead):
    names = ["langevin", "sgd", "langevin"]
    begun = CompileAhead(tiny_study, names, 2)
    for _ in range(2):
        begun.begin()
    begun.end()
    assert ahead in ([], [(tiny_study.to_toml(), ["langevin", "sgd"])])
    assert begun._child.ended


def test_it_is_not_begun_on_one_thread_or_without_memory(tiny_study, ahead, monkeypatch):
    one, lacking = CompileAhead(tiny_study, ["sgd"], 1), CompileAhead(tiny_study, ["sgd"], 2)
    one.begin()
    monkeypatch.setattr(compile_ahead, "available_memory", lambda: 1 << 30)
    lacking.begin()
    assert one._child is None
    assert lacking._child is None
    lacking.end()


def test_a_process_that_cannot_be_started_or_fails_is_no_error(tiny_study, ahead, monkeypatch):
    def refuse(module):
        raise ChildError("no process can be started")

    monkeypatch.setattr(compile_ahead, "Child", refuse)
    begun = CompileAhead(tiny_study, ["sgd"], 2)
    begun.begin()
    begun.end()


def test_it_compiles_the_steps_that_are_asked_for(tiny_study, monkeypatch):
    compiled = []
    monkeypatch.setattr(
        compile_ahead, "compile_steps", lambda study, names, problem: compiled.append((study, names))
    )
    compile_ahead._compile((tiny_study.to_toml(), ["sgd"]))
    assert compiled == [(tiny_study, ["sgd"])]
