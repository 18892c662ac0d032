"""The store and the published tables together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from anderson_ness.ensembles import table
from anderson_ness.ensembles.plan import require_wanted, selected
from anderson_ness.ensembles.specification import Specification
from anderson_ness.ensembles.store import STORE, Store


@contextmanager
def opened(folder: Path) -> Iterator[Store]:
    """The store of a data folder, holding every published row as well.

    In a fresh clone, which has tables only, this is how a sweep comes to extend them.
    """
    with Store(folder / STORE) as store:
        for paths in table.published(folder).values():
            digest = table.digest(paths)
            if not store.has_table(digest):
                store.add(table.read_rows(paths), digest)
        yield store


def require_extension(specifications: Sequence[Specification], folder: Path) -> None:
    """Refuse specifications that no longer name every row of their published tables.

    Raises
    ------
    SpecificationError
        With the first such row.
    """
    published = table.published(folder)
    for specification in specifications:
        paths = published.get(specification.name)
        if paths and table.specification_of(paths) != specification.text:
            require_wanted(table.read_rows(paths), specification)


def publish(
    specifications: Sequence[Specification], store: Store, folder: Path, origin: Mapping[str, Any] | None
) -> list[Path]:
    """Write the table of each ensemble that has rows from what the store holds of it; return their files."""
    written = []
    for specification in specifications:
        rows = list(selected(specification, store))
        if rows:
            paths = table.publish(specification, rows, folder, origin)
            store.add([], table.digest(paths))
            written += paths
    return written
