"""Results in the formats of other programs: CSV and Parquet tables, netCDF, and NumPy's archives."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.storage import netcdf, schema
from fastsde.system.atomic import replacing
from fastsde.system.errors import RequestError

if TYPE_CHECKING:
    from fastsde.storage.ensemble import Ensemble, Trajectories

__all__ = ["FORMATS", "export"]

Array = NDArray[Any]
Chosen = dict[str, tuple[str, ...]]
KEYS = ("model", "step", "time", "trajectory")


def export(
    ensemble: Ensemble,
    path: Path | str,
    *,
    form: str | None = None,
    models: Sequence[str] = (),
    variables: Sequence[str] = (),
) -> Path:
    """Write variables of an ensemble to a file of another format.

    Parameters
    ----------
    ensemble : Ensemble
    path : Path
        The file; an existing one is replaced when the new one is whole.
    form : {"csv", "parquet", "netcdf", "npz"}, optional
        By the end of the file's name, by default.
    models, variables : sequence of str
        All models, and the variables with one number per trajectory and snapshot, and the modes, by default.

    Returns
    -------
    Path

    Raises
    ------
    RequestError
        If there is no such format, model or variable, or a library is missing.

    Notes
    -----
    A table has a row for each model, snapshot and trajectory, with the columns model, step, time and
    trajectory, and one for each number of each variable ("modes_1", "modes_2"); passages have no snapshots
    and are not in tables. Archives have arrays "model/variable", (snapshot, trajectory, ...), and
    "model/step".

    Examples
    --------
    >>> import fastsde
    >>> with fastsde.open("runs/saddle") as ensemble:  # doctest: +SKIP
    ...     export(ensemble, "saddle.csv", models=["sgd"], variables=["loss"])
    """
    path = Path(path)
    form = form or {".nc": "netcdf", ".h5": "netcdf"}.get(path.suffix, path.suffix.lstrip("."))
    if form not in FORMATS:
        raise RequestError(f"found the format {form!r}, expected one of {', '.join(FORMATS)}")
    chosen = _chosen(ensemble, models, variables, tables=form in ("csv", "parquet"))
    with replacing(path) as temporary:
        FORMATS[form](ensemble, temporary, chosen)
    return path


def _chosen(ensemble: Ensemble, models: Sequence[str], variables: Sequence[str], *, tables: bool) -> Chosen:
    """Return which variables of which models are written."""
    names = tuple(models) or tuple(ensemble.names)
    for name in names:
        if name not in ensemble:
            raise RequestError(f"no model {name!r}, expected one of {', '.join(ensemble.names)}")
    chosen = {}
    for name in names:
        view = ensemble[name]
        known = [one for one in view.variables if not (tables and one in schema.EVENTS)]
        for one in variables:
            if one not in known:
                raise RequestError(f"{name} has no variable {one!r}, expected one of {', '.join(known)}")
        usual = tuple(one for one in known if one == "modes" or _is_plain(one))
        chosen[name] = tuple(variables) or usual
    return chosen


def _is_plain(variable: str) -> bool:
    """Whether a variable has one number for each trajectory and snapshot."""
    known = schema.observables()
    return variable in known and len(known[variable].dims) == 2


def _tables(ensemble: Ensemble, chosen: Chosen) -> Iterator[dict[str, Any]]:
    """Yield a table of columns for each model and snapshot."""
    for name, variables in chosen.items():
        view = ensemble[name]
        for index, step in enumerate(view.step):
            table: dict[str, Any] = {
                "model": np.full(view.count, name),
                "step": np.full(view.count, step),
                "time": np.full(view.count, view.time[index]),
                "trajectory": view.numbers,
            }
            for variable in variables:
                table |= _columns(variable, view.read(variable, index))
            yield table


def _columns(variable: str, values: Array) -> dict[str, Array]:
    """Return the columns of a variable, numbered from 1 where there are several."""
    if values.ndim == 1:
        return {variable: values}
    flat = values.reshape(len(values), -1)
    places = itertools.product(*(range(size) for size in values.shape[1:]))
    names = ["_".join([variable, *(str(one + 1) for one in place)]) for place in places]
    return dict(zip(names, flat.T, strict=True))


def _csv(ensemble: Ensemble, path: Path, chosen: Chosen) -> None:
    _same_variables(chosen)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        for number, table in enumerate(_tables(ensemble, chosen)):
            if number == 0:
                writer.writerow(table)
            writer.writerows(zip(*(column.tolist() for column in table.values()), strict=True))


def _parquet(ensemble: Ensemble, path: Path, chosen: Chosen) -> None:
    _same_variables(chosen)
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise RequestError(f"Parquet needs {error.name}: pip install 'fastsde[export]'") from None
    writer = None
    for table in _tables(ensemble, chosen):
        made = pyarrow.table(table)
        writer = writer or parquet.ParquetWriter(path, made.schema)
        writer.write_table(made)
    if writer is not None:
        writer.close()


def _netcdf(ensemble: Ensemble, path: Path, chosen: Chosen) -> None:
    with netcdf.open_new(path) as file:
        file.attrs["study"] = ensemble.study.to_toml()
        for name, variables in chosen.items():
            group = file.create_group(name, track_order=True)
            _group(group, ensemble[name], variables, ensemble.study.dtype)


def _group(group: Any, view: Trajectories, variables: Sequence[str], dtype: str) -> None:
    """Write one model, with named dimensions."""
    known = schema.observables() | schema.EVENTS
    arrays = {variable: view[variable] for variable in variables}
    sizes = {"snapshot": len(view.step), "trajectory": view.count}
    for variable, array in arrays.items():
        sizes |= dict(zip(known[variable].dims, array.shape, strict=True))
    netcdf.define_dimensions(group, sizes)
    for name, values in (("step", view.step), ("time", view.time)):
        group[name] = values
        group[name].dims[0].attach_scale(group["snapshot"])
    for variable, array in arrays.items():
        netcdf.create(group, variable, known[variable], sizes, dtype, data=array)


def _npz(ensemble: Ensemble, path: Path, chosen: Chosen) -> None:
    arrays: dict[str, Any] = {}
    for name, variables in chosen.items():
        view = ensemble[name]
        arrays |= {f"{name}/step": view.step, f"{name}/time": view.time}
        arrays |= {f"{name}/{variable}": view[variable] for variable in variables}
    with path.open("wb") as file:
        np.savez(file, **arrays)


def _same_variables(chosen: Chosen) -> None:
    if len(set(chosen.values())) > 1:
        raise RequestError("a table needs the same variables of all models. Fix: name them by --variable")


FORMATS: dict[str, Callable[[Ensemble, Path, Chosen], None]] = {
    "csv": _csv,
    "parquet": _parquet,
    "netcdf": _netcdf,
    "npz": _npz,
}
"""How each format is written."""
