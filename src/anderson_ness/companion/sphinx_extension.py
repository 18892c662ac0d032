"""What the book changes in Jupyter Book's Sphinx, for `make book` and plain ``jupyter-book build .`` alike.

Pages load nothing from other hosts: MathJax lies in the site itself, and Thebe, which would run cells on other machines
by scripts from elsewhere, is left out. Docstrings write absolute values as they are read, which
reStructuredText would take for substitutions.
"""

from __future__ import annotations

import re
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from anderson_ness.companion import files

MATHJAX = "scripts/mathjax"
# The renderer with its fonts, and what it loads for formulas that call for more; no spoken text.
MATHJAX_PARTS = ("tex-chtml.js", "input/tex/extensions", "output/chtml/fonts", "a11y/assistive-mml.js")


def setup(app: Any) -> dict[str, Any]:
    """Entry point of the extension; it comes after Jupyter Book's own."""
    # Relative to the site's folder _static.
    app.config.mathjax_path = f"../{MATHJAX}/tex-chtml.js"
    # Docstrings also name what the reference of the package does not list.
    app.config.nitpick_ignore_regex.append(("py:.*", ".*"))
    for listeners in app.events.listeners.values():
        for listener in list(listeners):
            if listener.handler.__module__ == "sphinx_thebe":
                app.disconnect(listener.id)
    app.registry.css_files[:] = [entry for entry in app.registry.css_files if entry[0] != "sphinx-thebe.css"]
    app.connect("builder-inited", _copy_mathjax)
    app.connect("autodoc-process-docstring", _escape_bars)
    app.connect("autodoc-skip-member", _skip_fields)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _copy_mathjax(app: Any) -> None:
    if app.builder.format == "html":
        write_mathjax(Path(app.outdir))


def write_mathjax(site: Path) -> None:
    """Put MathJax, its fonts and its licence into the site's folder.

    The files come with the package django-static-mathjax: MathJax 3 as its authors publish it (Apache licence 2.0).
    """
    package = Path(str(resources("mathjax"))) / "static" / "mathjax"
    wanted = [package / "es5" / part for part in MATHJAX_PARTS]
    for path in [path for part in wanted for path in ([part] if part.is_file() else files.files_below(part))]:
        files.copy(path, site / MATHJAX / path.relative_to(package / "es5"))
    files.copy(package / "LICENSE", site / MATHJAX / "LICENSE")


def _skip_fields(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out fields of named tuples that nobody has described: Python says of them that they are fields."""
    described = str(getattr(obj, "__doc__", "") or "")
    return True if described.startswith("Alias for field number") else None


def _escape_bars(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Escape ``|`` outside of literals and examples."""
    lines[:] = [line if line.lstrip().startswith((">>>", "...")) else escape_bars(line) for line in lines]


def escape_bars(line: str) -> str:
    """The line with a backslash before every ``|`` that has none and is in no literal."""
    parts = re.split(r"(``.*?``)", line)
    return "".join(part if part.startswith("``") else re.sub(r"(?<!\\)\|", r"\\|", part) for part in parts)
