"""Where the project is: the folder that holds the book's configuration and the data."""

import os
from pathlib import Path

ROOT_VARIABLE = "ANDERSON_NESS_ROOT"
# What ``anderson-ness run`` and ``book`` tell the chapter they execute, as JSON.
RUN_VARIABLE = "ANDERSON_NESS_RUN"


class ProjectNotFound(FileNotFoundError):
    """There is no project where one was looked for; the message says how to name it."""


def project_root() -> Path:
    """The project's folder: what ANDERSON_NESS_ROOT names, else the nearest parent with ``_config.yml`` and ``data/``.

    Returns
    -------
    Path
        Absolute; the current folder counts as its own parent.

    Raises
    ------
    ProjectNotFound
        If the variable names a folder that is no project, or no parent is one.
    """
    named = os.environ.get(ROOT_VARIABLE)
    if named:
        root = Path(named).resolve()
        if not _is_root(root):
            raise ProjectNotFound(f"{ROOT_VARIABLE} names {named}, which has no _config.yml beside a data folder")
        return root
    here = Path.cwd()
    for folder in (here, *here.parents):
        if _is_root(folder):
            return folder
    raise ProjectNotFound(
        "The project's root was not found: start inside the project's folder (it holds _config.yml and data), "
        f"or let {ROOT_VARIABLE} name it"
    )


def _is_root(folder: Path) -> bool:
    return (folder / "_config.yml").is_file() and (folder / "data").is_dir()
