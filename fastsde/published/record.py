"""Write what published results gave beside their study files: ``python -m fastsde.published.record DIR``.

For every result that ``fastsde reproduce`` has run in its whole form in DIR: its ``.json`` and the section
"Result" of its ``.md``. Then the table of the README, from the ``.json`` files of all results.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fastsde.published.claim import Verdict, counted
from fastsde.published.reproduction import REPRODUCTION_FILE, Reproduction
from fastsde.published.result import Result, all_results, folder
from fastsde.system.atomic import replacing

__all__ = ["listed", "readme_table", "record", "recorded", "result_section"]

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
        f'\nDeviation in "{claim.what}": {claim.deviation.why}\n'
        for claim in found.claims
        if claim.deviation is not None and claim.verdict is Verdict.DEVIATES
    ]
    return (
        f"{HEADING}Generated from {found.name}.json: {found.processor_seconds:,.0f} s of processor time, "
        f"compiling included, {found.created[:10]}.\n\n"
        "| quantity | expected | found | tolerance | verdict |\n|---|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
        + "".join(reasons)
    )


def with_section(text: str, found: Reproduction) -> str:
    """Return the text of a Markdown file with the section "Result" replaced, or added at the end."""
    return text.partition(HEADING)[0].rstrip("\n") + "\n" + result_section(found)


def readme_table(found: Sequence[Reproduction]) -> str:
    """Return the table of the README: one row for each result, with the claim that says most."""
    lines = [
        "| result | quantity | published | found | verdicts | processor time |\n|---|---|---|---|---|---|"
    ]
    for one in found:
        claim = one.claims[0]
        lines.append(
            f"| [{one.title}](examples/published/{one.name}.md) | {claim.what} | {claim.expected_text()} | "
            f"{claim.row()['found']} | {', '.join(counted(one.claims))} | {one.processor_seconds:,.0f} s |"
        )
    return "\n".join(lines) + "\n"


def listed(results: Sequence[Result]) -> list[dict[str, str | float]]:
    """Return a row for each result: name, title, and what its recorded run gave and needed."""
    rows: list[dict[str, str | float]] = []
    for result in results:
        found = recorded(result)
        rows.append(
            {
                "name": result.name,
                "title": result.title,
                "recorded": "" if found is None else ", ".join(counted(found.claims)),
                "processor_seconds": "" if found is None else round(found.processor_seconds),
            }
        )
    return rows


def with_table(text: str, found: Sequence[Reproduction]) -> str:
    """Return the text of the README with the table between its marks replaced."""
    before, mark, rest = text.partition(START)
    if not mark or END not in rest:
        return text
    return before + mark + readme_table(found) + END + rest.partition(END)[2]


def record(directory: Path) -> list[Path]:
    """Record the whole forms that were reproduced in a directory; return the files that were written."""
    written = []
    for result in all_results():
        path = directory / result.name / REPRODUCTION_FILE
        if not path.is_file() or (found := Reproduction.load(path)).quick:
            continue
        found.save(result.study_file.with_suffix(".json"))
        _write(result.study_file.with_suffix(".md"), with_section(result.text, found))
        written += [result.study_file.with_suffix(".json"), result.study_file.with_suffix(".md")]
    readme = folder().parents[1] / "README.md"
    stored = [one for result in all_results() if (one := recorded(result)) is not None]
    if readme.is_file():
        _write(readme, with_table(readme.read_text(encoding="utf-8"), stored))
        written.append(readme)
    return written


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def main() -> None:
    """Record the results of the directory named on the command line."""
    for path in record(Path(sys.argv[1])):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
