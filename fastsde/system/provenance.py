"""Provenance of results: the versions of the libraries, and the machine."""

from __future__ import annotations

import datetime
import hashlib
import importlib.util
import json
import platform
import socket
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from fastsde.system.threads import available_cores

__all__ = [
    "BEARING",
    "available_cores",
    "host",
    "kernels",
    "now",
    "read_versions",
    "version_differences",
    "versions",
]

BEARING = ("fastsde", "kernels", "numba", "llvmlite", "numpy", "scipy")
"""Versions that must agree between all results of one ensemble."""
_LIBRARIES = ("fastsde", "numpy", "scipy", "numba", "llvmlite", "h5py", "pydantic", "matplotlib")


def versions() -> dict[str, str]:
    """Return the versions of Python and of each library that affects the results, and a hash of the kernels.

    The libraries are not imported.

    Examples
    --------
    >>> sorted(versions())[0]
    'fastsde'
    """
    numbers = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            numbers[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return numbers | {"kernels": kernels()}


def read_versions(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return the versions in a file's root attributes; an empty dict if they are missing or malformed.

    Examples
    --------
    >>> read_versions({"versions": '{"numba": "0.61.0"}'})
    {'numba': '0.61.0'}
    >>> read_versions({}), read_versions({"versions": "3.1"}), read_versions({"versions": "of mine"})
    ({}, {}, {})
    """
    text = attributes.get("versions", "")
    try:
        stored = json.loads(text) if isinstance(text, str | bytes) else None
    except ValueError:
        return {}
    return {str(name): str(version) for name, version in stored.items()} if isinstance(stored, dict) else {}


@cache
def kernels() -> str:
    """Return a hash of the sources of all compiled code, 16 hex digits."""
    spec = importlib.util.find_spec("fastsde.kernels")
    digest = hashlib.sha256()
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(folder).rglob("*.py")):
            digest.update(f" {path.relative_to(folder).as_posix()} ".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def version_differences(first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    """Return one line for each library that affects the results and whose versions differ.

    Examples
    --------
    >>> version_differences({"numba": "0.61.0", "h5py": "3.10"}, {"numba": "0.68.1", "h5py": "3.16"})
    ['numba: 0.61.0 and 0.68.1']
    """
    return [
        f"{name}: {first[name]} and {second[name]}"
        for name in BEARING
        if name in first and name in second and first[name] != second[name]
    ]


def host() -> dict[str, str | int]:
    """Return the machine's name, system and CPU, and the number of cores that this process may use."""
    return {
        "name": socket.gethostname(),
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": available_cores(),
    }


def now() -> str:
    """Return the current time in UTC, ISO 8601, to the second."""
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
