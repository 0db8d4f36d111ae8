"""From an ensemble to an `Analysis`, one snapshot at a time: memory does not grow with their number."""

from __future__ import annotations

import itertools
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from fastsde.analysis import features, mmd
from fastsde.analysis.comparison import Comparison
from fastsde.analysis.distances import Distance
from fastsde.analysis.law import follows_gradient, log_spaced, moment_limits, plateaus
from fastsde.analysis.learning import Learning, learning
from fastsde.analysis.moments import Moments, exists, moments
from fastsde.analysis.protocols import Ensemble, Floats, Trajectories
from fastsde.analysis.records import stack
from fastsde.analysis.results import Analysis, ModelResult, Settings
from fastsde.analysis.sections import measure_sections
from fastsde.analysis.tails import TailCollector
from fastsde.errors import FastsdeError
from fastsde.progress import Progress, Silent
from fastsde.provenance import available_cores, now, versions

GRID = 240
"""Points at which survival curves are kept."""


def analyze(
    ensemble: Ensemble,
    reference: str | None = None,
    *,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Analysis:
    """Measure every model of an ensemble, and its distance from the reference.

    Parameters
    ----------
    ensemble : Ensemble
        An open ensemble.
    reference : str, optional
        The model that the others are compared with; the first of kind "sgd" by default. Without any, there
        are no distances.
    settings : Settings, optional
        Seed, shuffles, directions and sample limits of the distances.
    progress : fastsde.progress.Progress, optional
        Told how many snapshots are done.

    Returns
    -------
    Analysis

    Raises
    ------
    FastsdeError
        If the reference is not a model of the study, or neither modes nor loss were recorded.

    Notes
    -----
    Distances compare trajectories of the first half of the reference with those of the second half of the
    model: numbers of trajectories never coincide, so the samples are independent even where models share
    their starting points, and the reference's own two halves are a comparison of the same kind and size.

    Examples
    --------
    >>> import fastsde
    >>> with fastsde.open("runs/saddle") as ensemble:  # doctest: +SKIP
    ...     fastsde.analyze(ensemble).save("runs/saddle/analysis.h5")
    """
    names = list(ensemble.names)
    chosen = _reference(ensemble, names, reference)
    return _Pass(ensemble, names, chosen, settings or Settings(), progress or Silent()).analysis()


def _reference(ensemble: Ensemble, names: list[str], wanted: str | None) -> str:
    if wanted is None:
        return next((name for name in names if ensemble.study.models[name].kind == "sgd"), "")
    if wanted not in names:
        raise FastsdeError(f"no model {wanted!r} to compare with; the ensemble has {', '.join(names)}")
    return wanted


class _Pass:
    """One pass over the snapshots of all models."""

    def __init__(
        self,
        ensemble: Ensemble,
        names: list[str],
        reference: str,
        settings: Settings,
        progress: Progress,
    ) -> None:
        self.ensemble = ensemble
        self.views: dict[str, Trajectories] = {name: ensemble[name] for name in names}
        self.reference = reference
        self.settings = settings
        self.progress = progress
        first = next(iter(self.views.values()))
        self.time, self.step = first.time, first.step
        self.has_modes = "modes" in first.variables
        energy = ensemble.study.landscape is not None  # which may be negative: no logarithm
        self.has_loss = "loss" in first.variables and not energy
        if not (self.has_modes or self.has_loss):
            raise FastsdeError('nothing to analyse: record.observables has neither "modes" nor "loss"')
        self.strength = np.asarray(ensemble.problem.mode_strength, dtype=np.float64)
        self.scale = features.mode_scale(self.strength)
        self.floor = self._loss_floor()

    def analysis(self) -> Analysis:
        """Do the pass and put the results together."""
        self.bandwidth = self._bandwidth() if self.reference else math.nan
        moment_rows, tails, compared = self._snapshots()
        passages = {name: self._passages(view) for name, view in self.views.items()}
        grid = self._grid([passage for passage in passages.values() if passage is not None])
        models = {
            name: ModelResult(
                kind=str(self.ensemble.study.models[name].kind),
                summary=str(self.ensemble.study.models[name].summary()),
                trajectories=view.count,
                exploded=int(np.isfinite(view.passage_time("exploded")).sum()),
                surviving=moment_rows[name].count,
                moments=moment_rows[name],
                tails=tails[name].result() if name in tails else None,
                learning=self._learning(name, passages, grid),
                distances=compared.get(name, {}),
            )
            for name, view in self.views.items()
        }
        problem = self.ensemble.problem
        return Analysis(
            study=self.ensemble.study.to_toml(),
            fingerprint=self.ensemble.study.fingerprint(),
            created=now(),
            versions=versions(),
            settings=self.settings,
            reference=self.reference,
            step=self.step.astype(np.float64),
            time=self.time,
            quantities=self._quantities(),
            coordinates=features.feature_names(len(self.strength) if self.has_modes else 0, self.has_loss),
            mode_strength=self.strength,
            bandwidth=self.bandwidth,
            optimum_loss=float(problem.optimum_loss),
            plateaus=plateaus(problem),
            models=models,
            sections=measure_sections(self.ensemble, self.reference, self.settings, self.progress),
        )

    def _snapshots(
        self,
    ) -> tuple[dict[str, Moments], dict[str, TailCollector], dict[str, dict[str, Distance]]]:
        rows: dict[str, list[Moments]] = {name: [] for name in self.views}
        tails = {
            name: TailCollector(len(self.time))
            for name, view in self.views.items()
            if "update_noise" in view.variables
        }
        comparison = self._comparison()
        threads = min(len(self.views), available_cores())
        task = self.progress.task("analyse", len(self.time), "snapshots")
        with task, ThreadPoolExecutor(threads) as pool:
            for snapshot in range(len(self.time)):
                points = {name: self._measure(name, snapshot, rows, tails) for name in self.views}
                if comparison is not None:
                    list(
                        pool.map(comparison.add, itertools.repeat(snapshot), points, itertools.repeat(points))
                    )
                self.progress.update(snapshot + 1)
        found = comparison.result() if comparison is not None else {}
        return {name: stack(row) for name, row in rows.items()}, tails, found

    def _comparison(self) -> Comparison | None:
        if not self.reference:
            return None
        return Comparison(
            names=list(self.views),
            reference=self.reference,
            trajectories=min(view.count for view in self.views.values()),
            coordinates=(len(self.strength) if self.has_modes else 0) + self.has_loss,
            snapshots=len(self.time),
            bandwidth=self.bandwidth,
            settings=self.settings,
        )

    def _measure(
        self, name: str, snapshot: int, rows: dict[str, list[Moments]], tails: dict[str, TailCollector]
    ) -> tuple[Floats, bool]:
        """Take moments and tails of a snapshot; return its points, and whether they have a variance."""
        modes, loss = self._read(name, snapshot)
        columns = [part for part in (modes, None if loss is None else loss[:, None]) if part is not None]
        limits = moment_limits(
            self.ensemble.study.models[name],
            len(self.ensemble.study.widths) - 1,
            len(self.strength) if self.has_modes else 0,
            self.has_loss,
        )
        found = moments(np.concatenate(columns, axis=1), limits)
        rows[name].append(found)
        if name in tails:
            tails[name].add(self._noise(name, snapshot))
        return features.feature_matrix(modes, loss, self.scale, self.floor), self._has_variance(modes, found)

    def _has_variance(self, modes: Floats | None, found: Moments) -> bool:
        """Whether the law of the modes may have a Wasserstein-2 distance.

        A mode on its way up is spread over decades and Hill's index of it is small although it is bounded, so
        the sample alone denies only with values more than three strengths away from the median.
        """
        if modes is None:
            return True
        count = modes.shape[1]
        finite = modes[np.isfinite(modes).all(axis=1)]
        far = np.max(np.abs(finite - found.median[:count]), axis=0, initial=0.0) > 3 * self.scale
        denied = far & ~exists(2, found.limit[:count], found.tail_high[:count])
        return not bool(np.any(denied | (found.limit[:count] <= 2)))

    def _read(self, name: str, snapshot: int) -> tuple[Floats | None, Floats | None]:
        view = self.views[name]
        modes = np.asarray(view.read("modes", snapshot), dtype=np.float64) if self.has_modes else None
        loss = np.asarray(view.read("loss", snapshot), dtype=np.float64) if self.has_loss else None
        return modes, loss

    def _noise(self, name: str, snapshot: int) -> Floats:
        """Read the update noise, of gradient noise in units of the trajectory's own noise level.

        The level differs by orders of magnitude between trajectories at different saddles, and a mixture of
        levels has a heavy tail of its own.
        """
        view, model = self.views[name], self.ensemble.study.models[name]
        noise = np.asarray(view.read("update_noise", snapshot), dtype=np.float64)
        if not follows_gradient(model) or "noise_trace" not in view.variables:
            return noise
        trace = np.asarray(view.read("noise_trace", snapshot), dtype=np.float64)
        return noise / np.sqrt(np.where(trace > 0, trace, np.nan))[:, None]

    def _loss_floor(self) -> float:
        if not self.has_loss:
            return 0.0
        start = self._read(self.reference or next(iter(self.views)), 0)[1]
        middle = float(np.nanmedian(start)) if start is not None and np.isfinite(start).any() else 1.0
        return max(1e-15 * middle, 1e-300)

    def _bandwidth(self) -> float:
        """Median distance of points pooled over all models and at most sixteen times."""
        times = np.unique(np.linspace(0, len(self.time) - 1, 16).astype(int))
        points = []
        for snapshot, name in itertools.product(times, self.views):
            modes, loss = self._read(name, int(snapshot))
            here = features.feature_matrix(modes, loss, self.scale, self.floor)
            points.append(here[np.isfinite(here).all(axis=1)][:100])
        pooled = np.concatenate(points)
        generator = np.random.Generator(np.random.Philox(self.settings.seed))
        return mmd.median_bandwidth(pooled[generator.permutation(len(pooled))[:2000]])

    def _quantities(self) -> tuple[str, ...]:
        modes = [f"mode {a + 1}" for a in range(len(self.strength))] if self.has_modes else []
        return (*modes, *(["loss"] if self.has_loss else []))

    def _passages(self, view: Trajectories) -> tuple[Floats, Floats] | None:
        if not self.ensemble.study.events.mode_learned or "mode_learned_step" not in view.variables:
            return None
        return view.passage_time("mode_learned"), view.passage_time("exploded")

    def _grid(self, passages: list[tuple[Floats, Floats]]) -> Floats:
        """Choose where survival is kept: spaced as the snapshots are, from the first passage to the end."""
        end = float(self.time[-1])
        earliest = [float(np.nanmin(times)) for times, _ in passages if np.isfinite(times).any()]
        start = min([*earliest, end])
        if log_spaced(self.step):
            lowest = max(start, float(self.time[1]))
            return np.concatenate([np.geomspace(lowest, end, GRID - 1)[:-1], [end]])
        return np.linspace(0.0, end, GRID)

    def _learning(
        self, name: str, passages: dict[str, tuple[Floats, Floats] | None], grid: Floats
    ) -> Learning | None:
        mine = passages[name]
        if mine is None:
            return None
        other = passages[self.reference] if self.reference and name != self.reference else None
        fractions = np.asarray(self.ensemble.study.events.mode_learned, dtype=np.float64)
        return learning(*mine, fractions, grid, other)
