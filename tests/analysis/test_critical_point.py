import numpy as np
import pandas as pd
import pytest

from anderson_ness import AndersonBar
from anderson_ness.analysis import critical_point as critical
from anderson_ness.analysis.critical_point import Window
from anderson_ness.ensembles.csv_table import write_csv
from anderson_ness.ensembles.samples import sample_seed
from anderson_ness.theory.warm_window import driven_levels

CRITICAL, NU = 16.5, 1.6


def synthetic_runs(rng, relative=0.002, runs=4):
    """Runs of bars that scale exactly, with a correction ~ L^-3."""
    rows = []
    for width in (4, 5, 6, 7, 8, 10):
        for disorder in np.arange(14.0, 19.1, 0.5):
            variable = (disorder / CRITICAL - 1) * width ** (1 / NU)
            reduced = 0.576 - 0.5 * variable + 0.25 * variable**2 + 2.0 * width**-3.0
            for _ in range(runs):
                exponent = (1 + relative * rng.standard_normal()) / (reduced * width)
                rows.append((width, disorder, 0.0, 1000, exponent, relative * exponent))
    return pd.DataFrame(rows, columns=["width", "disorder", "energy", "slices", "exponent", "exponent_error"])


def test_runs_are_pooled_by_their_slices():
    runs = pd.DataFrame(
        {
            "width": 4,
            "disorder": 16.5,
            "energy": 0.0,
            "slices": [1000, 3000],
            "exponent": [0.40, 0.44],
            "exponent_error": [0.02, 0.01],
        }
    )
    row = critical.reduced_lengths(runs).iloc[0]
    assert row["reduced_length"] == pytest.approx(1 / (4 * 0.43))
    assert row["error"] == pytest.approx(np.hypot(0.02 / 4, 0.01 * 3 / 4) / (0.43**2 * 4))
    assert row["spread"] == pytest.approx((0.03 / 0.02) ** 2 + (0.01 / 0.01) ** 2)
    assert row["runs"] == 2 and row["slices"] == 4000


def test_the_fit_finds_the_critical_point_that_was_put_in():
    rng = np.random.default_rng(1)
    lengths = critical.reduced_lengths(synthetic_runs(rng))
    assert lengths["spread"].sum() / (3 * len(lengths)) == pytest.approx(1, abs=6 * np.sqrt(2 / (3 * len(lengths))))
    fit = critical.fit_transition(lengths).fit
    for name, value in (("critical_disorder", CRITICAL), ("nu", NU)):
        assert abs(fit.values[name] - value) < 4 * fit.errors[name]
    assert fit.errors["critical_disorder"] < 0.15 and fit.errors["nu"] < 0.05
    assert fit.p_value > 1e-4
    fewer = critical.fit_transition(lengths, smallest=6)
    assert set(fewer.points.length) == {6, 7, 8, 10}


def test_a_mobility_edge_is_where_growth_turns_to_decline():
    energies = np.arange(5.0, 9.0, 0.5)
    rows = [
        {"width": width, "disorder": 10.0, "energy": energy, "error": 1e-3}
        | {"reduced_length": np.exp((7.2 - energy) * np.log(width) * 0.5)}
        for width in (6, 8)
        for energy in energies
    ]
    lengths = pd.DataFrame(rows)
    edge, error = critical.mobility_edge(lengths, 10.0)
    assert edge == pytest.approx(7.2) and 0.125 <= error < 0.2
    with pytest.raises(ValueError, match="no mobility edge"):
        critical.mobility_edge(lengths[lengths["energy"] < 7], 10.0)


def test_conductances_average_each_point_and_leave_out_poor_ones():
    rng = np.random.default_rng(2)
    values = rng.lognormal(-1, 1, 400)
    samples = pd.DataFrame({"length": 8, "disorder": 16.5, "transmission": values})
    few = pd.DataFrame({"length": 10, "disorder": 16.5, "transmission": values[:5]})
    (row,) = critical.conductances(pd.concat([samples, few])).itertuples()
    assert row.length == 8 and row.samples == 400
    assert row.mean == pytest.approx(values.mean()) and row.log_mean == pytest.approx(np.log(values).mean())
    assert row.mean_error == pytest.approx(values.std(ddof=1) / 20)
    assert row.log_mean_error == pytest.approx(np.log(values).std(ddof=1) / 20)


