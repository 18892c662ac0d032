"""The table of data/README.md that says how far every ensemble is, size by size, and what it has cost.

``make claims`` writes it anew, from the specifications and the stored tables.
"""

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from anderson_ness import ensembles
from anderson_ness.companion import files
from anderson_ness.ensembles import PointStatus

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data"
README = DATA / "README.md"
BLOCK = re.compile(r"(?<=<!-- progress -->\n).*?(?=<!-- /progress -->)", re.DOTALL)
HEAD = ["ensemble", "L0", "points", "samples a point", "wanted", "relative error", "aim reached"]


def block() -> str:
    """Markdown text: a row for each ensemble and size, then the computing time of each ensemble."""
    rows, hours = [HEAD, ["---", "---:", "---:", "---:", "---:", "---:", "---:"]], []
    with tempfile.TemporaryDirectory() as folder:
        # A copy, because the folder itself may hold a store with samples that are not published yet.
        for table in DATA.glob("*.parquet"):
            shutil.copy(table, folder)
        for path in sorted((DATA / "ensembles").glob("*.toml")):
            points = ensembles.status(path, folder)
            for length in sorted({point.point.length for point in points}):
                rows.append([f"`{path.stem}`", *_row(length, [one for one in points if one.point.length == length])])
            seconds = ensembles.read_table(path.stem, folder)["seconds"].sum()
            hours.append(f"`{path.stem}` {seconds / 3600:.1f}")
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"\n{table}\n\nHours of computing on one core, those of shared samples in each: {', '.join(hours)}.\n\n"


def _row(length: int, points: Sequence[PointStatus]) -> list[str]:
    errors = [100 * one.standard_error / one.mean for one in points if one.done > 1 and one.mean > 0]
    aimed = [one for one in points if one.target is not None]
    reached = sum(one.done > 1 and one.standard_error <= one.target * one.mean for one in aimed)
    return [
        str(length),
        str(len(points)),
        _range([one.done for one in points]),
        _range([one.wanted for one in points]),
        f"{_range([float(f'{error:.2g}') for error in errors])} %" if errors else "",
        f"{reached} of {len(aimed)}" if aimed else "",
    ]


def _range(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def stored() -> str:
    """The block as data/README.md has it."""
    found = BLOCK.search(README.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError("data/README.md must have a block between <!-- progress --> and <!-- /progress -->")
    return found.group()


if __name__ == "__main__":
    stored()  # there is a place for it
    new = block()
    files.write(README, BLOCK.sub(lambda _: new, README.read_text(encoding="utf-8")))
