"""Published tables: one ensemble, one sorted Parquet file that says how it was made.

A table of more than 4 MB is split by the samples' size: ``fig2b.parquet`` becomes ``fig2b-L8.parquet``,
``fig2b-L10.parquet`` and so on, which readers take together again. The schema's metadata holds, as JSON, the
ensemble's name, its specification in full, rtol, the commits that added rows, and versions.

Arrow works without its threads here: tables are small, and its pool now and then aborts a process that ends soon after.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from anderson_ness.ensembles.errors import TableError
from anderson_ness.ensembles.quantities import COHERENCE, QUANTITIES, AnyRow, Quantity
from anderson_ness.ensembles.specification import Specification

if TYPE_CHECKING:
    import pandas as pd

LARGEST_FILE = 4_000_000  # bytes
_FIRST = ("length", "disorder", "seed", "bias")
_TYPES = {  # of columns that are not float64
    "length": pa.int64(),  # wide, for readers who take powers of it
    "seed": pa.int64(),
    "relative_error": pa.float32(),
    "converged": pa.bool_(),
    "density_profile": pa.list_(pa.float32()),
    "spectral_weight": pa.list_(pa.float32()),
    "levels": pa.int32(),
    "seconds": pa.float32(),
}
_KEY = ["length", "disorder", "t_parallel", "t_perp", "t_contact", "seed", "bias"]
_METADATA = b"anderson_ness"


def read_table(table: str | Path, folder: str | Path = "data") -> pd.DataFrame:
    """An ensemble as a tidy table, one row a sample and bias.

    Parameters
    ----------
    table
        Path of a Parquet file of the ensemble (of any of its parts), or the ensemble's name, to be found in
        ``folder``.
    folder
        Where published tables lie.

    Returns
    -------
    pandas.DataFrame
        Sorted by size, disorder strength, leads, seed and bias, with an index from 0. Energies are in units of the
        hopping, lengths in lattice constants. ``levels`` may be missing (integration by quadrature); profiles are
        arrays of `length` float32 and present only where the ensemble keeps them. ``attrs`` holds the metadata.

    Raises
    ------
    TableError
        If there is no such table, or a file of it is damaged or of another origin.

    Examples
    --------
    >>> from anderson_ness.ensembles import read_table
    >>> table = read_table("fig2a")
    >>> sorted(table["disorder"].unique().tolist())[0]
    10.0
    >>> bool((table["coherence"] > 0).all())
    True
    """
    arrow, metadata = _read(_parts_of(table, Path(folder)))
    frame = arrow.to_pandas(use_threads=False)
    if "levels" in frame:
        frame["levels"] = frame["levels"].astype("Int32")
    frame.attrs.update(metadata)
    return frame


def read_row(table: str | Path, number: int, folder: str | Path = "data") -> AnyRow:
    """Row ``number`` of `read_table`, from 0, with the tolerance it was computed to.

    Raises
    ------
    TableError
        If the table cannot be read or has no such row.

    Examples
    --------
    >>> from anderson_ness.ensembles import read_row
    >>> row = read_row("fig2a", 0)
    >>> row.coherence > 0
    True
    """
    arrow, metadata = _read(_parts_of(table, Path(folder)))
    if not 0 <= number < arrow.num_rows:
        raise TableError(f"row must be a number from 0 to {arrow.num_rows - 1}, not {number}")
    return _rows(arrow.slice(number, 1), metadata)[0]


def published(folder: Path) -> dict[str, list[Path]]:
    """The Parquet files in a folder, by the name of their ensemble."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.parquet")):
        found.setdefault(_ensemble(path), []).append(path)
    return found


def digest(paths: Sequence[Path]) -> str:
    """SHA-256 of a table's files."""
    content = hashlib.sha256()
    for path in paths:
        content.update(_bytes(path))
    return content.hexdigest()


def read_rows(paths: Sequence[Path]) -> list[AnyRow]:
    """All rows of a table's files.

    Raises
    ------
    TableError
        If a file is damaged or of another origin.
    """
    arrow, metadata = _read(paths)
    return _rows(arrow, metadata)


def specification_of(paths: Sequence[Path]) -> str:
    """The specification that a table was published with.

    Raises
    ------
    TableError
        If a file is damaged or of another origin.
    """
    return _read(paths)[1]["specification"]


def publish(
    specification: Specification, rows: Iterable[AnyRow], folder: Path, origin: Mapping[str, Any] | None = None
) -> list[Path]:
    """Write an ensemble's table, each file whole or not at all; leave it alone if nothing has changed.

    Parameters
    ----------
    specification
        The ensemble.
    rows
        Its rows, in any order.
    folder
        Where the table goes.
    origin
        What the metadata say of where new rows come from: ``commit`` is added to the commits, other entries replace
        the former ones.

    Returns
    -------
    list of Path
        The table's files.

    Raises
    ------
    TableError
        If a file cannot be written; the former one is then still there.
    """
    kind = QUANTITIES[specification.quantity]
    names = [name for name in _names(kind) if specification.profiles or name not in kind.optional]
    table = _sorted(_arrow(rows, _schema(names)))
    former = published(folder).get(specification.name, [])
    before, metadata = _read(former) if former else (None, {"commits": []})
    if before is not None and before.equals(table) and metadata["specification"] == specification.text:
        return former
    origin = dict(origin or {})
    commit = origin.pop("commit", None)
    commits = [*metadata["commits"], *([commit] if commit not in (None, *metadata["commits"]) else [])]
    described = {
        "ensemble": specification.name,
        "quantity": specification.quantity,
        "rtol": specification.rtol,
        "root_seed": specification.root_seed,
        "specification": specification.text,
        "commits": commits,
        **origin,
    }
    table = table.replace_schema_metadata({_METADATA: json.dumps(described, sort_keys=True).encode()})
    contents = _files(specification.name, table)
    # Old files go last: until then every row is there at least once, and readers drop what is there twice.
    for name, content in contents.items():
        _write(folder / name, content)
    for path in former:
        if path.name not in contents:
            path.unlink()
    return [folder / name for name in contents]


