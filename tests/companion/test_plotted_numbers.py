import math
import shutil

import plotted_numbers
import pytest

from anderson_ness.companion import book, chapters


@pytest.mark.parametrize("chapter", plotted_numbers.tolerances())
def test_figures_plot_the_stored_numbers(chapter):
    # After `make book` there is nothing to run.
    if not chapters.is_current(plotted_numbers.ROOT, chapter):
        assert book.run(plotted_numbers.ROOT, [(chapter, {})]) == []
    assert plotted_numbers.changes(chapter, plotted_numbers.ROOT / "_build" / "figures" / chapter) == []


@pytest.mark.parametrize("chapter", plotted_numbers.tolerances())
def test_one_altered_number_is_noticed_in_every_table(chapter, tmp_path):
    # The stored rows themselves, each table with one number moved by half of its error bar, or by 10 % if it has none.
    for path in sorted((plotted_numbers.STORED / chapter).glob("*.csv")):
        name, stored = path.stem, plotted_numbers.read(path)
        allowed = plotted_numbers.rule(chapter, name)
        table = {column: list(values) for column, values in stored.items() if column != "row"}
        whole = dict(stored, row=[str(i) for i in range(len(stored["row"]))])
        assert plotted_numbers.differences(whole, table, allowed) == []
        column, row = largest_number(table, allowed)
        error = plotted_numbers._error_of(column, table, allowed)
        bars = max(0.5, 4.5 * allowed.get("standard_errors", 0.0))
        step = bars * float(table[error][row]) if error else 0.0
        table[column][row] = str(float(table[column][row]) + max(step, 0.1 * abs(float(table[column][row]))))
        assert plotted_numbers.differences(whole, table, allowed) != [], f"{name}: {column}"


def largest_number(table, allowed):
    """Column and row of a number that is to be watched: the largest of the last column that has any."""
    for column in reversed(list(table)):
        numbers = {row: abs(plotted_numbers._number(text)) for row, text in enumerate(table[column])}
        finite = {row: value for row, value in numbers.items() if math.isfinite(value) and value > 0}
        if finite and column not in allowed.get("skip", []) and table[column][0] not in ("True", "False"):
            return column, max(finite, key=finite.get)
    raise AssertionError("a table without numbers")


def test_every_chapter_with_figures_is_watched():
    root = plotted_numbers.ROOT
    sources = {name: chapters.source(root, name).read_text(encoding="utf-8") for name in chapters.chapters(root)}
    drawing = {name for name, text in sources.items() if "run.figure(" in text or "show_interactive(" in text}
    assert drawing == set(plotted_numbers.tolerances())


def test_rules_are_for_tables_that_there_are():
    for chapter, rules in plotted_numbers.tolerances().items():
        names = [path.stem for path in (plotted_numbers.STORED / chapter).glob("*.csv")]
        used = {
            pattern for name in names for pattern in rules if plotted_numbers.rule(chapter, name) != rules["default"]
        }
        assert names, f"{chapter} has no stored numbers"
        assert used or len(rules) == 1
        for pattern in set(rules) - {"default"}:
            assert plotted_numbers.fnmatch.filter(names, pattern), f"{chapter}: {pattern}"


STORED = {"row": ["0", "9"], "x": ["1.0", "10.0"], "error": ["0.1", "0.1"], "name": ["a", "b"]}
ALLOWED = {"relative": 1e-3, "errors": {"x": "error"}, "skip": ["error"], "standard_errors": 3.0}


def table(**changed):
    whole = {"x": ["1.0", *["5.0"] * 8, "10.0"], "error": ["0.1"] * 10, "name": ["a", *["c"] * 8, "b"]}
    return whole | changed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x": ["1.5", *["5.0"] * 8, "10.0"]}, "x, row 0: 1.5"),
        ({"x": ["nan", *["5.0"] * 8, "10.0"]}, "x, row 0: nan"),
        ({"name": ["a", *["c"] * 8, "c"]}, "name, row 9"),
        ({"x": ["1.0"] * 11, "error": ["0.1"] * 11, "name": ["a"] * 11}, "there are 11 rows"),
        ({"y": ["1.0"] * 10}, "the columns are"),
    ],
)
def test_a_change_is_noticed(changed, message):
    [found] = plotted_numbers.differences(STORED, table(**changed), ALLOWED)
    assert message in found


