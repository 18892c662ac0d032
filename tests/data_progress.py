"""The table of data/README.md that says how far every ensemble is, size by size, and what it has cost.

``make claims`` writes it anew, from the specifications and the stored tables.
"""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from written_block import WrittenBlock, table

from anderson_ness import ensembles
from anderson_ness.ensembles import PointStatus

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data"
BLOCK = WrittenBlock(DATA / "README.md", "progress")
HEAD = ["ensemble", "L0", "points", "samples a point", "wanted", "relative error", "aim reached"]


def block() -> str:
    """Markdown text: a row for each ensemble and size, then the computing time of each ensemble."""
    rows, hours = [HEAD, ["---", "---:", "---:", "---:", "---:", "---:", "---:"]], []
    with tempfile.TemporaryDirectory() as folder:
        # A copy, because the folder itself may hold a store with samples that are not published yet.
        for path in DATA.glob("*.parquet"):
            shutil.copy(path, folder)
        for path in sorted((DATA / "ensembles").glob("*.toml")):
            points = ensembles.status(path, folder)
            for length in sorted({point.point.length for point in points}):
                rows.append([f"`{path.stem}`", *_row(length, [one for one in points if one.point.length == length])])
            seconds = ensembles.read_table(path.stem, folder)["seconds"].sum()
            hours.append(f"`{path.stem}` {seconds / 3600:.1f}")
    return (
        f"\n{table(rows)}\n\nHours of computing on one core, those of shared samples in each: {', '.join(hours)}.\n\n"
    )


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
    return BLOCK.read()


if __name__ == "__main__":
    BLOCK.write(block())