def _files(name: str, table: pa.Table) -> dict[str, bytes]:
    whole = _parquet(table)
    if len(whole) <= LARGEST_FILE:
        return {f"{name}.parquet": whole}
    import pyarrow.compute as pc

    lengths = sorted(set(table["length"].to_pylist()))
    return {
        f"{name}-L{length}.parquet": _parquet(table.filter(pc.equal(table["length"], length))) for length in lengths
    }


def _parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", compression_level=9)
    return buffer.getvalue()


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)  # mkstemp makes private files
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        kept = "the former table and the store remain"
        raise TableError(f"{path} could not be written ({error.strerror}): {kept}") from error


def _parts_of(table: str | Path, folder: Path) -> list[Path]:
    path = Path(table)
    if path.suffix == ".parquet":
        folder, name = path.parent, _ensemble(path)
    elif path.name == str(table):
        name = path.name
    else:
        folder, name = path.parent, path.name
    tables = published(folder)
    if name not in tables:
        known = ", ".join(tables) or "there is none yet"
        raise TableError(f"no table {name} in {folder}: {known}")
    return tables[name]


def _ensemble(path: Path) -> str:
    return re.sub(r"-L\d+$", "", path.stem)


def _read(paths: Sequence[Path]) -> tuple[pa.Table, dict[str, Any]]:
    """A table's files as one, sorted, every row once; and the metadata of its first file."""
    parts = [_read_file(path) for path in paths]
    table, metadata = parts[0]
    if len(parts) > 1:
        table = _once(pa.concat_tables([part for part, _ in parts]))
    return _sorted(table), metadata


def _read_file(path: Path) -> tuple[pa.Table, dict[str, Any]]:
    content = _bytes(path)
    try:
        table = pq.ParquetFile(pa.BufferReader(content), pre_buffer=False).read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{path} is not a complete Parquet file: restore it, or move it away") from error
    metadata = json.loads((table.schema.metadata or {}).get(_METADATA, b"{}"))
    kind = QUANTITIES.get(metadata.get("quantity", COHERENCE))
    if not metadata or kind is None or not table.schema.equals(_expected(kind, table.column_names)):
        raise TableError(f"{path} is not a table of an ensemble of this version: move it away")
    return table.replace_schema_metadata(None), {"quantity": COHERENCE, **metadata}


def _expected(kind: Quantity, present: Sequence[str]) -> pa.Schema:
    return _schema([name for name in _names(kind) if name not in kind.optional or name in present])


def _schema(names: Sequence[str]) -> pa.Schema:
    return pa.schema([(name, _TYPES.get(name, pa.float64())) for name in names])


def _names(kind: Quantity) -> list[str]:
    """All columns: a row's fields but rtol, which a table has once, with those first that tell rows apart."""
    return [*_FIRST, *(name for name in kind.fields if name not in (*_FIRST, "rtol"))]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror}") from error


def _sorted(table: pa.Table) -> pa.Table:
    import pyarrow.compute as pc

    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in _KEY])
    return table.take(order).combine_chunks()


def _once(table: pa.Table) -> pa.Table:
    numbered = table.select(_KEY).append_column("number", pa.array(range(table.num_rows)))
    first = numbered.group_by(_KEY, use_threads=False).aggregate([("number", "min")])
    return table.take(first["number_min"])


def _arrow(rows: Iterable[AnyRow], schema: pa.Schema) -> pa.Table:
    columns: dict[str, list[Any]] = {name: [] for name in schema.names}
    for row in rows:
        for name, column in columns.items():
            column.append(_plain(getattr(row, name)))
    return pa.table(columns, schema=schema)


def _plain(value: Any) -> Any:
    """Profiles as lists; nan as a missing number, as in the store."""
    if isinstance(value, bytes):
        return np.frombuffer(value, dtype="<f4").tolist()
    return None if isinstance(value, float) and math.isnan(value) else value


def _rows(table: pa.Table, metadata: Mapping[str, Any]) -> list[AnyRow]:
    kind = QUANTITIES[metadata["quantity"]]
    columns = {name: table[name].to_pylist() for name in table.column_names}
    for name in table.column_names:
        if pa.types.is_floating(table.schema.field(name).type):
            columns[name] = [math.nan if entry is None else entry for entry in columns[name]]
    for name in kind.optional:
        lists = columns.get(name, [None] * table.num_rows)
        columns[name] = [None if entry is None else np.array(entry, dtype="<f4").tobytes() for entry in lists]
    columns["rtol"] = [metadata["rtol"]] * table.num_rows
    return [kind.row(*entries) for entries in zip(*(columns[name] for name in kind.fields), strict=True)]
