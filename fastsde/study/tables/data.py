"""The data of a study file: samples, inputs, teacher and label noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

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


class Teacher(Section):
    """A linear teacher with given singular values and random singular vectors.

    Parameters
    ----------
    singular_values : tuple of float
        Above 0; as many as the rank, at most min(inputs, outputs).
    """

    singular_values: Annotated[
        tuple[Positive, ...], listed, Field(min_length=1), Expect("a list of one or more numbers above 0")
    ]


class Data(Section):
    """What is learned from: ``y = W* x + noise``, or measurements ``y = <A, W*> + noise`` of the teacher.

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
    seed: Seed = 0
    inputs: Inputs = GaussianInputs()
    teacher: Teacher
    label_noise: LabelNoise = GaussianNoise(scale=0.0)

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, table: Any) -> Any:
        """Let completion see every observed entry once unless the study says otherwise."""
        if isinstance(table, dict) and table.get("kind") == "completion":
            return {"samples": "each", **table}
        return table

    @model_validator(mode="after")
    def _agree(self) -> Data:
        refuse([*self._completion_faults(), *self._input_faults()])
        return self

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
