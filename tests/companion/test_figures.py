import csv
import json

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from anderson_ness.companion import chapter


@pytest.fixture
def run(book):
    return chapter("01_one", slope=np.float64(2), seed=3)


def line():
    fig, ax = plt.subplots()
    ax.plot([0, 1], [0, 2], label="$a$")
    ax.legend()
    return fig


def test_files_and_provenance(run, book):
    run.figure(line(), "line", {"x": [0.0, 1 / 3], "n": np.array([1, 2])}, samples=7)
    folder = book.root / "_build" / "scratch" / "figures" / "01_one"
    assert {path.name for path in folder.iterdir()} == {f"line.{kind}" for kind in ("svg", "pdf", "png", "csv", "json")}
    with (folder / "line.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["x"]) for row in rows] == [0.0, 1 / 3]
    assert [row["n"] for row in rows] == ["1", "2"]

    record = json.loads((folder / "line.json").read_text())
    assert record["chapter"] == "01_one"
    assert record["parameters"] == {"slope": 2.0, "seed": 3}
    assert record["seeds"] == {"seed": 3}
    assert record["info"] == {"samples": 7}
    assert {"python", "anderson-ness", "numpy", "scipy", "matplotlib"} <= set(record["versions"])
    assert record["machine"]["cores"] >= 1
    assert record["wall_time_s"] >= 0
    assert set(record["files"]) == {"line.svg", "line.pdf", "line.png", "line.csv"}
    assert str(book.root) not in json.dumps(record)


def test_pictures_are_the_same_byte_for_byte(run):
    run.figure(line(), "one", {"x": [1]})
    run.figure(line(), "two", {"x": [1]})
    for kind in ("svg", "pdf", "png"):
        assert (run.folder / f"one.{kind}").read_bytes() == (run.folder / f"two.{kind}").read_bytes()


def test_several_tables(run):
    run.figure(line(), "panels", {"left": {"x": [1, 2]}, "right": {"y": [1.5]}})
    assert (run.folder / "panels-left.csv").read_text() == "x\n1\n2\n"
    assert (run.folder / "panels-right.csv").read_text() == "y\n1.5\n"
    assert not (run.folder / "panels.csv").exists()


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("Line 1", {"x": [1]}, "name must consist"),
        ("../line", {"x": [1]}, "name must consist"),
        ("line", {}, "at least one column"),
        ("line", {"x": [1, 2], "y": [1]}, "must have one length"),
        ("line", {"x": [[1, 2]]}, "one-dimensional"),
        ("line", {"x": [1j]}, "not complex"),
    ],
)
def test_bad_figures_write_nothing(run, name, data, message):
    with pytest.raises(ValueError, match=message):
        run.figure(line(), name, data)
    assert not run.folder.exists()


def test_the_book_checks_what_a_chapter_says_of_itself(book, monkeypatch):
    context = {"chapter": "01_one", "parameters": ["slope"], "figures": "f", "inputs": "0"}
    monkeypatch.setenv("ANDERSON_NESS_RUN", json.dumps(context))
    with pytest.raises(ValueError, match="this chapter is 01_one"):
        chapter("02_two", slope=1)
    with pytest.raises(ValueError, match="the cell tagged parameters sets slope"):
        chapter("01_one", seed=1)
