"""The events of a study file: thresholds whose first passages are recorded."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from fastsde.study.fields import Count, Expect, Fault, Number, Positive, Section, listed, refuse

__all__ = ["Events", "Interval"]

Ends = Annotated[
    tuple[Number, ...],
    listed,
    Field(min_length=2, max_length=2),
    Expect("two numbers, as [-1.0, 1.0]"),
]


class Interval(Section):
    """An event of one mode: the first time that it is inside an interval, or outside of it.

    Parameters
    ----------
    mode : int, default 1
        Number of the mode, from 1; of a landscape's coordinate.
    inside : (low, high), optional
        The ends count as inside. In shares of the mode's strength; of a landscape, values of the coordinate.
    outside : (low, high), optional
        Alternative to `inside`.
    """

    mode: Count = 1
    inside: Ends | None = None
    outside: Ends | None = None

    @property
    def ends(self) -> tuple[float, float]:
        """The lower and the upper end."""
        low, high = self.inside or self.outside or (0.0, 0.0)
        return low, high

    @model_validator(mode="after")
    def _agree(self) -> Interval:
        if (self.inside is None) == (self.outside is None):
            fix = "write { mode = 1, inside = [0.9, 1.1] }, or { mode = 1, outside = [-1.0, 1.0] }"
            refuse([Fault((), self.model_dump(exclude_none=True), "exactly one of inside and outside", fix)])
        if self.ends[0] >= self.ends[1]:
            key = "inside" if self.inside else "outside"
            refuse([Fault((key,), list(self.ends), "the lower end, then the upper one")])
        return self


class Events(Section):
    """First passages, found inside the kernels.

    Parameters
    ----------
    every : int
        Number of integrator steps between checks.
    loss_below : tuple of float
        Levels of the loss, above 0; of a landscape, energies of either sign.
    mode_learned : tuple of float
        Fractions f, above 0 and at most 1: the first time that ``u_a^T W v_a >= f s_a``, for each mode a. Of
        a landscape, any numbers f: the first time that coordinate a is at f or above it.
    radius_above : tuple of float, optional
        Distances of the parameters from the origin, or of a landscape's point from its centre.
    intervals : tuple of Interval, optional
        Intervals that one mode is inside or outside of for the first time.
    escaped : tuple of float, optional
        With ``network.init.kind = "saddle"``, shares f: the first time that the end-to-end matrix is at the
        distance ``|W - W_K|_F >= f |P_k|_F`` from that of the saddle. P_k is what the strongest mode that the
        saddle lacks adds to W_K; with white inputs its norm is the singular value s_k. The distance does not
        depend on where in its orbit the saddle is: W stays the same if hidden units are rotated.
    stop : tuple of str, optional
        Events that end a trajectory: it is not followed beyond the first of them, and its values at later
        snapshots are NaN. An event named alone, as "mode_learned", is complete when all of its passages
        have happened (each fraction, and each mode that has strength); "mode_learned[1]" are those at the
        first fraction, "mode_learned[1, 2]" is that of mode 2 there, "loss_below[2]" the second level.
    """

    every: Count = 1
    loss_below: Annotated[tuple[Number, ...], listed, Expect("a list of numbers")] = ()
    mode_learned: Annotated[tuple[Number, ...], listed, Expect("a list of numbers")] = (0.5,)
    radius_above: Annotated[tuple[Positive, ...] | None, listed, Expect("a list of numbers above 0")] = None
    intervals: Annotated[
        tuple[Interval, ...] | None, listed, Expect("a list such as [{ mode = 1, outside = [-1.0, 1.0] }]")
    ] = None
    escaped: Annotated[tuple[Positive, ...] | None, listed, Expect("a list of numbers above 0")] = None
    stop: Annotated[
        tuple[str, ...] | None, listed, Expect('a list of events, as ["mode_learned"] or ["loss_below[1]"]')
    ] = None

    @property
    def stops(self) -> tuple[str, ...]:
        """`stop`, empty where it is not set."""
        return self.stop or ()

    @property
    def escapes(self) -> tuple[float, ...]:
        """`escaped`, empty where it is not set."""
        return self.escaped or ()

    @property
    def radii(self) -> tuple[float, ...]:
        """`radius_above`, empty where it is not set."""
        return self.radius_above or ()
