"""Processes that `bench.gpu` starts: several at a time, none after the time is over, none left behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time

__all__ = ["Clock", "Stopped", "listen", "results"]


class Stopped(Exception):
    """A signal asked the benchmark to stop."""


class Clock:
    """Seconds since the start, and until the end."""

    def __init__(self, limit):
        self.begun, self.limit = time.monotonic(), limit

    @property
    def left(self):
        return self.limit - (time.monotonic() - self.begun)

    @property
    def spent(self):
        return time.monotonic() - self.begun


def listen():
    """Turn the signals that stop a program into `Stopped`, so that what is known is still written."""

    def stop(number, frame):
        raise Stopped(signal.Signals(number).name)

    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, stop)


def results(commands, workers, clock, environment=None):
    """Run ``python -m ...`` of each command, and yield name and result as they end.

    The result is the JSON in the last line that a process prints, or ``{"failed": text}``. Processes that run
    when the time is over are killed, and those not begun are not.

    Parameters
    ----------
    commands : dict
        Arguments of ``python`` by name.
    workers : int
    clock : Clock
    environment : dict, optional
        Besides that of this process.
    """
    todo, running = list(commands.items()), {}
    try:
        while todo or running:
            while todo and len(running) < workers and clock.left > 0:
                name, arguments = todo.pop(0)
                running[name] = _begin(arguments, environment or {})
            ended = [name for name, (process, *_) in running.items() if process.poll() is not None]
            for name in ended:
                yield name, _result(*running.pop(name))
            if clock.left <= 0:
                for name in (*running, *(name for name, _ in todo)):
                    yield name, {"failed": "no time left"}
                return
            if not ended:
                time.sleep(0.05)
    finally:
        for process, *files in running.values():
            process.kill()
            process.wait()
            _close(files)


def _begin(arguments, environment):
    out, err = (tempfile.TemporaryFile("w+") for _ in range(2))  # noqa: SIM115
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments], stdout=out, stderr=err, env={**os.environ, **environment}
    )
    return process, out, err


def _result(process, out, err):
    out.seek(0)
    err.seek(0)
    lines, complaints = out.read().strip().splitlines(), err.read().strip().splitlines()
    _close((out, err))
    if process.returncode:
        return {"failed": (complaints or [f"exit code {process.returncode}"])[-1][:300]}
    return json.loads(lines[-1])


def _close(files):
    for file in files:
        file.close()
