"""The ledger of the paper's claims, ``data/claims.yaml``, read and checked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

LEDGER = "claims.yaml"


class LedgerError(ValueError):
    """The ledger is malformed; the message names file, entry and key, and says what is allowed."""


@dataclass(frozen=True)
class Claim:
    """One claim of the paper, an entry of the ledger.

    Attributes
    ----------
    id
        Lower-case words joined by hyphens.
    where
        Equation, figure or sentence of the paper.
    claimed
        What the paper says there.
    decides
        What decides it: quantity, tolerance, data.
    chapter
        The chapter that shows it, by file name without ``.ipynb``.
    command
        The command that makes what shows it.
    figure
        The name of the figure that shows it, as in its cell's metadata; None if no figure does.
    """

    id: str
    where: str
    claimed: str
    decides: str
    chapter: str
    command: str
    figure: str | None = None


def load(root: Path) -> list[Claim]:
    """The ledger's entries, in its order.

    Raises
    ------
    LedgerError
        If ``data/claims.yaml`` cannot be read or breaks a rule: unknown, missing or empty keys, an id that is used
        twice, a chapter or figure that does not exist.
    """
    path = root / "data" / LEDGER
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LedgerError(f"data/{LEDGER} cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise LedgerError(f"data/{LEDGER} is not YAML: {error}") from error
    if not isinstance(content, dict) or not {"claims"} <= set(content) <= {"planned", "claims"}:
        raise LedgerError(f"data/{LEDGER} must hold the key claims, may hold planned, and no other")
    planned, entries = content.get("planned") or [], content["claims"]
    if not isinstance(planned, list) or not all(isinstance(name, str) for name in planned):
        raise LedgerError(f"data/{LEDGER}: planned must be a list of chapters that are not there yet")
    if not isinstance(entries, list) or not entries:
        raise LedgerError(f"data/{LEDGER}: claims must be a list of entries")
    figures = _Figures(root, planned)
    claims: list[Claim] = []
    for number, entry in enumerate(entries, start=1):
        claims.append(_claim(entry, f"data/{LEDGER}, entry {number}", figures, {claim.id for claim in claims}))
    return claims


def _claim(entry: Any, where: str, figures: _Figures, taken: set[str]) -> Claim:
    """The entry as a claim, or one sentence about what is wrong with it."""
    if not isinstance(entry, dict):
        raise LedgerError(f"{where}: must be a mapping from keys to text")
    where += f" ({entry['id']})" if "id" in entry else ""
    claim = Claim(**_texts(entry, where))
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", claim.id):
        raise LedgerError(f"{where}: id must be lower-case words joined by hyphens, not {claim.id!r}")
    if claim.id in taken:
        raise LedgerError(f"{where}: id must be unique, and {claim.id} was used above")
    if not claim.command.startswith("anderson-ness "):
        raise LedgerError(f"{where}: command must start with 'anderson-ness ', not {claim.command!r}")
    figures.require(claim, where)
    return claim


def _texts(entry: dict[str, Any], where: str) -> dict[str, str]:
    """The entry's values, with every key known, none missing and none empty."""
    keys = [field.name for field in fields(Claim)]
    for key in entry:
        if key not in keys:
            raise LedgerError(f"{where}: key must be one of {', '.join(keys)}, not {key!r}")
    present = {key: entry.get(key) for key in keys if key != "figure" or entry.get(key) is not None}
    for key, value in present.items():
        if not isinstance(value, str) or not value.strip():
            raise LedgerError(f"{where}: {key} must be text and not empty, not {value!r}")
    return {key: str(value).strip() for key, value in present.items()}


class _Figures:
    """The chapters there are, with the names of their figures, and those that are planned."""

    def __init__(self, root: Path, planned: list[str]) -> None:
        self._root, self._planned = root, planned
        self._known: dict[str, list[str] | None] = {}

    def require(self, claim: Claim, where: str) -> None:
        """Raise unless chapter and figure exist; a planned chapter may get any figure."""
        chapter = claim.chapter
        if chapter in self._planned:
            return
        if chapter not in self._known:
            self._known[chapter] = _figures_of(self._root / "book" / f"{chapter}.ipynb")
        known = self._known[chapter]
        if known is None:
            raise LedgerError(f"{where}: chapter must be a notebook of book or be listed as planned, not {chapter!r}")
        if claim.figure is not None and claim.figure not in known:
            allowed = ", ".join(known) or "(none)"
            raise LedgerError(f"{where}: figure must be one of {chapter}'s, {allowed}, not {claim.figure!r}")


def _figures_of(notebook: Path) -> list[str] | None:
    """Names of a chapter's figures, as `numref` knows them; None if there is no such notebook."""
    if not notebook.is_file():
        return None
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    named = (cell["metadata"].get("mystnb", {}).get("figure", {}).get("name") for cell in cells)
    return [name for name in named if name]
