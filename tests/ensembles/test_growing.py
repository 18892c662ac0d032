"""Tables that grow beside their specification: transfer matrices, conductances and windows."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from anderson_ness import AndersonBar, Leads, nonequilibrium_correlations, transmission
from anderson_ness.ensembles import conductance, transfer, windows
from anderson_ness.ensembles.errors import SpecificationError, TableError
from anderson_ness.ensembles.samples import sample_seed
from anderson_ness.theory.transfer import transfer_runs

TRANSFER = """
root_seed = 3
[[points]]
width = [2, 3]
disorder = [10.0, 16.5]
energy = [0.0, -1.5]
runs = {runs}
slices = 500
"""
CONDUCTANCE = """
root_seed = 3
[[points]]
disorder = [16.5]
length = [2, 3]
samples = [{more}, 2]
"""
WINDOWS = """
root_seed = 3
[[points]]
length = 2
disorder = 6.0
t_parallel = 4.0
bias = [0.5, 1.5]
temperature = [0.0, 0.02]
samples = 2
"""


@pytest.fixture
def run(tmp_path):
    def go(module, text):
        name = module.__name__.rpartition(".")[2]
        path = tmp_path / f"{name}.toml"
        path.write_text(text)
        result = CliRunner().invoke(module.main, [str(path)])
        return result, path.with_suffix(".csv")

    return go


def test_transfer_runs_are_those_of_their_seeds_and_the_table_grows(run, tmp_path, monkeypatch):
    assert run(transfer, TRANSFER.format(runs=1))[0].exit_code == 0
    first = transfer.read_transfer(tmp_path)
    assert len(first) == 8
    computed = []
    monkeypatch.setattr(
        transfer, "transfer_runs", lambda *args, **more: computed.append(args) or transfer_runs(*args, **more)
    )
    assert run(transfer, TRANSFER.format(runs=2))[0].exit_code == 0
    both = transfer.read_transfer(tmp_path)
    assert sum(len(args[1]) for args in computed) == 8
    assert len(both) == 16 and both["seed"].nunique() == 16
    pd.testing.assert_frame_equal(first.merge(both), first)
    rows = both[(both["width"] == 3) & (both["disorder"] == 10) & (both["energy"] == -1.5)]
    seeds = [transfer.run_seed(3, 3, 10.0, -1.5, index) for index in (0, 1)]
    again = {run.seed: run.exponent for run in transfer_runs(3, [10.0, 10.0], seeds, 500, energy=-1.5)}
    assert dict(zip(rows["seed"], rows["exponent"], strict=True)) == pytest.approx(again, rel=1e-6)
    assert both.attrs["specification"]["points"][0]["runs"] == 2 and "numpy" in both.attrs["versions"]


def test_conductances_are_those_of_the_ensembles_samples(run, tmp_path):
    assert run(conductance, CONDUCTANCE.format(more=3))[0].exit_code == 0
    assert run(conductance, CONDUCTANCE.format(more=4))[0].exit_code == 0
    table = conductance.read_conductance(tmp_path)
    assert table[["length", "sample"]].to_numpy().tolist() == [[2, 0], [2, 1], [2, 2], [2, 3], [3, 0], [3, 1]]
    bar = AndersonBar.random(3, 16.5, sample_seed(3, 3, 16.5, 1))
    assert table["transmission"].iloc[-1] == pytest.approx(transmission(bar), rel=1e-8)


def test_windows_are_those_of_their_sample_bias_and_temperature(run, tmp_path, monkeypatch):
    class Found(NamedTuple):
        coherence: float
        relative_error: float = 0.003
        converged: bool = True

    def fake(bar, bias, temperature, rtol, method="resonances"):
        return Found(bar.onsite.sum() + bar.leads.t_parallel + 10 * bias + 100 * temperature + 1000 * rtol)

    monkeypatch.setattr(windows, "window_coherence", fake)
    assert run(windows, WINDOWS)[0].exit_code == 0
    table = windows.read_windows(tmp_path)
    assert len(table) == 8 and table["converged"].all()
    for row in table.itertuples():
        bar = AndersonBar.random(2, 6.0, sample_seed(3, 2, 6.0, row.sample), leads=Leads(t_parallel=4.0))
        expected = fake(bar, row.bias, row.temperature, 1e-2)
        assert row.coherence == pytest.approx(expected.coherence, rel=1e-8)


def test_windows_in_which_a_channel_opens_are_integrated_by_quadrature():
    bar = AndersonBar.random(2, 4.0, 1)
    assert np.abs(bar.leads.band_edges(2, 2)).min() < 4.5
    found = windows.coherence_of(bar, 9.0, 0.0, 1e-2)
    G = nonequilibrium_correlations(bar, 9.0, method="quadrature", rtol=1e-3)
    exact = 2 * np.linalg.norm(G[np.ix_(bar.left_half, bar.right_half)]) ** 2
    assert found.coherence == pytest.approx(exact, rel=2e-2)


@pytest.mark.parametrize(
    ("module", "text", "sentence"),
    [
        (transfer, "root_seed = 3\npoints = []", "at least one entry"),
        (transfer, TRANSFER.format(runs=0), "runs must be a positive integer"),
        (transfer, TRANSFER.format(runs=1) + "colour = 1", "width, disorder, runs, slices, may have energy"),
        (transfer, TRANSFER.format(runs=1).replace("root_seed = 3", ""), "root_seed must be a positive integer"),
        (conductance, CONDUCTANCE.format(more=3).replace("[3, 2]", "[3]"), "one entry for each length"),
        (windows, WINDOWS.replace("[0.0, 0.02]", "[-1.0]"), "temperature must be a finite number >= 0"),
    ],
)
def test_bad_specifications_get_one_clear_sentence(run, module, text, sentence):
    result, table = run(module, text)
    assert result.exit_code == 1 and sentence in result.output and not table.exists()


def test_a_damaged_table_is_refused_and_kept(run, tmp_path):
    (tmp_path / "transfer.csv").write_text("# {}\nwidth\n4\n")
    result, table = run(transfer, TRANSFER.format(runs=1))
    assert result.exit_code == 1 and "must have the columns" in result.output
    assert table.read_text() == "# {}\nwidth\n4\n"
    with pytest.raises(TableError):
        transfer.read_transfer(tmp_path)
    with pytest.raises(SpecificationError, match="cannot be read"):
        transfer.wanted(tmp_path / "missing.toml")


def test_what_was_computed_is_written_when_interrupted(run, tmp_path, monkeypatch):
    calls = []

    def interrupted(*args, **more):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return transfer_runs(*args, **more)

    monkeypatch.setattr(transfer, "transfer_runs", interrupted)
    assert run(transfer, TRANSFER.format(runs=1))[0].exit_code != 0
    assert len(transfer.read_transfer(tmp_path)) == 4
