"""Processes that compile for a GPU: who compiles what, and that a run does not depend on them."""

import threading

import pytest

from fastsde.integrate.gpu import ahead as gpu_ahead
from fastsde.run import compile_ahead, programs_ahead
from fastsde.run.programs_ahead import ProgramsAhead
from fastsde.system import cache_lock
from fastsde.system.children import ChildError
from fastsde.system.errors import Interrupted
from fastsde.system.progress import Silent


class Others:
    """Stands for other processes: they note what they are asked for, and answer, refuse or never answer."""

    def __init__(self):
        self.requests, self.refuse, self.answering = [], False, threading.Event()
        self.stored = set()
        self.answering.set()

    def __call__(self, module):
        assert module == programs_ahead.__name__
        return self

    def ask(self, request):
        if self.refuse:
            raise ChildError("it cannot compile")
        self.answering.wait()
        self.requests.append(request)

    def end(self):
        self.answering.set()


@pytest.fixture
def others(monkeypatch, tmp_path):
    stub = Others()
    monkeypatch.setattr(programs_ahead, "Child", stub)
    monkeypatch.setattr(compile_ahead, "available_memory", lambda: 7 << 30)
    monkeypatch.setattr(compile_ahead, "MEMORY", 2 << 30)  # which other tests never have
    monkeypatch.setattr(gpu_ahead, "are_stored", lambda study, name, capability, problem: name in stub.stored)
    monkeypatch.setattr("fastsde.kernels.options.is_private", lambda: False)
    monkeypatch.setattr(cache_lock, "_marker", lambda mark: tmp_path / f"ready-{mark}")
    return stub


def ensured(study, names=("sde", "sgd", "sde"), threads=4, capability="9.0", stop=lambda: False):
    """Ask for the programs of some models, one after another."""
    ahead = ProgramsAhead(study, names, threads, capability)
    try:
        for name in dict.fromkeys(names):
            ahead.ensure(name, None, stop, Silent())
    finally:
        ahead.end()


def test_every_process_has_its_share_of_every_model(tiny_study, others, tmp_path):
    ensured(tiny_study)
    shares = [(number, 3) for number in range(3)]  # 7 GiB are enough for three
    for name in ("sde", "sgd"):
        assert sorted(share for _, model, _, share in others.requests if model == name) == shares
    assert {(text, capability) for text, _, capability, _ in others.requests} == {
        (tiny_study.to_toml(), "9.0")
    }
    assert len(list(tmp_path.glob("ready-programs-*"))) == 2
    others.requests.clear()
    ensured(tiny_study)
    assert others.requests == []


def test_a_process_that_fails_is_no_error_and_leaves_no_mark(tiny_study, others, tmp_path):
    others.refuse = True
    ensured(tiny_study)
    assert list(tmp_path.glob("ready-*")) == []


def test_waiting_can_be_stopped(tiny_study, others, tmp_path):
    others.answering.clear()
    with pytest.raises(Interrupted):
        ensured(tiny_study, stop=lambda: True)
    assert list(tmp_path.glob("ready-*")) == []


@pytest.mark.parametrize("lacking", [{"threads": 1}, {"capability": "0.0"}])
def test_nothing_is_begun_on_one_thread_or_in_the_simulator(tiny_study, others, lacking):
    ensured(tiny_study, **lacking)
    assert others.requests == []


def test_nothing_is_begun_where_another_study_left_the_same_code(tiny_study, others):
    others.stored = {"sde", "sgd"}
    ensured(tiny_study)
    assert others.requests == []
