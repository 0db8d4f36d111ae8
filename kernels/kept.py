"""Compiled code on disk, found by what it was compiled from and for, wherever the sources lie.

Numba's own cache knows a function by the path of its file and the time of its last change: another
environment, or a fresh clone, would compile everything anew. It numbers the files of a function, so that two
processes that add to it at once can give one name to different code.
"""

import hashlib
import os

from numba.core.caching import FunctionCache, IndexDataCacheFile

__all__ = ["KeptCode", "OwnCode"]


class KeptCode(FunctionCache):
    """The compiled code of a function in a folder whose name says of which sources and versions.

    Parameters
    ----------
    function : callable
    folder : pathlib.Path
    """

    def __init__(self, function, folder):
        super().__init__(function)
        self._impl._locator = _Place(folder, function.__code__.co_filename)
        self._cache_path = str(folder)
        self._cache_file = _FilePerKey(self._cache_path, self._impl.filename_base, None)


class OwnCode(FunctionCache):
    """The compiled code of a function outside this package, where numba keeps it, but without an index."""

    def __init__(self, function):
        super().__init__(function)
        stamp = hashlib.sha256(repr(self._impl.locator.get_source_stamp()).encode()).hexdigest()[:8]
        self._cache_file = _FilePerKey(self._cache_path, f"{self._impl.filename_base}-{stamp}", None)


class _Place:
    """Makes the folder when there is something to keep; the file is named where nothing can be kept."""

    def __init__(self, folder, file):
        self._folder, self._py_file = folder, file

    def ensure_cache_path(self):
        os.makedirs(self._folder, exist_ok=True)


class _FilePerKey(IndexDataCacheFile):
    """One file per types of arguments, named after them, without an index."""

    def save(self, key, data):
        """Write what is compiled for `key`, which is kept beside it."""
        self._save_data(self._name_of(key), (key, data))

    def load(self, key):
        """Return what is compiled for `key`; None if there is nothing, or something else of that name."""
        try:
            kept, data = self._load_data(self._name_of(key))
        except OSError:
            return None
        return data if kept == key else None

    def flush(self):
        """Leave the files: another process may read them."""

    def _name_of(self, key):
        return self._data_name_pattern.replace(
            "{number:d}", hashlib.sha256(" ".join(map(str, key)).encode()).hexdigest()[:16]
        )
