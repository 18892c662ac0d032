"""Numbers that the book's figures plot, compared with stored ones within their error bars.

``tests/reference/figures`` holds, for each chapter of ``tolerances.toml``, some rows of every table behind its figures;
``make record`` stores them anew. A number may differ from the stored one by its numerical accuracy, a fraction of the
column's largest magnitude, and by three of their combined standard errors if it has one.
"""

import csv
import math
import shutil
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
STORED = ROOT / "tests" / "reference" / "figures"
ROWS = 24  # of a table that are stored, evenly spread, with the first and the last
STANDARD_ERRORS = 3

Table = dict[str, list[str]]


def tolerances() -> dict:
    """By chapter, then by table; the key ``default`` holds for tables that are not named."""
    return tomllib.loads((STORED / "tolerances.toml").read_text(encoding="utf-8"))


def read(path: Path) -> Table:
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return {name: [row[i] for row in rows] for i, name in enumerate(header)}


def thinned(table: Table) -> Table:
    """Some rows, and a first column ``row`` that says which."""
    length = len(next(iter(table.values())))
    count = min(ROWS, length)
    chosen = sorted({round(i * (length - 1) / max(count - 1, 1)) for i in range(count)})
    return {"row": [str(row) for row in chosen]} | {name: [v[row] for row in chosen] for name, v in table.items()}


def differences(stored: Table, table: Table, allowed: dict) -> list[str]:
    """What of ``table`` is not as stored, in words; empty if all is within the tolerance."""
    rows = [int(row) for row in stored["row"]]
    columns = [name for name in stored if name != "row" and name not in allowed.get("skip", [])]
    if set(table) != set(stored) - {"row"}:
        return [f"the columns are {', '.join(table)}; stored are {', '.join(list(stored)[1:])}"]
    length = len(next(iter(table.values())))
    if length != rows[-1] + 1:
        return [f"there are {length} rows; stored are {rows[-1] + 1}"]
    found = []
    for name in columns:
        new, old = [table[name][row] for row in rows], stored[name]
        error = allowed.get("errors", {}).get(name)
        largest = max((abs(_number(value)) for value in old if math.isfinite(_number(value))), default=0.0)
        accuracy = allowed["relative"] * largest + allowed.get("absolute", 0.0)
        for i, row in enumerate(rows):
            both = (float(table[error][row]), float(stored[error][i])) if error else (0.0, 0.0)
            if not _agree(new[i], old[i], accuracy + STANDARD_ERRORS * math.hypot(*both)):
                found.append(f"{name}, row {row}: {new[i]}; stored is {old[i]}")
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _agree(one: str, other: str, tolerance: float) -> bool:
    a, b = _number(one), _number(other)
    if not (math.isfinite(a) and math.isfinite(b)):
        return one == other
    return abs(a - b) <= tolerance


def changes(chapter: str, figures: Path) -> list[str]:
    """What of a chapter's tables, in a folder of its figures, is not as stored."""
    allowed, found = tolerances()[chapter], []
    stored = {path.name: path for path in (STORED / chapter).glob("*.csv")}
    present = {path.name: path for path in figures.glob("*.csv")}
    found += [f"{name} is new" for name in sorted(set(present) - set(stored))]
    found += [f"{name} is gone" for name in sorted(set(stored) - set(present))]
    for name in sorted(set(present) & set(stored)):
        rule = allowed["default"] | allowed.get(name.removesuffix(".csv"), {})
        found += [f"{name}: {line}" for line in differences(read(stored[name]), read(present[name]), rule)]
    return found


def record(chapter: str, figures: Path) -> None:
    """Store a chapter's numbers anew."""
    shutil.rmtree(STORED / chapter, ignore_errors=True)
    (STORED / chapter).mkdir()
    for path in sorted(figures.glob("*.csv")):
        table = thinned(read(path))
        with (STORED / chapter / path.name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(table)
            writer.writerows(zip(*table.values(), strict=True))


if __name__ == "__main__":
    for name in sys.argv[1:] or tolerances():
        record(name, ROOT / "_build" / "figures" / name)
