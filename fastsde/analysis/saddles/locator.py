"""Where trajectories are among the saddles: the modes they keep, and how far W is from the saddle's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.analysis.protocols import Bools, Floats, Integers, Trajectories
from fastsde.analysis.saddles.basis import basis_of
from fastsde.analysis.saddles.visits import kept_modes
from fastsde.study.observables.saddle_rank import rank_index

if TYPE_CHECKING:
    from fastsde.analysis.context import Context
    from fastsde.problem.network import DeepLinearNetwork

__all__ = ["BLOCK", "GAPS", "Locator"]

BLOCK = 4096
"""Trajectories whose matrices are in memory at once."""

GAPS = ("distance", "rank_distance", "same_rank")
"""Distance of W from the saddle's; from all maps of its rank; whether W has as many large singular values."""

SOURCES = {
    "end_to_end": "W as recorded (end_to_end)",
    "mode_matrix": "W as recorded (mode_matrix)",
    "parameters": "W of the recorded parameters",
    "singular_values": "singular_values and modes as recorded, exact for isotropic inputs",
    "rank_distance": "rank_distance as recorded, of saddles that keep the strongest modes",
    "modes": "the recorded modes u^T W v alone, a lower bound: record end_to_end for the distance of W",
    "": "unknown: record end_to_end",
}


