"""Localization lengths of long bars as a table: ``python -m anderson_ness.ensembles.transfer data/transfer.toml``.

The specification names widths, disorder strengths, energies, the number of runs of each point and their slices. The
table, ``transfer.csv`` beside it, has one row a run (`theory.transfer.TransferRun`) and grows run by run at all points
alike: stop the command at any time and give it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from anderson_ness import _check
from anderson_ness.ensembles.csv_table import read_csv
from anderson_ness.ensembles.growing import command, read_points, require_keys
from anderson_ness.theory.transfer import TransferRun, transfer_runs

KEY = ("width", "disorder", "energy", "seed")
COLUMNS = tuple(field.name for field in fields(TransferRun))


class Batch(NamedTuple):
    """Runs that are computed together: one of each disorder strength, at one width and energy."""

    width: int
    energy: float
    disorder: tuple[float, ...]
    seeds: tuple[int, ...]
    slices: int


def read_transfer(folder: str | Path = "data") -> pd.DataFrame:
    """The table of runs, columns as in `theory.transfer.TransferRun`; its ``attrs`` hold the metadata.

    Raises
    ------
    TableError
        If there is no such table or it is damaged.

    Examples
    --------
    >>> from anderson_ness.ensembles.transfer import read_transfer
    >>> runs = read_transfer()
    >>> bool((runs["exponent"] > 0).all()), "specification" in runs.attrs
    (True, True)
    """
    return read_csv(Path(folder) / "transfer.csv", COLUMNS)


def run_seed(root_seed: int, width: int, disorder: float, energy: float, index: int) -> int:
    """Seed of run ``index`` of a point, below 2**63; more runs or other points leave it as it is."""
    # Energies may be negative, entropy may not.
    entropy = [root_seed, width, round(1e6 * disorder), round(1e6 * (energy + 1e3)), index]
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> np.uint64(1))


def wanted(specification: Path) -> tuple[dict[str, Any], list[Batch]]:
    """What a specification says, and its runs in the order of computing: the first of every point, then the next.

    Raises
    ------
    SpecificationError
        If the file cannot be read or an entry is not what it must be.
    """
    described, points = read_points(specification, _point)
    return described, list(_batches(described["root_seed"], points))


def compute(batch: Batch, present: set[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """The rows of a batch that are not present; keys as in `KEY`."""
    keys = [
        (batch.width, strength, batch.energy, seed) for strength, seed in zip(batch.disorder, batch.seeds, strict=True)
    ]
    missing = [key for key in keys if key not in present]
    strengths, seeds = [key[1] for key in missing], [key[3] for key in missing]
    return [asdict(run) for run in transfer_runs(batch.width, strengths, seeds, batch.slices, energy=batch.energy)]


def _point(entry: dict[str, Any]) -> dict[str, Any]:
    require_keys(entry, ("width", "disorder", "runs", "slices"), optional=("energy",))
    return {
        "width": [_check.positive_integer("width", one) for one in entry["width"]],
        "disorder": tuple(_check.non_negative_number("disorder", one) for one in entry["disorder"]),
        "energy": [_check.finite_number("energy", one) for one in entry.get("energy", [0.0])],
        "runs": _check.positive_integer("runs", entry["runs"]),
        "slices": _check.positive_integer("slices", entry["slices"]),
    }


def _batches(root: int, points: Sequence[dict[str, Any]]) -> Iterator[Batch]:
    for index in range(max(point["runs"] for point in points)):
        for point in points:
            if index < point["runs"]:
                for width, energy in product(point["width"], point["energy"]):
                    seeds = tuple(run_seed(root, width, strength, energy, index) for strength in point["disorder"])
                    yield Batch(width, energy, point["disorder"], seeds, point["slices"])


main = command("runs", wanted, compute, COLUMNS, KEY)

if __name__ == "__main__":
    main()
