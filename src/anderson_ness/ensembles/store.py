"""The store: every sample computed or published so far, in one SQLite file that survives being killed.

Each quantity has a table of its own, whose rows are keyed by what determines them: size, disorder strength, leads,
tolerance, seed and bias. Ensembles therefore share rows, a changed count extends an ensemble, and a changed tolerance,
root seed or lead makes new rows beside the old ones. The sweep's own process is the only one that writes.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from anderson_ness.ensembles.errors import StoreError
from anderson_ness.ensembles.quantities import COHERENCE, KEY, QUANTITIES, AnyRow, Quantity, quantity_of
from anderson_ness.ensembles.samples import Point

STORE = ".store/samples.sqlite"
_APPLICATION = 0x416E6453  # "AndS", how the file tells that it is a store
_VERSION = 1
_WAIT_SECONDS = 60.0
_TYPES = {
    "length": "INTEGER",
    "seed": "INTEGER",
    "converged": "INTEGER",
    "levels": "INTEGER",
    "density_profile": "BLOB",
    "spectral_weight": "BLOB",
}
_DIGESTS = "CREATE TABLE IF NOT EXISTS tables (digest TEXT PRIMARY KEY)"
_POINT = " AND ".join(f"{name} = ?" for name in KEY[:6])


def _create(quantity: Quantity) -> str:
    columns = ", ".join(f"{name} {_TYPES.get(name, 'REAL')}" for name in quantity.fields)
    return (
        f"CREATE TABLE IF NOT EXISTS {quantity.store_table} ({columns}, PRIMARY KEY ({', '.join(KEY)})) WITHOUT ROWID"
    )


def _insert(quantity: Quantity) -> str:
    """A row that lacks its profiles gives way to one that has them; every other row stays as it was first stored."""
    table, fields = quantity.store_table, quantity.fields
    conflict = "DO NOTHING"
    if quantity.optional:
        rest = ", ".join(f"{name} = excluded.{name}" for name in fields if name not in KEY)
        conflict = f"DO UPDATE SET {rest} WHERE NOT {_full(quantity, table)} AND {_full(quantity, 'excluded')}"
    return f"INSERT INTO {table} VALUES ({', '.join('?' * len(fields))}) ON CONFLICT {conflict}"


def _full(quantity: Quantity, row: str) -> str:
    """Whether a row has its optional fields: all or none of them."""
    return f"({row}.{quantity.optional[0]} IS NOT NULL)" if quantity.optional else "1"


_INSERT = {name: _insert(quantity) for name, quantity in QUANTITIES.items()}


class Store:
    """The samples of all ensembles.

    Parameters
    ----------
    path
        The file; it is made, with its folder, if there is none.

    Raises
    ------
    StoreError
        If the file is damaged, is something else, or cannot be written. So do all methods.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from anderson_ness.ensembles import Point, Store, Task, compute_sample
    >>> task = Task(Point(4, 16.5, 3.0, 1.0, 3.0), rtol=1e-3, seed=3, biases=(0.4,))
    >>> with Store(Path(tempfile.mkdtemp()) / "samples.sqlite") as store:
    ...     store.add(compute_sample(task))
    ...     print(store.has_table("no digest"))
    False
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._plain_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
        try:
            with self._plain_errors():
                self._open()
        except BaseException:
            self._database.close()
            raise

    def _open(self) -> None:
        run = self._database.execute
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        with self._transaction():
            if run("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
                run(f"PRAGMA application_id = {_APPLICATION}")
                run(f"PRAGMA user_version = {_VERSION}")
            mark = run("PRAGMA application_id").fetchone() + run("PRAGMA user_version").fetchone()
            if mark != (_APPLICATION, _VERSION):
                raise StoreError(f"{self.path} is not a store of samples of this version: move it away")
            for table in (*map(_create, QUANTITIES.values()), _DIGESTS):
                run(table)
        if run("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise self._damaged()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; it stays as it is."""
        with self._plain_errors():
            self._database.close()

    def add(self, rows: Iterable[AnyRow], digest: str | None = None) -> None:
        """Store rows, all or none; rows that exist stay as they are, unless they lack profiles and these have them.

        With ``digest``, also note that the published table of that digest is now part of the store.
        """
        with self._plain_errors(), self._transaction() as run:
            for row in rows:
                run(_INSERT[quantity_of(row)], row)
            if digest is not None:
                run("INSERT OR IGNORE INTO tables VALUES (?)", (digest,))

    def has_table(self, digest: str) -> bool:
        """Whether the published table of this digest is part of the store."""
        with self._plain_errors():
            return self._database.execute("SELECT 1 FROM tables WHERE digest = ?", (digest,)).fetchone() is not None

    def present(self, point: Point, rtol: float, quantity: str = COHERENCE) -> dict[tuple[int, float], bool]:
        """Which (seed, bias) of a point are stored, and whether with profiles (True where the quantity has none)."""
        kind = QUANTITIES[quantity]
        query = f"SELECT seed, bias, {_full(kind, kind.store_table)} FROM {kind.store_table} WHERE {_POINT}"
        with self._plain_errors():
            return {(seed, bias): bool(full) for seed, bias, full in self._database.execute(query, (*point, rtol))}

    def present_of(self, point: Point, rtol: float, quantity: str = COHERENCE, *, seed: int) -> dict[float, bool]:
        """Which biases of one sample are stored, and whether with profiles."""
        kind = QUANTITIES[quantity]
        query = f"SELECT bias, {_full(kind, kind.store_table)} FROM {kind.store_table} WHERE {_POINT} AND seed = ?"
        with self._plain_errors():
            return {bias: bool(full) for bias, full in self._database.execute(query, (*point, rtol, seed))}

    def rows(self, point: Point, rtol: float, quantity: str = COHERENCE) -> list[AnyRow]:
        """All rows of a point, sorted by seed and bias."""
        kind = QUANTITIES[quantity]
        query = f"SELECT * FROM {kind.store_table} WHERE {_POINT} ORDER BY seed, bias"
        with self._plain_errors():
            return [_row(kind, entries) for entries in self._database.execute(query, (*point, rtol))]

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        run = self._database.execute
        run("BEGIN IMMEDIATE")
        try:
            yield run
            run("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                run("ROLLBACK")
            raise

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._explained(error) from error
        except OSError as error:
            raise StoreError(f"{self.path} cannot be used: {error.strerror}") from error

    def _explained(self, error: sqlite3.Error) -> StoreError:
        name = getattr(error, "sqlite_errorname", "")
        if name == "SQLITE_FULL" or name.startswith("SQLITE_IOERR"):
            kept = "what was stored before remains, and the same command continues once there is room"
            return StoreError(f"{self.path} could not be written, as on a full disk ({error}): {kept}")
        if name == "SQLITE_NOTADB":
            return StoreError(f"{self.path} is not a store of samples (it is no SQLite file): move it away")
        if name.startswith("SQLITE_CORRUPT"):
            return self._damaged()
        if name.startswith("SQLITE_BUSY"):
            return StoreError(f"{self.path} has been in use by another program for {_WAIT_SECONDS:g} s: try later")
        return StoreError(f"{self.path} cannot be used: {error}")

    def _damaged(self) -> StoreError:
        return StoreError(f"{self.path} is damaged: move it away; rows of the published tables are taken from there")


def _row(kind: Quantity, entries: tuple[Any, ...]) -> AnyRow:
    """A row as it was stored: SQLite keeps nan as NULL and has no booleans."""
    values = dict(zip(kind.fields, entries, strict=True))
    for name, value in values.items():
        if value is None and name not in _TYPES:
            values[name] = math.nan
    return kind.row(**values | {"converged": bool(values["converged"])})
