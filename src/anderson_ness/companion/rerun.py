"""What a page says about running its chapter again: the command, the notebook, Binder, and the time it takes."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from anderson_ness.companion import chapters, provenance

BINDER = "https://mybinder.org/v2/gh"

_NOTE = """\
````{{dropdown}} Run this chapter yourself: {time} on one core
:class-container: rerun-chapter

With other values for any of its parameters, from a clone of the repository:

```bash
{command}
```

{links}. The run shown here: {run}.
````
"""


def add_note(root: Path, chapter: str, notebook: Any) -> None:
    """Insert the note below the title of an executed chapter; a page without parameters gets none."""
    if not chapters.defaults(root, chapter):
        return
    first = notebook.cells[0]
    title, _, rest = first.source.partition("\n")
    first.source = f"{title}\n\n{note(root, chapter)}\n{rest.lstrip()}"


def note(root: Path, chapter: str) -> str:
    """MyST text: how to run the chapter again, and what its last run took."""
    record = chapters.record(root, chapter)
    seconds = record["wall_time_s"]
    return _NOTE.format(
        time=f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min",
        command=papermill_command(root, chapter),
        links=" · ".join(_links(root, chapter)),
        run=f"{record['time_utc'][:10]}, {provenance.short_commit(record)}{_status(root)}",
    )


def papermill_command(root: Path, chapter: str) -> str:
    """The line that runs a chapter with every parameter at its default, to be edited."""
    options = [_option(name, value) for name, value in chapters.defaults(root, chapter).items()]
    return " ".join([f"papermill book/{chapter}.ipynb out.ipynb", *options])


def _option(name: str, value: Any) -> str:
    """Papermill takes what follows ``-p`` for a number or a text; lists have to be written as YAML."""
    return (
        f"-y {shlex.quote(f'{name}: {value}')}" if isinstance(value, list) else f"-p {name} {shlex.quote(str(value))}"
    )


def _status(root: Path) -> str:
    return "; [all of them](status.md)" if (root / "book" / "status.md").is_file() else ""


def _links(root: Path, chapter: str) -> list[str]:
    links = [f'<a href="../_sources/book/{chapter}.ipynb" download="{chapter}.ipynb">Download the notebook</a>']
    repository = provenance.repository(root)
    if repository:
        address = f"{BINDER}/{repository}/HEAD?urlpath=lab/tree/book/{chapter}.ipynb"
        links.append(f'<a href="{address}">Launch it on Binder</a>')
    return links
