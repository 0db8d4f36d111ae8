"""Trajectories that another program has computed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from fastsde.study.data_file import with_checksum
from fastsde.study.fields import Count, Expect, Fault, listed
from fastsde.study.models.model import MODEL_KINDS, Model
from fastsde.study.setting import Setting, Where

__all__ = ["Imported"]

Step = Annotated[Count | Literal[0], Expect("a step, 0 or more")]


@MODEL_KINDS.register
class Imported(Model):
    """Trajectories from a file of another program, compared with the study's own models like any of them.

    Parameters
    ----------
    file : str
        A file of ``.npz``, ``.npy``, HDF5, netCDF, ``.safetensors`` or zarr, looked for beside the study
        file, then in the working directory. Its arrays are (snapshot, trajectory, ...): "parameters", all of
        them in one; or one for each layer, (snapshot, trajectory, rows, columns), named as PyTorch names
        them; or "end_to_end" matrices; or any observables by name. The array "steps" has the learning-rate
        step of each snapshot. Rows that are not finite have diverged.
    steps : tuple of int, optional
        The steps, in place of that array.
    sha256 : str, optional
        Checksum of the file; resolved when the study is read, not to be written by hand.
    """

    order: ClassVar[int] = 90
    replayed: ClassVar[bool] = True

    kind: Literal["imported"] = "imported"
    file: Annotated[str, Field(min_length=1), Expect("name of a file")]
    steps: Annotated[
        tuple[Step, ...] | None, listed, Field(min_length=1), Expect("a list of steps, one per snapshot")
    ] = None
    sha256: Annotated[str | None, Field(pattern="^[0-9a-f]{64}$"), Expect("nothing: it is resolved")] = None

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, table: Any) -> Any:
        return with_checksum(table, "models.NAME.file") if isinstance(table, dict) else table

    @property
    def substeps(self) -> int:
        """One: only learning-rate steps are known."""
        return 1

    def not_shared(self) -> str:
        """Say why paths at dt and dt / 2 cannot be compared."""
        return "its steps were taken by another program"

    def faults(self, setting: Setting, where: Where) -> Iterator[Fault]:
        """Find nothing: the file is checked against the study when it is read."""
        return iter(())

    def summary(self) -> str:
        """Say in one sentence what the model is."""
        what = "what happens between snapshots is interpolated"
        return f"Trajectories of another program, from {self.file}; {what}."
