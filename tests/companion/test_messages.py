import time

import pytest

from anderson_ness.companion import messages


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(messages, "PATIENCE", 0.02)


def test_short_work_is_done_in_silence(capsys):
    with messages.waiting("counting"):
        pass
    assert capsys.readouterr().err == ""


def test_long_work_is_named_once_in_a_log(impatient, capsys):
    with messages.waiting("counting"):
        time.sleep(0.2)
    assert capsys.readouterr().err == "counting ...\n"


def test_a_terminal_shows_the_time_and_is_left_clean(impatient, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with messages.waiting("counting"):
        time.sleep(0.2)
    shown = capsys.readouterr().err
    assert "\rcounting: 0 s" in shown
    assert shown.endswith("\r")


def test_errors_pass(impatient):
    with pytest.raises(ValueError, match="no"), messages.waiting("counting"):
        raise ValueError("no")
