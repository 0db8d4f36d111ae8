"""Whether results of one study can be used for another, and the differences if they cannot."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.study.extension_imports import EXTENSIONS, EXTENSIONS_FOLDER, name_of_copy
from fastsde.system.errors import StoreError

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["check_same_code", "differences", "lineage_of", "same_code", "same_times", "study_of_text"]


@lru_cache(maxsize=32)
def study_of_text(text: str) -> Study:
    """Return the study of a text stored in a file; cached, since many files contain the same text."""
    from fastsde.study.study import Study

    return Study.from_toml(text)


@lru_cache(maxsize=1024)
def lineage_of(text: str, model: str | None) -> str | None:
    """Return the lineage of a model in a study given as text; None if the study has no such model."""
    study = study_of_text(text)
    return study.lineage(model) if model is None or model in study.models else None


def same_times(first: Study, second: Study) -> bool:
    """Return whether two studies take their snapshots at the same steps, including the last one."""
    return bool(np.array_equal(first.time.snapshot_steps(), second.time.snapshot_steps()))


def differences(
    first: str,
    second: str,
    model: str | None = None,
    names: tuple[str, str] = ("the existing files", "this study"),
) -> str:
    """Return one line for each key whose values differ between two studies, given as text.

    Parameters
    ----------
    first, second
        Resolved studies.
    model
        Compare only this model; None: all.
    names
        Names of the two studies in the lines.
    """
    old, new = (_flatten(_of_model(tomllib.loads(text), model)) for text in (first, second))
    keys = [key for key in sorted({*old, *new} - {"trajectories"}) if old.get(key) != new.get(key)]
    absent = "absent"
    return "\n".join(
        f"  {key}: {old.get(key, absent)} in {names[0]}, {new.get(key, absent)} in {names[1]}" for key in keys
    )


def same_code(text: str, study: Study) -> bool:
    """Return whether a study stored as `text` has the same versions of extensions as `study`."""
    return not _different_code(text, study)


def check_same_code(text: str, study: Study, where: Path | str) -> None:
    """Refuse what was computed with other extensions than those of a study.

    Parameters
    ----------
    text : str
        A resolved study, as it is stored.
    study : Study
        The study that it is to be joined with, or continued by.
    where : path
        Where the text is stored, for the message.

    Raises
    ------
    StoreError
        If the hashes of the extensions differ.
    """
    different = _different_code(text, study)
    if different:
        raise StoreError(
            f"{where} was computed with other code; the extensions differ (SHA-256)\n"
            + "\n".join(different)
            + "\nnumbers of different code are not mixed: use the same version (a run keeps a copy in its "
            f"folder {EXTENSIONS_FOLDER}/), or choose another directory (-o)"
        )


def _different_code(text: str, study: Study) -> list[str]:
    """Return a line for each extension whose versions differ."""
    there = _code_of(text)
    if there is None:
        return []
    here = {name_of_copy(item.file): str(item.sha256) for item in study.extensions or ()}
    return [
        f"  {name}: there {there.get(name, 'absent')[:16]}, here {here.get(name, 'absent')[:16]}"
        for name in {**there, **here}
        if there.get(name) != here.get(name)
    ]


@lru_cache(maxsize=1024)
def _code_of(text: str) -> dict[str, str] | None:
    """Return the hashes of a study's extensions by their names; None where only reading it tells them."""
    try:
        return {
            name_of_copy(item["file"]): item["sha256"] for item in tomllib.loads(text).get(EXTENSIONS, [])
        }
    except (tomllib.TOMLDecodeError, TypeError, KeyError):
        return None


def _of_model(document: dict[str, Any], model: str | None) -> dict[str, Any]:
    if model is None:
        return document
    return document | {"models": {key: value for key, value in document["models"].items() if key == model}}


def _flatten(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
