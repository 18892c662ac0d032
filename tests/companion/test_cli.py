import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from companion.tiny_book import code, text

from anderson_ness.companion import cli

SAMPLE = ["sample", "--length", "4", "--disorder", "10", "--seed", "3", "--bias", "0.3", "--rtol", "1e-4"]


def call(*arguments):
    return CliRunner().invoke(cli.main, arguments)


def assert_one_line_error(result, message):
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("command", [[], ["run"], ["book"], ["sample"]])
def test_every_help_has_an_example(command):
    result = call(*command, "--help")
    assert result.exit_code == 0
    assert "Example:\n    anderson-ness" in result.output or "Example:\n  anderson-ness" in result.output


def test_help_imports_nothing_of_the_book():
    script = (
        "import sys; from click.testing import CliRunner; from anderson_ness.companion.cli import main; "
        "CliRunner().invoke(main, ['book', '--help']); "
        "print([name for name in ('matplotlib', 'papermill', 'rich', 'sphinx', 'kwant') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_sample_as_table_and_json():
    table = call(*SAMPLE)
    assert table.exit_code == 0
    names = [line.split("  ")[0].strip() for line in table.stdout.splitlines()]
    assert {"coherence", "coherence slope", "density profile", "transmission", "relative error"} <= set(names)
    record = json.loads(call(*SAMPLE, "--t-contact", "1", "--json").stdout)
    assert record["inputs"]["t_contact"] == 1
    assert record["inputs"]["rtol"] == 1e-4
    assert len(record["density_profile"]) == 4
    assert record["converged"] is True
    assert "numpy" in record["versions"]


@pytest.mark.parametrize(
    ("option", "value", "argument"),
    [
        ("--length", "0", "length"),
        ("--disorder", "-1", "disorder"),
        ("--disorder", "nan", "disorder"),
        ("--bias", "inf", "bias"),
        ("--rtol", "-1", "rtol"),
        ("--t-parallel", "0", "t_parallel"),
        ("--method", "magic", "method"),
        ("--temperature", "-1", "temperature"),
    ],
)
def test_bad_samples_name_the_argument(option, value, argument):
    assert_one_line_error(call(*SAMPLE, option, value), argument)


def test_usage_errors_have_status_2():
    assert call("sample", "--length", "x").exit_code == 2
    assert call("nothing").exit_code == 2


def test_run_asks_for_known_names(book):
    assert_one_line_error(call("run", "7"), "CHAPTER must be one of 01_one, 02_two")
    assert_one_line_error(call("run", "1", "-p", "sloop", "2"), "must be one of slope, seed, not 'sloop'")


def test_commands_need_a_project(tmp_path, monkeypatch):
    monkeypatch.delenv("ANDERSON_NESS_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    assert_one_line_error(call("run", "1"), "root was not found")
    assert_one_line_error(call("book"), "root was not found")


def test_missing_extra_is_named(book, monkeypatch):
    monkeypatch.setattr(cli, "BOOK_MODULES", ("not_installed_anywhere",))
    for arguments in (["run", "1"], ["book"]):
        assert_one_line_error(call(*arguments), "pip install 'anderson-ness[book]'")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruption_ends_quietly_and_completely(book, number):
    flag = book.root / "started"
    wait = f"import os, time\nopen({str(flag)!r}, 'w').write(str(os.getpid()))\ntime.sleep(100)"
    book.notebook("02_two", [code(wait)])
    command = [sys.executable, "-c", "from anderson_ness.companion.cli import main; main()", "run", "2"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_until(lambda: flag.exists() and flag.read_text())
    os.killpg(running.pid, number)
    _, stderr = running.communicate(timeout=30)
    assert running.returncode == 1
    assert stderr.strip() == "Aborted!"
    assert not list((book.root / "_build").glob(".run-*"))
    wait_until(lambda: not alive(int(flag.read_text())))


def wait_until(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("waited in vain")


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_run_and_its_failure(book):
    book.notebook("02_two", [text("# Two"), code("x = 1", tags=["parameters"]), code("assert x == 1, 'no'")])
    command = [sys.executable, "-c", "from anderson_ness.companion.cli import main; main()", "run", "2"]
    good = subprocess.run(command, capture_output=True, text=True)
    assert (good.returncode, good.stdout) == (0, "_build/chapters/02_two.ipynb\n")
    bad = subprocess.run([*command, "-p", "x", "2"], capture_output=True, text=True)
    assert bad.returncode == 1
    assert "02_two, cell 3 (assert x == 1, 'no'): AssertionError: no" in bad.stderr
    assert "Traceback" not in bad.stderr
    assert (book.root / bad.stderr.split("kept: ")[1].strip()).is_file()
