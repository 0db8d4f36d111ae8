"""The data of a study file: samples, inputs, teacher and label noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from fastsde.study.data_file import described, with_checksum
from fastsde.study.distributions import GaussianInputs, GaussianNoise, Inputs, LabelNoise
from fastsde.study.fields import Expect, Fault, Positive, Section, Seed, Share, Size, listed, refuse

__all__ = ["Data", "Teacher"]

Samples = Annotated[
    Size | Literal["population", "each"],
    Expect('a whole number from 1 to 2^32, or "population"'),
]
Entry = Annotated[
    tuple[Size, Size], listed, Expect("a pair [output, input] of whole numbers, counted from 1")
]


File = Annotated[str, Field(min_length=1), Expect("name of a file")]
Checksum = Annotated[str | None, Field(pattern="^[0-9a-f]{64}$"), Expect("nothing: it is resolved")]
ArrayNames = Annotated[tuple[str, str] | None, listed, Expect("two names of arrays: inputs, labels")]
OWN = ("file", "arrays", "columns", "test_arrays", "centre", "whiten")
"""Keys of a data set of the user's own."""


class Teacher(Section):
    """A linear teacher: given singular values and random singular vectors, or a matrix in a file.

    Parameters
    ----------
    singular_values : tuple of float, optional
        Above 0; as many as the rank, at most min(inputs, outputs).
    file : str, optional
        In their place, a file with the matrix (outputs, inputs): ``.npy``, ``.npz``, ``.csv``, HDF5 or
        ``.safetensors``, looked for beside the study file, then in the working directory.
    sha256 : str, optional
        Checksum of the file; resolved when the study is read, not to be written by hand.
    """

    singular_values: Annotated[
        tuple[Positive, ...] | None,
        listed,
        Field(min_length=1),
        Expect("a list of one or more numbers above 0"),
    ] = None
    file: File | None = None
    sha256: Checksum = None

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, table: Any) -> Any:
        return with_checksum(table, "data.teacher.file") if isinstance(table, dict) else table

    @model_validator(mode="after")
    def _agree(self) -> Teacher:
        if (self.singular_values is None) == (self.file is None):
            fix = 'write singular_values = [2.0, 1.0], or file = "teacher.npy"'
            refuse([Fault((), "both or neither", "one of singular_values and file", fix)])
        return self


