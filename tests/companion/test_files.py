import json
import math

import numpy as np
import pytest

from anderson_ness.companion import files


def test_write_replaces_whole_files(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    files.write(path, "old")
    files.write(path, b"new")
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    files.write(path, "old")

    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        files.write(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_plain_values_are_json():
    value = {"a": np.float64(0.5), "b": np.arange(3), "c": math.nan, "d": 1 + 2j, "e": (1, None, True), 6: range(2)}
    answer = {"a": 0.5, "b": [0, 1, 2], "c": None, "d": {"real": 1.0, "imag": 2.0}, "e": [1, None, True], "6": [0, 1]}
    assert json.loads(json.dumps(files.plain(value))) == answer


def test_replace_folder(tmp_path):
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    files.replace_folder(tmp_path / "new", tmp_path / "old")
    assert [path.name for path in tmp_path.rglob("*")] == ["old", "new"]


def test_broken_records_count_as_absent(tmp_path):
    path = tmp_path / "record.json"
    assert files.read_json(path) is None
    path.write_text("{")
    assert files.read_json(path) is None
