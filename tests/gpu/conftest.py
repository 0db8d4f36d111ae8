"""Some tests need numba's simulator, asked for before numba is imported: `tests/test_gpu.py` does it."""

import os

import pytest

collect_ignore_glob = [] if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1" else ["test_simulated_*.py"]


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning:numba"))
        item.add_marker(pytest.mark.filterwarnings("ignore:.*Cannot cache compiled function"))  # unoptimised