def test_error_bars_and_numerical_accuracy_are_allowed_for():
    near = table(x=["1.4", *["0.0"] * 8, "9.6"], error=["0.1"] * 10)
    assert plotted_numbers.differences(STORED, near, ALLOWED) == []
    assert plotted_numbers.differences(STORED, near, {"relative": 1e-3}) != []
    assert plotted_numbers.differences(STORED, table(x=["1.009", *["0.0"] * 8, "10.0"]), {"relative": 1e-3}) == []


def test_thinned_tables_keep_both_ends():
    thin = plotted_numbers.thinned({"x": [str(i) for i in range(1000)]})
    assert (thin["x"][0], thin["x"][-1], len(thin["x"])) == ("0", "999", plotted_numbers.ROWS)
    assert plotted_numbers.thinned({"x": ["7"]}) == {"row": ["0"], "x": ["7"]}


GROWN = {"relative": 1e-3, "from_data": True, "keys": ["length"], "errors": {"mean": "error"}}
FEW = {"row": ["0", "1"], "length": ["8", "12"], "mean": ["1.0", "2.0"], "error": ["0.1", "0.2"]}


def test_the_same_samples_give_the_same_number_within_a_tenth_of_its_error_bar():
    near = {"length": ["8", "12"], "mean": ["1.01", "2.0"], "error": ["0.1", "0.2"]}
    assert plotted_numbers.differences(FEW, near, GROWN) == []
    assert plotted_numbers.differences(FEW, near | {"mean": ["1.02", "2.0"]}, GROWN) == [
        "mean, row 0: 1.02; stored is 1.0"
    ]


def test_grown_ensembles_may_add_points_and_move_means_by_their_errors():
    more = {"length": ["8", "10", "12"], "mean": ["1.2", "1.5", "2.0"], "error": ["0.05", "0.1", "0.1"]}
    assert plotted_numbers.differences(FEW, more, GROWN, grown=True) == []
    [far] = plotted_numbers.differences(FEW, more | {"mean": ["1.4", "1.5", "2.0"]}, GROWN, grown=True)
    assert far == "mean, row 0: 1.4; stored is 1.0"
    [gone] = plotted_numbers.differences(FEW, more | {"length": ["8", "10", "14"]}, GROWN, grown=True)
    assert "('12',) is gone" in gone


def test_a_changed_table_is_a_reason_for_the_wider_rule(monkeypatch, tmp_path):
    monkeypatch.setattr(plotted_numbers, "STORED", tmp_path)
    monkeypatch.setattr(plotted_numbers, "DATA", tmp_path / "data.json")
    monkeypatch.setattr(plotted_numbers, "tolerances", lambda: {"05_x": {"default": GROWN}})
    monkeypatch.setattr(plotted_numbers, "data_digests", lambda: {"fig2a.parquet": "before"})
    figures = tmp_path / "figures"
    figures.mkdir()
    (figures / "points.csv").write_text("length,mean,error\n8,1.0,0.1\n")
    plotted_numbers.record("05_x", figures)
    assert plotted_numbers.changes("05_x", figures) == []
    (figures / "points.csv").write_text("length,mean,error\n8,1.2,0.05\n12,2.0,0.1\n")
    assert plotted_numbers.changes("05_x", figures) == ["points.csv: there are 2 rows; stored are 1"]
    monkeypatch.setattr(plotted_numbers, "data_digests", lambda: {"fig2a.parquet": "after"})
    assert plotted_numbers.changes("05_x", figures) == []
    shutil.rmtree(figures)
    assert plotted_numbers.changes("05_x", figures) == ["points.csv is gone"]
