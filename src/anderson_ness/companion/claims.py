"""Verdicts on the claims of the ledger: computed, and shown on a terminal and in the book.

``data/claims.yaml`` has one entry a claim. Its verdict is computed from the tables in ``data``, by the function of
`anderson_ness.companion.verdicts` that bears the claim's id with underscores.
"""

from __future__ import annotations

import importlib
import inspect
import json
import math
import pkgutil
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from anderson_ness.companion import verdicts
from anderson_ness.companion.ledger import LEDGER, Claim, LedgerError, load
from anderson_ness.companion.verdicts.finding import NOT_EVALUATED, Finding
from anderson_ness.companion.verdicts.shortage import NotEnoughData
from anderson_ness.ensembles.errors import TableError

Evaluator = Callable[[Path], Finding]


@dataclass(frozen=True)
class Evaluated:
    """A claim with what was found about it."""

    claim: Claim
    finding: Finding

    def record(self) -> dict[str, Any]:
        """One flat object for JSON; the number and its error are None where there is none."""
        found = self.finding
        value, error = (x if math.isfinite(x) else None for x in (float(found.value), float(found.error)))
        entries = {"quantity": found.quantity, "measured": value, "error": error, "verdict": found.verdict}
        return {**asdict(self.claim), **entries}


def evaluators() -> dict[str, Evaluator]:
    """The function that decides each claim, by the claim's id.

    Raises
    ------
    LedgerError
        If two modules decide one claim.
    """
    found: dict[str, Evaluator] = {}
    for module in _modules():
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ != module.__name__ or not _is_evaluator(name, function):
                continue
            id = name.replace("_", "-")
            if id in found:
                raise LedgerError(f"{id} is decided twice, in {found[id].__module__} and in {module.__name__}")
            found[id] = function
    return found


def _is_evaluator(name: str, function: Callable[..., Any]) -> bool:
    return not name.startswith("_") and list(inspect.signature(function).parameters) == ["data"]


def _modules() -> Iterator[Any]:
    for info in pkgutil.iter_modules(verdicts.__path__):
        yield importlib.import_module(f"{verdicts.__name__}.{info.name}")


def evaluate(
    root: Path, claims: Sequence[Claim] | None = None, tell: Callable[[Claim], None] = lambda claim: None
) -> list[Evaluated]:
    """Decide claims from the stored data.

    Parameters
    ----------
    root
        The project's folder.
    claims
        Which ones; None: all of the ledger.
    tell
        Called with each claim before it is decided.

    Returns
    -------
    list of Evaluated
        In the claims' order. A claim that no function decides yet, or whose data are missing or too few, is
        ``not yet evaluated``; then the finding's quantity is the reason.

    Raises
    ------
    LedgerError
        If the ledger is malformed.
    """
    functions = evaluators()
    results = []
    # Matrices are small: more threads would only wait for each other.
    with threadpool_limits(1):
        for claim in load(root) if claims is None else claims:
            tell(claim)
            results.append(Evaluated(claim, _finding(functions.get(claim.id), root / "data")))
    return results


def _finding(function: Evaluator | None, data: Path) -> Finding:
    if function is None:
        return _not_evaluated("nothing computes it yet")
    try:
        return function(data)
    except (NotEnoughData, TableError) as shortage:
        return _not_evaluated(str(shortage))


def _not_evaluated(reason: str) -> Finding:
    return Finding(reason, math.nan, math.nan, NOT_EVALUATED)


def show(root: Path, chapter: str) -> None:
    """Display the verdicts on a chapter's claims as a table that links to the claims' page.

    The cell should show nothing else.

    Parameters
    ----------
    root
        The project's folder, as ``run.root``.
    chapter
        The chapter's file name without ``.ipynb``.

    Raises
    ------
    ValueError
        If the ledger has no claim of that chapter.
    LedgerError
        If the ledger is malformed.
    """
    ledger = load(root)
    chosen = [claim for claim in ledger if claim.chapter == chapter]
    if not chosen:
        named = dict.fromkeys(claim.chapter for claim in ledger)
        raise ValueError(f"chapter must be one that data/{LEDGER} names, {', '.join(named)}, not {chapter!r}")
    results = evaluate(root, chosen)
    _display(results, _table(results))


def show_overview(root: Path, results: Sequence[Evaluated]) -> None:
    """Display all verdicts as one table for each chapter, with links to the chapters and to `show_details`."""
    links = _Links(root)
    parts = [f"### {links.chapter(chapter)}\n\n{_table(group, links)}" for chapter, group in by_chapter(results)]
    _display(results, "\n\n".join(parts))


def show_details(root: Path, results: Sequence[Evaluated]) -> None:
    """Display each claim in full, below a heading that ``{ref}`claim-<id>``` reaches from every page."""
    links = _Links(root)
    _display(results, "\n\n".join(_details(one, links) for _, group in by_chapter(results) for one in group))


