"""Transmission of cubes at one energy: ``python -m anderson_ness.ensembles.conductance data/conductance.toml``.

One energy takes a hundredth of the time of a window, so that distributions are within reach. The specification names
disorder strengths, sizes and a sample count for each size; samples are those of the ensembles of equal root seed, at
E = 0 between the paper's leads. The table, ``conductance.csv`` beside it, has one row a sample and grows at all points
alike: stop the command at any time and give it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from anderson_ness import _check
from anderson_ness.ensembles.csv_table import read_csv
from anderson_ness.ensembles.growing import command, read_points, require_keys
from anderson_ness.ensembles.samples import sample_seed
from anderson_ness.model import AndersonBar
from anderson_ness.states.scattering import transmission

KEY = ("length", "disorder", "sample")
COLUMNS = (*KEY, "transmission")
_BATCH = 50


class Batch(NamedTuple):
    """Some samples, by their numbers, of a size and disorder strength."""

    root_seed: int
    length: int
    disorder: float
    samples: range


def read_conductance(folder: str | Path = "data") -> pd.DataFrame:
    """The table of samples: ``length``, ``disorder``, ``sample`` (its number) and Tr t t^dag at E = 0.

    Raises
    ------
    TableError
        If there is no such table or it is damaged.

    Examples
    --------
    >>> from anderson_ness.ensembles.conductance import read_conductance
    >>> table = read_conductance()
    >>> list(table), bool((table["transmission"] > 0).all())
    (['length', 'disorder', 'sample', 'transmission'], True)
    """
    return read_csv(Path(folder) / "conductance.csv", COLUMNS)


def wanted(specification: Path) -> tuple[dict[str, Any], list[Batch]]:
    """What a specification says, and its samples in the order of computing: the first of every point, then the next.

    Raises
    ------
    SpecificationError
        If the file cannot be read or an entry is not what it must be.
    """
    described, points = read_points(specification, _point)
    return described, list(_batches(described["root_seed"], points))


def compute(batch: Batch, present: set[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """The rows of a batch that are not present; keys as in `KEY`."""
    root, length, disorder, samples = batch
    return [
        {
            "length": length,
            "disorder": disorder,
            "sample": index,
            "transmission": transmission(
                AndersonBar.random(length, disorder, sample_seed(root, length, disorder, index))
            ),
        }
        for index in samples
        if (length, disorder, index) not in present
    ]


def _point(entry: dict[str, Any]) -> dict[str, Any]:
    require_keys(entry, ("disorder", "length", "samples"))
    lengths = [_check.positive_integer("length", one) for one in entry["length"]]
    samples = [_check.positive_integer("samples", one) for one in entry["samples"]]
    if len(lengths) != len(samples):
        raise ValueError("samples must have one entry for each length")
    strengths = [_check.non_negative_number("disorder", one) for one in entry["disorder"]]
    return {"disorder": strengths, "length": lengths, "samples": samples}


def _batches(root: int, points: Sequence[dict[str, Any]]) -> Iterator[Batch]:
    most = max(count for point in points for count in point["samples"])
    for first in range(0, most, _BATCH):
        for point in points:
            for length, count in zip(point["length"], point["samples"], strict=True):
                for strength in point["disorder"] if first < count else []:
                    yield Batch(root, length, strength, range(first, min(first + _BATCH, count)))


main = command("samples", wanted, compute, COLUMNS, KEY)

if __name__ == "__main__":
    main()
