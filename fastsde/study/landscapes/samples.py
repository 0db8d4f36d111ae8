"""A user's own loss of one sample, and its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from fastsde.study.fields import Expect, Fault, Size, Whole, refuse
from fastsde.study.landscapes.base import LANDSCAPES, Array, Dimension, Landscape, Numbers
from fastsde.study.objective import LOSS_WORDS, Vocabulary
from fastsde.study.sample_data import resolved_samples, samples_of

Labels = Annotated[int, Whole, Field(ge=0, le=4096), Expect("a whole number from 0 to 4096")]


@LANDSCAPES.register
class Samples(Landscape):
    """The mean of a loss of your own over your data: ``loss(theta, sample, gradient)``, compiled by numba.

    `theta` holds the p parameters, `sample` one row of the data, `gradient` zeros, to which the function adds
    the gradient of the sample's loss; it returns the loss. In Python, `fastsde.objective` gives function and
    data.

    Parameters
    ----------
    function : str
        ``"module:name"``, which is imported only where the environment variable ``FASTSDE_ALLOW_CODE`` is 1:
        a study file is not trusted to run code. The module is looked for beside the study file, in the
        working directory, then on Python's path. Or a name given to `fastsde.objective`.
    data : str
        The samples, one per row: a ``.npy`` file, a ``.npz`` file (of one array, or of `inputs` and `labels`,
        which then are the last columns), looked for beside the study file and in the working directory; or
        ``"module:name"``, an array or a function that returns one.
    size : int
        Number of parameters p.
    labels : int, default 0
        How many of the last columns are labels, to which a model's `label_noise` is added.
    samples : int, optional
        Number of samples n; resolved when the study is read, not to be written by hand.
    sha256 : str, optional
        SHA-256 of the data; resolved when the study is read. It stands for them in fingerprints, whatever the
        place they are read from.
    """

    order: ClassVar[int] = 10
    equation: ClassVar[str] = "L = (1/n) sum_i loss(theta, sample_i)"
    about: ClassVar[str] = "The loss of one sample, and the samples, are given by the user."
    mean_over_samples: ClassVar[bool] = True
    by_sample: ClassVar[bool] = True
    vocabulary: ClassVar[Vocabulary] = LOSS_WORDS

    kind: Literal["samples"] = "samples"
    function: Annotated[str, Field(min_length=1), Expect('"module:name", or a name given to objective')]
    data: Annotated[str, Field(min_length=1), Expect('a file of NumPy\'s, or "module:name"')]
    size: Dimension
    labels: Labels = 0
    samples: Annotated[Size, Expect("nothing: it is resolved")] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), Expect("nothing: it is resolved")] | None = None

    @classmethod
    def resolved(cls, table: Mapping[str, Any]) -> Mapping[str, Any]:
        """Fill in the number of samples and the checksum of the data."""
        found = resolved_samples(table.get("data"), table.get("sha256"), table.get("labels"))
        return {**table, **found}

    @property
    def dimension(self) -> int:
        """Number of parameters."""
        return self.size

    @property
    def code_name(self) -> str:
        """The function's name."""
        return self.function

    @property
    def label_count(self) -> int:
        """Columns that are labels."""
        return self.labels

    @property
    def places_aside(self) -> tuple[str, ...]:
        """The data count by their checksum."""
        return ("data",)

    def numbers_in(self, places: Sequence[Path]) -> Numbers:
        """Return the samples as inputs, and their labels once more."""
        samples = self.own_samples(places)
        return Numbers(samples, samples[:, -self.labels :] if self.labels else None)

    def own_samples(self, places: Sequence[Path]) -> Array:
        """Return the samples, (n, columns)."""
        return samples_of(self.data, self.sha256, places)

    def numbers(self) -> Numbers:
        """Return the same of samples that this process has read."""
        return self.numbers_in(())

    @model_validator(mode="after")
    def _whole(self) -> Samples:
        if (self.samples is None) != (self.sha256 is None):
            refuse([Fault(("samples",), self.samples, "nothing: it is resolved", "remove it")])
        return self
