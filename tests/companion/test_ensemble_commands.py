import json

import pytest
from click.testing import CliRunner
from ensembles import fakes

from anderson_ness.companion import cli, ensemble_commands, sample_command
from anderson_ness.ensembles import Row, Store, compute_sample, read_specification, table
from anderson_ness.ensembles.samples import Task
from anderson_ness.ensembles.store import STORE

TOY = "[[points]]\ndisorder = 10\nlength = 3\nbias = [0.05, 0.1]\nsamples = {samples}\ntarget = 0.1\n"


@pytest.fixture
def toy(book):
    """A toy's specification, in a project of its own."""
    path = book.root / "data" / "ensembles" / "toy.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TOY.format(samples=3))
    return path


def call(*arguments):
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


def failed(result, status, message):
    assert result.exit_code == status
    assert isinstance(result.exception, SystemExit)
    assert message in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("command", ["sweep", "status"])
def test_every_help_has_an_example(command):
    assert "Example:\n    anderson-ness" in call(command, "--help").output


def test_a_sweep_may_do_a_part(toy):
    assert call("sweep", toy, "--first", "2", "--workers", "1").exit_code == 0
    assert [one["done"] for one in json.loads(call("status", toy, "--json").stdout)] == [2, 2]
    assert call("sweep", toy, "--shortest", "4").exit_code == 0
    assert [one["done"] for one in json.loads(call("status", toy, "--json").stdout)] == [2, 2]


def test_sweep_status_and_a_row_again(toy, book):
    done = call("sweep", toy, "--workers", "1", "--verbose")
    assert done.exit_code == 0, done.stderr
    *lines, path = done.stdout.splitlines()
    assert path == str(book.root / "data" / "toy.parquet")
    assert "pilot: 1 samples; the 2 left will take about" in done.stderr
    assert "3 of 3 samples" in done.stderr
    stored = [line for line in done.stderr.splitlines() if line.startswith("stored 3 10 3 ")]
    assert len(stored) == 3
    assert call("status", toy).stdout.splitlines() == lines
    assert [line.split()[5:7] for line in lines[1:]] == [["3", "3"], ["3", "3"]]
    records = json.loads(call("status", toy, "--json").stdout)
    assert [(one["length"], one["bias"], one["done"], one["target"]) for one in records] == [
        (3, 0.05, 3, 0.1),
        (3, 0.1, 3, 0.1),
    ]
    again = call("sample", "--from-row", "toy", 4, "--json")
    assert again.exit_code == 0, again.stderr
    record = json.loads(again.stdout)
    row = table.read_rows([book.root / "data" / "toy.parquet"])[4]
    assert (record["inputs"]["seed"], record["inputs"]["bias"]) == (row.seed, row.bias)
    assert record["agree"] is True
    assert record["compared"]["coherence"]["stored"] == row.coherence
    assert set(record["compared"]) == {"coherence", "coherence_slope", "transmission"}
    assert "coherence" in call("sample", "--from-row", path, 4).stdout


def test_ensembles_of_the_information(toy, book):
    toy.write_text(f'quantity = "information"\n{TOY.format(samples=2)}')
    other = toy.with_name("other.toml")
    other.write_text(TOY.format(samples=2))
    done = call("sweep", toy, "--workers", "1")
    assert done.exit_code == 0, done.stderr
    first, second = call("status", toy, other).stdout.split("\n\n")
    assert first.splitlines()[0].split()[8] == "C_d"
    assert second.splitlines()[0].split()[8] == "I_1"
    assert [line.split()[5:7] for line in second.splitlines()[1:]] == [["2", "2"], ["2", "2"]]
    assert {one["quantity"] for one in json.loads(call("status", toy, "--json").stdout)} == {"information"}
    again = call("sample", "--from-row", "toy", 1, "--json")
    assert again.exit_code == 0, again.stderr
    record = json.loads(again.stdout)
    assert record["agree"] is True
    row = table.read_rows([book.root / "data" / "toy.parquet"])[1]
    assert record["compared"]["equilibrium_negativity"]["stored"] == row.equilibrium_negativity
    assert len(record["compared"]) == 19


