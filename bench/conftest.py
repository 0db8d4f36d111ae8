"""``pytest bench --benchmark-only`` times, although the project's settings disable benchmarks elsewhere."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Let ``--benchmark-only`` win over the ``--benchmark-disable`` of pyproject.toml."""
    if getattr(config.option, "benchmark_only", False):
        config.option.benchmark_disable = False
        config.option.benchmark_enable = True
