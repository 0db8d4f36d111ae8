"""Addition modulo p."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from fastsde.study.datasets.base import DATASETS, Dataset, Examples, Target, one_hot
from fastsde.study.fields import Expect, Fault, Share, refuse
from fastsde.study.random_streams import generator


@DATASETS.register
class ModularAddition(Dataset):
    """The sum of two numbers modulo `p`: one class per residue (Power et al. 2022, Gromov 2023).

    An input is two one-hot vectors of p numbers, one after the other. A random `share` of the p^2 pairs is
    for training, the others are the test.

    Parameters
    ----------
    p : int
        The modulus, from 2 to 128.
    share : float
        Of the pairs, for training: above 0, at most 1.
    """

    order: ClassVar[int] = 2
    equation: ClassVar[str] = "class of (a, b) = (a + b) mod p; x = (one-hot a, one-hot b)"
    about: ClassVar[str] = "The network learns to add modulo p from some of the pairs."
    source: ClassVar[str] = "Power et al. 2022; Gromov 2023"

    kind: Literal["modular-addition"] = "modular-addition"
    p: Annotated[int, Field(ge=2, le=128), Expect("a whole number from 2 to 128")]
    share: Share

    @property
    def input_size(self) -> int:
        """Two one-hot vectors."""
        return 2 * self.p

    @property
    def output_size(self) -> int:
        """One class per residue."""
        return self.p

    @property
    def count(self) -> int:
        """Number of pairs for training."""
        return round(self.share * self.p**2)

    @property
    def test_count(self) -> int:
        """Number of the other pairs."""
        return self.p**2 - self.count

    @property
    def target(self) -> Target:
        """The label is a class."""
        return "classes"

    def size_words(self) -> str:
        """Say which field determines the sizes."""
        return f"p = {self.p}: two one-hot vectors of p, and p classes"

    @model_validator(mode="after")
    def _agree(self) -> ModularAddition:
        refuse(self._faults_of_share())
        return self

    def _faults_of_share(self) -> Iterator[Fault]:
        """Ask for an example."""
        if not self.count:
            expected = f"so many of the {self.p**2} pairs that there is one to train on"
            yield Fault(("share",), self.share, expected)

    def draw(self) -> Examples:
        """Draw which pairs are for training."""
        p = self.p
        first, second = np.divmod(generator(self.seed, "inputs").permutation(p**2), p)
        inputs = np.hstack([one_hot(first, p), one_hot(second, p)])
        labels, n = one_hot((first + second) % p, p), self.count
        return Examples(inputs[:n], labels[:n], inputs[n:], labels[n:])
