import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from companion.tiny_book import CAPTION, FIGURE, begin, code, text

from anderson_ness.companion import book as whole_book
from anderson_ness.companion import chapters, render

QUICK = "_build/chapters"


@pytest.fixture
def rendered(monkeypatch):
    """Count renderings instead of running Jupyter Book."""
    calls = []
    monkeypatch.setattr(render, "render", lambda root: calls.append(root) or True)
    return calls


def times(book):
    return {path.name: path.stat().st_mtime_ns for path in (book.root / QUICK).glob("*.ipynb")}


def test_chapters_run_again_only_when_an_input_changed(book, rendered):
    for name in ("01_one", "02_two"):
        book.notebook(name, [text(f"# {name}"), code("1 + 1")])
    assert whole_book.build(book.root)[0] == []
    first = times(book)
    assert set(first) == {"01_one.ipynb", "02_two.ipynb"}

    whole_book.build(book.root)
    assert times(book) == first

    book.notebook("02_two", [text("# changed"), code("1 + 2")])
    whole_book.build(book.root)
    second = times(book)
    assert second["01_one.ipynb"] == first["01_one.ipynb"]
    assert second["02_two.ipynb"] != first["02_two.ipynb"]

    (book.root / "src" / "module.py").write_text("x = 2\n")
    whole_book.build(book.root)
    assert all(times(book)[name] != second[name] for name in second)
    assert len(rendered) == 4


def test_chapters_run_side_by_side(book, rendered):
    wait = """
    import time
    from pathlib import Path
    Path({mine!r}).touch()
    for _ in range(300):
        if Path({other!r}).exists():
            break
        time.sleep(0.1)
    else:
        raise RuntimeError("alone")
    """
    flags = [str(book.root / name) for name in ("a", "b")]
    for name, mine, other in (("01_one", *flags), ("02_two", *reversed(flags))):
        source = "\n".join(line[4:] for line in wait.format(mine=mine, other=other).splitlines())
        book.notebook(name, [code(source)])
    assert whole_book.build(book.root, workers=2)[0] == []


def test_every_failure_is_reported_and_nothing_rendered(book, rendered, capsys):
    book.notebook("01_one", [text("# One"), code("1 / 0")])
    book.notebook("02_two", [text("# Two"), code("int('x')")])
    failures, _ = whole_book.build(book.root)
    assert {failure.chapter for failure in failures} == {"01_one", "02_two"}
    assert rendered == []
    assert "01_one: failed" in capsys.readouterr().err


def test_figure_needs_caption_and_description(book):
    book.notebook("01_one", [*begin("01_one"), code(FIGURE)])
    book.toc("01_one")
    with pytest.raises(render.RenderFailed, match="01_one, cell 4: the figure needs mystnb metadata"):
        whole_book.build(book.root)


def test_figure_cell_shows_nothing_else(book):
    book.notebook("01_one", [*begin("01_one"), code(FIGURE + "\nslope", **CAPTION)])
    book.toc("01_one")
    with pytest.raises(render.RenderFailed, match="cell 4: a cell that draws a figure must show nothing else"):
        whole_book.build(book.root)


