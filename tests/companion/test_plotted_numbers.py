import plotted_numbers
import pytest

from anderson_ness.companion import book, chapters


@pytest.mark.parametrize("chapter", plotted_numbers.tolerances())
def test_figures_plot_the_stored_numbers(chapter):
    # After `make book` there is nothing to run.
    if not chapters.is_current(plotted_numbers.ROOT, chapter):
        assert book.run(plotted_numbers.ROOT, [(chapter, {})]) == []
    assert plotted_numbers.changes(chapter, plotted_numbers.ROOT / "_build" / "figures" / chapter) == []


STORED = {"row": ["0", "9"], "x": ["1.0", "10.0"], "error": ["0.1", "0.1"], "name": ["a", "b"]}
ALLOWED = {"relative": 1e-3, "errors": {"x": "error"}, "skip": ["error"]}


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
