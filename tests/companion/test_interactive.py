import json
import re

import numpy as np
import pytest
from bokeh.models import ColumnDataSource, Slider
from bokeh.plotting import figure

from anderson_ness.companion import chapter, interactive


@pytest.fixture
def run(book):
    return chapter("01_one", slope=2, seed=3)


@pytest.fixture
def shown(monkeypatch):
    bundles = []
    monkeypatch.setattr(interactive, "display", lambda bundle, raw, metadata: bundles.append((bundle, metadata)))
    return bundles


def layout(**options):
    source = ColumnDataSource({"x": [0.0, 1.0, 2.0]})
    values = {"y": np.arange(6.0).reshape(2, 3)}
    controls = interactive.frames(source, values, "t =", ["a </script>", "b"], **options)
    plot = figure()
    plot.line("x", "y", source=source)
    return source, controls, plot


def content_of(page):
    return json.loads(re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL).group(1))


def test_frames_begin_where_asked():
    source, controls, _ = layout(start=1)
    np.testing.assert_array_equal(source.data["y"], [3, 4, 5])
    slider = controls.select_one({"type": Slider})
    assert (slider.start, slider.value, slider.end) == (0, 1, 1)


def test_an_image_is_a_column_of_one_array():
    source = ColumnDataSource({"x": [0]})
    interactive.frames(source, {"picture": np.arange(8.0).reshape(2, 2, 2)}, "t =", ["a", "b"], start=1)
    [image] = source.data["picture"]
    np.testing.assert_array_equal(image, [[4, 5], [6, 7]])


def test_every_column_needs_every_frame():
    with pytest.raises(ValueError, match="column 'y' must have one frame"):
        interactive.frames(ColumnDataSource(), {"y": np.zeros((3, 2))}, "t =", ["a", "b"])


def chosen(**changed):
    source = ColumnDataSource()
    values = {"y": np.arange(12.0).reshape(2, 3, 2)}
    arguments = {
        "controls": {"W": ["10", "20"], "L0": ["6", "8", "10"]},
        "notes": [f": {i} samples" for i in range(6)],
        "start": (1, 2),
    }
    return source, interactive.choices(source, values, **(arguments | changed))


def test_choices_begin_where_asked():
    source, controls = chosen()
    np.testing.assert_array_equal(source.data["y"], [10, 11])
    assert [(slider.value, slider.end) for slider in controls.children[1:]] == [(1, 1), (2, 2)]
    assert controls.children[0].text == "W = 20, L0 = 10: 5 samples"


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"controls": {"W": ["10", "20"]}}, r"column 'y' must have shape \(2,\)"), ({"notes": ["one"]}, "6 frames")],
)
def test_choices_need_every_frame(changed, message):
    with pytest.raises(ValueError, match=message):
        chosen(**changed)


def test_the_page_holds_all_frames_and_the_record(run, shown):
    _, controls, plot = layout(play=100)
    controls.children.append(plot)
    interactive.show_interactive(run, controls, "slider", {"y": [1, 2]}, description="A <line>.", samples=7)
    [(bundle, metadata)] = shown
    text = json.dumps(content_of(bundle["text/html"])["doc"])
    assert all(name in text for name in ("CustomJS", "Slider", "Toggle", "a </script>"))
    assert 'aria-label="A &lt;line&gt;."' in bundle["text/html"]
    assert metadata == {"anderson_ness": {"figure": "slider", "numbers": ["slider.csv"], "pictures": []}}
    assert (run.folder / "slider.csv").read_text() == "y\n1\n2\n"
    record = json.loads((run.folder / "slider.json").read_text())
    assert record["info"] == {"samples": 7} and set(record["files"]) == {"slider.csv"}


def test_pages_of_the_book_share_one_copy_of_the_scripts(run, shown, monkeypatch, tmp_path):
    monkeypatch.setenv(interactive.RUN_VARIABLE, json.dumps({"chapter": "01_one"}))
    interactive.show_interactive(run, layout()[1], "slider", {"y": [1]}, description="A line.")
    page = shown[0][0]["text/html"]
    sources = re.findall(r'<script src="([^"]+)"', page)
    assert len(sources) == 2 and len(page) < 40_000
    interactive.write_scripts(tmp_path / "site")
    for source in sources:  # pages lie in book/, beside the scripts' folder
        assert (tmp_path / "site" / "book" / source).resolve().stat().st_size > 100_000


def test_elsewhere_the_output_brings_its_own(run, shown):
    interactive.show_interactive(run, layout()[1], "slider", {"y": [1]}, description="A line.")
    page = shown[0][0]["text/html"]
    assert "src=" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert len(page) > 1_000_000


def test_names_are_checked(run):
    with pytest.raises(ValueError, match="name must consist of"):
        interactive.show_interactive(run, layout()[1], "../up", {"y": [1]}, description="")