class Data(Section):
    """What is learned from: ``y = W* x + noise``, measurements ``y = <A, W*> + noise``, or data of your own.

    Parameters
    ----------
    kind : str, optional
        "completion": each measurement is an entry of the matrix. "sensing": an inner product with a matrix of
        independent standard normals. The loss is then half the mean square of ``<A, W> - y``, with
        ``loss = "mean"`` the mean square. By default the network learns from inputs and labels.
    samples : int or "population"
        Size of the training set, or the limit of infinitely many. Of completion "each", the default: every
        observed entry once; a number is that of entries drawn with replacement from the observed ones.
    observed : float, optional
        Completion: the share of the entries that are observed, chosen at random.
    entries : tuple of pairs, optional
        Completion: the observed entries themselves, each ``[output, input]``, counted from 1.
    file : str or pair of str, optional
        A data set of your own, ``.npz``, HDF5 or netCDF, ``.safetensors``, one table (``.csv``, ``.txt``,
        ``.npy``), or two files, of inputs and of labels; looked for beside the study file, then in the
        working directory. `samples` is the number of its rows. Nothing is unpickled.
    arrays : pair of str, optional
        Names of inputs (n, d_in) and labels (n, d_out) in the file; "X" and "Y", or "inputs" and "labels", by
        default.
    columns : pair of int, optional
        Of one table: how many columns are inputs, and how many after them labels.
    test_arrays : pair of str, optional
        Names of inputs and labels to test on, for the observable `test_loss`.
    centre : bool, optional
        Subtract the means of inputs and labels.
    whiten : bool, optional
        Centre the inputs, and turn them so that their second moment is the identity.
    sha256 : str, optional
        Checksum of the file; resolved when the study is read, not to be written by hand. A run is refused if
        the file has changed.
    seed : int
        Seed of teacher, inputs and label noise; in a study file it defaults to the seed of the study.
    inputs, teacher, label_noise
        The laws; ``label_noise`` in a study file may be a bare number, the standard deviation.
    """

    kind: Annotated[Literal["completion", "sensing"] | None, Expect('"completion" or "sensing"')] = None
    samples: Samples
    observed: Share | None = None
    entries: Annotated[
        tuple[Entry, ...] | None,
        listed,
        Field(min_length=1),
        Expect("a list of pairs [output, input]"),
    ] = None
    file: Annotated[File | tuple[File, File] | None, listed, Expect("a file, or two")] = None
    arrays: ArrayNames = None
    columns: Annotated[tuple[Size, Size] | None, listed, Expect("two numbers: inputs, labels")] = None
    test_arrays: ArrayNames = None
    centre: Annotated[bool | None, Expect("true or false")] = None
    whiten: Annotated[bool | None, Expect("true or false")] = None
    sha256: Checksum = None
    seed: Seed = 0
    inputs: Inputs = GaussianInputs()
    teacher: Teacher | None = None
    label_noise: LabelNoise = GaussianNoise(scale=0.0)

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, table: Any) -> Any:
        """Let completion see every observed entry once by default; look into a file of the user's own."""
        if isinstance(table, dict) and table.get("kind") == "completion":
            return {"samples": "each", **table}
        return described(table) if isinstance(table, dict) else table

    @model_validator(mode="after")
    def _agree(self) -> Data:
        refuse([*self._completion_faults(), *self._input_faults(), *self._own_faults()])
        return self

    def _own_faults(self) -> Iterator[Fault]:
        """Check what belongs to data of the user's own alone, or does not go with them."""
        if self.file is None:
            if self.teacher is None:
                fix = "add teacher = { singular_values = [2.0, 1.0] }, or file with data of your own"
                yield Fault(("teacher",), "nothing", "a table", fix)
            for name in OWN:
                if getattr(self, name) is not None:
                    yield Fault((name,), getattr(self, name), "nothing: only with file", f"remove {name}")
            return
        given = self.model_dump(exclude_none=True, include={"kind", "teacher"})
        given |= {"label_noise": "set"} if self.label_noise != GaussianNoise(scale=0.0) else {}
        given |= {"inputs": "set"} if self.inputs != GaussianInputs() else {}
        for name, value in given.items():
            expected = "nothing: data of your own are as they are in the file"
            yield Fault((name,), value, expected, f"remove data.{name}")

    def _completion_faults(self) -> Iterator[Fault]:
        """Check what belongs to completion alone."""
        given = [name for name in ("observed", "entries") if getattr(self, name) is not None]
        if self.kind == "completion" and len(given) != 1:
            fix = "set observed to a share of the entries, or list them as entries = [[1, 2], ..]"
            yield Fault(("kind",), "completion", "one of observed and entries", fix)
        for name in given if self.kind != "completion" else ():
            fix = f'remove {name}, or set kind = "completion"'
            yield Fault((name,), "set", 'nothing but with kind = "completion"', fix)
        if self.samples == "each" and self.kind != "completion":
            yield Fault(("samples",), "each", 'a whole number from 1 to 2^32, or "population"')

    def _input_faults(self) -> Iterator[Fault]:
        """Refuse a law of inputs where there are none."""
        if self.kind is not None and self.inputs != GaussianInputs():
            expected = f'nothing with kind = "{self.kind}", whose samples are measurements without inputs'
            yield Fault(("inputs",), "set", expected, "remove data.inputs")

    @property
    def measured(self) -> bool:
        """Whether samples are measurements of the end-to-end matrix."""
        return self.kind is not None

    def observed_count(self, d_in: int, d_out: int) -> int:
        """Return how many entries are observed, of a matrix of that size."""
        if self.entries is not None:
            return len(self.entries)
        return max(1, round((self.observed or 1.0) * d_in * d_out))

    def sample_count(self, d_in: int, d_out: int) -> int | None:
        """Return the number of samples; None for a population."""
        if self.samples == "population":
            return None
        return self.observed_count(d_in, d_out) if self.samples == "each" else int(self.samples)
