"""Small tables beside their specification: a CSV file whose first line, a comment, holds the metadata as JSON."""

from __future__ import annotations

import json
import os
import platform
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy

from anderson_ness.ensembles.errors import SpecificationError, TableError


def read_specification(path: Path) -> dict[str, Any]:
    """A TOML file with a list ``points``, not empty.

    Raises
    ------
    SpecificationError
        If it cannot be read or lacks points.
    """
    try:
        specification = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecificationError(f"{path} cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise SpecificationError(f"{path} is not TOML: {error}") from error
    if not specification.get("points"):
        raise SpecificationError(f"{path}: points must hold at least one entry")
    return specification


def read_csv(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A table; its ``attrs`` hold the metadata.

    Raises
    ------
    TableError
        If there is no such file, or it is not a table with these columns.
    """
    try:
        with path.open(encoding="utf-8") as file:
            first = file.readline()
            table = pd.read_csv(file)
        table.attrs.update(json.loads(first.removeprefix("#")))
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise TableError(f"{path} is damaged: restore it, or move it away") from error
    if list(table) != list(columns):
        raise TableError(f"{path} must have the columns {', '.join(columns)}: restore it, or move it away")
    return table


def write_csv(path: Path, specification: dict[str, Any], table: pd.DataFrame, float_format: str = "%.9g") -> None:
    """Write the whole table or none of it, with what it was made from."""
    metadata = {
        "specification": specification,
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__},
        "machine": platform.machine(),
    }
    text = "# " + json.dumps(metadata, sort_keys=True) + "\n" + table.to_csv(index=False, float_format=float_format)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)  # mkstemp makes private files
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
