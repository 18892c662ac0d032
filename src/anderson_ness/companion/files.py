"""Files that are either complete or absent, and digests that tell whether they changed."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def write(path: Path, content: bytes | str) -> None:
    """Write a whole file: readers see the old content or the new, never a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # mkstemp makes private files; pages and figures are to be read by a web server too.
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, whole or not at all."""
    write(path, json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> dict[str, Any] | None:
    """The object stored in ``path``; None if there is no such file or it holds no object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def plain(value: Any) -> Any:
    """``value`` with NumPy's numbers and arrays, and anything else unknown to JSON, replaced by plain ones.

    Numbers that JSON cannot express (nan, infinities) become None; unknown objects become their text.
    """
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, range)):
        return [plain(entry) for entry in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, complex):
        return {"real": plain(value.real), "imag": plain(value.imag)}
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def replace_folder(new: Path, old: Path) -> None:
    """Put the folder ``new`` in the place of ``old``, which may be absent."""
    old.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=old.parent, prefix=".old-") as attic:
        if old.exists():
            os.replace(old, Path(attic) / old.name)
        os.replace(new, old)


def digest(content: bytes) -> str:
    """SHA-256 of ``content`` in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def digests(files: Iterable[Path], base: Path) -> dict[str, str]:
    """SHA-256 of each file, by its path relative to ``base``."""
    return {path.relative_to(base).as_posix(): digest(path.read_bytes()) for path in sorted(files)}


def files_below(folder: Path) -> list[Path]:
    """Every file in ``folder`` and below, without what Python and editors leave there; none if it is absent."""
    skipped = {"__pycache__", ".ipynb_checkpoints", ".DS_Store", ".store"}
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and skipped.isdisjoint(path.parts)]


def copy(source: Path, target: Path) -> None:
    """Copy one file, making the folders it needs."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
