import math
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from ensembles.fakes import POINT, row

from anderson_ness.ensembles import Store, StoreError

TESTS = Path(__file__).parents[1]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "samples.sqlite"


def test_rows_come_back_as_they_were(path):
    rows = [row(seed, bias) for seed in (2**63 - 1, 0, 5) for bias in (0.3, 0.1)]
    strange = row(9, coherence=math.nan, narrowest_width=math.nan, levels=None, converged=False)
    with Store(path) as store:
        store.add([*rows, strange])
    with Store(path) as store:
        stored = store.rows(POINT, 1e-3)
        assert [one for one in stored if one.seed != 9] == sorted(rows, key=lambda one: (one.seed, one.bias))
        (again,) = [one for one in stored if one.seed == 9]
        assert math.isnan(again.coherence)
        assert math.isnan(again.narrowest_width)
        assert (again.levels, again.converged) == (None, False)
        assert store.rows(POINT._replace(length=5), 1e-3) == []
        assert store.rows(POINT, 1e-4) == []


def test_no_row_twice_and_the_first_stays(path):
    with Store(path) as store:
        store.add([row(1, coherence=1.0)])
        store.add([row(1, coherence=2.0), row(2)])
        assert [one.coherence for one in store.rows(POINT, 1e-3)] == [1.0, row(2).coherence]


def test_a_row_without_profiles_gives_way_to_one_with(path):
    with Store(path) as store:
        store.add([row(1, coherence=1.0, profiles=False)])
        assert store.present(POINT, 1e-3) == {(1, 0.1): False}
        store.add([row(1, coherence=2.0, profiles=False)])
        assert store.rows(POINT, 1e-3)[0].coherence == 1.0
        store.add([row(1, coherence=3.0)])
        assert store.present(POINT, 1e-3) == {(1, 0.1): True}
        assert store.present_of(POINT, 1e-3, seed=1) == {0.1: True}
        assert store.rows(POINT, 1e-3) == [row(1, coherence=3.0)]


def test_all_rows_or_none(path):
    def rows():
        yield row(1)
        raise KeyboardInterrupt

    with Store(path) as store:
        with pytest.raises(KeyboardInterrupt):
            store.add(rows())
        assert store.rows(POINT, 1e-3) == []
        store.add([row(1)])
        assert len(store.rows(POINT, 1e-3)) == 1


def test_two_at_once(path):
    with Store(path) as one, Store(path) as other:
        for seed in range(20):
            one.add([row(seed)])
            other.add([row(seed), row(seed + 100)])
        assert len(one.rows(POINT, 1e-3)) == len(other.rows(POINT, 1e-3)) == 40


def test_it_knows_the_tables_it_has_taken_in(path):
    with Store(path) as store:
        assert not store.has_table("abc")
        store.add([row(1)], "abc")
        store.add([], "abc")
        assert store.has_table("abc")


def test_an_empty_file_is_a_new_store(path):
    path.parent.mkdir()
    path.touch()
    with Store(path) as store:
        store.add([row(1)])
    with Store(path) as store:
        assert len(store.rows(POINT, 1e-3)) == 1


def refusal(path):
    with pytest.raises(StoreError) as caught:
        Store(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_foreign_files(path):
    path.parent.mkdir()
    path.write_text("notes that somebody keeps here, longer than the header of a database\n" * 10)
    before = path.read_bytes()
    assert "not a store of samples (it is no SQLite file)" in refusal(path)
    assert path.read_bytes() == before


def test_foreign_databases(path):
    path.parent.mkdir()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE samples (name TEXT)")
    database.close()
    assert "not a store of samples of this version" in refusal(path)


@pytest.mark.parametrize("part", [0.3, 0.7, 0.99])
def test_truncated_files(path, part):
    with Store(path) as store:
        store.add(row(seed) for seed in range(2000))
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    assert "is damaged: move it away" in refusal(path)


def test_folders_that_cannot_be(tmp_path):
    (tmp_path / "file").touch()
    assert "cannot be used" in refusal(tmp_path / "file" / "samples.sqlite")


FILL = """
import resource, sys
from pathlib import Path
from ensembles.fakes import row
from anderson_ness.ensembles import Store, StoreError
store = Store(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
for seed in range(10_000):
    try:
        store.add([row(seed)])
    except StoreError as error:
        print(error)
        break
    print(seed)
"""


def test_without_room_what_was_stored_remains(path):
    done = subprocess.run([sys.executable, "-c", FILL, path], capture_output=True, text=True, check=True, cwd=TESTS)
    *reported, error = done.stdout.splitlines()
    assert "could not be written, as on a full disk" in error
    assert len(reported) > 20
    with Store(path) as store:
        assert {one.seed for one in store.rows(POINT, 1e-3)} == set(map(int, reported))
        store.add([row(20_000)])
