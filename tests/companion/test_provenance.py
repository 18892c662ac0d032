import subprocess

import pytest

from anderson_ness.companion import provenance


def git(folder, *arguments):
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


def test_commit_and_changes(tmp_path):
    assert provenance.commit(tmp_path) == {"commit": None, "dirty": None}
    git(tmp_path, "init")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-m", "first")
    clean = provenance.commit(tmp_path)
    assert len(clean["commit"]) == 40
    assert clean["dirty"] is False
    (tmp_path / "file").write_text("2")
    assert provenance.commit(tmp_path) == clean | {"dirty": True}


def test_machine_has_no_name_and_no_path():
    machine = provenance.machine()
    assert set(machine) == {"cpu", "cores", "system", "blas"}
    assert "/" not in str(machine["blas"])


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("https://github.com/some-one/a.b_c.git", "some-one/a.b_c"),
        ("git@github.com:some-one/project.git", "some-one/project"),
        ("https://example.org/some-one/project", None),
        ("/a/folder", None),
    ],
)
def test_repository_is_where_origin_lies(tmp_path, monkeypatch, origin, expected):
    monkeypatch.delenv(provenance.REPOSITORY_VARIABLE, raising=False)
    git(tmp_path, "init")
    assert provenance.repository(tmp_path) is None
    git(tmp_path, "remote", "add", "origin", origin)
    assert provenance.repository(tmp_path) == expected
    monkeypatch.setenv(provenance.REPOSITORY_VARIABLE, "other/name")
    assert provenance.repository(tmp_path) == "other/name"