def test_tables_name_versions(toy, book):
    call("sweep", toy, "--workers", "1")
    (metadata,) = [table.read_table("toy", book.root / "data").attrs]
    assert "numpy" in metadata["versions"]
    assert len(metadata["commits"]) <= 1


def with_profiles(row: Row) -> Row:
    return compute_sample(Task(row.point, row.rtol, row.seed, (row.bias,)))[0]


@pytest.mark.parametrize(
    ("quantity", "factor"),
    [("coherence", 1.01), ("coherence_slope", 0.9), ("transmission", 1.1), ("density_profile", 2)],
)
def test_a_row_that_does_not_come_out_is_told(toy, quantity, factor):
    toy.write_text("profiles = true\n" + TOY.format(samples=3))
    specification = read_specification(toy)
    right = with_profiles(
        fakes.row(specification.seeds(specification.wanted[0])[0], 0.05, specification.wanted[0].point)
    )
    value = getattr(right, quantity)
    wrong = bytes(reversed(value)) if isinstance(value, bytes) else factor * value
    for row, status in ((right, 0), (right._replace(**{quantity: wrong}), 1)):
        table.publish(specification, [row], toy.parent.parent)
        done = call("sample", "--from-row", "toy", 0)
        assert done.exit_code == status, done.stdout
        assert ("the row does not come out as it is stored" in done.stderr) == bool(status)


def test_bad_input_is_one_line(toy, book, tmp_path):
    failed(call("sweep", book.root / "no.toml"), 2, "no.toml cannot be read: No such file or directory")
    failed(call("sweep", toy, "--memory-limit", "much"), 2, "much")
    failed(call("sweep", toy, "--workers", 1, "--scheduler", "tcp://x:1"), 2, "give one of them")
    failed(call("sample", "--from-row", "toy", 0), 2, "no table toy in")
    failed(call("sample", "--from-row", "toy", 0, "--t-contact", 2), 2, "--from-row stands alone, without --t-contact")
    failed(call("sample", "--length", 4), 2, "Missing option '--disorder'")
    toy.write_text("points = 3")
    failed(call("status", toy), 2, "points must be given at least once")


def test_damaged_stores_are_one_line(toy, book):
    store = book.root / "data" / STORE
    store.parent.mkdir()
    store.write_text("not a database, and long enough to be told from one " * 10)
    for command in ("sweep", "status"):
        failed(call(command, toy), 1, "samples.sqlite is not a store of samples")


def test_samples_that_fail_are_counted(toy, monkeypatch):
    from anderson_ness import ensembles

    monkeypatch.setattr(ensembles, "sweep", lambda *_, **__: ensembles.Summary(2, ("L0 = 3: reason",), ()))
    failed(call("sweep", toy), 1, "1 samples could not be computed")


def test_data_may_lie_elsewhere(toy, tmp_path):
    specification = read_specification(toy)
    seeds = specification.seeds(specification.wanted[0])
    elsewhere = tmp_path / "elsewhere"
    with Store(elsewhere / STORE) as store:
        store.add([fakes.row(seed, 0.1, specification.wanted[0].point) for seed in seeds[:2]])
    records = json.loads(call("status", toy, "--data", elsewhere, "--json").stdout)
    assert [one["done"] for one in records] == [0, 2]
    assert [one["mean"] is None for one in records] == [True, False]


def test_missing_extra_is_named(toy, monkeypatch):
    monkeypatch.setattr(ensemble_commands, "ENSEMBLE_MODULES", ("not_installed_anywhere",))
    monkeypatch.setattr(sample_command, "TABLE_MODULES", ("not_installed_anywhere",))
    for arguments in (["sweep", toy], ["status", toy], ["sample", "--from-row", "toy", 0]):
        failed(call(*arguments), 2, "pip install 'anderson-ness[ensembles]'")
