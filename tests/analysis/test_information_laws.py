import numpy as np
import pandas as pd
import pytest
from ensembles import fakes

from anderson_ness import AndersonBar, steady_state_information
from anderson_ness.analysis import information_laws
from anderson_ness.analysis.information_laws import MEASURES, STATES, Sizes
from anderson_ness.ensembles import TableError, read_specification, table
from anderson_ness.theory.scaling import bias_at

TOY = 'quantity = "information"\n[[points]]\ndisorder = 10\nlength = [4, 6]\nbias = 0.5\nsamples = 9\n'


def synthetic(power=2.5, count=2000, noise=0.3, lengths=(6, 8, 10, 12), biases=(0.25, 1.0)):
    """Samples whose column ``known`` grows as a power of the size, times independent noise of mean one."""
    rng = np.random.default_rng(5)
    rows = [
        {"length": length, "disorder": disorder, "bias": bias, "known": bias * length**power * (1 + noise * kick)}
        for disorder in (10.0, 21.0)
        for length in lengths
        for bias in (*biases, float(f"{bias_at(24, length):.12g}"))
        for kick in rng.standard_normal(count)
    ]
    return pd.DataFrame(rows)


def test_the_driven_part_of_the_coherence_is_exactly_that_of_g_d():
    measured = steady_state_information(AndersonBar.random(4, 12.0, 3), 0.8)
    assert information_laws.driven(measured, "coherence") == pytest.approx(measured["driven_coherence"], rel=1e-9)


def test_odd_parts_of_the_bias_drop_out():
    even = {f"{state}negativity": value for state, value in zip(STATES, (3.0, 3.0, 1.0), strict=True)}
    odd = even | {"negativity": 3.7, "reversed_negativity": 2.3}
    assert information_laws.driven(even, "negativity") == pytest.approx(2.0)
    assert information_laws.driven(odd, "negativity") == pytest.approx(2.0)


def test_the_stored_ensemble_has_its_driven_columns(tmp_path):
    (tmp_path / "information.toml").write_text(TOY)
    specification = read_specification(tmp_path / "information.toml")
    rows = [
        fakes.information(seed, one.bias, one.point)
        for one in specification.wanted
        for seed in specification.seeds(one)
    ]
    table.publish(specification, rows, tmp_path)
    frame = information_laws.gather(tmp_path)
    for name in MEASURES[:-1]:
        assert np.array_equal(frame[f"driven_{name}"], information_laws.driven(frame, name))
    means = information_laws.sizes(frame, "driven_mutual_information", 10.0, bias=0.5)
    assert means.length.tolist() == [4, 6]
    assert means.samples.tolist() == [9, 9]
    assert means.value[0] == frame["driven_mutual_information"][:9].mean()
    with pytest.raises(TableError):
        information_laws.gather(tmp_path / "elsewhere")


def test_one_bias_or_one_x():
    frame = synthetic()
    fixed, scaled = (information_laws.sizes(frame, "known", 21.0, **at) for at in ({"bias": 1.0}, {"X": 24.0}))
    assert fixed.length.tolist() == scaled.length.tolist() == [6, 8, 10, 12]
    assert fixed.value == pytest.approx(fixed.length**2.5, rel=5 * 0.3 / 2000**0.5)
    assert scaled.value == pytest.approx(bias_at(24, scaled.length) * scaled.length**2.5, rel=5 * 0.3 / 2000**0.5)
    assert fixed.error == pytest.approx(0.3 * fixed.value / 2000**0.5, rel=0.1)
    for at in ({}, {"bias": 1.0, "X": 24.0}):
        with pytest.raises(ValueError, match=r"bias or X must be given, and not both"):
            information_laws.sizes(frame, "known", 21.0, **at)


def test_few_samples_are_left_out():
    frame = synthetic(count=10)
    few = frame.drop(frame[(frame["length"] == 12) & (frame["bias"] == 1.0)].index[:3])
    assert len(information_laws.sizes(few, "known", 10.0, bias=1.0)) == 3
    assert len(information_laws.sizes(few, "known", 10.0, bias=1.0, fewest=7)) == 4
    assert len(information_laws.sizes(few, "known", 15.0, bias=1.0)) == 0


def test_exponents_come_back_within_their_errors():
    means = information_laws.sizes(synthetic(), "known", 10.0, bias=1.0)
    value, error = information_laws.exponent(means)
    assert abs(value - 2.5) < 3 * error
    # What independent relative errors of 0.3/sqrt(2000) at these sizes give, times the scatter, which is about one.
    x = np.log(means.length)
    expected = 0.3 / 2000**0.5 / np.sqrt(((x - x.mean()) ** 2).sum())
    assert expected * 0.9 < error < expected * 2


def test_scatter_beyond_the_errors_counts():
    length = np.array([6.0, 8.0, 10.0, 12.0])
    bent = length**2 * np.array([1.0, 1.1, 1.1, 1.0])
    samples = np.full(4, 50)
    _, small = information_laws.exponent(Sizes(length, length**2, 1e-4 * length**2, samples))
    _, large = information_laws.exponent(Sizes(length, bent, 1e-4 * bent, samples))
    assert large > 100 * small
    with pytest.raises(ValueError, match=r"means must hold two sizes at least"):
        information_laws.exponent(Sizes(length[:1], bent[:1], bent[:1], samples[:1]))
