"""The cases of a sweep analysed together: what each swept value does to the times of escape."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from fastsde.analysis import records
from fastsde.analysis.analysis import Analysis
from fastsde.analysis.context import Context
from fastsde.analysis.escape.effects import COVARIATES, Effect, Group, effect, families
from fastsde.analysis.escape.passages import Passages, joined
from fastsde.analysis.escape.places import known_stays
from fastsde.analysis.settings import Settings
from fastsde.analysis.sweep_rows import SEEDS, Row, columns, row
from fastsde.storage import netcdf
from fastsde.system.atomic import replacing
from fastsde.system.brief import make_brief
from fastsde.system.errors import StoreError
from fastsde.system.hdf5 import open_hdf5, reading
from fastsde.system.progress import Silent
from fastsde.system.provenance import now, versions

if TYPE_CHECKING:
    from fastsde.study.sweep import Case

__all__ = ["SweepAnalysis", "analyze_cases"]

ANALYSIS_FILE = "analysis.h5"
FORMAT = "fastsde-sweep"
FORMAT_VERSION = (4, 0)


@dataclass(frozen=True)
class SweepAnalysis:
    """What the cases of a sweep say together.

    Attributes
    ----------
    created : str
        When, in ISO 8601.
    versions : dict of str to str
        Versions of the libraries.
    cases : tuple of str
        Names of the cases.
    swept : tuple of str
        Keys of the sweep, those of single models included.
    columns : tuple of str
        The same as columns of the rows: a key of models is one column for all of them.
    rows : dict of str to Row
        What every model of every case came to, by "CASE MODEL".
    source : str
        Where the times of escape come from.
    places : tuple of str
        What is left: see `fastsde.analysis.escape.section.Escape`.
    effects : dict of str to Effect
        Each knows its place and covariate, and keys only distinguish them; times in units of time (learning
        rate times steps).
    """

    created: str
    versions: dict[str, str]
    cases: tuple[str, ...]
    swept: tuple[str, ...]
    columns: tuple[str, ...]
    rows: dict[str, Row]
    source: str
    places: tuple[str, ...]
    effects: dict[str, Effect]

    def save(self, path: Path | str) -> Path:
        """Write an HDF5 file, whole or not at all; return its path."""
        path = Path(path)
        with replacing(path) as temporary, netcdf.open_new(temporary) as file:
            file.attrs["format"] = FORMAT
            file.attrs["format_version"] = FORMAT_VERSION
            records.write(file, self)
        return path

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read such a file.

        Raises
        ------
        StoreError
            If there is none, or it is something else.
        """
        path = Path(path)
        if not path.is_file():
            raise StoreError(f"no analysis of a sweep at {path}: `fastsde sweep` makes one")
        with reading(path), open_hdf5(path, "r") as file:
            if file.attrs.get("format") != FORMAT or file.attrs["format_version"][0] != FORMAT_VERSION[0]:
                raise StoreError(
                    f"{path} is not a {FORMAT} file of version {FORMAT_VERSION[0]}: `fastsde sweep` makes one"
                )
            return records.read(file, cls)

    def document(self) -> Any:
        """Return everything as plain numbers, text, lists and dictionaries."""
        return records.plain(self)


def analyze_cases(cases: Sequence[Case], directories: Mapping[str, Path], seed: int = 0) -> SweepAnalysis:
    """Measure the effects of what is swept, and of the models' own settings, over all cases together.

    Parameters
    ----------
    cases : sequence of Case
        From `fastsde.study.sweep.load_cases`.
    directories : mapping of str to Path
        Directory of each case's run, by name; one ensemble is open at a time.
    seed : int
        Of the bootstrap over trajectories, where data sets do not vary.

    Notes
    -----
    Groups of one model on different data sets (``data.seed`` swept) are at the same level, and data sets
    are then the unit.
    """
    from fastsde.storage.ensemble import open_ensemble

    by_place: dict[str, list[Group]] = {}
    swept = tuple(dict.fromkeys(key for case in cases for key in case.swept))
    keys, rows = columns(swept), dict[str, Row]()
    source = "nothing: no case says when anything is left"
    pending: list[tuple[Case, str, dict[str, Passages], dict[str, Any]]] = []
    for case in cases:
        with open_ensemble(directories[case.name]) as ensemble:
            views: dict[str, Any] = {name: ensemble[name] for name in ensemble.names}
            data = case.study.data.seed if case.study.data is not None else 0
            context = Context(ensemble, views, "", Settings(), Silent())
            summaries = _summaries(directories[case.name])
            for name, view in views.items():
                known = known_stays(view, context)
                stays = {} if known is None else dict(zip(known.places, known.stays, strict=True))
                pending.append((case, name, stays, summaries.get(name, {})))
                source = source if known is None else known.source
                settings = {
                    **case.study.models[name].model_dump(exclude_none=True),
                    **{k: v for k, v in case.values.items() if k not in SEEDS and not _of_model(k)},
                }
                for place, stay in stays.items():
                    by_place.setdefault(place, []).append(Group(name, settings, data, stay))
    for case, name, stays, summary in pending:
        every = [stays.get(place, joined([])) for place in by_place] if stays else []
        rows[f"{case.name} {name}"] = row(case, name, keys, every, summary, seed)
    names = [*COVARIATES, *(key for key in keys if key not in (*COVARIATES, *SEEDS))]
    held = columns([key for case in cases for key in case.values])
    found = {
        f"rank {rank} {name} {number}": _effect(family, name, held, seed, rank)
        for rank, groups in enumerate(by_place.values())
        for name in names
        for number, family in enumerate(families(groups, name))
    }
    return SweepAnalysis(
        created=now(),
        versions=versions(),
        cases=tuple(case.name for case in cases),
        swept=swept,
        columns=keys,
        rows=rows,
        source=source,
        places=tuple(by_place),
        effects={key: one for key, one in found.items() if one is not None},
    )


def _of_model(key: str) -> bool:
    """Whether a key is one of models, whose tables have it already."""
    return key.startswith("models.")


def _summaries(directory: Path) -> dict[str, dict[str, Any]]:
    """Return the rows of a case's analysis by model; none if it is not analysed."""
    path = directory / ANALYSIS_FILE
    return {one["model"]: one for one in Analysis.load(path).summary()} if path.is_file() else {}


def _effect(
    family: Sequence[Group], covariate: str, swept: Sequence[str], seed: int, rank: int
) -> Effect | None:
    """Measure an effect, and note what else is swept that the family has in common."""
    found = effect(family, covariate, seed, rank)
    settings = family[0].settings
    held = [key for key in swept if key in settings and key not in (covariate, *SEEDS)]
    return found and dataclasses.replace(found, held=tuple(f"{key} = {settings[key]}" for key in held))


make_brief(SweepAnalysis)
