"""The status page: every chapter's last run, as the records of the runs tell it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anderson_ness.companion import chapters, files, provenance

# A line of book/status.md, in whose place the tables go.
MARKER = "% tables of this build"
DIGITS = 16  # of a digest that are shown


def fill(root: Path, page: Path) -> None:
    """Write the tables into a copy of the status page; a page without the marker stays as it is."""
    text = page.read_text(encoding="utf-8")
    if MARKER in text:
        files.write(page, text.replace(MARKER, tables(root)))


def tables(root: Path) -> str:
    """MyST text: a table of all chapters, then the details of each."""
    names = chapters.chapters(root)
    rows = [_summary(root, name) for name in names]
    header = ["chapter", "seconds", "run at (UTC)", "commit", "figures"]
    return "\n\n".join([_table(header, rows), *(_details(root, name) for name in names)])


def _summary(root: Path, chapter: str) -> list[str]:
    record = chapters.record(root, chapter)
    when = record["time_utc"][:16].replace("T", " ")
    figures = str(len(_figures(root, chapter)))
    return [_link(chapter), f"{record['wall_time_s']:.1f}", when, provenance.short_commit(record), figures]


def _details(root: Path, chapter: str) -> str:
    record = chapters.record(root, chapter)
    values = chapters.defaults(root, chapter) | record["parameters"]
    figures = _figures(root, chapter)
    parts = [
        f"## {chapter}",
        f"Parameters: {', '.join(f'`{name} = {value}`' for name, value in values.items()) or 'none'}.",
        f"Digest of all inputs (notebook, parameters, package, data, lock): `{record['inputs'][:DIGITS]}`.",
    ]
    if figures:
        # One process makes all of a chapter's figures: what holds for one holds for all.
        parts += [_surroundings(figures[0]), _table(["figure", "numbers it plots", "SHA-256"], _numbers(figures))]
    return "\n\n".join(parts)


def _surroundings(figure: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in figure["versions"].items())
    machine = figure["machine"]
    solver = f"; Kwant solves with {figure['kwant_solver']}" if figure["kwant_solver"] else ""
    return (
        f"Machine: {machine['cpu']}, {machine['system']}, {', '.join(machine['blas'])}{solver}.\n\n"
        f"```{{dropdown}} Versions\n{versions}\n```"
    )


def _numbers(figures: list[dict[str, Any]]) -> list[list[str]]:
    rows = []
    for figure in figures:
        folder = f"../figures/{figure['chapter']}"
        name = f'<a href="{folder}/{figure["figure"]}.json">{figure["figure"]}</a>'
        for file, digest in figure["files"].items():
            if file.endswith(".csv"):
                rows.append([name, f'<a href="{folder}/{file}">{file}</a>', f"`{digest[:DIGITS]}`"])
    return rows


def _figures(root: Path, chapter: str) -> list[dict[str, Any]]:
    folder = root / "_build" / "figures" / chapter
    records = [files.read_json(path) for path in sorted(folder.glob("*.json"))]
    return [record for record in records if record]


def _link(chapter: str) -> str:
    return f"[{chapter}]({chapter}.ipynb)"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
