"""What an analysis found: small frozen records, written to and read from ``analysis.h5``."""

from __future__ import annotations

import typing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from fastsde.analysis import records
from fastsde.analysis.distances.effect import Effects
from fastsde.analysis.distances.over_time import DistanceOverTime
from fastsde.analysis.distances.significance import Significance
from fastsde.analysis.escape.learning import Learning
from fastsde.analysis.protocols import Floats
from fastsde.analysis.sections import read_sections
from fastsde.analysis.settings import Settings
from fastsde.analysis.shape.moments import Moments
from fastsde.storage import netcdf
from fastsde.study.extensions import import_stored_extensions
from fastsde.study.objective import ObjectiveTraits
from fastsde.study.study import Study
from fastsde.system.atomic import replacing
from fastsde.system.brief import listed, make_brief
from fastsde.system.errors import DamageError, RequestError, StoreError
from fastsde.system.hdf5 import open_hdf5, reading

FORMAT = "fastsde-analysis"
FORMAT_VERSION = (4, 0)


@dataclass(frozen=True)
class ModelResult:
    """What was found about one model.

    Attributes
    ----------
    kind, summary : str
        The model's kind, and what it does in one sentence.
    trajectories, diverged : int
        How many there are, and how many diverged before the end.
    stopped : int
        How many were stopped at an event (`events.stop`): they are not followed further.
    surviving : ndarray, shape (snapshot,)
        How many are finite at each snapshot.
    moments : Moments
        Of the recorded modes and the loss, stacked over snapshots; order as in `Analysis.quantities`.
    learning : Learning or None
        Learning times of the modes; None without such events.
    distances : dict of str to DistanceOverTime
        From the reference, by name of the distance: those that are declared for every snapshot. For the
        reference itself between its own two halves; empty without a reference.
    significance : Significance or None
        Whether it is distinguishable from the reference, by these distances at all snapshots and those of the
        section ``distances`` at its few, all together (docs/distances.md); None without a reference.
    temperature : float or None
        The temperature of isotropic noise as a number, given or matched.
    noise_scale : float or None
        The scale of the noise of an SDE, per unit time, and in `noise_scale_of` what it multiplies.
    """

    kind: str
    summary: str
    trajectories: int
    diverged: int
    surviving: Floats
    moments: Moments
    learning: Learning | None
    distances: dict[str, DistanceOverTime]
    significance: Significance | None = None
    stopped: int = 0
    temperature: float | None = None
    noise_scale: float | None = None
    noise_scale_of: str = ""


class Known(dict[str, Any]):
    """Parts of an analysis by name, of which one that is not there is explained.

    Examples
    --------
    >>> Known({"pairs": 1, "shape": 2}, "section")["distances"]
    Traceback (most recent call last):
    fastsde.system.errors.RequestError: this analysis has no section 'distances'; it has pairs, shape
    """

    def __init__(self, parts: Any = (), what: str = "part") -> None:
        super().__init__(parts)
        self.what = what

    def __missing__(self, name: str) -> Any:
        if self.what == "model" and not name:
            raise RequestError(
                "this analysis has no reference, and so no distances from it: name one with "
                "`fastsde analyze --reference MODEL` or `fastsde.analyze(ensemble, MODEL)`"
            )
        raise RequestError(f"this analysis has no {self.what} {name!r}; it has {', '.join(self) or 'none'}")


@dataclass(frozen=True)
class Findings:
    """All that an analysis found, models in the order of the study.

    Attributes
    ----------
    study : str
        The resolved study file.
    fingerprint : str
        The study's fingerprint.
    source : str
        Name of the ensemble file; empty of an ensemble in memory.
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
    bandwidth : ndarray, shape (snapshot,)
        Kernel width of the maximum mean discrepancy, the same for all models.
    optimum_loss : float
        Loss of the best linear map; NaN if it has none.
    plateaus : ndarray, shape (mode + 1,)
        Loss with the first r modes learned, r = 0, 1, ...; empty unless the inputs are white.
    models : dict of str to ModelResult
    effects : Effects
        How far any two models are apart in natural units: what ranks them.
    sections : dict of str to record
        What the sections of `fastsde.analysis.sections` found, by name; those without data are left out.
    seconds : dict of str to float
        Time on the clock of each section, and of "snapshots": moments, distances over time, learning times.
    """

    study: str
    fingerprint: str
    source: str
    created: str
    versions: dict[str, str]
    settings: Settings
    reference: str
    step: Floats
    time: Floats
    quantities: tuple[str, ...]
    coordinates: tuple[str, ...]
    mode_strength: Floats
    bandwidth: Floats
    optimum_loss: float
    plateaus: Floats
    models: dict[str, ModelResult]
    effects: Effects
    sections: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", Known(self.models, "model"))
        object.__setattr__(self, "sections", Known(self.sections, "section"))

    @cached_property
    def objective(self) -> ObjectiveTraits:
        """What was descended: sizes, what it supports, and the words for it."""
        return Study.from_toml(self.study).objective

    def __repr__(self) -> str:
        against = f" against {self.reference}" if self.reference else ""
        end = f"{len(self.step):,} snapshots to step {self.step[-1]:,.0f}"
        return (
            f"<Analysis of {self.source or 'an ensemble in memory'}: {listed(self.models)}{against}; {end}; "
            f"sections {listed(self.sections) or 'none'}>"
        )

    def save(self, path: Path | str) -> Path:
        """Write the analysis to an HDF5 file, whole or not at all; return its path."""
        path = Path(path)
        with replacing(path) as temporary, netcdf.open_new(temporary) as file:
            file.attrs["format"] = FORMAT
            file.attrs["format_version"] = FORMAT_VERSION
            records.write(file, self)
        return path

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read an analysis file.

        Raises
        ------
        StoreError
            If there is no such file, or it is not an analysis of this format.
        """
        path = Path(path)
        if not path.is_file():
            raise StoreError(f"no analysis at {path}: `fastsde analyze {path.parent}` makes one")
        try:
            with reading(path), open_hdf5(path, "r") as file:
                if file.attrs.get("format") != FORMAT or file.attrs["format_version"][0] != FORMAT_VERSION[0]:
                    raise StoreError(
                        f"{path} is not a {FORMAT} file of version {FORMAT_VERSION[0]}: "
                        f"`fastsde analyze {path.parent}` makes one"
                    )
                import_stored_extensions(str(file.attrs["study"]), path.parent)
                found = records.read(file, cls, leave_out=("sections",))
                found.sections.update(read_sections(file))
                return found
        except DamageError as error:
            raise StoreError(
                f"{error}, or it is of another version: `fastsde analyze {path.parent}` makes it again"
            ) from error

    def document(self) -> dict[str, Any]:
        """Return everything as plain numbers, text, lists and dictionaries; NaN and infinities are None."""
        return typing.cast(dict[str, Any], records.plain(self))


make_brief(ModelResult, Effects)
