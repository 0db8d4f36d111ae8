"""From an ensemble to an `Analysis`, one snapshot at a time: memory does not grow with their number."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from fastsde.analysis.analysis import Analysis
from fastsde.analysis.cost import expected_seconds, keep_analysis_times
from fastsde.analysis.distances.effect_sizes import measure_effects
from fastsde.analysis.distances.from_reference import FromReference
from fastsde.analysis.distances.points import Points
from fastsde.analysis.escape.learning import Learning, learning
from fastsde.analysis.late_window import last_seen, only_diverges, stop_times
from fastsde.analysis.law import log_spaced, plateaus, time_weights
from fastsde.analysis.protocols import Ensemble, Floats, Trajectories
from fastsde.analysis.records import stack
from fastsde.analysis.results import ModelResult
from fastsde.analysis.sections import SECTIONS, check_own_settings, finished, measure_sections
from fastsde.analysis.selection import (
    SNAPSHOTS,
    check_kept,
    check_sections,
    measured_together,
    significant_sections,
)
from fastsde.analysis.settings import Settings
from fastsde.analysis.shape.moments import Moments
from fastsde.analysis.threads import one_thread_each
from fastsde.analysis.views import common_views
from fastsde.system.errors import RequestError
from fastsde.system.progress import Progress, Silent, by_default
from fastsde.system.provenance import available_cores, now, versions

Passed = tuple[Floats, Floats, Floats]
"""Times at which modes are learned and of divergences, and how long each trajectory was followed."""
GRID = 240
"""Points at which survival curves are kept."""


def analyze(
    ensemble: Ensemble | str | Path,
    reference: str | None = None,
    *,
    models: Sequence[str] | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
    sections: Sequence[str] | None = None,
    before: Analysis | None = None,
) -> Analysis:
    """Measure every model of an ensemble, and its distance from the reference.

    Parameters
    ----------
    ensemble : Ensemble or path
        An open ensemble; or a run's directory, or the file of an ensemble, which is opened.
    reference : str, optional
        The model that the others are compared with; the first of kind "sgd" by default. Without any, there
        are no distances.
    models : sequence of str, optional
        Part of the models; all that the ensemble has by default.
    settings : Settings, optional
        Seed, shuffles, directions and sample limits of the distances.
    progress : fastsde.system.progress.Progress, optional
        Told how many snapshots and sections are done.
    sections : sequence of str, optional
        Measure these sections only (`fastsde.analysis.sections.SECTIONS`, or "snapshots": moments, distances
        over time and learning times); all by default. "snapshots" and the sections whose distances are
        tested for significance are measured together, all where one is named or `before` lacks one.
    before : Analysis, optional
        An earlier analysis of the same ensemble, from which all that `sections` does not name is kept.

    Returns
    -------
    Analysis

    Raises
    ------
    RequestError
        If a model, section or the reference is not there, models have no snapshot in common, neither modes
        nor loss were recorded, or `before` is the analysis of something else.

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
    if sections is not None:
        check_sections(sections)
    if isinstance(ensemble, str | Path):
        from fastsde.storage.ensemble import open_ensemble

        with open_ensemble(ensemble) as opened:
            return analyze(
                opened,
                reference,
                models=models,
                settings=settings,
                progress=progress,
                sections=sections,
                before=before,
            )
    views = common_views(ensemble, models)
    chosen = _reference(ensemble, list(views), reference)
    settings = settings or Settings()
    check_own_settings(settings)
    if before is not None:
        check_kept(before, ensemble, views, chosen, settings)
    with one_thread_each():
        return _Pass(ensemble, views, chosen, settings, progress or by_default()).analysis(sections, before)


def _reference(ensemble: Ensemble, names: list[str], wanted: str | None) -> str:
    if wanted is None:
        return next((name for name in names if ensemble.study.models[name].kind == "sgd"), "")
    if wanted not in names:
        raise RequestError(f"no model {wanted!r} to compare with; the ensemble has {', '.join(names)}")
    return wanted


