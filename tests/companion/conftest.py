from pathlib import Path

import pytest
from companion.tiny_book import TinyBook


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyBook:
    """The tiny project, as the current folder, with nothing in the environment that names it."""
    for name in ("ANDERSON_NESS_ROOT", "ANDERSON_NESS_RUN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return TinyBook(tmp_path)
