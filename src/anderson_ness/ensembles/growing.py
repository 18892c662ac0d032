"""Tables of `csv_table` that grow batch by batch, for quantities that are not windows and so not of the store."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import pandas as pd
from threadpoolctl import threadpool_limits

from anderson_ness import _check
from anderson_ness.ensembles.csv_table import read_csv, read_specification, write_csv
from anderson_ness.ensembles.errors import SpecificationError

Batch = TypeVar("Batch")
Row = dict[str, Any]
Key = tuple[Any, ...]
_SECONDS_BETWEEN_WRITES = 20.0


def read_points(specification: Path, point: Callable[[Row], Row]) -> tuple[Row, list[Row]]:
    """A specification's content, and its ``points`` as ``point`` checks them.

    Raises
    ------
    SpecificationError
        If the file cannot be read or an entry is not what it must be; the message says which.
    """
    described = read_specification(specification)
    try:
        _check.positive_integer("root_seed", described.get("root_seed"))
        return described, [point(entry) for entry in described["points"]]
    except ValueError as error:
        raise SpecificationError(f"{specification}: {error}") from error


def require_keys(entry: Row, required: Iterable[str], optional: Iterable[str] = ()) -> None:
    """ValueError unless an entry of ``points`` has the required keys, and no others but optional ones."""
    required, optional = tuple(required), tuple(optional)
    if not set(required) <= set(entry) <= {*required, *optional}:
        extra = f", may have {', '.join(optional)}" if optional else ""
        raise ValueError(f"each of the points must have {', '.join(required)}{extra}, and nothing else")


def grow(
    specification: Path,
    described: Row,
    columns: Sequence[str],
    key: Sequence[str],
    batches: Sequence[Batch],
    compute: Callable[[Batch, set[Key]], list[Row]],
) -> None:
    """Compute batch after batch and write the table as it grows; what it holds already is kept.

    Parameters
    ----------
    specification
        The TOML file; the table is the CSV file beside it.
    described
        Content of that file, for the metadata.
    columns, key
        The table's columns, and those of them that tell rows apart; rows are sorted by the latter.
    batches
        What is wanted, in the order of computing.
    compute
        From a batch and the keys of all rows that are there: the rows that are not.

    Raises
    ------
    TableError
        If the file beside the specification is not such a table.
    """
    target = specification.with_suffix(".csv")
    rows: list[Row] = read_csv(target, columns).to_dict("records") if target.exists() else []
    present = {tuple(row[name] for name in key) for row in rows}
    written = start = time.perf_counter()
    stored = len(rows)

    def write() -> None:
        table = pd.DataFrame(rows, columns=list(columns)).sort_values(list(key), ignore_index=True)
        write_csv(target, described, table)

    try:
        # One thread: the matrices are small, and a library's threads would only wait for each other.
        with threadpool_limits(limits=1, user_api="blas"):
            for number, batch in enumerate(batches, start=1):
                rows += compute(batch, present)
                now = time.perf_counter()
                if len(rows) > stored and now - written > _SECONDS_BETWEEN_WRITES:
                    write()
                    stored, written = len(rows), now
                    print(f"{number}/{len(batches)}  {(now - start) / 60:.1f} min", file=sys.stderr, flush=True)
    finally:
        if len(rows) > stored:
            write()


def command(
    name: str,
    wanted: Callable[[Path], tuple[Row, Sequence[Batch]]],
    compute: Callable[[Batch, set[Key]], list[Row]],
    columns: Sequence[str],
    key: Sequence[str],
) -> click.Command:
    """The command of a table: it computes what a specification names and the CSV file beside it lacks.

    Parameters
    ----------
    name
        What a row is, in the plural, for the help.
    wanted
        From a specification's path: its content, and the batches in the order of computing.
    compute, columns, key
        As for `grow`.
    """

    @click.command(help=f"Compute the {name} that a SPECIFICATION names and its table, the CSV file beside it, lacks.")
    @click.argument("specification", type=click.Path(path_type=Path))
    def main(specification: Path) -> None:
        try:
            described, batches = wanted(specification)
            grow(specification, described, columns, key, batches, compute)
        except ValueError as error:
            raise click.ClickException(str(error)) from error

    return main