@pytest.mark.parametrize("where", [".", "book", "book/deeper"])
def test_plain_papermill_needs_nothing_from_the_environment(book, where):
    folder = book.root / where
    folder.mkdir(exist_ok=True)
    notebook = os.path.relpath(book.root / "book" / "01_one.ipynb", folder)
    command = [sys.executable, "-m", "papermill", notebook, "out.ipynb", "-p", "slope", "4", "--no-progress-bar"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    record = book.json("_build/scratch/figures/01_one/line.json")
    assert record["parameters"] == {"slope": 4, "seed": 3}
    assert not (book.root / "_build" / "figures").exists()


class Links(HTMLParser):
    """Collects where links and images of a page point to, and how images are described."""

    def __init__(self, page):
        super().__init__()
        self.targets, self.alts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "a":
            self.targets.append(attributes.get("href", ""))
        if tag == "img":
            self.alts.append(attributes.get("alt"))


CONTENT = [
    text("See {numref}`fig-line` and {doc}`02_two`, after {cite:t}`ohm`."),
    code(FIGURE, **CAPTION),
    text("```{exercise-start}\n:label: ex-sum\n```\n\nAdd two and two.\n\n```{exercise-end}\n```"),
    text("```{solution-start} ex-sum\n:class: dropdown\n```"),
    code("answer = 2 + 2\nprint('the sum is', answer)"),
    text("```{solution-end}\n```"),
    code("import os\nprint(os.getcwd())"),
]


def test_whole_book(book, capsys):
    book.notebook("01_one", [*begin("01_one"), *CONTENT])
    assert whole_book.build(book.root)[0] == []
    html = book.root / "_build" / "html"
    source = (html / "book" / "01_one.html").read_text()
    page = Links(source)

    figure_files = [target for target in page.targets if target.startswith("../figures/")]
    assert [target.rpartition("/")[2] for target in figure_files] == [
        "line.svg",
        "line.pdf",
        "line.png",
        "line.csv",
        "line.json",
    ]
    assert all((html / "book" / target).is_file() for target in figure_files)
    assert "A straight line through the origin." in page.alts
    assert "#fig-line" in page.targets
    assert "02_two.html" in page.targets
    assert re.search(r'class="solution dropdown', source)
    words = re.sub(r"<[^>]+>", "", source)
    assert "papermill book/01_one.ipynb out.ipynb -p slope 2.0 -p seed 3" in words
    # Nothing is loaded from elsewhere.
    assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//', source)
    assert "thebe" not in source
    assert (html / "scripts" / "mathjax" / "tex-chtml.js").is_file()
    assert "the sum is 4" in source

    download = next(target for target in page.targets if target.endswith(".ipynb"))
    assert (html / "book" / download).read_bytes() == (book.root / "book" / "01_one.ipynb").read_bytes()
    private = [str(book.root).encode(), sys.prefix.encode()]
    assert not [path for path in html.rglob("*") if path.is_file() and any(p in path.read_bytes() for p in private)]

    capsys.readouterr()
    whole_book.build(book.root)
    assert "pages: up to date" in capsys.readouterr().err
    # Another builder's page in the same folder is noticed.
    (html / "book" / "01_one.html").write_text("other")
    whole_book.build(book.root)
    assert (html / "book" / "01_one.html").read_text() == source

    # A warning is an error, and the pages stay as they were.
    (book.root / "book" / "intro.md").write_text("# Intro\n\nSee {ref}`nowhere`.\n\n```{bibliography}\n```\n")
    with pytest.raises(render.RenderFailed, match=r"intro\.md:3: WARNING: undefined label: 'nowhere'"):
        whole_book.build(book.root)
    assert (html / "book" / "01_one.html").read_text() == source
    assert chapters.is_current(book.root, "01_one")


def test_one_chapter_alone(book, capsys):
    book.notebook("01_one", [*begin("01_one"), *CONTENT])
    failures, page = whole_book.build(book.root, only="1")
    assert failures == []
    assert page == book.root / "_build" / "preview" / "book" / "01_one.html"
    assert "A straight line through the origin." in page.read_text()
    assert "the sum is 4" in page.read_text()
    assert not (book.root / "_build" / "chapters" / "02_two.ipynb").exists()
    assert not (book.root / "_build" / "html").exists()


def test_plain_jupyter_book_executes_the_same_chapters(book):
    book.notebook("02_two", [*begin("02_two"), code("1 / 0")])
    command = [sys.executable, "-c", render.JUPYTER_BOOK, "build", "."]
    done = subprocess.run(command, cwd=book.root, capture_output=True, text=True)
    assert done.returncode != 0
    assert "ZeroDivisionError" in done.stdout + done.stderr
    book.notebook("02_two", [*begin("02_two"), code("1 / 1")])
    subprocess.run(command, cwd=book.root, check=True, capture_output=True)
    page = (book.root / "_build" / "html" / "book" / "01_one.html").read_text()
    assert "A straight line through the origin." in page