class _Pass:
    """One pass over the snapshots of all models."""

    def __init__(
        self,
        ensemble: Ensemble,
        views: dict[str, Trajectories],
        reference: str,
        settings: Settings,
        progress: Progress,
    ) -> None:
        self.ensemble = ensemble
        self.views = views
        self.reference = reference
        self.settings = settings
        self.progress = progress
        first = next(iter(self.views.values()))
        self.time, self.step = first.time, first.step
        self.points = Points(ensemble, self.views, reference)

    def analysis(self, wanted: Sequence[str] | None = None, before: Analysis | None = None) -> Analysis:
        """Measure the wanted sections, all by default, keep the others, and put the results together.

        Significance is tested by the distances of the pass over the snapshots and those of some sections
        (`Section.significant`): either all of them are measured, or all are kept.
        """
        tested = significant_sections() if self.reference else []
        whole = before is not None and all(name in before.sections for name in tested)
        wanted = measured_together(wanted, whole)
        kept = before if wanted is not None and SNAPSHOTS not in wanted else None
        seconds = dict(before.seconds) if before and wanted else {}
        comparison = None
        expected = self._expected()
        if kept is None:
            start = time.perf_counter()
            self.frame = self.points.frame(self.settings)
            self.bandwidth = np.full(len(self.time), math.nan)
            comparison = self._comparison()
            with self.progress.followed_by(_of_sections(expected, wanted)):
                moment_rows = self._snapshots(comparison)
            effects = measure_effects(self.points, self.reference, self.settings.seed, self.progress)
            seconds[SNAPSHOTS] = time.perf_counter() - start
        else:
            moment_rows = {name: model.moments for name, model in kept.models.items()}
            effects, self.bandwidth = kept.effects, kept.bandwidth
        found, taken = measure_sections(
            self.ensemble,
            self.views,
            self.reference,
            self.settings,
            self.progress,
            moment_rows,
            effects,
            comparison,
            only=wanted,
            expected=expected,
        )
        if wanted is None:
            self._keep_times(seconds | taken)
        others = {k: v for k, v in before.sections.items() if k not in taken} if before and wanted else {}
        models = kept.models if kept is not None else self._models(moment_rows, comparison)
        significance = {name: one.significance for name, one in models.items()}
        problem = self.ensemble.problem
        return Analysis(
            study=self.ensemble.study.to_toml(),
            fingerprint=self.ensemble.study.fingerprint(),
            source=getattr(getattr(self.ensemble, "path", None), "name", ""),
            created=now(),
            versions=versions(),
            settings=self.settings,
            reference=self.reference,
            step=self.step.astype(np.float64),
            time=self.time,
            quantities=self.points.quantities,
            coordinates=self.points.coordinates,
            mode_strength=self.points.strength,
            bandwidth=self.bandwidth,
            optimum_loss=float(problem.optimum_loss),
            plateaus=plateaus(problem),
            models=models,
            effects=effects,
            sections=finished(found | others, self.reference, significance),
            seconds=seconds | taken,
        )

    def _expected(self) -> dict[str, float]:
        """Return about how long each section will take, if anybody is told."""
        if isinstance(self.progress, Silent):
            return {}
        return expected_seconds(self.ensemble.study, available_cores())

    def _keep_times(self, seconds: dict[str, float]) -> None:
        """Keep the times of an analysis of the usual size for later forecasts."""
        if self.settings == Settings() and set(self.views) == set(self.ensemble.study.models):
            keep_analysis_times(self.ensemble.study, available_cores(), seconds)

    def _models(
        self, moment_rows: dict[str, Moments], comparison: FromReference | None
    ) -> dict[str, ModelResult]:
        """Put together what was found of every model."""
        passages = {name: self._passages(view) for name, view in self.views.items()}
        grid = self._grid([passage for passage in passages.values() if passage is not None])
        distances = comparison.result() if comparison else {}
        significance = comparison.significance(int(self.step[0] == 0)) if comparison else {}
        return {
            name: ModelResult(
                kind=str(self.ensemble.study.models[name].kind),
                summary=str(self.ensemble.study.models[name].summary()),
                trajectories=view.count,
                diverged=int(np.isfinite(view.passage_time("diverged")).sum()),
                stopped=int(np.isfinite(stop_times(view)).sum()),
                surviving=moment_rows[name].count,
                moments=moment_rows[name],
                learning=self._learning(name, passages, grid),
                distances=distances.get(name, {}),
                significance=significance.get(name),
                temperature=_number(view.attributes.get("temperature")),
                noise_scale=_number(view.attributes.get("noise_scale")),
                noise_scale_of=str(view.attributes.get("noise_scale_of", "")),
            )
            for name, view in self.views.items()
        }

    def _snapshots(self, comparison: FromReference | None) -> dict[str, Moments]:
        """Take moments of all models at all snapshots, and compare them."""
        rows: dict[str, list[Moments]] = {name: [] for name in self.views}
        threads = min(len(self.views), available_cores())
        task = self.progress.task("analyse", len(self.time), "snapshots")
        with task, ThreadPoolExecutor(threads) as pool:
            for snapshot in range(len(self.time)):
                clouds = self.points.clouds(snapshot, self.frame, pool.map)
                self.bandwidth[snapshot] = clouds.frame.bandwidth
                for name, found in clouds.moments.items():
                    rows[name].append(found)
                if comparison is not None:
                    list(pool.map(comparison.add, itertools.repeat(snapshot), rows, itertools.repeat(clouds)))
                self.progress.update(snapshot + 1)
        return {name: stack(row) for name, row in rows.items()}

    def _comparison(self) -> FromReference | None:
        if not self.reference:
            return None
        return FromReference(
            names=list(self.views),
            reference=self.reference,
            half=self.points.half,
            snapshots=len(self.time),
            frame=self.frame,
            weight=time_weights(self.step),
        )

    def _passages(self, view: Trajectories) -> Passed | None:
        study = self.ensemble.study
        if not study.events.mode_learned or "mode_learned_step" not in view.variables:
            return None
        if only_diverges(view, study):
            return None
        return view.passage_time("mode_learned"), view.passage_time("diverged"), last_seen(view)

    def _grid(self, passages: list[Passed]) -> Floats:
        """Choose where survival is kept: spaced as the snapshots are, from the first passage to the end."""
        end = float(self.time[-1])
        earliest = [float(np.nanmin(times)) for times, _, _ in passages if np.isfinite(times).any()]
        start = min(earliest, default=0.0)
        if log_spaced(self.step):
            lowest = max(start, float(self.time[1]))
            lowest = lowest if lowest < end else float(self.time[1])
            return np.concatenate([np.geomspace(lowest, end, GRID - 1)[:-1], [end]])
        return np.linspace(0.0, end, GRID)

    def _learning(self, name: str, passages: dict[str, Passed | None], grid: Floats) -> Learning | None:
        mine = passages[name]
        if mine is None:
            return None
        other = passages[self.reference] if self.reference and name != self.reference else None
        fractions = np.asarray(self.ensemble.study.events.mode_learned, dtype=np.float64)
        times, diverged, followed = mine
        return learning(times, diverged, fractions, grid, other, followed)


def _of_sections(expected: dict[str, float], wanted: Sequence[str] | None) -> float:
    """Return the seconds of the wanted sections, all by default, without the pass over the snapshots."""
    return sum(expected[name] for name in SECTIONS if name in expected and (wanted is None or name in wanted))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
