"""Interactive figures that work in the built page without a kernel and without scripts from other hosts.

A chapter lays out Bokeh plots and widgets, tied together by ``CustomJS``, and shows them in the place of a figure::

    from anderson_ness.companion.interactive import frames, show_interactive

    slider = frames(source, {"energy": energies, "transmission": curves}, title="mirrors", labels=["0.1", "0.2"])
    show_interactive(run, column(slider, plot), "mirrors", data, description="Transmission against energy ...")

in a cell with the same ``mystnb`` metadata as any figure's. The book's pages share one copy of BokehJS, which
`write_scripts` puts into the site; in Jupyter and in plain Jupyter Book the output brings its own.
"""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from IPython.display import display
from numpy.typing import ArrayLike

from anderson_ness.companion import files
from anderson_ness.companion.figures import Columns, Run, tables
from anderson_ness.companion.project import RUN_VARIABLE

SCRIPTS = "scripts"
COMPONENTS = ("bokeh", "bokeh-widgets")

_PAGE = """<div class="interactive-figure" role="group" aria-label="{description}">
<div id="interactive-{name}"></div>
<noscript>This figure needs JavaScript; its numbers are linked below.</noscript>
{scripts}
<script type="application/json" id="interactive-{name}-content">{content}</script>
<script>
(function () {{
  const content = document.getElementById("interactive-{name}-content").textContent;
  function show() {{ Bokeh.embed.embed_item(JSON.parse(content), "interactive-{name}"); }}
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", show); else show();
}})();
</script>
</div>"""

_SHOW_FRAME = """
const data = Object.assign({}, source.data);
for (const name of Object.keys(stored)) data[name] = stored[name][slider.value];
source.data = data;
text.text = title + " " + labels[slider.value];
"""
_SHOW_CHOSEN = """
let frame = 0;
const chosen = sliders.map((slider, i) => {
    frame = frame * labels[i].length + slider.value;
    return titles[i] + " = " + labels[i][slider.value];
});
const data = Object.assign({}, source.data);
for (const name of Object.keys(stored)) data[name] = stored[name][frame];
source.data = data;
text.text = chosen.join(", ") + notes[frame];
"""
_PLAY = """
const button = cb_obj;
button.label = button.active ? "Pause" : "Play";
if (button.active) {
    if (slider.value == slider.end) slider.value = slider.start;
    const timer = setInterval(() => {
        if (button.active && slider.value < slider.end) slider.value += 1;
        else { clearInterval(timer); button.active = false; }
    }, interval);
}
"""


def frames(
    source: Any,
    columns: Mapping[str, ArrayLike],
    title: str,
    labels: Sequence[str],
    start: int = 0,
    play: int | None = None,
) -> Any:
    """A slider that puts one of several precomputed frames into a data source.

    Everything the reader sees was computed by the chapter; the page only looks it up.

    Parameters
    ----------
    source
        The ``bokeh.models.ColumnDataSource`` of the plots; its columns of these names are set.
    columns
        For each column the values of all frames, shape (n_frames, n) for lines and symbols, (n_frames, height, width)
        for images. Lengths must suit the source's other columns, where an image counts as one entry. Kept in single
        precision, so that pages stay small.
    title
        What the slider changes, written before the value.
    labels
        What is written for each frame.
    start
        The frame to begin with.
    play
        Milliseconds a frame for a button that plays them all from the present one; None: no button.

    Returns
    -------
    bokeh.models.Column
        A line that says where the slider stands, the slider, and the button.

    Raises
    ------
    ValueError
        If a column has not as many frames as there are labels.
    """
    from bokeh.layouts import column, row
    from bokeh.models import CustomJS
    from bokeh.models.widgets import Div, Slider, Toggle

    values = {name: np.asarray(array, dtype=np.float32) for name, array in columns.items()}
    for name, array in values.items():
        if array.ndim not in (2, 3) or len(array) != len(labels):
            raise ValueError(f"column {name!r} must have one frame for each of the {len(labels)} labels")
    # Arrays within a list travel as bytes, each with its shape; an image is a column of one array.
    stored = {name: [frame if frame.ndim == 1 else [frame] for frame in array] for name, array in values.items()}
    source.data = {**source.data, **{name: array[start] for name, array in stored.items()}}
    text = Div(text=f"{title} {labels[start]}")
    slider = Slider(start=0, end=len(labels) - 1, value=start, step=1, show_value=False, sizing_mode="stretch_width")
    arguments = {"slider": slider, "source": source, "stored": stored, "text": text, "title": title}
    slider.js_on_change("value", CustomJS(args={**arguments, "labels": list(labels)}, code=_SHOW_FRAME))
    if play is None:
        return column(text, slider, sizing_mode="stretch_width")
    button = Toggle(label="Play", width=80)
    button.js_on_change("active", CustomJS(args={"slider": slider, "interval": play}, code=_PLAY))
    return column(text, row(button, slider, sizing_mode="stretch_width"), sizing_mode="stretch_width")