class Locator:
    """Tells at which saddle trajectories are, from the best that was recorded.

    The saddles' own modes are found from `modes` if the inputs are isotropic, else from W (`end_to_end`,
    `mode_matrix` of square W, or `parameters`). Where that was not recorded, the diagonal `modes` are used,
    which off isotropic inputs are not what saddles keep.

    Parameters
    ----------
    context : Context
    network : DeepLinearNetwork
    """

    def __init__(self, context: Context, network: DeepLinearNetwork) -> None:
        self.context, self.network = context, network
        self.problem = context.ensemble.problem
        self.basis = basis_of(self.problem)
        self.known = next((name for name in self._candidates() if self._recorded(name)), "")
        self.exact = self.basis.isotropic or self.known in ("end_to_end", "mode_matrix", "parameters")
        self.source = SOURCES[self.known]
        self.unit = float(np.linalg.norm(self.basis.pieces[0]))
        """Size of the first mode, of which distances from the origin are shares."""

    def _candidates(self) -> tuple[str, ...]:
        if self.basis.isotropic:
            return ("end_to_end", "mode_matrix", "singular_values", "parameters", "rank_distance", "modes")
        return ("end_to_end", "mode_matrix", "parameters", "rank_distance")

    def _recorded(self, name: str) -> bool:
        if name == "mode_matrix" and self.basis.pieces.shape[1] != self.basis.pieces.shape[2]:
            return False
        also = ("rank_index",) if name == "rank_distance" else ()
        return self.context.recorded(name, *also)

    @property
    def strength(self) -> Floats:
        """Strengths of the modes that are looked at, shape (mode,)."""
        own = self.exact and not self.basis.isotropic
        return self.basis.strength if own else self.context.strength

    @property
    def naming(self) -> str:
        """What the modes are that saddles are named by."""
        if self.basis.isotropic:
            return "the modes of the optimum"
        if self.exact:
            return "modes in the order of what they take off the loss, left singular vectors of W* S^(1/2)"
        return (
            "the diagonal u^T W v alone, which off white inputs is not what saddles keep: record end_to_end"
        )

    def direction(self, mode: int) -> Floats:
        """Return the direction in which a mode grows, shape (d_out, d_in)."""
        if self.exact:
            return np.asarray(self.basis.pieces[mode])
        return np.outer(self.problem.mode_left[:, mode], self.problem.mode_right[:, mode])

    def kept(self, view: Trajectories, snapshot: int) -> Integers:
        """Return the modes that each trajectory keeps, as the bits of a number; -1 if not finite."""
        if self.basis.isotropic or not self.exact:
            modes = np.asarray(view.read("modes", snapshot), dtype=np.float64)
            return kept_modes(modes, self.context.strength)
        blocks = [self.basis.amplitudes(w) for _, w in self._matrices(view, snapshot)]
        return kept_modes(np.concatenate(blocks), self.basis.strength)

    def gaps(self, view: Trajectories, snapshot: int, kept: Integers) -> dict[str, Floats]:
        """Return how far trajectories are from the saddles that keep these modes, each (trajectory,).

        Of those whose modes are given as -1 nothing is measured. Distances are Frobenius norms over that of
        the saddle's W, at the origin over that of the first mode's; the distance from all maps of the rank is
        the root of the squared singular values beyond it (Eckart and Young 1936), over that of the others.
        `same_rank` is 1 where as many singular values of W exceed half of the optimum's of the same number as
        of the saddle's W. All `GAPS`; NaN if unknown.
        """
        found = {name: np.full(len(kept), np.nan) for name in GAPS}
        there = np.asarray(kept) >= 0
        if not there.any() or not self.known:
            return found
        if self.known in ("end_to_end", "mode_matrix", "parameters"):
            for block, matrices in self._matrices(view, snapshot, there):
                rows = np.arange(len(kept))[block][there[block]]
                w = matrices[there[block]]
                off = np.linalg.norm(w - self.basis.maps(kept[rows]), axis=(1, 2))
                found["distance"][rows] = off / self._size(kept[rows])
                self._ranks(found, rows, kept, np.asarray(np.linalg.svd(w, compute_uv=False), np.float64))
        elif self.known == "singular_values":
            self._from_singular_values(found, view, snapshot, kept, np.flatnonzero(there))
        elif self.known == "rank_distance":
            rows = np.flatnonzero(there)
            rank = np.asarray(view.read("rank_index", snapshot), dtype=np.float64)[rows]
            same = (kept[rows] & (kept[rows] + 1) == 0) & (rank == self._number(kept[rows]))
            gap = np.asarray(view.read("rank_distance", snapshot), dtype=np.float64)[rows]
            found["distance"][rows] = np.where(same, gap, np.nan)
            found["same_rank"][rows] = rank == self._rank_of(kept[rows])
        else:
            modes = np.asarray(view.read("modes", snapshot), dtype=np.float64)
            off = np.linalg.norm(modes - self.basis.share(kept) * self.context.strength, axis=1)
            found["distance"] = np.where(there, off / self._size(kept), np.nan)
        return found

    def _from_singular_values(
        self, found: dict[str, Floats], view: Trajectories, snapshot: int, kept: Integers, rows: Any
    ) -> None:
        """Take ``|W - W_K|^2 = |W|^2 - 2 sum_K s_k m_k + sum_K s_k^2``, m_k the recorded mode."""
        strength = self.context.strength
        values = np.asarray(view.read("singular_values", snapshot), dtype=np.float64)[rows]
        modes = np.asarray(view.read("modes", snapshot), dtype=np.float64)[rows]
        cross = np.sum(self.basis.share(kept[rows]) * strength * (strength - 2 * modes), axis=1)
        square = np.sum(values**2, axis=1) + cross
        found["distance"][rows] = np.sqrt(np.maximum(square, 0.0)) / self._size(kept[rows])
        self._ranks(found, rows, kept, values)

    def _ranks(self, found: dict[str, Floats], rows: Any, kept: Integers, values: Floats) -> None:
        """Fill in what singular values say, (row, mode), descending."""
        squares = np.cumsum(values**2, axis=1)
        rank = self._number(kept[rows])
        inner = np.where(rank > 0, squares[np.arange(len(rank)), np.maximum(rank, 1) - 1], 0.0)
        rest = np.sqrt(np.maximum(squares[:, -1] - inner, 0.0))
        found["rank_distance"][rows] = rest / np.where(rank > 0, np.sqrt(inner), self.unit)
        found["same_rank"][rows] = self._large(values) == self._rank_of(kept[rows])

    def _large(self, values: Floats) -> Integers:
        """Count large singular values; one that is just half of the optimum's is large, whatever rounding."""
        return np.asarray(rank_index(values * (1 + 1e-6), self.context.strength), dtype=np.int64)

    def _number(self, kept: Integers) -> Integers:
        return np.asarray(self.basis.share(kept).sum(axis=-1), dtype=np.int64)

    def _rank_of(self, kept: Integers) -> Integers:
        """Count the large singular values of the saddles' own W."""
        sets, place = np.unique(kept, return_inverse=True)
        values = np.asarray(np.linalg.svd(self.basis.maps(sets), compute_uv=False), dtype=np.float64)
        return self._large(values)[place.ravel()]

    def _size(self, kept: Integers) -> Floats:
        size = np.linalg.norm(self.basis.maps(kept), axis=(1, 2))
        return np.where(np.asarray(kept) > 0, size, self.unit)

    def _matrices(
        self, view: Trajectories, snapshot: int, there: Bools | None = None
    ) -> Iterator[tuple[slice, Floats]]:
        """Yield W of blocks of trajectories, (block, d_out, d_in), but of those in which none is `there`."""
        for first in range(0, view.count, BLOCK):
            block = slice(first, first + BLOCK)
            if there is not None and not there[block].any():
                continue
            values = np.asarray(view.read(self.known, snapshot, block), dtype=np.float64)
            if self.known == "parameters":
                with np.errstate(invalid="ignore", over="ignore"):
                    values = self.network.end_to_end(values)
            elif self.known == "mode_matrix":
                values = self.problem.mode_left @ values @ self.problem.mode_right.T
            yield block, np.asarray(values)
