import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ensembles.fakes import POINT, row
from pandas.api.types import is_numeric_dtype

from anderson_ness.ensembles import TableError, read_row, read_specification, read_table, table

TESTS = Path(__file__).parents[1]
TOY = "profiles = true\n[[points]]\ndisorder = 10\nlength = [4, 5]\nbias = [0.1, 0.3]\nsamples = 3\n"


@pytest.fixture
def toy(specify):
    return read_specification(specify(TOY))


def some_rows():
    points = (POINT._replace(length=5), POINT)
    return [row(seed, bias, point) for point in points for seed in (9, 2**63 - 1, 4) for bias in (0.3, 0.1)]


def key(one):
    return one.point, one.seed, one.bias


def single(one):
    """A row as float32 columns keep it."""
    return one._replace(relative_error=float(np.float32(one.relative_error)), seconds=float(np.float32(one.seconds)))


def test_rows_come_back_sorted(toy, tmp_path):
    (path,) = table.publish(toy, some_rows(), tmp_path)
    assert path == tmp_path / "toy.parquet"
    assert table.read_rows([path]) == [single(one) for one in sorted(some_rows(), key=key)]


def test_the_table_is_tidy(toy, tmp_path):
    strange = row(1, coherence=math.nan, levels=None, narrowest_width=math.nan, converged=False)
    table.publish(toy, [*some_rows(), strange], tmp_path)
    frame = read_table("toy", tmp_path)
    profiles = ["density_profile", "spectral_weight"]
    assert all(is_numeric_dtype(dtype) for dtype in frame.drop(columns=profiles).dtypes)
    assert list(frame.columns[:4]) == ["length", "disorder", "seed", "bias"]
    assert list(frame.columns[4:8]) == ["t_parallel", "t_perp", "t_contact", "coherence"]
    assert frame["density_profile"].map(len).tolist() == frame["length"].tolist()
    assert frame["density_profile"][0].dtype == np.float32
    assert frame["seed"].max() == 2**63 - 1
    assert frame["levels"].isna().sum() == frame["coherence"].isna().sum() == (~frame["converged"]).sum() == 1
    assert frame.attrs["rtol"] == toy.rtol
    for name in ("toy", tmp_path / "toy", tmp_path / "toy.parquet"):
        assert len(read_table(name, tmp_path)) == 13


def test_profiles_only_where_the_ensemble_needs_them(specify, tmp_path):
    plain = read_specification(specify(TOY.replace("true", "false")))
    table.publish(plain, some_rows(), tmp_path)
    assert "density_profile" not in read_table("toy", tmp_path)
    assert table.read_rows([tmp_path / "toy.parquet"])[0].density_profile is None


def test_metadata_say_how_it_was_made(toy, tmp_path):
    (path,) = table.publish(toy, some_rows()[:3], tmp_path, {"commit": "abc", "versions": {"numpy": "2.0"}})
    table.publish(toy, some_rows(), tmp_path, {"commit": "def", "versions": {"numpy": "2.1"}})
    metadata = json.loads(pq.read_schema(path).metadata[b"anderson_ness"])
    assert metadata == {
        "ensemble": "toy",
        "quantity": "coherence",
        "rtol": 1e-3,
        "root_seed": toy.root_seed,
        "specification": TOY,
        "commits": ["abc", "def"],
        "versions": {"numpy": "2.1"},
    }
    assert table.specification_of([path]) == TOY


def test_unchanged_tables_stay_to_the_byte(toy, tmp_path):
    (path,) = table.publish(toy, some_rows(), tmp_path, {"commit": "abc"})
    before, then = path.read_bytes(), path.stat().st_mtime_ns
    table.publish(toy, reversed(table.read_rows([path])), tmp_path, {"commit": "def"})
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (before, then)
    path.unlink()
    table.publish(toy, some_rows(), tmp_path, {"commit": "abc"})
    assert path.read_bytes() == before


def test_large_tables_are_split_by_size(toy, tmp_path, monkeypatch):
    table.publish(toy, some_rows()[:3], tmp_path)
    assert [path.name for path in tmp_path.glob("*.parquet")] == ["toy.parquet"]
    monkeypatch.setattr(table, "LARGEST_FILE", 1000)
    paths = table.publish(toy, some_rows(), tmp_path)
    assert [path.name for path in paths] == ["toy-L4.parquet", "toy-L5.parquet"]
    assert sorted(tmp_path.glob("*.parquet")) == paths
    expected = [single(one) for one in sorted(some_rows(), key=key)]
    assert table.read_rows(paths) == expected
    assert len(read_table(tmp_path / "toy-L5.parquet")) == len(read_table("toy", tmp_path)) == len(expected)
    assert table.publish(toy, some_rows(), tmp_path) == paths


def test_killed_between_the_parts_no_row_is_lost_or_twice(toy, tmp_path, monkeypatch):
    table.publish(toy, some_rows(), tmp_path / "whole")
    monkeypatch.setattr(table, "LARGEST_FILE", 1000)
    table.publish(toy, some_rows(), tmp_path)
    (tmp_path / "toy-L5.parquet").unlink()
    (tmp_path / "whole" / "toy.parquet").rename(tmp_path / "toy.parquet")
    paths = table.published(tmp_path)["toy"]
    assert len(paths) == 2
    assert table.read_rows(paths) == [single(one) for one in sorted(some_rows(), key=key)]


def test_one_row(toy, tmp_path):
    table.publish(toy, some_rows(), tmp_path)
    assert read_row("toy", 3, tmp_path) == single(sorted(some_rows(), key=key)[3])
    for number in (-1, 12):
        with pytest.raises(TableError, match=f"row must be a number from 0 to 11, not {number}"):
            read_row("toy", number, tmp_path)


def test_absent_tables(toy, tmp_path):
    with pytest.raises(TableError, match=r"no table fig9 in .*: there is none yet"):
        read_table("fig9", tmp_path)
    table.publish(toy, some_rows(), tmp_path)
    with pytest.raises(TableError, match=r"no table fig9 in .*: toy"):
        read_table("fig9", tmp_path)


@pytest.mark.parametrize("part", [0, 0.2, 0.9])
def test_truncated_tables(toy, tmp_path, part):
    (path,) = table.publish(toy, some_rows(), tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(TableError, match=r"toy.parquet is not a complete Parquet file"):
        read_table("toy", tmp_path)


def test_foreign_tables(toy, tmp_path):
    path = tmp_path / "toy.parquet"
    pq.write_table(pa.table({"length": [1]}), path)
    with pytest.raises(TableError, match=r"toy.parquet is not a table of an ensemble"):
        read_table("toy", tmp_path)
    with pytest.raises(TableError, match=r"toy.parquet is not a table of an ensemble"):
        table.publish(toy, some_rows(), tmp_path)


WRITE = """
import resource, sys
from pathlib import Path
from ensembles.fakes import row
from anderson_ness.ensembles import TableError, read_specification, table
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    table.publish(read_specification(sys.argv[1]), [row(seed) for seed in range(3000)], Path(sys.argv[2]))
except TableError as error:
    print(error)
"""


def test_without_room_the_former_table_remains(toy, tmp_path):
    (path,) = table.publish(toy, some_rows(), tmp_path)
    before = path.read_bytes()
    command = [sys.executable, "-c", WRITE, toy.path, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=TESTS)
    assert done.returncode == 0, done.stderr
    assert "toy.parquet could not be written (File too large): the former table and the store remain" in done.stdout
    assert path.read_bytes() == before
    assert {entry.name for entry in tmp_path.iterdir()} == {"toy.parquet", "ensembles"}