def _display(results: Sequence[Evaluated], markdown: str) -> None:
    from IPython.display import display

    display({"text/plain": plain_table(results), "text/markdown": markdown}, raw=True)


def by_chapter(results: Sequence[Evaluated]) -> Iterator[tuple[str, list[Evaluated]]]:
    """Chapters in order of their names, each with its claims in the ledger's order."""
    for chapter, group in groupby(sorted(results, key=lambda one: one.claim.chapter), lambda one: one.claim.chapter):
        yield chapter, list(group)


def _table(results: Sequence[Evaluated], links: _Links | None = None) -> str:
    """One line a claim, its verdict first, as the rest may lie outside of a narrow screen; ``links``: to figures."""
    header = ["claim", "verdict", "measured", "in the paper", *(["figure"] if links else [])]
    rows = [header, ["---"] * len(header)]
    for one in results:
        claim = f"[{one.claim.id}](#claim-{one.claim.id})"
        # The theme breaks words anywhere in a table.
        verdict = f'<strong style="overflow-wrap: normal">{one.finding.verdict}</strong>'
        row = [claim, verdict, _escaped(measured(one.finding)), _escaped(one.claim.where)]
        rows.append([*row, *([links.figure(one.claim)] if links else [])])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _details(one: Evaluated, links: _Links) -> str:
    claim = one.claim
    lines = [
        f"(claim-{claim.id})=\n#### {claim.id}\n",
        f"* In the paper ({_escaped(claim.where)}): {_escaped(claim.claimed)}.",
        f"* Decided by: {_escaped(claim.decides)}.",
        f"* Measured: {_escaped(measured(one.finding))}.",
        f"* Verdict: **{one.finding.verdict}**.",
        f"* Shown in {links.chapter(claim.chapter)}, {links.shown_by(claim)}.",
    ]
    return "\n".join(lines)


class _Links:
    """Links to chapters and figures, for those that have a page: a notebook outside the table of contents has none."""

    def __init__(self, root: Path) -> None:
        # It brings papermill, which the command line does not need.
        from anderson_ness.companion import chapters

        self._root, self._pages = root, set(chapters.chapters(root))

    def chapter(self, name: str) -> str:
        """The chapter's number and title."""
        text = f"Chapter {name.partition('_')[0].lstrip('0')}: {self._title(name)}"
        return f"[{text}]({name}.ipynb)" if name in self._pages else text

    def shown_by(self, claim: Claim) -> str:
        """The claim's figure, if it can be reached, and the command that makes it."""
        return ", ".join(filter(None, [self.figure(claim), f"`{claim.command}`"]))

    def figure(self, claim: Claim) -> str:
        """A link to the claim's figure; empty if there is none, or no page that shows it."""
        return f"[figure](#{claim.figure})" if claim.figure and claim.chapter in self._pages else ""

    def _title(self, name: str) -> str:
        notebook = self._root / "book" / f"{name}.ipynb"
        if not notebook.is_file():
            return name.partition("_")[2].replace("_", " ")
        first = json.loads(notebook.read_text(encoding="utf-8"))["cells"][0]["source"]
        return "".join(first).partition("\n")[0].lstrip("# ")


def _escaped(text: str) -> str:
    """Plain text as Markdown that shows it unchanged."""
    return re.sub(r"([\\`*$|<\[\]])", r"\\\1", text)


def measured(finding: Finding) -> str:
    """The finding in words: what was measured, and the number with its error."""
    if finding.verdict == NOT_EVALUATED:
        return finding.quantity
    return f"{finding.quantity}: {number(finding.value, finding.error)}"


def number(value: float, error: float) -> str:
    """A number with its error, to two digits of the error; three digits of the number where it has no error."""
    if not math.isfinite(value):
        return "–"
    if error == 0:
        return f"{value:.3g}"
    if not math.isfinite(error):
        return f"{value:.3g} ± ?"
    digits = 1 - math.floor(math.log10(error))
    if max(abs(value), error) < 1e-3:
        return f"{value:.1e} ± {error:.1e}"
    return f"{value:.{max(0, digits)}f} ± {error:.{max(0, digits)}f}"


def plain_table(results: Sequence[Evaluated]) -> str:
    """The verdicts as text, one line a claim, sectioned by chapter."""
    width = max(len(one.claim.id) for one in results)
    verdict_width = max(len(one.finding.verdict) for one in results)
    lines = []
    for chapter, group in by_chapter(results):
        lines += ["", chapter]
        for one in group:
            head = f"  {one.claim.id:{width}}  {one.finding.verdict:{verdict_width}}"
            lines.append(f"{head}  {measured(one.finding)}")
    return "\n".join(lines[1:])
