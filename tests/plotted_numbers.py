"""Numbers that the book's figures plot, compared with stored ones within their error bars.

``tests/reference/figures`` holds, for each chapter of ``tolerances.toml``, some rows of every table behind its figures;
``make record`` stores them anew. A number may differ from the stored one by its numerical accuracy, a fraction of the
column's largest magnitude, and by so many of its standard errors as the table's rule says.

Tables that are made from the stored ensembles follow two rules. As long as the ensembles are what they were when the
numbers were recorded, a number may move by a tenth of its standard error: that is what minimisers and resampling leave
open. Once they have grown, points are found by what they are (size, disorder strength, ...), new ones are welcome, and
the mean of more samples may be three combined standard errors away; what has no error bar is not compared then.
"""

import csv
import fnmatch
import json
import math
import shutil
import sys
import tomllib
from pathlib import Path

from anderson_ness.companion import files

ROOT = Path(__file__).parents[1]
STORED = ROOT / "tests" / "reference" / "figures"
DATA = STORED / "data.json"
ROWS = 24  # of a table that are stored, evenly spread, with the first and the last
SAME_DATA = 0.1  # standard errors
MORE_DATA = 3.0

Table = dict[str, list[str]]


def tolerances() -> dict:
    """By chapter, then by table; the key ``default`` holds for tables that are not named."""
    return tomllib.loads((STORED / "tolerances.toml").read_text(encoding="utf-8"))


def rule(chapter: str, table: str) -> dict:
    """The default rule, and what the first pattern that fits the table adds to it."""
    rules = tolerances()[chapter]
    special = (rules[pattern] for pattern in rules if pattern != "default" and fnmatch.fnmatch(table, pattern))
    return rules["default"] | next(special, {})


def data_digests() -> dict[str, str]:
    """SHA-256 of every stored table."""
    tables = [path for path in files.files_below(ROOT / "data") if path.suffix in (".parquet", ".csv")]
    return files.digests(tables, ROOT / "data")


def read(path: Path) -> Table:
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return {name: [row[i] for row in rows] for i, name in enumerate(header)}


def thinned(table: Table) -> Table:
    """Some rows, and a first column ``row`` that says which."""
    length = _length(table)
    count = min(ROWS, length)
    chosen = sorted({round(i * (length - 1) / max(count - 1, 1)) for i in range(count)})
    return {"row": [str(row) for row in chosen]} | {name: [v[row] for row in chosen] for name, v in table.items()}


def differences(stored: Table, table: Table, allowed: dict, grown: bool = False) -> list[str]:
    """What of ``table`` is not as stored, in words; empty if all is within the tolerance.

    ``grown`` says that the stored ensembles, which the table is made from, are not what they were.
    """
    if set(table) != set(stored) - {"row"}:
        return [f"the columns are {', '.join(table)}; stored are {', '.join(list(stored)[1:])}"]
    if grown:
        return _differences_of_points(stored, table, allowed)
    rows = [int(row) for row in stored["row"]]
    if rows and _length(table) != rows[-1] + 1:
        return [f"there are {_length(table)} rows; stored are {rows[-1] + 1}"]
    bars = allowed.get("standard_errors", SAME_DATA if allowed.get("from_data") else 0.0)
    columns = [name for name in stored if name != "row" and name not in allowed.get("skip", [])]
    return _compared(stored, table, dict(enumerate(rows)), columns, allowed, bars)


def _differences_of_points(stored: Table, table: Table, allowed: dict) -> list[str]:
    keys = [name for name in allowed.get("keys", []) if name in stored]
    columns = [name for name in stored if _error_of(name, stored, allowed) and name not in allowed.get("skip", [])]
    if not keys or not columns:
        return []
    places = {_point(table, keys, row): row for row in range(_length(table))}
    points = [_point(stored, keys, i) for i in range(_length(stored))]
    if len(places) < _length(table):
        return [f"{', '.join(keys)} do not tell the rows apart"]
    found = [f"{keys}: {point} is gone" for point in points if point not in places]
    rows = {i: places[point] for i, point in enumerate(points) if point in places}
    return found + _compared(stored, table, rows, columns, allowed, MORE_DATA)


def _compared(
    stored: Table, table: Table, rows: dict[int, int], columns: list[str], allowed: dict, bars: float
) -> list[str]:
    """Differences of the columns, where ``rows`` says which row of the table belongs to each stored one."""
    found = []
    for name in columns:
        error = _error_of(name, stored, allowed)
        largest = max((abs(_number(value)) for value in stored[name] if math.isfinite(_number(value))), default=0.0)
        accuracy = allowed["relative"] * largest + allowed.get("absolute", 0.0)
        for i, row in rows.items():
            both = (_number(table[error][row]), _number(stored[error][i])) if error and bars else (0.0, 0.0)
            spread = math.hypot(*both) if all(map(math.isfinite, both)) else 0.0
            if not _agree(table[name][row], stored[name][i], accuracy + bars * spread):
                found.append(f"{name}, row {row}: {table[name][row]}; stored is {stored[name][i]}")
    return found


def _error_of(name: str, table: Table, allowed: dict) -> str | None:
    """The column that holds a column's standard errors: the one that the rule names, or ``<name>_error``."""
    error = allowed.get("errors", {}).get(name, f"{name}_error")
    return error if error in table else None


def _point(table: Table, keys: list[str], row: int) -> tuple[str, ...]:
    """What a row is of, with numbers rounded so that they may be compared."""
    values = [table[name][row] for name in keys]
    return tuple(f"{_number(value):.6g}" if math.isfinite(_number(value)) else value for value in values)


def _length(table: Table) -> int:
    return len(next(iter(table.values())))


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
    more = recorded_data().get(chapter) != data_digests()
    stored = {path.name: path for path in (STORED / chapter).glob("*.csv")}
    present = {path.name: path for path in figures.glob("*.csv")}
    grown = {name for name in {*stored, *present} if more and rule(chapter, _table(name)).get("from_data")}
    # Grown ensembles may have points enough for one more curve.
    found = [f"{name} is new" for name in sorted(set(present) - set(stored) - grown)]
    found += [f"{name} is gone" for name in sorted(set(stored) - set(present))]
    for name in sorted(set(present) & set(stored)):
        lines = differences(read(stored[name]), read(present[name]), rule(chapter, _table(name)), name in grown)
        found += [f"{name}: {line}" for line in lines]
    return found


def _table(file: str) -> str:
    return file.removesuffix(".csv")


def recorded_data() -> dict[str, dict[str, str]]:
    """By chapter, the digests of the stored ensembles when its numbers were recorded."""
    return json.loads(DATA.read_text(encoding="utf-8")) if DATA.is_file() else {}


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
    files.write_json(DATA, recorded_data() | {chapter: data_digests()})


if __name__ == "__main__":
    for name in sys.argv[1:] or tolerances():
        record(name, ROOT / "_build" / "figures" / name)