def test_conductances_scale():
    rows = []
    for length in (6, 8, 10, 12):
        for disorder in (14.0, 15.0, 16.0, 16.5, 17.0, 18.0, 20.0, 30.0):
            variable = (disorder / 16.4 - 1) * length ** (1 / 1.5)
            value = -1.2 - 1.5 * variable - 0.2 * variable**2 + (5 if disorder == 30 else 0)
            rows.append({"length": length, "disorder": disorder, "log_mean": value, "log_mean_error": 0.02})
            rows[-1] |= {"mean": 0.4 * length**0.7, "mean_error": 0.01, "samples": 100}
    means = pd.DataFrame(rows)
    fit = critical.fit_conductance(means).fit
    assert fit.values["critical_disorder"] == pytest.approx(16.4, abs=1e-4)
    assert fit.values["nu"] == pytest.approx(1.5, abs=1e-3)
    # The logarithm's correction for noise moves it by 1e-4.
    assert critical.size_exponent(means, 16.5).values["length"] == pytest.approx(0.7, abs=2e-3)


def test_windows_are_counted_by_the_levels_of_their_own_samples():
    rows = [
        {"length": 3, "disorder": 10.0, "t_parallel": 6.0, "bias": bias, "temperature": temperature, "sample": sample}
        for sample in (0, 1, 2)
        for bias, temperature in ((4.0, 0.0), (8.0, 0.0), (4.0, 0.5))
    ]
    windows = critical.driven(pd.DataFrame(rows), root_seed=5)
    for row in windows.itertuples():
        bar = AndersonBar.random(3, 10.0, sample_seed(5, 3, 10.0, row.sample))
        levels = np.linalg.eigvalsh(bar.hamiltonian().toarray())
        assert row.levels == pytest.approx(driven_levels(levels, row.bias, row.temperature))
    # A volume law with a coefficient 0.7 throughout.
    windows["coherence"] = 0.7 * windows["levels"] / 32
    averages = critical.window_means(windows)
    np.testing.assert_allclose(averages["share"], 0.7)
    np.testing.assert_allclose(averages["share_error"], 0, atol=1e-12)
    assert (averages["samples"] == 3).all() and len(averages) == 3
    growth = critical.growth_exponent(windows, Window(4.0), Window(8.0))
    assert growth.value == pytest.approx(1) and growth.samples == 3
    assert critical.share_ratio(windows, Window(4.0), Window(4.0, 0.5)).value == pytest.approx(1)
    assert critical.growth_exponent(windows, Window(4.0), Window(99.0)) is None
    windows["coherence"] = windows["levels"] ** 2
    growth = critical.growth_exponent(windows, Window(4.0), Window(8.0))
    assert growth.value == pytest.approx(2, abs=0.2)


def test_transmissions_come_from_every_table_and_each_sample_once(tmp_path, monkeypatch):
    own = pd.DataFrame({"length": 4, "disorder": 16.5, "sample": [0, 1], "transmission": [0.3, 0.4]})
    write_csv(tmp_path / "conductance.csv", {"root_seed": 2019}, own)
    seeds = [sample_seed(2019, 4, 16.5, index) for index in range(4)]
    alone = critical.transmissions(tmp_path).set_index("seed")["transmission"]
    assert alone.to_dict() == {seeds[0]: 0.3, seeds[1]: 0.4}
    # Sample 1 is in both tables, 2 has two biases, 3 another contact.
    ensemble = pd.DataFrame({"length": 4, "disorder": 16.5, "seed": [seeds[1], seeds[2], seeds[2], seeds[3]]})
    ensemble = ensemble.assign(transmission=[0.4, 0.5, 0.5, 0.6], t_parallel=3.0, t_contact=[3.0, 3.0, 3.0, 1.0])
    monkeypatch.setattr(critical, "published", lambda folder: {"fig2b": [folder], "bias": [folder]})
    monkeypatch.setattr(critical, "read_table", lambda name, folder: {"fig2b": ensemble}[name])
    both = critical.transmissions(tmp_path).set_index("seed")["transmission"]
    assert both.to_dict() == {seeds[0]: 0.3, seeds[1]: 0.4, seeds[2]: 0.5}
