"""From executed chapters to the web site: gather what Jupyter Book needs, build it, put it in its place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import yaml

from anderson_ness.companion import chapters, files, interactive, rerun, status

JUPYTER_BOOK = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
STYLE = Path(__file__).with_name("book.css")
QUIET = ("--all", "-q")
STRICT = (*QUIET, "-W", "-n", "--keep-going")
STATUS = "status.md"


class RenderFailed(RuntimeError):
    """Jupyter Book, or a chapter's figures, did not satisfy the book's rules; the message says which."""


def render(root: Path) -> bool:
    """Build ``_build/html`` from the executed chapters, unless it is already what they give.

    Returns
    -------
    bool
        Whether anything had to be built.

    Raises
    ------
    RenderFailed
        If Jupyter Book warns about anything, or a figure lacks its caption or its description.
    """
    site = root / "_build" / "site"
    _stage(root, site, chapters.chapters(root))
    files.copy(root / "_toc.yml", site / "_toc.yml")
    if (site / "book" / STATUS).is_file():
        status.fill(root, site / "book" / STATUS)
    inputs = _folder_digest(site)
    html, stamp = root / "_build" / "html", root / "_build" / "html.json"
    # The product counts too: plain Jupyter Book writes into the same folder.
    if html.is_dir() and files.read_json(stamp) == {"inputs": inputs, "product": _folder_digest(html)}:
        return False
    built = _build(site)
    for chapter in chapters.chapters(root):
        files.copy(chapters.source(root, chapter), built / "_sources" / "book" / f"{chapter}.ipynb")
    stamp.unlink(missing_ok=True)
    files.replace_folder(built, html)
    files.write_json(stamp, {"inputs": inputs, "product": _folder_digest(html)})
    return True


def preview(root: Path, chapter: str) -> Path:
    """Build one executed chapter's page, with the pages that are no chapters, and return the file.

    It goes to ``_build/preview``. Links to other chapters lead nowhere there, so warnings are no errors.

    Raises
    ------
    RenderFailed
        If Jupyter Book fails, or a figure lacks its caption or its description.
    """
    site, html = root / "_build" / ".preview-site", root / "_build" / "preview"
    _stage(root, site, [chapter])
    others = [page for page in chapters.pages(root)[1:] if page.suffix != ".ipynb" and page.name != STATUS]
    toc: dict[str, Any] = {"format": "jb-book", "root": f"book/{chapter}"}
    if others:
        toc["chapters"] = [{"file": page.with_suffix("").as_posix()} for page in others]
    files.write(site / "_toc.yml", yaml.safe_dump(toc, sort_keys=False))
    files.replace_folder(_build(site, strict=False), html)
    shutil.rmtree(site)
    return html / "book" / f"{chapter}.html"


def _folder_digest(folder: Path) -> str:
    described = files.digests(files.files_below(folder), folder)
    return files.digest(json.dumps(described, sort_keys=True).encode())


def _stage(root: Path, site: Path, names: Sequence[str]) -> None:
    """Gather the pages, with executed chapters in the place of their sources, and the chapters' figures."""
    shutil.rmtree(site, ignore_errors=True)
    site.mkdir(parents=True)
    for folder in ("book", "_static"):
        for path in files.files_below(root / folder):
            files.copy(path, site / path.relative_to(root))
    for page in chapters.pages(root):
        files.copy(root / page, site / page)
    for chapter in names:
        _stage_chapter(root, chapter, site)
    interactive.write_scripts(site / "extra")
    files.copy(STYLE, site / "_static" / STYLE.name)
    # The reference of the package is made from its docstrings.
    files.write_json(site / "src.json", files.digests(files.files_below(root / "src"), root))
    # The pinned versions of theme and extensions shape the pages as much as their sources do.
    lock = root / "requirements.lock"
    if lock.is_file():
        files.copy(lock, site / "requirements.lock")
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    files.write(site / "_config.yml", yaml.safe_dump(_site_config(config), sort_keys=False))


def _site_config(config: dict[str, Any]) -> dict[str, Any]:
    """The project's configuration, with nothing to execute and the figures copied to the site's root."""
    sphinx = config.get("sphinx") or {}
    settings = (sphinx.get("config") or {}) | {"html_extra_path": ["extra"]}
    return config | {"execute": {"execute_notebooks": "off"}, "sphinx": sphinx | {"config": settings}}


def _stage_chapter(root: Path, chapter: str, site: Path) -> None:
    build = root / "_build"
    for path in files.files_below(build / "figures" / chapter):
        files.copy(path, site / "extra" / path.relative_to(build))
    notebook = nbformat.read(chapters.executed(build, chapter), 4)
    names = []
    for number, cell in enumerate(notebook.cells, start=1):
        figure = _figure_of(cell, f"{chapter}, cell {number}")
        if figure is not None:
            names.append(figure["figure"])
            caption = cell.metadata.mystnb.figure
            caption["caption"] = f"{caption['caption'].rstrip()}\n\n{_links(chapter, **figure)}"
    if len(set(names)) < len(names):
        raise RenderFailed(f"{chapter} uses a figure's name twice: {', '.join(names)}")
    rerun.add_note(root, chapter, notebook)
    files.write(site / "book" / f"{chapter}.ipynb", nbformat.writes(notebook))


def _figure_of(cell: Any, where: str) -> dict[str, Any] | None:
    """What `Run.figure` noted in the cell's output; None if the cell draws no figure."""
    shown = [output for output in cell.get("outputs", []) if "data" in output]
    figures = [output.metadata.anderson_ness for output in shown if "anderson_ness" in output.metadata]
    if not figures:
        return None
    # Jupyter Book wraps every output of such a cell in a figure of the same name and caption.
    if len(shown) > 1:
        raise RenderFailed(f"{where}: a cell that draws a figure must show nothing else")
    options = cell.metadata.get("mystnb", {})
    if not options.get("figure", {}).get("caption") or not options.get("image", {}).get("alt"):
        raise RenderFailed(f"{where}: the figure needs mystnb metadata, figure.caption and image.alt")
    return figures[0]


def _links(chapter: str, figure: str, numbers: list[str], pictures: Sequence[str] = ("svg", "pdf", "png")) -> str:
    """Links to a figure's files, as HTML because Sphinx does not know files that are copied as they are."""
    targets = {kind: f"{figure}.{kind}" for kind in pictures}
    targets |= {_label(figure, file): file for file in numbers}
    targets["provenance"] = f"{figure}.json"
    links = [f'<a href="../figures/{chapter}/{file}">{label}</a>' for label, file in targets.items()]
    return f'<small class="figure-files">{" · ".join(links)}</small>'


def _label(figure: str, file: str) -> str:
    table = file.removeprefix(figure).removesuffix(".csv").lstrip("-")
    return f"numbers ({table})" if table else "numbers"


def _build(site: Path, strict: bool = True) -> Path:
    """Run Jupyter Book, every warning an error if ``strict``; return the folder of the pages."""
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", str(site), *(STRICT if strict else QUIET)]
    environment = os.environ | {"NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=site)
    if done.returncode != 0:
        messages = [line for line in done.stderr.splitlines() if "WARNING" in line or "ERROR" in line]
        text = "\n".join(messages) or done.stderr or done.stdout
        raise RenderFailed(text.replace(f"{site}{os.sep}", "").strip())
    return site / "_build" / "html"
