"""The published results that fastsde ships: where their files are, and what is in them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fastsde.study.extension_imports import looking_in
from fastsde.study.sweep import Case, cases_of
from fastsde.system.errors import RequestError
from fastsde.system.user_code import import_file, sha256_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fastsde.published.claim import Claim
    from fastsde.published.runs import Runs

__all__ = ["Result", "all_results", "folder", "results_named"]


@dataclass(frozen=True)
class Result:
    """A published result: a study file with the code and the text beside it.

    Attributes
    ----------
    study_file : Path
        The study; files with the same stem and the endings ``.py`` and ``.md`` are beside it.
    """

    study_file: Path

    @property
    def name(self) -> str:
        """Author and year, ``"saxe-2014"``."""
        return self.study_file.stem

    @property
    def text(self) -> str:
        """What the Markdown file says."""
        return self.study_file.with_suffix(".md").read_text(encoding="utf-8")

    @property
    def title(self) -> str:
        """The heading of the Markdown file."""
        return self.text.partition("\n")[0].removeprefix("# ").strip()

    @property
    def summary(self) -> str:
        """The first paragraph of the Markdown file, on one line."""
        return " ".join(self.text.partition("\n")[2].strip().partition("\n\n")[0].split())

    @property
    def module(self) -> ModuleType:
        """The Python file, imported."""
        file = self.study_file.with_suffix(".py")
        content = file.read_bytes()
        return import_file(self.name, file, content, sha256_of(content))

    def cases(self, *, quick: bool = False) -> list[Case]:
        """Return the studies to run, as the file has them or shortened as ``QUICK`` in the module says.

        Raises
        ------
        StudyError
            If the study file is not valid.
        """
        document = tomllib.loads(self.study_file.read_text(encoding="utf-8"))
        if quick:
            document = merged(document, self.module.QUICK)
        with looking_in(self.study_file.parent):
            cases = cases_of(document, str(self.study_file))
        for case in cases:
            case.study.read_from(self.study_file.parent, str(self.study_file))
        return cases

    def claims(self, runs: Runs) -> list[Claim]:
        """Return the published numbers with the numbers found in finished runs."""
        claims: list[Claim] = self.module.claims(runs)
        return claims

    @property
    def panels(self) -> int:
        """Number of panels of the figure."""
        return int(getattr(self.module, "PANELS", 1))

    def figure(self, runs: Runs, axes: Sequence[Axes]) -> None:
        """Draw the result into axes, one for each panel."""
        self.module.figure(runs, axes)


def merged(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document in which the changes replace values; tables are merged, None removes a key.

    Examples
    --------
    >>> merged({"time": {"steps": 9, "rate": 1}, "seed": 1}, {"time": {"steps": 3}, "seed": None})
    {'time': {'steps': 3, 'rate': 1}}
    """
    result = dict(document)
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merged(result[key], value)
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = value
    return result


def folder() -> Path:
    """Return the folder of the published results: that of an installed package, or that of a clone."""
    package = Path(__file__).parents[1]
    installed = package / "published_results"
    return installed if installed.is_dir() else package.parent / "examples" / "published"


def all_results() -> list[Result]:
    """Return all published results, by name.

    Examples
    --------
    >>> "saxe-2014" in [result.name for result in all_results()]
    True
    """
    return [Result(path) for path in sorted(folder().glob("*.toml"), key=lambda path: path.stem)]


def results_named(names: Sequence[str]) -> list[Result]:
    """Return the results with these names, in their order; without names, all.

    Raises
    ------
    RequestError
        If there is no such result.
    """
    results = {result.name: result for result in all_results()}
    unknown = [name for name in names if name not in results]
    if unknown:
        raise RequestError(
            f"there is no published result {unknown[0]!r}; there are {', '.join(results) or 'none'}\n"
            "Fix: `fastsde reproduce --list` shows their titles"
        )
    return [results[name] for name in dict.fromkeys(names)] if names else list(results.values())
