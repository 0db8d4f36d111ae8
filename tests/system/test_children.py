"""Processes that answer requests: answers, failures, and no process that outlives its parent."""

import os
import time

import pytest

from fastsde.system.children import Child, ChildError

MODULE = """
import os, time
from fastsde.system.children import serve

def answer(request):
    print("not an answer")
    if request == "fail":
        raise ValueError("no such request")
    if request == "exit":
        os._exit(3)
    if request == "sleep":
        time.sleep(600)
    return os.getpid(), request

def main():
    serve(answer)
"""


@pytest.fixture
def child(tmp_path, monkeypatch):
    (tmp_path / "answering.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    child = Child("answering")
    yield child
    child.end()


def test_requests_are_answered_by_another_process(child):
    process, answer = child.ask({"a": [1.5, None]})
    assert answer == {"a": [1.5, None]}
    assert process != os.getpid()
    assert child.ask("again") == (process, "again")


def test_a_failure_is_reported_and_the_process_goes_on(child):
    with pytest.raises(ChildError, match="ValueError: no such request"):
        child.ask("fail")
    assert child.ask("next")[1] == "next"


def test_a_process_that_ends_is_noticed(child):
    with pytest.raises(ChildError, match="without an answer"):
        child.ask("exit")
    with pytest.raises(ChildError, match="without an answer"):
        child.ask("next")


def test_a_busy_process_ends_when_its_parent_does(child):
    child.ask("ready")
    child._process.stdin.write(b"\x80\x04\x8c\x05sleep\x94.")  # what pickle makes of "sleep"
    child._process.stdin.flush()
    time.sleep(0.2)
    assert child._process.poll() is None
    child._process.stdin.close()  # as the system does when the parent is killed
    assert child._process.wait(timeout=30) == 0


def test_a_module_that_is_not_there_is_an_error():
    child = Child("no_such_module")
    with pytest.raises(ChildError):
        child.ask("anything")
    child.end()
