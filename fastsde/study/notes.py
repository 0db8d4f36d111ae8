"""Notes on a study: settings that are valid, but may lead to a misinterpretation of the results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fastsde.study.terms.epoch_bridge import could_have_bridge

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["notes"]


def notes(study: Study, swept: Sequence[str] = ()) -> list[str]:
    """Return what users should know about a study before it runs, one or two sentences each.

    Parameters
    ----------
    study
        The study, or one case of a sweep.
    swept
        Dotted keys of the sweep.

    Examples
    --------
    >>> from fastsde.study.study import Study
    >>> study = Study.from_toml('''
    ... trajectories = 16
    ... network = { widths = [2, 3, 2], init = { std = 0.1 } }
    ... data = { samples = 8, teacher = { singular_values = [2.0, 1.0] } }
    ... time = { learning_rate = 0.01, steps = 100 }
    ... models.sgd = { kind = "sgd", batch = 2 }
    ... models.sde = { kind = "sde", noise = "gradient" }
    ... ''')
    >>> print(notes(study)[0])
    models.sgd samples in shuffled epochs, whereas the noise of models.sde is independent at every step.
    Distances between them include this effect of the sampling; epoch_bridge = true gives it to models.sde.
    To measure it, add a control:
        [models.sgd_replacement]
        kind = "sgd"
        batch = 2
        sampling = "replacement"
    """
    return list(_sampling_notes(study, swept))


def _sampling_notes(study: Study, swept: Sequence[str]) -> Iterator[str]:
    """Suggest SGD with replacement as a control, if SGD in shuffled epochs is compared with SDEs."""
    reference = next(((name, model) for name, model in study.models.items() if model.sets_batch), None)
    sdes = [f"models.{name}" for name, model in study.models.items() if model.independent_noise]
    if reference is None or not sdes:
        return
    name, wanted = reference[0], reference[1].control()
    if wanted is None or wanted in study.models.values():
        return
    who = sdes[0] if len(sdes) == 1 else f"{', '.join(sdes[:-1])} and {sdes[-1]}"
    free = "sgd_replacement" if "sgd_replacement" not in study.models else f"{name}_replacement"
    table = wanted.model_dump(exclude_none=True)
    lines = [f"    {key} = {_toml(value)}" for key, value in table.items()]
    batch = f"models.{name}.batch"
    if batch in swept:
        lines.append(
            f'and sweep "models.*.batch" instead of "{batch}", so that the control has the same batch.'
        )
    yield "\n".join(
        [
            f"models.{name} samples in shuffled epochs, whereas the noise of {who} is independent at every "
            "step.",
            f"Distances between them include this effect of the sampling{_bridges(study)}.",
            "To measure it, add a control:",
            f"    [models.{free}]",
            *lines,
        ]
    )


def _bridges(study: Study) -> str:
    """Say which models could have noise with the correlations of an epoch; nothing if none can."""
    found = [f"models.{name}" for name, model in study.models.items() if could_have_bridge(model)]
    if not found:
        return ""
    who = found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
    return f"; epoch_bridge = true gives it to {who}"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else f"{value}"
