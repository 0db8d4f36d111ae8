"""An ensemble as a tree of xarray, whose variables are read when they are used."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastsde.storage import schema
from fastsde.system.errors import RequestError

__all__ = ["as_tree"]


def as_tree(ensemble: Any) -> Any:
    """Return the models of an ensemble as a DataTree; see `fastsde.storage.ensemble.Ensemble.to_xarray`."""
    try:
        import xarray
    except ModuleNotFoundError:
        raise RequestError("to_xarray needs xarray: pip install 'fastsde[xarray]'") from None
    children = {name: xarray.DataTree(_dataset(ensemble[name])) for name in ensemble.names}
    return xarray.DataTree(xarray.Dataset(attrs={"study": ensemble.study.to_toml()}), children=children)


def _dataset(view: Any) -> Any:
    import xarray
    from xarray.core import indexing

    known = schema.observables() | schema.EVENTS
    coordinates = {
        "step": ("snapshot", view.step, {"long_name": "learning-rate steps"}),
        "time": ("snapshot", view.time),
        "trajectory": ("trajectory", view.numbers),
    }
    variables = {}
    for name in view.variables:
        lazy = indexing.LazilyIndexedArray(_stored(view, name))
        attributes = {"long_name": known[name].long_name, "units": known[name].units}
        variables[name] = xarray.Variable(known[name].dims, lazy, attributes)
    return xarray.Dataset(variables, coordinates, {"model": view.name, **view.attributes})


def _stored(view: Any, name: str) -> Any:
    """Return a variable as an array of xarray's backends, which reads what is asked for."""
    from xarray.backends import BackendArray
    from xarray.core import indexing

    class Stored(BackendArray):
        """Reads one snapshot at a time of a variable."""

        def __init__(self) -> None:
            self.shape, self.dtype = view.shape_of(name), view.dtype_of(name)

        def __getitem__(self, key: Any) -> Any:
            way = indexing.IndexingSupport.BASIC
            return indexing.explicit_indexing_adapter(key, self.shape, way, self._read)

        def _read(self, key: tuple[Any, ...]) -> Any:
            if name in schema.EVENTS:
                return view.read(name)[key]
            snapshots, *rest = key
            if isinstance(snapshots, slice):
                places = range(self.shape[0])[snapshots]
                parts = [view.read(name, place)[tuple(rest)] for place in places]
                return np.stack(parts) if parts else np.empty((0, *self.shape[1:]), self.dtype)[(..., *rest)]
            return view.read(name, int(snapshots))[tuple(rest)]

    return Stored()
