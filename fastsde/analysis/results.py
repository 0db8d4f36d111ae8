"""What an analysis found: small frozen records, written to and read from ``analysis.h5``."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import h5py
import numpy as np

from fastsde.analysis.distances import Distance
from fastsde.analysis.learning import Learning
from fastsde.analysis.moments import Moments
from fastsde.analysis.protocols import Floats
from fastsde.analysis.tails import Tails
from fastsde.atomic import replacing
from fastsde.errors import FastsdeError

FORMAT = "fastsde-analysis"
FORMAT_VERSION = (1, 0)

Record = TypeVar("Record")


@dataclass(frozen=True)
class Settings:
    """How the distances were taken.

    Parameters
    ----------
    seed : int
        Seed of the directions, the shuffles and the subsample of the bandwidth.
    permutations : int
        Shuffles of each permutation test.
    directions : int
        Directions of the sliced Wasserstein distance.
    sliced_limit, mmd_limit : int
        Most trajectories a side that either distance uses; beyond, the first so many are taken.
    """

    seed: int = 0
    permutations: int = 500
    directions: int = 50
    sliced_limit: int = 2048
    mmd_limit: int = 512


@dataclass(frozen=True)
class ModelResult:
    """What was found about one model.

    Attributes
    ----------
    kind, summary : str
        The model's kind, and what it does in one sentence.
    trajectories, exploded : int
        How many there are, and how many left the finite numbers before the end.
    surviving : ndarray, shape (snapshot,)
        How many are finite at each snapshot.
    moments : Moments
        Of the recorded modes and the loss, stacked over snapshots; order as in `Analysis.quantities`.
    tails : Tails or None
        Of the update noise; None if it was not recorded.
    learning : Learning or None
        Learning times of the modes; None without such events.
    distances : dict of str to Distance
        From the reference, by name of the distance ("sliced_wasserstein", "mmd"). For the reference itself
        between its own two halves; empty without a reference.
    """

    kind: str
    summary: str
    trajectories: int
    exploded: int
    surviving: Floats
    moments: Moments
    tails: Tails | None
    learning: Learning | None
    distances: dict[str, Distance]


@dataclass(frozen=True)
class Analysis:
    """All that an analysis found, models in the order of the study.

    Attributes
    ----------
    study : str
        The resolved study file.
    fingerprint : str
        The study's fingerprint.
    created : str
        When, in ISO 8601.
    versions : dict of str to str
        Versions of the libraries.
    settings : Settings
        How the distances were taken.
    reference : str
        Name of the model that the others are compared with; empty if there is none.
    step, time : ndarray, shape (snapshot,)
        Snapshots, in learning-rate steps and in time units.
    quantities : tuple of str
        Names of the columns of `Moments`: "mode 1", ..., "loss".
    coordinates : tuple of str
        Names of the coordinates in which distances are taken.
    mode_strength : ndarray, shape (mode,)
        Singular values of the optimum.
    bandwidth : float
        Kernel width of the maximum mean discrepancy, frozen over models and times; NaN without a reference.
    optimum_loss : float
        Loss of the best linear map; NaN if it has none.
    plateaus : ndarray, shape (mode + 1,)
        Loss with the first r modes learned, r = 0, 1, ...; empty unless the inputs are white.
    models : dict of str to ModelResult
    """

    study: str
    fingerprint: str
    created: str
    versions: dict[str, str]
    settings: Settings
    reference: str
    step: Floats
    time: Floats
    quantities: tuple[str, ...]
    coordinates: tuple[str, ...]
    mode_strength: Floats
    bandwidth: float
    optimum_loss: float
    plateaus: Floats
    models: dict[str, ModelResult]

    def save(self, path: Path | str) -> Path:
        """Write the analysis to an HDF5 file, whole or not at all; return its path."""
        path = Path(path)
        with replacing(path) as temporary, h5py.File(temporary, "w") as file:
            file.attrs["format"] = FORMAT
            file.attrs["format_version"] = FORMAT_VERSION
            _write(file, self)
        return path

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read an analysis file.

        Raises
        ------
        FastsdeError
            If there is no such file, or it is not an analysis of this format.
        """
        path = Path(path)
        if not path.is_file():
            raise FastsdeError(f"no analysis at {path}: `fastsde analyze {path.parent}` makes one")
        try:
            with h5py.File(path, "r") as file:
                if file.attrs.get("format") != FORMAT or file.attrs["format_version"][0] != FORMAT_VERSION[0]:
                    raise FastsdeError(f"{path} is not a {FORMAT} file of version {FORMAT_VERSION[0]}")
                return _read(file, cls)
        except (OSError, KeyError) as error:
            raise FastsdeError(f"{path} cannot be read as an analysis: {error}") from error

    def summary(self) -> list[dict[str, Any]]:
        """Return one row of plain numbers for each model: see `fastsde.analysis.summary.summary`."""
        from fastsde.analysis.summary import summary

        return summary(self)

    def summary_rows(self) -> list[dict[str, str]]:
        """Return one row of text for each model, the most important column first: a table to print."""
        from fastsde.analysis.summary import summary_rows

        return summary_rows(self)

    def headline(self) -> str:
        """Return the main finding in one or two sentences."""
        from fastsde.analysis.summary import headline

        return headline(self)


def stack(records: Sequence[Record]) -> Record:
    """Stack records of arrays along a new leading axis, field by field.

    Examples
    --------
    >>> from fastsde.analysis.moments import moments
    >>> two = stack([moments(np.zeros((3, 2))), moments(np.ones((3, 2)))])
    >>> two.mean.tolist()
    [[0.0, 0.0], [1.0, 1.0]]
    """
    first: Any = records[0]
    fields = [field.name for field in dataclasses.fields(first)]
    return type(first)(**{name: np.stack([getattr(one, name) for one in records]) for name in fields})  # type: ignore[no-any-return]


def _write(group: h5py.Group, record: Any) -> None:
    """Write a record: arrays as datasets, records and dictionaries as groups, all else as attributes."""
    items = record.items() if isinstance(record, dict) else vars(record).items()
    for name, value in items:
        if value is None:
            continue
        if dataclasses.is_dataclass(value) or isinstance(value, dict):
            _write(group.create_group(name, track_order=True), value)
        elif isinstance(value, np.ndarray):
            group.create_dataset(name, data=value)
        elif isinstance(value, tuple):
            group.attrs.create(name, list(value), dtype=h5py.string_dtype())
        else:
            group.attrs[name] = value


def _read(group: h5py.Group, kind: type[Record]) -> Record:
    """Read a record of the given class, each field as its annotation says."""
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    return kind(**{name: _field(group, name, hints[name]) for name in names})


def _field(group: h5py.Group, name: str, hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        if name not in group:
            return None
        hint = next(one for one in typing.get_args(hint) if one is not types.NoneType)
    if dataclasses.is_dataclass(hint):
        return _read(group[name], typing.cast(type[Any], hint))
    origin = typing.get_origin(hint)
    if origin is dict:
        return _dictionary(group[name], typing.get_args(hint)[1])
    if origin is tuple:
        return tuple(str(value) for value in group.attrs[name])
    if hint in (str, int, float):
        return hint(group.attrs[name])
    return group[name][...]


def _dictionary(group: h5py.Group, kind: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(kind):
        return {name: _read(group[name], typing.cast(type[Any], kind)) for name in group}
    return {name: str(value) for name, value in group.attrs.items()}
