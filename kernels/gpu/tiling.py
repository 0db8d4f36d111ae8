"""How the threads of a trajectory divide a product of matrices: each has rows and columns of its own.

Of ``I x J`` threads, thread ``(i, j)`` has rows ``i, i + I, ...`` and columns ``j, j + J, ...``, and takes
them in tiles, whose entries it sums up in registers: ``r + c`` numbers read for ``r c`` multiplications.
"""

from typing import NamedTuple

__all__ = ["MOST", "Tiling", "tiling"]

MOST = 36
"""Entries of a tile at most: as many accumulators are in registers."""


class Tiling(NamedTuple):
    """A division of the entries of an ``n x m`` matrix."""

    n: int
    m: int
    down: int  # I
    across: int  # J
    r: int  # rows of a tile
    c: int  # columns of a tile
    tiles_down: int  # of a thread
    tiles_across: int

    @property
    def single(self):
        """Whether every thread has one tile: then a product may take the place of one of its factors."""
        return self.tiles_down == self.tiles_across == 1

    def rows(self, tile):
        """Return the first row, of thread ``i = 0``, of each row of a tile."""
        return [(tile * self.r + q) * self.down for q in range(self.r)]

    def columns(self, tile):
        """Return the first column, of thread ``j = 0``, of each column of a tile."""
        return [(tile * self.c + q) * self.across for q in range(self.c)]


def tiling(n, m, lanes):
    """Return the division among `lanes` threads, a power of two, that reads least.

    Examples
    --------
    >>> tiling(10, 10, 4)
    Tiling(n=10, m=10, down=2, across=2, r=5, c=5, tiles_down=1, tiles_across=1)
    >>> tiling(32, 32, 32).single
    True
    """
    down = [1 << k for k in range(lanes.bit_length())]
    return min((_division(n, m, i, lanes // i) for i in down), key=_cost)


def _division(n, m, down, across):
    rows, columns = -(-n // down), -(-m // across)
    options = []
    for parts_down in range(1, rows + 1):
        r = -(-rows // parts_down)
        parts_across = -(-columns // max(1, MOST // r)) if r <= MOST else columns
        c = -(-columns // parts_across)
        options.append(Tiling(n, m, down, across, r, c, -(-rows // r), -(-columns // c)))
        if r * columns <= MOST:
            break
    return min(options, key=_cost)


def _cost(t):
    """Return the cycles that a warp takes per term of the sums: one to read, a quarter to multiply."""
    tiles = t.tiles_down * t.tiles_across
    return tiles * (t.r + t.c + t.r * t.c / 4) + 0.01 * abs(t.r - t.c)
