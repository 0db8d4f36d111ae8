"""Sparse parity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from fastsde.study.datasets.base import DATASETS, Array, Dataset, Examples, Target
from fastsde.study.fields import Count, Expect, Fault, Size, refuse
from fastsde.study.random_streams import generator

MOST_BITS = 62
LARGEST_TEST = 1024


@DATASETS.register
class Parity(Dataset):
    """The product of the first `k` of `bits` signs: sparse parity (Barak et al. 2022).

    Inputs are distinct vertices of the cube ``{-1, 1}^bits``, drawn uniformly; those of the test are others
    than those of the training. A network must find out which bits count: no smaller set of bits says
    anything about the label.

    Parameters
    ----------
    bits : int
        n, from 1 to 62.
    k : int
        Number of bits that count, at most `bits`.
    samples : int
        Training examples.
    test : int, optional
        Test examples; by default all that are left, at most 1024.
    flips : float, default 0
        Probability that the label of a training example is reversed; test labels never are.
    """

    order: ClassVar[int] = 1
    equation: ClassVar[str] = "y = x_1 x_2 ... x_k, x uniform on {-1, 1}^n"
    about: ClassVar[str] = "The label is the parity of k of the bits."
    source: ClassVar[str] = "Barak et al. 2022"

    kind: Literal["parity"] = "parity"
    bits: Annotated[Count, Field(le=MOST_BITS), Expect(f"a whole number from 1 to {MOST_BITS}")]
    k: Count
    samples: Size
    test: Size | None = None
    flips: Annotated[float, Field(ge=0, lt=0.5), Expect("a number from 0, below 0.5")] = 0.0

    @property
    def input_size(self) -> int:
        """The bits."""
        return self.bits

    @property
    def output_size(self) -> int:
        """One sign."""
        return 1

    @property
    def count(self) -> int:
        """Number of training examples."""
        return self.samples

    @property
    def test_count(self) -> int:
        """Number of test examples."""
        return min(2**self.bits - self.samples, LARGEST_TEST) if self.test is None else self.test

    @property
    def target(self) -> Target:
        """The label is a sign."""
        return "signs"

    def size_words(self) -> str:
        """Say which fields determine the sizes."""
        return f"bits = {self.bits} and one sign as label"

    @model_validator(mode="after")
    def _agree(self) -> Parity:
        refuse(self._faults_of_counts())
        return self

    def _faults_of_counts(self) -> Iterator[Fault]:
        """Check that there are so many bits and vertices."""
        if self.k > self.bits:
            yield Fault(("k",), self.k, f"at most bits = {self.bits}")
        wanted = self.samples + (self.test or 0)
        if wanted > 2**self.bits:
            which = "samples" if self.test is None else "samples + test"
            expected = f"at most the 2^{self.bits} = {2**self.bits} inputs that there are"
            yield Fault(("samples",), f"{which} = {wanted}", expected, "take fewer, or more bits")

    def draw(self) -> Examples:
        """Draw the vertices."""
        wanted = self.samples + self.test_count
        numbers = generator(self.seed, "inputs").choice(2**self.bits, wanted, replace=False)
        signs: Array = 1.0 - 2.0 * (numbers[:, None] >> np.arange(self.bits) & 1).astype(np.float64)
        labels: Array = signs[:, : self.k].prod(axis=1, keepdims=True)
        flipped = generator(self.seed, "label noise").random(self.samples) < self.flips
        labels[: self.samples][flipped] *= -1
        n = self.samples
        return Examples(signs[:n], labels[:n], signs[n:], labels[n:])
