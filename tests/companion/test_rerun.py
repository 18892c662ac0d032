import json
import shlex
from pathlib import Path

import nbformat
import pytest
import yaml
from companion.tiny_book import text

from anderson_ness.companion import chapters, provenance, rerun, status


@pytest.fixture
def run(book, monkeypatch):
    """A record of a run, as `chapters.execute` leaves it."""
    monkeypatch.delenv(provenance.REPOSITORY_VARIABLE, raising=False)
    record = {"parameters": {}, "inputs": "ab" * 32, "time_utc": "2026-01-02T03:04:05+00:00", "wall_time_s": 12.3}
    folder = book.root / "_build" / "chapters"
    folder.mkdir(parents=True)
    for name in ("01_one", "02_two"):
        (folder / f"{name}.json").write_text(json.dumps(record | {"commit": "c0ffee" * 6, "dirty": True}))
    figure = {
        "figure": "line",
        "chapter": "01_one",
        "versions": {"numpy": "2.4"},
        "machine": {"cpu": "a cpu", "system": "Linux", "blas": ["openblas"]},
        "kwant_solver": "SuperLU",
        "files": {"line.csv": "12" * 32, "line.svg": "34" * 32},
    }
    figures = book.root / "_build" / "figures" / "01_one"
    figures.mkdir(parents=True)
    (figures / "line.json").write_text(json.dumps(figure))
    return book.root


def test_the_note_stands_below_the_title_and_its_command_names_every_parameter(run):
    notebook = nbformat.v4.new_notebook(cells=[text("# Title\n\nFirst words.")])
    rerun.add_note(run, "01_one", notebook)
    title, note, words = notebook.cells[0].source.partition(
        "````{dropdown} Run this chapter yourself: 12 s on one core"
    )
    assert title == "# Title\n\n" and note and words.endswith("First words.")
    assert "papermill book/01_one.ipynb out.ipynb -p slope 2.0 -p seed 3\n" in words
    assert 'href="../_sources/book/01_one.ipynb"' in words
    assert "c0ffeec with changes" in words
    assert "Binder" not in words


def test_binder_needs_a_repository(run, monkeypatch):
    monkeypatch.setenv(provenance.REPOSITORY_VARIABLE, "someone/anderson-ness")
    assert "https://mybinder.org/v2/gh/someone/anderson-ness/HEAD?urlpath=lab/tree/book/01_one.ipynb" in rerun.note(
        run, "01_one"
    )


def test_a_page_without_parameters_gets_no_note(run, book):
    book.notebook("02_two", [text("# Page")])
    notebook = nbformat.v4.new_notebook(cells=[text("# Page")])
    rerun.add_note(run, "02_two", notebook)
    assert notebook.cells[0].source == "# Page"


def test_the_status_page_tells_what_the_records_say(run):
    page = run / "book" / "status.md"
    page.write_text(f"# Status\n\n{status.MARKER}\n")
    status.fill(run, page)
    written = page.read_text()
    assert status.MARKER not in written
    assert "| [01_one](01_one.ipynb) | 12.3 | 2026-01-02 03:04 | c0ffeec with changes | 1 |" in written
    assert "Parameters: `slope = 2.0`, `seed = 3`." in written
    assert "numpy 2.4" in written and "Kwant solves with SuperLU" in written
    assert f'<a href="../figures/01_one/line.csv">line.csv</a> | `{"12" * 8}`' in written
    assert "line.svg" not in written


def test_a_chapter_that_has_not_been_run_has_no_record(book):
    with pytest.raises(ValueError, match="01_one has not been run"):
        chapters.record(book.root, "01_one")


BOOK = Path(__file__).parents[2]


@pytest.mark.parametrize("chapter", chapters.chapters(BOOK))
def test_the_line_to_copy_gives_papermill_the_chapter_s_own_values(chapter):
    from papermill.cli import _resolve_type

    words = shlex.split(rerun.papermill_command(BOOK, chapter))
    assert words[:3] == ["papermill", f"book/{chapter}.ipynb", "out.ipynb"]
    rest, given = iter(words[3:]), {}
    for option in rest:
        given |= {next(rest): _resolve_type(next(rest))} if option == "-p" else yaml.safe_load(next(rest))
    assert given == chapters.defaults(BOOK, chapter)
