"""The executable companion: chapters, figures with their provenance, and the command line.

A chapter is a notebook ``book/NN_short_name.ipynb`` listed in ``_toc.yml``, stored without outputs. Its author needs
three things from here; everything else is prose and the package's own functions.

**The first cells.** One cell tagged ``parameters`` holds plain assignments, nothing else. The next one begins the run
and names every parameter again, so that each figure's provenance can state them::

    from anderson_ness.companion import chapter

    run = chapter("01_driven_anderson_bar", length=length, disorder=disorder, seed=seed)

It also switches on the figures' style. Data are read from ``run.root / "data"``, wherever the notebook was started.

**A figure** is one cell, and that cell shows nothing else (printing is fine)::

    fig, ax = plt.subplots()
    ax.plot(energy, bands.T)
    run.figure(fig, "bands", {"energy": energy, "lowest": bands[0], "highest": bands[-1]})

with caption, name and description in the cell's metadata, where ``name`` is what ``{numref}`` refers to::

    "mystnb": {"figure": {"caption": "Bands of a lead.", "name": "fig-bands"},
               "image": {"alt": "Energy against wave number: a bundle of cosines."}}

`anderson_ness.companion.figures.Run.figure` says what is written. The book's pages link those files below the caption.

**An exercise** and its solution are Markdown cells around the solution's code cells, which are executed like any
other. The solution's ``dropdown`` class hides it behind a click::

    ```{exercise-start}
    :label: ex-bands
    ```
    What changes when the lead is twice as wide?
    ```{exercise-end}
    ```

    ```{solution-start} ex-bands
    :class: dropdown
    ```
    Twice as many bands.
    ```{solution-end}
    ```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anderson_ness.companion.figures import Run

__all__ = ["chapter"]


def chapter(name: str, **parameters: Any) -> Run:
    """Begin a chapter's run: set the figures' style and return the helper that saves them.

    Parameters
    ----------
    name
        The chapter's file name without ``.ipynb``.
    **parameters
        Every variable of the chapter's ``parameters`` cell, with its present value.

    Returns
    -------
    Run
        Its ``figure`` method saves and shows a figure; its ``root`` is the project's folder.

    Raises
    ------
    ValueError
        If the names are not those of the chapter being executed.
    ProjectNotFound
        If the project's root cannot be found.
    """
    from anderson_ness.companion.figures import Run

    return Run(name, parameters)
