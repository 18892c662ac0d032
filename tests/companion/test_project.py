from pathlib import Path

import pytest

from anderson_ness.companion.project import ProjectNotFound, project_root


def test_root_is_the_nearest_parent_with_configuration_and_data(book, monkeypatch):
    monkeypatch.chdir(book.root / "book")
    assert project_root() == book.root


def test_variable_names_the_root(book, monkeypatch):
    monkeypatch.chdir("/")
    monkeypatch.setenv("ANDERSON_NESS_ROOT", str(book.root))
    assert project_root() == book.root


def test_variable_that_names_no_project(book, monkeypatch):
    monkeypatch.setenv("ANDERSON_NESS_ROOT", str(book.root / "book"))
    with pytest.raises(ProjectNotFound, match="ANDERSON_NESS_ROOT names"):
        project_root()


def test_no_root_is_one_clear_sentence(tmp_path: Path, monkeypatch):
    monkeypatch.delenv("ANDERSON_NESS_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProjectNotFound, match=r"root was not found.*_config\.yml"):
        project_root()
