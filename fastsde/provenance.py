"""Where numbers come from: versions of the libraries and the machine that computed."""

from __future__ import annotations

import datetime
import os
import platform
import socket
from importlib import metadata

__all__ = ["available_cores", "host", "now", "versions"]

_LIBRARIES = ("fastsde", "numpy", "scipy", "numba", "llvmlite", "h5py", "pydantic", "matplotlib")


def versions() -> dict[str, str]:
    """Return the version of Python and of each library that bears on the numbers, without importing any.

    Examples
    --------
    >>> sorted(versions())[0]
    'fastsde'
    """
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def host() -> dict[str, str | int]:
    """Return the machine's name, system, processor and the number of cores this process may use."""
    return {
        "name": socket.gethostname(),
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": available_cores(),
    }


def available_cores() -> int:
    """Return how many cores this process may run on: its affinity where the system has one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def now() -> str:
    """Return the present time in UTC, ISO 8601, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
