"""How an analysis is done: its seed, permutations and limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True)
class Settings:
    """How the analysis was done.

    Parameters
    ----------
    seed : int
        Seed of the directions, the frequencies, the permutations and the subsamples.
    permutations : int
        Permutations of each test.
    directions : int
        Directions of the sliced Wasserstein distance.
    tail_limit : int
        About how many values of a quantity are pooled over snapshots to estimate its tail.
    bootstrap, bootstrap_limit : int
        Bootstrap replicates of the shape, and most trajectories that they resample.
    projections : int
        Random directions in which the shape of modes, end-to-end matrix and parameters is measured.
    frequencies : int
        Frequencies of the random features, which see all trajectories.
    energy_exponent : float
        q of the energy distance, above 0 and below 2; it needs moments of order q.
    neighbours : int
        k of the nearest-neighbour divergence.
    blur : float
        Entropic penalty of the Sinkhorn divergence, as a share of the mean squared distance.
    sliced_limit, kernel_limit, pair_limit, transport_limit : int
        Most trajectories per sample that are used, the first ones: by the distances that sort (n log n); by
        MMD and energy distance (n^2) at every snapshot; by them and the neighbours between all pairs; by
        assignment and Sinkhorn (n^3, and n^2 many times).
    blocks : int
        Blocks per sample in which random features are permuted.
    chosen : int
        Snapshots, evenly among the later ones and the last included, at which every distance is taken, and
        all pairs of models.
    replicates : int
        Subsamples on which the power of each distance is measured.
    learned : float
        Fraction of its strength at which a mode counts as learned, in the sections on feature learning.
    late : float
        Late-time laws, currents and mixing times are taken from this share of the run on.
    surrogates : int
        Time-reversed surrogates, and bootstrap samples, of the entropy production.
    path_limit : int
        Most trajectories whose whole paths are held at once.
    quick : bool
        Whether these are the settings of a quick analysis (`quickly`), which is said wherever it is shown.
    own : dict of str to dict of str to float
        Settings of single sections, by section and name, in place of their defaults
        (`settings` of `fastsde.analysis.sections.Section`).
    """

    seed: int = 0
    permutations: int = 500
    directions: int = 50
    tail_limit: int = 50_000
    bootstrap: int = 200
    bootstrap_limit: int = 1024
    projections: int = 3
    frequencies: int = 128
    energy_exponent: float = 1.0
    neighbours: int = 5
    blur: float = 0.25
    sliced_limit: int = 1024
    kernel_limit: int = 512
    pair_limit: int = 256
    transport_limit: int = 100
    blocks: int = 512
    chosen: int = 4
    replicates: int = 40
    learned: float = 0.9
    late: float = 0.5
    surrogates: int = 200
    path_limit: int = 1000
    quick: bool = False
    own: dict[str, dict[str, float]] = field(default_factory=dict)

    @classmethod
    def quickly(cls) -> Self:
        """Return settings of a first look: about a quarter of the permutations, replicates and trajectories.

        Examples
        --------
        >>> Settings.quickly().permutations
        99
        """
        return cls(
            permutations=99,
            directions=20,
            tail_limit=10_000,
            bootstrap=50,
            bootstrap_limit=256,
            sliced_limit=256,
            kernel_limit=128,
            pair_limit=64,
            transport_limit=50,
            blocks=128,
            chosen=2,
            replicates=20,
            surrogates=40,
            path_limit=250,
            quick=True,
        )

    def quick_words(self) -> str:
        """Say what a quick analysis saves; empty of any other."""
        usual = type(self)()
        shown = {"permutations": "permutations", "bootstrap": "bootstrap replicates"}
        fewer = [f"{getattr(self, k)} {word} instead of {getattr(usual, k)}" for k, word in shown.items()]
        what = (
            f"{', '.join(fewer)}, and at most {self.sliced_limit} trajectories per sample "
            f"instead of {usual.sliced_limit} in distances that sort"
        )
        return (
            f"Quick analysis: {what}; p-values are at least {1 / (self.permutations + 1):.2g}." * self.quick
        )
