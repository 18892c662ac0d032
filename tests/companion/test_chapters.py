import tempfile
from pathlib import Path

import pytest
from companion.tiny_book import begin, code, text
from papermill.cli import _resolve_type

from anderson_ness.companion import chapters


def run(book, name, **parameters):
    build = chapters.output_folder(book.root, name, parameters)
    with tempfile.TemporaryDirectory(dir=book.root) as work:
        return build, chapters.execute(book.root, name, parameters, Path(work))


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    """`execute` changes the environment of its process; here that is the tests' own."""
    saved = dict(chapters.os.environ)
    yield
    chapters.os.environ.clear()
    chapters.os.environ.update(saved)


@pytest.mark.parametrize("wanted", ["1", "01", "01_one"])
def test_chapters_by_number_and_name(book, wanted):
    assert chapters.chapters(book.root) == ["01_one", "02_two"]
    assert chapters.find_chapter(book.root, wanted) == "01_one"


@pytest.mark.parametrize("wanted", ["3", "one", "01_on", "", "¹"])
def test_unknown_chapter_lists_the_known_ones(book, wanted):
    with pytest.raises(ValueError, match="01_one, 02_two"):
        chapters.find_chapter(book.root, wanted)


def test_page_without_file(book):
    book.toc("01_one", "03_absent")
    with pytest.raises(ValueError, match=r"lists book/03_absent, but there is no file book/03_absent\.ipynb"):
        chapters.chapters(book.root)


def test_malformed_table_of_contents(book):
    (book.root / "_toc.yml").write_text("chapters: 3\n")
    with pytest.raises(ValueError, match=r"_toc\.yml cannot be read"):
        chapters.chapters(book.root)


@pytest.mark.parametrize("value", ["21", "-3", "2.5", "1e-3", "True", "False", "None", "abc", "", "1_000", "[1"])
def test_values_are_read_as_papermill_reads_them(value):
    ours, theirs = chapters.parse_value(value), _resolve_type(value)
    assert (ours, type(ours)) == (theirs, type(theirs))


def test_lists_are_values_too():
    assert chapters.parse_value("[0.1, 2]") == [0.1, 2]
    assert chapters.parse_value("[unfinished") == "[unfinished"


def test_parameters(book):
    assert chapters.defaults(book.root, "01_one") == {"slope": 2.0, "seed": 3}
    assert chapters.chosen_parameters(book.root, "01_one", {"slope": "2", "seed": "4"}) == {"seed": 4}
    with pytest.raises(ValueError, match="must be one of slope, seed, not 'sloop'"):
        chapters.chosen_parameters(book.root, "01_one", {"sloop": "1"})


@pytest.mark.parametrize(
    "change",
    ["book/01_one.ipynb", "data/table.csv", "data/new/file", "src/module.py", "src/new.py", "requirements.lock"],
)
def test_every_input_counts(book, change):
    before = chapters.inputs_digest(book.root, "01_one", {})
    path = book.root / change
    path.parent.mkdir(exist_ok=True)
    path.write_text((path.read_text() if path.exists() else "") + "\n")
    assert chapters.inputs_digest(book.root, "01_one", {}) != before


def test_what_is_no_input(book):
    before = chapters.inputs_digest(book.root, "01_one", {})
    (book.root / "book" / "02_two.ipynb").write_text("{}")
    (book.root / "src" / "__pycache__").mkdir()
    (book.root / "src" / "__pycache__" / "module.pyc").touch()
    assert chapters.inputs_digest(book.root, "01_one", {}) == before
    assert chapters.inputs_digest(book.root, "01_one", {"slope": 1}) != before


def test_run_writes_notebook_figures_and_record(book):
    build, failure = run(book, "01_one")
    assert failure is None
    assert chapters.is_current(book.root, "01_one")
    assert {path.name for path in build.iterdir()} == {"chapters", "figures"}
    record = book.json("_build/chapters/01_one.json")
    assert record["wall_time_s"] > 0
    assert "figures/01_one/line.svg" in record["outputs"]
    provenance = book.json("_build/figures/01_one/line.json")
    assert provenance["inputs"] == record["inputs"]
    assert all(" 1 thread" in blas for blas in provenance["machine"]["blas"])
    (build / "figures" / "01_one" / "line.csv").write_text("")
    assert not chapters.is_current(book.root, "01_one")


def test_run_at_other_parameters_has_its_own_place(book):
    book.notebook("02_two", [*begin("02_two"), code("assert (slope, seed) == (5, 3)")])
    build, failure = run(book, "02_two", slope=5)
    assert failure is None
    assert build.parent == book.root / "_build" / "runs"
    assert chapters.executed(build, "02_two").is_file()
    assert not (book.root / "_build" / "chapters").exists()


def test_kernel_is_this_interpreter_and_knows_no_paths(book, tmp_path, monkeypatch):
    other = tmp_path / "jupyter" / "kernels" / "python3"
    other.mkdir(parents=True)
    (other / "kernel.json").write_text('{"argv": ["false"], "display_name": "x", "language": "python"}')
    for name in ("JUPYTER_PATH", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "jupyter"))
    cells = [
        code(f"import sys\nassert sys.executable == {chapters.sys.executable!r}"),
        code("import os\nassert os.environ['OPENBLAS_NUM_THREADS'] == '1'"),
        code("import warnings\nwarnings.warn('careful')\nprint(os.getcwd())\nos.getcwd()"),
    ]
    book.notebook("02_two", [*begin("02_two"), *cells])
    build, failure = run(book, "02_two")
    assert failure is None
    executed = chapters.executed(build, "02_two").read_text()
    assert "careful" in executed
    assert '"duration"' in executed
    # The first cell's source names the interpreter on purpose.
    outputs = executed.replace(f"sys.executable == {chapters.sys.executable!r}", "")
    assert str(book.root) not in outputs
    assert chapters.sys.prefix not in outputs
    assert "ipykernel_" not in outputs


def test_failure_names_the_cell_and_keeps_what_was_there(book):
    good = [text("# Two"), code("x = 1", tags=["parameters"]), code("x")]
    book.notebook("02_two", good)
    build, failure = run(book, "02_two")
    kept = chapters.executed(build, "02_two").read_bytes()
    book.notebook("02_two", [*good, code("\n\nvalue = 1 / 0\nprint(value)"), code("x")])
    build, failure = run(book, "02_two")
    assert (failure.cell, failure.line) == (4, "value = 1 / 0")
    assert str(failure) == "02_two, cell 4 (value = 1 / 0): ZeroDivisionError: division by zero"
    assert chapters.failed(build, "02_two").is_file()
    assert chapters.executed(build, "02_two").read_bytes() == kept
    assert not chapters.is_current(book.root, "02_two")
    # Papermill's own cells, which it adds for parameters and errors, do not count.
    _, failure = run(book, "02_two", x=2)
    assert failure.cell == 4
    book.notebook("02_two", good)
    build, failure = run(book, "02_two")
    assert failure is None
    assert not chapters.failed(build, "02_two").exists()


def test_kernel_that_dies_is_a_failure(book):
    book.notebook("02_two", [text("# Two"), code("import os\nos._exit(1)")])
    _, failure = run(book, "02_two")
    assert failure.cell == 2
    assert "DeadKernelError" in failure.error
