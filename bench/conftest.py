"""Shared pieces of the benchmark suites."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Let ``--benchmark-only`` win over the ``--benchmark-disable`` of pyproject.toml."""
    if getattr(config.option, "benchmark_only", False):
        config.option.benchmark_disable = False
        config.option.benchmark_enable = True
