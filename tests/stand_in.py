"""A tiny study, and a stand-in for its integration with values that are known."""

from dataclasses import dataclass, field

import numpy as np

from fastsde.integrate.checkpoint import Checkpoint
from fastsde.storage import schema
from fastsde.system.errors import Interrupted

TINY = """
seed = 3
trajectories = 10
[network]
widths = [3, 4, 2]
init = { std = 0.1 }
[data]
samples = 8
teacher = { singular_values = [2.0, 1.0] }
label_noise = 0.1
[time]
learning_rate = 0.01
steps = 40
snapshots = { at = [0, 1, 10, 40] }
[record]
observables = ["loss", "modes", "mode_matrix", "singular_values", "balance", "end_to_end", "parameters"]
[events]
mode_learned = [0.5, 0.9]
[models.sgd]
kind = "sgd"
[models.sde]
kind = "sde"
noise = "gradient"
substeps = 4
"""


@dataclass
class StandIn:
    """Values that tell model, trajectory and snapshot apart, in place of an integration."""

    calls: list = field(default_factory=list)
    fail_at: int | None = None

    def value(self, study, name, variable, snapshot, numbers):
        """Return what trajectories `numbers` have at a snapshot (or, with -1, as an event)."""
        known = schema.observables() | schema.EVENTS
        tail = known[variable].shape(schema.dimension_sizes(study, len(numbers)))
        tail = tail[2:] if known[variable].dims[0] == "snapshot" else tail[1:]
        base = 1000.0 * list(study.models).index(name) + 100.0 * list(known).index(variable) + 10.0 * snapshot
        within = np.arange(np.prod(tail, dtype=int)).reshape(tail) / 64
        return (base + np.asarray(numbers, float) / 4096).reshape(-1, *(1,) * len(tail)) + within

    def __call__(
        self,
        study,
        name,
        first,
        count,
        *,
        problem,
        threads=None,
        on_snapshot=None,
        on_progress=None,
        stop=None,
        **options,
    ):
        if on_progress is None:  # the step that compiles before a run
            return None
        self.calls.append((name, first, count))
        numbers = np.arange(first, first + count)
        for index, step in enumerate(study.time.snapshot_steps()):
            if stop is not None and stop():
                raise Interrupted("stopped")
            if index == self.fail_at:
                raise RuntimeError("the integration failed")
            on_snapshot(
                index,
                {v: self.value(study, name, v, index, numbers) for v in study.record.observables},
            )
            on_progress(count * int(step) * study.models[name].substeps)
        sizes = schema.dimension_sizes(study, count)
        checkpoint = Checkpoint(
            study.time.steps * study.models[name].substeps,
            len(study.time.snapshot_steps()) - 1,
            np.zeros((count, sizes["parameter"]), study.dtype),
            np.full(count, -1),
            np.full((count, sizes["passage"]), -1),
        )
        return Outcome(self.events(study, numbers), {"temperature": 0.25}, checkpoint)

    def events(self, study, numbers):
        sizes = schema.dimension_sizes(study, len(numbers))
        learned = np.full(schema.EVENTS["mode_learned_step"].shape(sizes), -1, np.int64)
        learned[:, :1, 0] = 2 * numbers[:, None]
        return {
            "diverged_step": np.where(numbers == 4, 7, -1),
            "loss_below_step": np.empty((len(numbers), sizes["level"]), np.int64),
            "mode_learned_step": learned,
            "radius_above_step": np.full((len(numbers), sizes["radius"]), -1, np.int64),
            "interval_step": np.full((len(numbers), sizes["interval"]), -1, np.int64),
            "escaped_step": np.full((len(numbers), sizes["escape"]), -1, np.int64),
        }


@dataclass
class Outcome:
    events: dict
    attributes: dict
    checkpoint: Checkpoint
