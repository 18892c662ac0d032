import numpy as np
import pytest

from anderson_ness import mutual_coherence
from anderson_ness.analysis import cavity
from anderson_ness.theory.cavity import Cavity


def test_power_law():
    x = np.array([1.0, 2.0, 5.0, 7.0])
    power = cavity.power_law(x, 3 * x**-1.5)
    assert power.value == pytest.approx(-1.5)
    assert power.error < 1e-10


def test_decay_rate_has_the_error_of_a_weighted_line():
    rng, lengths, errors = np.random.default_rng(3), np.arange(4, 20, 4), np.array([0.1, 0.2, 0.3, 0.4])
    rates = [
        cavity.decay_rate(lengths, 2 - 0.3 * lengths + errors * rng.standard_normal(4), errors) for _ in range(400)
    ]
    values = np.array([rate.value for rate in rates])
    assert abs(values.mean() - 0.3) < 4 * values.std() / 20
    assert values.std() == pytest.approx(rates[0].error, rel=0.15)


def test_tuned_chain_has_its_level_where_it_is_wanted():
    assert cavity.tuned_chain(0.7, 0.1).levels[1] == pytest.approx(2 * np.cos(0.7))
    assert cavity.tuned_chain(2.0, 0.1, n_sites=6, level=4).levels[4] == pytest.approx(2 * np.cos(2.0))


def test_lines_widths_and_positions_are_those_of_the_pole():
    momenta = [0.5, np.pi / 2, 2.2]
    half_widths, shifts = cavity.fitted_lines(momenta)
    np.testing.assert_allclose(half_widths, np.sin(momenta), rtol=1e-3)
    np.testing.assert_allclose(shifts, np.cos(momenta), atol=1e-3)


def test_only_the_corrected_lineshape_becomes_exact():
    weaker, weak = (cavity.lineshape_errors(0.92, t) for t in (0.01, 0.02))
    assert weak["corrected"] / weaker["corrected"] == pytest.approx(4, rel=0.1)
    assert weaker["printed"] > 0.3
    assert cavity.lineshape_errors(np.pi / 2, 0.01)["printed"] < 1e-3


def test_two_sites_have_integer_powers():
    powers = cavity.two_site_powers()
    for (kind, name), power in {
        ("one lead, at the level", "coherence"): -2,
        ("one lead, whole line", "source"): 4,
        ("one lead, whole line, unequal mirrors", "source"): 2,
        ("driven, equal mirrors", "coherence"): 2,
        ("driven, unequal mirrors", "coherence"): 0,
    }.items():
        assert powers[kind, name].value == pytest.approx(power, abs=0.02)


def test_source_is_the_integral_of_its_parts():
    mirrors = [0.05]
    series = cavity.two_site_series(mirrors)
    chain, _, window = cavity.two_sites(2 * mirrors[0], mirrors[0])
    energies = np.linspace(*window, 200_001)
    current, gradient = cavity.current_and_gradient(chain, energies)
    step = energies[1] - energies[0]
    kind = "one lead, whole line, unequal mirrors"
    assert series[kind, "current"][0] == pytest.approx(abs(current.sum() * step), rel=1e-4)
    assert series[kind, "source"][0] == pytest.approx(abs((current * gradient).sum() * step), rel=1e-4)


def test_half_coherences_are_mutual_coherences_of_single_states():
    states = Cavity.fabry_perot(6, 0.3, 0.5).scattering_states(np.array([0.2, 0.9]))[0]
    for state, coherence in zip(states, cavity.half_coherences(states), strict=True):
        assert coherence == pytest.approx(mutual_coherence(np.outer(state, state.conj()), [0, 1, 2], [3, 4, 5]))


def test_off_resonance():
    mirrors = np.geomspace(1e-3, 1e-2, 4)
    for values in cavity.off_resonance_series(mirrors, 6).values():
        assert cavity.power_law(mirrors, values).value == pytest.approx(4, abs=0.01)


def test_log_decay():
    lengths = [4, 40]
    logs = cavity.log_decay(np.random.default_rng(1), lengths, 4.0, 0.3, n_chains=60)
    for mean, error in logs.values():
        assert mean[0] - mean[1] > 4 * np.hypot(*error)
