"""Write what published results gave beside their study files: ``python -m fastsde.published.record [DIR]``.

For every result that ``fastsde reproduce`` has run in its whole form in DIR: its ``.json``. Then, from the
``.json`` files of all results, the section "Result" of each ``.md`` and the table of the folder's README.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fastsde.published.claim import Verdict, counted
from fastsde.published.reproduction import REPRODUCTION_FILE, Reproduction
from fastsde.published.result import Result, all_results, folder
from fastsde.system.atomic import replacing

__all__ = ["listed", "record", "recorded", "result_section", "results_table"]

HEADING = "\n## Result\n"
START, END = "<!-- published results: start -->\n", "<!-- published results: end -->\n"


def recorded(result: Result) -> Reproduction | None:
    """Return what the whole form of a result gave when it was recorded; None if it never was."""
    path = result.study_file.with_suffix(".json")
    return Reproduction.load(path) if path.is_file() else None


def result_section(found: Reproduction) -> str:
    """Return the section "Result" of a Markdown file."""
    rows = [
        f"| {row['quantity']} | {row['expected']} | {row['found']} | {row['tolerance']} | {row['verdict']} |"
        for row in (claim.row() for claim in found.claims)
    ]
    reasons = [
        f"\nDeviation, {claim.what}: {claim.deviation.why}.\n"
        for claim in found.claims
        if claim.deviation is not None and claim.verdict is Verdict.DEVIATES
    ]
    return (
        f"{HEADING}Generated from {found.name}.json: {found.cost} of processor time, compiling included"
        f"{found.machine and f' ({found.machine})'}, {found.created[:10]}.\n\n"
        "| quantity | expected | found | tolerance | verdict |\n|---|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
        + "".join(reasons)
    )


def with_section(text: str, found: Reproduction) -> str:
    """Return the text of a Markdown file with the section "Result" replaced, or added at the end."""
    return text.partition(HEADING)[0].rstrip("\n") + "\n" + result_section(found)


def results_table(found: Sequence[Reproduction]) -> str:
    """Return the table of all results: one row each, with the claim that says most."""
    lines = [
        "| result | quantity | published | found | verdicts | processor time |\n|---|---|---|---|---|---|"
    ]
    for one in found:
        claim = one.claims[0]
        lines.append(
            f"| [{one.title}]({one.name}.md) | {claim.what} | {claim.expected_text()} | "
            f"{claim.row()['found']} | {', '.join(counted(one.claims))} | {one.cost} |"
        )
    return "\n".join(lines) + "\n"


def listed(results: Sequence[Result]) -> list[dict[str, str]]:
    """Return a row for each result: name, title, and what its recorded run gave and needed."""
    rows: list[dict[str, str]] = []
    for result in results:
        found = recorded(result)
        rows.append(
            {
                "name": result.name,
                "title": result.title,
                "recorded": "" if found is None else ", ".join(counted(found.claims)),
                "processor_time": "" if found is None else found.cost,
            }
        )
    return rows


def with_table(text: str, found: Sequence[Reproduction]) -> str:
    """Return the text of a README with the table between its marks replaced."""
    before, mark, rest = text.partition(START)
    if not mark or END not in rest:
        return text
    return before + mark + results_table(found) + END + rest.partition(END)[2]


def record(directory: Path | None) -> list[Path]:
    """Record the whole forms that were reproduced in a directory, and write the texts of all results again.

    Parameters
    ----------
    directory : path or None
        That of ``fastsde reproduce``; None: only the texts, from what was recorded before.

    Returns
    -------
    list of Path
        The files that were written.
    """
    stored, written = [], []
    for result in all_results():
        found = _whole_form(directory, result) or recorded(result)
        if found is None:
            continue
        found = replace(found, title=result.title, summary=result.summary)
        json_file, text_file = result.study_file.with_suffix(".json"), result.study_file.with_suffix(".md")
        found.save(json_file)
        _write(text_file, with_section(result.text, found))
        stored.append(found)
        written += [json_file, text_file]
    readme = folder() / "README.md"
    if readme.is_file():
        _write(readme, with_table(readme.read_text(encoding="utf-8"), stored))
        written.append(readme)
    return written


def _whole_form(directory: Path | None, result: Result) -> Reproduction | None:
    """Return what the whole form of a result gave in a directory; None if it was not run there."""
    path = None if directory is None else directory / result.name / REPRODUCTION_FILE
    if path is None or not path.is_file():
        return None
    found = Reproduction.load(path)
    return None if found.quick else found


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def main() -> None:
    """Record the results of the directory named on the command line, or only write the texts again."""
    for path in record(Path(sys.argv[1]) if len(sys.argv) > 1 else None):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