def choices(
    source: Any,
    columns: Mapping[str, ArrayLike],
    controls: Mapping[str, Sequence[str]],
    notes: Sequence[str],
    start: Sequence[int],
) -> Any:
    """Several sliders that together put one of many precomputed frames into a data source.

    Parameters
    ----------
    source
        The ``bokeh.models.ColumnDataSource`` of the plots; its columns of these names are set.
    columns
        For each column the values of all frames, shape (n_1, n_2, ..., n), one axis a slider in the order of
        ``controls``; NaN where a frame has less than n values. Kept in single precision.
    controls
        For each slider the name of what it changes, and what is written for each of its values.
    notes
        What is written after the values for each frame, the last slider's running fastest; may be empty texts.
    start
        Where the sliders begin.

    Returns
    -------
    bokeh.models.Column
        A line that says where the sliders stand, and the sliders.

    Raises
    ------
    ValueError
        If a column's shape is not that of the controls, or there is not one note a frame.
    """
    from bokeh.layouts import column
    from bokeh.models import CustomJS
    from bokeh.models.widgets import Div, Slider

    titles, labels = list(controls), [list(values) for values in controls.values()]
    shape = tuple(len(values) for values in labels)
    arrays = {name: np.asarray(array, dtype=np.float32) for name, array in columns.items()}
    for name, array in arrays.items():
        if array.shape[:-1] != shape:
            raise ValueError(f"column {name!r} must have shape {shape} and one more axis, not {array.shape}")
    if len(notes) != np.prod(shape):
        raise ValueError(f"notes must have one text for each of the {np.prod(shape)} frames")
    stored = {name: list(array.reshape(-1, array.shape[-1])) for name, array in arrays.items()}
    first = int(np.ravel_multi_index(tuple(start), shape))
    source.data = {**source.data, **{name: frames[first] for name, frames in stored.items()}}
    chosen = [f"{title} = {values[at]}" for title, values, at in zip(titles, labels, start, strict=True)]
    text = Div(text=", ".join(chosen) + notes[first])
    sliders = [
        Slider(start=0, end=n - 1, value=at, step=1, title=title, show_value=False, sizing_mode="stretch_width")
        for n, at, title in zip(shape, start, titles, strict=True)
    ]
    arguments = {"sliders": sliders, "source": source, "stored": stored, "text": text}
    words = {"titles": titles, "labels": labels, "notes": list(notes)}
    for slider in sliders:
        slider.js_on_change("value", CustomJS(args={**arguments, **words}, code=_SHOW_CHOSEN))
    return column(text, *sliders, sizing_mode="stretch_width")


def show_interactive(
    run: Run,
    layout: Any,
    name: str,
    data: Columns | Mapping[str, Columns],
    description: str,
    seeds: Any = None,
    **info: Any,
) -> None:
    """Show a Bokeh layout below the cell, with its numbers and provenance saved as for any figure.

    Parameters
    ----------
    run
        The chapter's run.
    layout
        What to show; its callbacks must be JavaScript, as there is no kernel behind a page.
    name, data, seeds, **info
        As for `anderson_ness.companion.figures.Run.figure`.
    description
        What is to be seen, for readers who cannot see it.

    Raises
    ------
    ValueError
        As `anderson_ness.companion.figures.Run.figure`.
    """
    from bokeh.core.types import ID
    from bokeh.embed import json_item

    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise ValueError(f"name must consist of lower-case letters, digits, - and _, not {name!r}")
    contents = tables(name, data)
    for file, table in contents.items():
        files.write(run.folder / file, table)
    files.write_json(run.folder / f"{name}.json", run.record(name, contents, seeds, info))
    # "</script>" inside a text of the figure would end the element that holds it.
    content = json.dumps(json_item(layout, ID(f"interactive-{name}"))).replace("</", "<\\/")
    in_book = bool(json.loads(os.environ.get(RUN_VARIABLE, "{}")))
    scripts = _linked_scripts() if in_book else _own_scripts()
    page = _PAGE.format(name=name, description=html.escape(description), scripts=scripts, content=content)
    bundle = {"text/html": page, "text/plain": f"<interactive figure {name}>"}
    # No pictures: the page's links below the caption are to numbers and provenance.
    metadata = {"anderson_ness": {"figure": name, "numbers": list(contents), "pictures": []}}
    display(bundle, raw=True, metadata=metadata)


def write_scripts(folder: Path) -> None:
    """Put BokehJS into the site's folder, where the pages of interactive figures look for it."""
    for file, content in _scripts().items():
        files.write(folder / SCRIPTS / file, content)


def _scripts() -> dict[str, bytes]:
    """BokehJS by file name; the version in the name lets browsers keep a file for ever."""
    import bokeh
    from bokeh.settings import settings

    folder = Path(settings.bokehjs_path()) / "js"
    return {f"{part}-{bokeh.__version__}.min.js": (folder / f"{part}.min.js").read_bytes() for part in COMPONENTS}


def _linked_scripts() -> str:
    return "\n".join(f'<script src="../{SCRIPTS}/{file}"></script>' for file in _scripts())


def _own_scripts() -> str:
    return "\n".join(f"<script>{content.decode()}</script>" for content in _scripts().values())
