"""Linear attention that regresses in context."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from fastsde.study.fields import Expect, Positive, Seed, Size, listed
from fastsde.study.landscapes.base import LANDSCAPES, Landscape, Numbers
from fastsde.study.objective import LOSS_WORDS, ObjectiveTraits, Vocabulary
from fastsde.study.random_streams import generator


@LANDSCAPES.register
class LinearAttention(Landscape):
    """Linear attention of one layer that learns linear regression in context (Zhang et al. 2025).

    A sample is a sequence of `context` pairs ``(x_j, w . x_j)`` and a query x, with normal x of covariance
    diag(`spectrum`) and its own standard normal w; ``V = (1/2n) sum_i (f_i - w_i . x_i)^2``. Heads see the
    sequence through ``beta = (1/context) sum_j (w . x_j) x_j``: ``f = sum_h v_h beta^T K_h^T Q_h x``, or
    ``sum_h v_h beta^T U_h x`` with keys and queries merged. The point is v, then K_h and Q_h, or U_h, of one
    head after the other, row by row.

    With heads of rank 1 the loss falls in steps, one for each direction of the inputs, the largest variance
    first. The mean over infinitely many sequences is stationary where ``sum_h v_h K_h^T Q_h`` has
    ``lam_k / (lam_k^2 + (lam_k^2 + lam_k S) / context)`` for each learned direction k, S the sum of all lam;
    the loss there is ``1/2 (S - sum_k lam_k / (1 + (1 + S / lam_k) / context))``. Merged, all are learned at
    once.

    Parameters
    ----------
    spectrum : tuple of float
        Variances lam of the inputs.
    heads : int, default 1
        Heads.
    rank : int, optional
        Rows of each K_h and Q_h; by default they are merged to U_h.
    context : int
        Pairs in a sequence.
    samples : int
        n, sequences.
    seed : int, default 0
        Of the sequences.
    """

    order: ClassVar[int] = 8
    equation: ClassVar[str] = "V = (1/2n) sum_i (sum_h v_h beta_i^T K_h^T Q_h x_i - w_i . x_i)^2"
    about: ClassVar[str] = (
        "beta_i is the mean of y x over the context of sequence i. The coordinates are v, then K and Q (or "
        "their product U, if merged) of one head after the other."
    )
    source: ClassVar[str] = "Zhang, Singh, Latham and Saxe 2025"
    mean_over_samples: ClassVar[bool] = True
    vocabulary: ClassVar[Vocabulary] = LOSS_WORDS

    kind: Literal["linear-attention"] = "linear-attention"
    spectrum: Annotated[
        tuple[Positive, ...],
        listed,
        Field(min_length=1, max_length=64),
        Expect("a list of 1 to 64 numbers above 0"),
    ]
    heads: Annotated[Size, Field(le=64), Expect("a whole number from 1 to 64")] = 1
    rank: Annotated[Size | None, Field(le=64), Expect("a whole number from 1 to 64")] = None
    context: Size
    samples: Size
    seed: Seed = 0

    @property
    def dimension(self) -> int:
        """Values, and keys and queries, of all heads."""
        size = len(self.spectrum)
        return self.heads * (1 + (size * size if self.rank is None else 2 * self.rank * size))

    def traits(self) -> ObjectiveTraits:
        """Return those of a landscape whose energy is a misfit."""
        return replace(super().traits(), positive=True)

    @property
    def label_count(self) -> int:
        """The label of the query."""
        return 1

    def numbers(self) -> Numbers:
        """Draw the sequences, of which beta, the query and its label are kept."""
        random = generator(self.seed, "landscape")
        size, scale = len(self.spectrum), np.sqrt(np.array(self.spectrum))
        betas = np.empty((self.samples, size))
        tasks = random.standard_normal((self.samples, size))
        queries = random.standard_normal((self.samples, size)) * scale
        for beta, task in zip(betas, tasks, strict=True):
            inputs = random.standard_normal((self.context, size)) * scale
            beta[:] = (inputs @ task) @ inputs / self.context
        labels = np.sum(tasks * queries, axis=1, keepdims=True)
        shape = (self.heads, self.rank or 0)
        return Numbers(np.hstack([betas, queries]), labels, table=np.zeros(shape))
