"""Batches of samples: how they are drawn, in words, and against the data of a study."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastsde.study.fields import Expect, Fault
from fastsde.study.setting import Setting, Where

__all__ = [
    "HOW_DRAWN",
    "IN_SHORT",
    "Sampling",
    "batch_faults",
    "batch_part",
    "by_members",
    "label_sd",
    "no_samples",
]

Sampling = Annotated[
    Literal["epoch", "without-replacement", "replacement", "fresh"],
    Expect('"epoch", "without-replacement", "replacement" or "fresh"'),
]
FINITE = ("epoch", "without-replacement", "replacement")
"""Ways of drawing from finite data."""
HOW_DRAWN = {
    "epoch": "in shuffled epochs",
    "without-replacement": "drawn independently, without replacement inside a batch",
    "replacement": "drawn with replacement",
    "fresh": "of fresh data",
}

IN_SHORT = {
    "epoch": "in shuffled epochs",
    "without-replacement": "with independent batches",
    "replacement": "with replacement",
    "fresh": "on fresh data",
}


def batch_part(model: Any, samples: int) -> float:
    """Return the covariance of a batch's mean gradient as a share of one sample's.

    Parameters
    ----------
    model
        With fields `batch` and `sampling`.
    samples
        Samples that there are; 0 of a population.

    Examples
    --------
    >>> from fastsde.study.models import Sgd
    >>> batch_part(Sgd(batch=2), 5), batch_part(Sgd(batch=2, sampling="replacement"), 5)
    (0.375, 0.5)
    """
    if samples == 0 or model.sampling == "replacement":
        return float(1.0 / model.batch)
    return float((samples - model.batch) / (samples - 1) / model.batch) if samples > 1 else 0.0


def label_sd(model: Any) -> float:
    """Return the standard deviation of the noise that a model adds to labels; 0 if it adds none."""
    return float(getattr(model, "label_noise", None) or 0.0)


def by_members(model: Any, samples: int) -> bool:
    """Say whether a model draws batches on a landscape and evaluates only their members.

    Batches above two thirds of the data are cheaper by weights of all samples, if labels have no noise: what
    a sample needs is then the same for all trajectories and need not be gathered.
    """
    drawn = getattr(model, "samples_per_step", 0)
    return bool(drawn and (3 * drawn <= 2 * samples or label_sd(model)))


def no_samples(key: str, model: Any, where: Where) -> Fault:
    """Return the fault of a key that needs samples, on a landscape that is no mean over any."""
    expected = "nothing that needs samples: this landscape is no mean over any"
    fix = 'take gd, or an sde with noise = "given" or a number as temperature'
    return Fault((*where, key), getattr(model, key), expected, fix)


def batch_faults(
    model: Any, setting: Setting, where: Where, finite: tuple[str, ...] = FINITE
) -> Iterator[Fault]:
    """Check batch and sampling of a model against the samples there are.

    Parameters
    ----------
    model
        With fields `batch` and `sampling`.
    setting, where
        The rest of the study, and the path of the model.
    finite
        Ways of drawing from finite data that the model has.
    """
    here, samples = (*where, "sampling"), setting.samples
    best = "epoch" if "epoch" in finite else "replacement"
    if samples is None:
        if model.sampling != "fresh":
            fix = 'set sampling = "fresh", or give data.samples a number'
            yield Fault(here, model.sampling, '"fresh", as data.samples = "population"', fix)
        return
    if setting.landscape and model.batch > samples:
        yield Fault((*where, "batch"), model.batch, f"at most landscape.samples = {samples}")
    if model.sampling == "fresh" and setting.landscape:
        yield Fault(here, "fresh", "samples of the landscape", f'set sampling = "{best}"')
    elif model.sampling == "fresh":
        ways = ", ".join(f'"{way}"' for way in finite[:-1]) + f' or "{finite[-1]}"'
        expected, fix = f"{ways}, as the data are finite", 'fresh data needs data.samples = "population"'
        yield Fault(here, model.sampling, expected, fix)
    if not setting.landscape and model.batch > samples:
        yield Fault((*where, "batch"), model.batch, f"at most data.samples = {samples}")
