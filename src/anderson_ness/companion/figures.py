"""Figures with the numbers they plot and the provenance of those numbers beside them."""

from __future__ import annotations

import base64
import csv
import io
import json
import logging
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure

from anderson_ness.companion import files, provenance
from anderson_ness.companion.project import RUN_VARIABLE, project_root

STYLE = "anderson_ness.companion.anderson"
# Dates and versions of drawing libraries inside a picture would change its bytes from run to run.
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
LARGEST_SVG_ON_A_PAGE = 1_000_000
Columns = Mapping[str, Any]
# Writing a pdf it wonders about the dates inside of fonts, and the reader of a page would see that.
logging.getLogger("fontTools").setLevel(logging.ERROR)


class Run:
    """One execution of a chapter: made by `anderson_ness.companion.chapter`, it saves the chapter's figures.

    Attributes
    ----------
    root : Path
        The project's folder.
    folder : Path
        Where this run's figures go. ``anderson-ness run`` and ``book`` decide it; in Jupyter, plain papermill and
        plain Jupyter Book it is ``_build/scratch/figures/<chapter>``, so that the book's own figures stay.
    """

    def __init__(self, chapter: str, parameters: Mapping[str, Any]) -> None:
        self.root = project_root()
        self.chapter = chapter
        self.parameters = dict(parameters)
        context = json.loads(os.environ.get(RUN_VARIABLE, "{}"))
        _check(context, chapter, parameters)
        self.folder = Path(context.get("figures", self.root / "_build" / "scratch" / "figures" / chapter))
        self._inputs = context.get("inputs")
        self._commit = provenance.commit(self.root)
        self._start = time.perf_counter()
        plt.style.use(["default", STYLE])

    def figure(
        self, fig: Figure, name: str, data: Columns | Mapping[str, Columns], seeds: Any = None, **info: Any
    ) -> None:
        """Save a figure with its numbers and provenance, then show it below the cell.

        Writes ``<name>.svg``, ``.pdf`` and ``.png``, ``<name>.csv`` and ``<name>.json``, each whole or not at all; a
        file of the same name is replaced. The same figure gives the same svg and pdf, byte for byte.

        Parameters
        ----------
        fig
            The figure; it is closed afterwards.
        name
            Lower-case letters, digits, ``-`` and ``_``.
        data
            What is plotted. Either one table, a mapping from column to values of equal length; or, for figures with
            several panels or curves of different length, a mapping from table to such a mapping: one file
            ``<name>-<table>.csv`` each, instead of ``<name>.csv``.
        seeds
            Seeds of the random numbers behind the figure; None: the parameters whose name contains "seed".
        **info
            Anything else worth keeping, such as the source of stored data or the number of samples.

        Raises
        ------
        ValueError
            If the name is not allowed, or a table's columns differ in length, are not one-dimensional or are complex.
        """
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
            raise ValueError(f"name must consist of lower-case letters, digits, - and _, not {name!r}")
        contents = tables(name, data) | _pictures(fig, name)
        for file, content in contents.items():
            files.write(self.folder / file, content)
        record = self.record(name, contents, seeds, info)
        files.write_json(self.folder / f"{name}.json", record)
        plt.close(fig)
        _show(name, contents)

    def record(self, name: str, contents: Mapping[str, bytes], seeds: Any, info: Mapping[str, Any]) -> dict[str, Any]:
        if seeds is None:
            seeds = {key: value for key, value in self.parameters.items() if "seed" in key}
        return {
            "figure": name,
            "chapter": self.chapter,
            "parameters": self.parameters,
            "seeds": seeds,
            "info": info,
            "versions": provenance.versions(),
            **self._commit,
            "inputs": self._inputs,
            "machine": provenance.machine(),
            "kwant_solver": provenance.kwant_solver(),
            "time_utc": provenance.utc_now(),
            "wall_time_s": round(time.perf_counter() - self._start, 3),
            "files": {file: files.digest(content) for file, content in contents.items()},
        }


def _check(context: Mapping[str, Any], chapter: str, parameters: Mapping[str, Any]) -> None:
    """The names that a chapter gives must be its own, or its figures' provenance would be wrong."""
    if context and context["chapter"] != chapter:
        raise ValueError(f"this chapter is {context['chapter']}, but calls itself {chapter}")
    if context and set(context["parameters"]) != set(parameters):
        raise ValueError(
            f"chapter() got the parameters {', '.join(parameters) or '(none)'}, but the cell tagged parameters sets "
            f"{', '.join(context['parameters']) or '(none)'}"
        )


def _pictures(fig: Figure, name: str) -> dict[str, bytes]:
    pictures = {}
    for kind, metadata in UNDATED.items():
        buffer = io.BytesIO()
        fig.savefig(buffer, format=kind, metadata=metadata)
        pictures[f"{name}.{kind}"] = buffer.getvalue()
    return pictures


def tables(name: str, data: Columns | Mapping[str, Columns]) -> dict[str, bytes]:
    nested = [isinstance(value, Mapping) or hasattr(value, "columns") for _, value in data.items()]
    if nested and all(nested):
        return {f"{name}-{table}.csv": _csv(table, columns) for table, columns in data.items()}
    return {f"{name}.csv": _csv(name, data)}


def _csv(table: str, columns: Columns) -> bytes:
    """The table as comma-separated values; floats keep every digit."""
    arrays = {str(column): np.asarray(values) for column, values in columns.items()}
    if not arrays:
        raise ValueError(f"data of {table!r} must have at least one column")
    for column, array in arrays.items():
        if array.ndim != 1 or array.dtype.kind == "c":
            raise ValueError(f"column {column!r} of {table!r} must be one-dimensional and not complex")
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{column}: {len(array)}" for column, array in arrays.items())
        raise ValueError(f"columns of {table!r} must have one length ({lengths}); put them into several tables")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(arrays)
    writer.writerows(zip(*(array.tolist() for array in arrays.values()), strict=True))
    return text.getvalue().encode()


def _show(name: str, contents: Mapping[str, bytes]) -> None:
    """Display the very picture that was saved; the output's metadata tells the book which files belong to it."""
    png = base64.b64encode(contents[f"{name}.png"]).decode()
    bundle = {"text/plain": f"<figure {name}>", "image/png": png}
    svg = contents[f"{name}.svg"].decode()
    if len(svg) <= LARGEST_SVG_ON_A_PAGE:
        bundle["image/svg+xml"] = svg
    numbers = [file for file in contents if file.endswith(".csv")]
    display(bundle, raw=True, metadata={"anderson_ness": {"figure": name, "numbers": numbers}})
