"""Python processes of our own that answer requests, and end when the process that started them ends.

They are started as programs, not forked, so that threads do no harm; and without importing the main module
again, so that a user's script needs no guard.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, BinaryIO

__all__ = ["Child", "ChildError", "serve"]


class ChildError(Exception):
    """A child could not be started, ended early, or could not answer a request."""


class Child:
    """A process that answers requests one after another.

    Parameters
    ----------
    module : str
        Its function ``main`` is run there, and calls `serve`.
    environment : dict, optional
        Variables of the environment to set.

    Raises
    ------
    ChildError
        If no process can be started.
    """

    def __init__(self, module: str, environment: dict[str, str] | None = None) -> None:
        code = f"import sys; sys.path[:] = {sys.path!r}; from {module} import main; main()"
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **(environment or {})},
            )
        except (OSError, ValueError) as error:
            raise ChildError(f"no process can be started: {error}") from error

    def ask(self, request: Any) -> Any:
        """Return the answer to a request; wait for it.

        Raises
        ------
        ChildError
            If the process ends without an answer, or answering it failed there.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            pickle.dump(request, self._process.stdin)
            self._process.stdin.flush()
            done, answer = pickle.load(self._process.stdout)
        except (OSError, ValueError, EOFError, pickle.PickleError) as error:
            raise ChildError("the process ended without an answer") from error
        if not done:
            raise ChildError(answer)
        return answer

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def serve(answer: Callable[[Any], Any]) -> None:
    """Answer the requests of the parent until it ends or closes its side; then end at once.

    An interrupt from the keyboard is the parent's to handle.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies, sys.stdout = sys.stdout.buffer, sys.stderr
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, requests), daemon=True).start()
    while True:
        request = requests.get()
        try:
            reply = pickle.dumps((True, answer(request)))
        except Exception as error:
            reply = pickle.dumps((False, f"{type(error).__name__}: {error}"))
        replies.write(reply)
        replies.flush()


def _receive(source: BinaryIO, requests: queue.SimpleQueue[Any]) -> None:
    """Pass on requests; at their end, end the process even while it computes."""
    with contextlib.suppress(Exception):
        while True:
            requests.put(pickle.load(source))
    os._exit(0)
