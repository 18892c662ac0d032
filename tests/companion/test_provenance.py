import subprocess

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
