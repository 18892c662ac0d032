from itertools import pairwise

import bars
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import expit

from anderson_ness import (
    AndersonBar,
    ConvergenceWarning,
    Leads,
    _kwant,
    equilibrium_correlations,
    nonequilibrium_correlations,
    slice_currents,
    steady_state,
    steady_state_information,
    transmission,
    window_coherence,
)
from anderson_ness.information import coherence_bound, fermionic_negativity, mutual_coherence, mutual_information
from anderson_ness.states import equilibrium

SMALL = [(1, 1, 1), (1, 3, 2), (2, 2, 2), (5, 1, 2), (6, 1, 1), (3, 3, 2)]


def fermi(energy, temperature):
    return expit(-energy / temperature)


# -- sums of poles ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reach", [3.0, 20.0, 1e4])
@pytest.mark.parametrize("temperature", [0.0, 1e-11, 1e-6, 1e-3, 0.1, 5.0, 1e5])
def test_sums_of_poles_are_fermi_functions(reach, temperature):
    if temperature == 0:
        points, weights = equilibrium._step_poles(reach)
    else:
        points, weights = equilibrium._fermi_poles(temperature, reach)
    assert np.all(points.imag > 0)
    positive = np.geomspace(1e-12, reach, 3000)
    for x in (positive, -positive):
        expected = (x < 0).astype(float) if temperature == 0 else fermi(x, temperature)
        found = 0.5 + sum((weight / (point - x)).real for point, weight in zip(points, weights, strict=True))
        np.testing.assert_allclose(found, expected, atol=2e-12 if reach < 100 else 2e-11)


@given(bars.bars(SMALL))
def test_no_energy_lies_beyond_the_spectral_radius(bar):
    energies = np.linalg.eigvalsh(bars.sample_in_long_leads(bar, 12))
    assert np.abs(energies).max() <= equilibrium._spectral_radius(bar)


# -- equilibrium -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mu", [-1.3, 0.0, 0.5, 1.9])
def test_a_uniform_chain_has_the_sine_kernel(mu):
    # At mu = 0 every second slice, with all beyond it, has a level there: elimination without pivoting fails.
    bar = AndersonBar(np.zeros((7, 1, 1)), leads=Leads(t_parallel=1.0))
    distance = np.subtract.outer(np.arange(7), np.arange(7))
    k = np.arccos(mu / 2)
    # Energies 2 cos k below mu belong to wave numbers beyond k.
    expected = np.eye(7) - k / np.pi * np.sinc(k * distance / np.pi)
    np.testing.assert_allclose(equilibrium_correlations(bar, mu), expected, atol=1e-11)


@pytest.mark.parametrize("wall", [0.8, -3.0])
def test_a_bound_state_is_filled_by_its_energy(wall):
    onsite = np.zeros((9, 1, 1))
    onsite[4] = wall
    bar = AndersonBar(onsite, leads=Leads(t_parallel=1.0))
    energy = np.sign(wall) * np.hypot(wall, 2)
    # Its amplitude falls by the same factor from site to site.
    decay = (energy - wall) / 2
    vector = np.sqrt(abs(wall) / np.hypot(wall, 2)) * decay ** np.abs(np.arange(9) - 4)
    below, above = (equilibrium_correlations(bar, energy + shift) for shift in (-1e-3, 1e-3))
    np.testing.assert_allclose(above - below, np.outer(vector, vector), atol=1e-10)
    everything = equilibrium_correlations(bar, 10.0)
    np.testing.assert_allclose(everything, np.eye(9), atol=1e-11)
    np.testing.assert_allclose(equilibrium_correlations(bar, -10.0), np.zeros((9, 9)), atol=1e-11)


@pytest.mark.parametrize("distance", [0.0, 3e-7, -2e-5, 1e-2])
def test_a_level_narrower_than_anything_near_mu(distance):
    leads = Leads(t_parallel=1.0, t_contact=3e-4)
    width = 4 * leads.contact**2
    bar = AndersonBar(np.full((1, 1, 1), 0.2 + distance), leads=leads)
    # Both leads' self-energy 2 t_c^2 (z - i sqrt(1 - z^2)), z = E / 2, hardly varies over the line.
    shift, half_width = 0.2 * leads.contact**2, width / 2 * np.sqrt(1 - 0.01)
    expected = 0.5 - np.arctan((distance + shift) / half_width) / np.pi
    assert equilibrium_correlations(bar, 0.2)[0, 0] == pytest.approx(expected, abs=1e-6)


@given(bars.bars(SMALL), st.floats(-3, 3))
@settings(max_examples=15)
def test_is_that_of_a_long_closed_system(bar, mu):
    # The leads' ends are out of sight beyond the thermal length v / (2 pi T).
    assume(abs(bar.leads.contact) >= 1)
    temperature = 0.25 * abs(bar.leads.t_parallel)
    energies, vectors = np.linalg.eigh(bars.sample_in_long_leads(bar, 45))
    sites = slice(45 * bar.n_slice, -45 * bar.n_slice)
    expected = (vectors[sites] * fermi(energies - mu, temperature)) @ vectors[sites].T
    np.testing.assert_allclose(equilibrium_correlations(bar, mu, temperature), expected, atol=1e-10)


@given(bars.bars(SMALL), st.floats(-4, 4), st.floats(0.01, 3), st.sampled_from([0.0, 1e-6, 0.1]))
def test_is_a_state_and_grows_with_mu(bar, mu, step, temperature):
    low, high = (equilibrium_correlations(bar, one, temperature) for one in (mu, mu + step))
    for matrix in (low, np.eye(bar.n_sites) - high, high - low):
        assert np.linalg.eigvalsh(matrix)[0] >= -1e-10


def test_at_low_temperature_is_that_at_none():
    bar = AndersonBar.random(3, 12.0, 4)
    np.testing.assert_allclose(equilibrium_correlations(bar, 0.1, 1e-7), equilibrium_correlations(bar, 0.1), atol=1e-8)


def test_is_what_kwants_wave_functions_fill_from_the_bottom_of_the_band():
    bar = AndersonBar.random((3, 2, 1), 6.0, 5)
    mu, system = 0.3, bar.to_kwant()
    edges = bar.leads.band_edges(2, 1)

    def filled(root, start):
        # In the root of the distance to the threshold below, where channels open smoothly.
        left, right = _kwant.scattering_states(system, start + root**2, bar.shape)
        return 2 * root * (left.T @ left.conj() + right.T @ right.conj())

    nodes, weights = np.polynomial.legendre.leggauss(120)
    expected = np.zeros((6, 6), dtype=complex)
    for start, stop in pairwise([*edges[edges < mu], mu]):
        half = np.sqrt(stop - start) / 2
        expected += half * sum(w * filled(half * (1 + x), start) for x, w in zip(nodes, weights, strict=True))
    np.testing.assert_allclose(equilibrium_correlations(bar, mu), expected, atol=1e-7)


# -- steady state ----------------------------------------------------------------------------------------------------


@given(bars.bars(SMALL), st.floats(-0.6, 0.6), st.floats(-0.6, 0.6), st.sampled_from([0.0, 0.02]))
def test_steady_state_has_eigenvalues_between_0_and_1(bar, mu_left, mu_right, temperature):
    thresholds = bar.leads.band_edges(*bar.shape[1:])
    reach = 0.02 + 40 * temperature
    ends = min(mu_left, mu_right) - reach, max(mu_left, mu_right) + reach
    assume(not np.any((thresholds > ends[0]) & (thresholds < ends[1])))
    G = steady_state(bar, mu_left, mu_right, temperature)
    np.testing.assert_allclose(G, G.conj().T, atol=1e-13)
    levels = np.linalg.eigvalsh(G)
    assert levels[0] >= -1e-10
    assert levels[-1] <= 1 + 1e-10


@pytest.mark.parametrize("temperature", [0.0, 0.03])
@pytest.mark.parametrize("disorder", [4.0, 25.0])
def test_parts_are_those_of_eq_8(temperature, disorder):
    bar, mu = AndersonBar.random(3, disorder, 2), 0.25
    G, exchanged = (steady_state(bar, side * mu, -side * mu, temperature) for side in (1, -1))
    driven = nonequilibrium_correlations(bar, 2 * mu, temperature, rtol=1e-9)
    np.testing.assert_allclose((G - exchanged) / 2, driven, atol=1e-8)
    symmetric = sum(equilibrium_correlations(bar, side * mu, temperature) for side in (1, -1)) / 2
    # Real, by time reversal: it carries no current.
    np.testing.assert_allclose((G + exchanged) / 2, symmetric, atol=1e-8)
    np.testing.assert_array_equal(
        steady_state(bar, mu, mu, temperature), equilibrium_correlations(bar, mu, temperature)
    )


def test_carries_landauers_current():
    bar = AndersonBar.random((4, 2, 2), 5.0, 1)
    currents = slice_currents(bar, steady_state(bar, 0.7, -0.1))
    expected = quad(lambda energy: transmission(bar, energy), -0.1, 0.7, epsabs=1e-10)[0] / (2 * np.pi)
    np.testing.assert_allclose(currents, expected, rtol=1e-7)


def test_mirrored_leads_mirror_the_state():
    bar = AndersonBar.random((4, 2, 1), 9.0, 1)
    mirrored = AndersonBar(bar.onsite[::-1], leads=bar.leads)
    G = steady_state(bar, 0.4, -0.3).reshape(4, 2, 4, 2)
    np.testing.assert_allclose(steady_state(mirrored, -0.3, 0.4), G[::-1, :, ::-1].reshape(8, 8), atol=1e-10)


def test_a_window_may_hold_thresholds_of_channels():
    bar = AndersonBar.random((3, 2, 2), 6.0, 1, leads=Leads(t_parallel=1.0, t_perp=0.7))
    bias = 2.6
    assert np.sum(np.abs(bar.leads.band_edges(2, 2)) < bias / 2) >= 2
    driven = nonequilibrium_correlations(bar, bias, method="quadrature", rtol=1e-7)
    G, exchanged = (steady_state(bar, side * bias / 2, -side * bias / 2, rtol=1e-8) for side in (1, -1))
    np.testing.assert_allclose((G - exchanged) / 2, driven, atol=1e-6)
    levels = np.linalg.eigvalsh(G)
    assert levels[0] >= -1e-7
    assert levels[-1] <= 1 + 1e-7


# -- given occupations -----------------------------------------------------------------------------------------------


def test_fermi_functions_may_be_given():
    bar = AndersonBar.random((3, 2, 1), 6.0, 3)
    mu_left, mu_right, temperature = 0.4, -0.2, 0.3
    given_functions = tuple(lambda energy, mu=mu: fermi(energy - mu, temperature) for mu in (mu_left, mu_right))
    found = steady_state(bar, occupations=given_functions, rtol=1e-8)
    np.testing.assert_allclose(found, steady_state(bar, mu_left, mu_right, temperature, rtol=1e-8), atol=1e-6)


def test_steps_need_their_kinks_and_fill_bound_states_by_the_bands_edges():
    onsite = AndersonBar.random((3, 2, 1), 5.0, 3).onsite.copy()
    onsite[1, 0], onsite[1, 1] = 12.0, -11.0
    bar = AndersonBar(onsite)
    steps = tuple(lambda energy, mu=mu: float(energy < mu) for mu in (0.5, -0.4))
    found = steady_state(bar, occupations=steps, kinks=(0.5, -0.4), rtol=1e-8)
    np.testing.assert_allclose(found, steady_state(bar, 0.5, -0.4), atol=1e-6)
    # A bound state above and one below the bands.
    highest, lowest = (equilibrium_correlations(bar, mu) for mu in (8.5, -8.5))
    assert np.trace(np.eye(6) - highest) > 0.5
    assert np.trace(lowest) > 0.5


@given(bars.bars([(2, 1, 1), (3, 2, 1)]), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=4)
def test_constant_occupations_are_a_drive_about_the_identity(bar, left, right):
    assume(abs(bar.leads.contact) >= 0.5)
    G = steady_state(bar, occupations=(left, right), rtol=1e-7)
    exchanged = steady_state(bar, occupations=(right, left), rtol=1e-7)
    np.testing.assert_allclose(G + exchanged, (left + right) * np.eye(bar.n_sites), atol=1e-13)
    levels = np.linalg.eigvalsh(G)
    assert min(left, right) - 1e-6 <= levels[0] <= levels[-1] <= max(left, right) + 1e-6


def test_constant_occupations_without_a_bar_in_between():
    """In a uniform chain the states from the left are the right-movers: half of all wave numbers."""
    bar = AndersonBar(np.zeros((6, 1, 1)), leads=Leads(t_parallel=1.0))
    distance = np.subtract.outer(np.arange(6), np.arange(6))
    odd = distance % 2 == 1
    difference = np.zeros((6, 6), dtype=complex)
    # With energy 2 cos k the waves e^{-ikx}, 0 < k < pi, move right.
    difference[odd] = -2j / (np.pi * distance[odd])
    G = steady_state(bar, occupations=(0.7, 0.2), rtol=1e-9)
    np.testing.assert_allclose(G, 0.45 * np.eye(6) + 0.25 * difference, atol=1e-8)


def test_lines_missed_next_to_a_threshold_are_noticed():
    leads = Leads(t_parallel=1.0, t_contact=1e-6)
    bar = AndersonBar(np.full((1, 1, 1), 2 - 0.7e-3), leads=leads)
    with pytest.warns(ConvergenceWarning):
        steady_state(bar, occupations=(1.0, 0.0), rtol=1e-8)


# -- information -----------------------------------------------------------------------------------------------------


def test_information_of_the_halves_is_that_of_the_matrices():
    bar, mu = AndersonBar.random((4, 2, 2), 8.0, 1), 0.4
    found = steady_state_information(bar, 2 * mu)
    G, exchanged = (steady_state(bar, side * mu, -side * mu) for side in (1, -1))
    states = {"": G, "reversed_": exchanged, "equilibrium_": (G + exchanged) / 2}
    halves = bar.left_half, bar.right_half
    for prefix, state in states.items():
        expected = {
            "mutual_information": mutual_information(state, *halves),
            "renyi_2_information": mutual_information(state, *halves, 2.0),
            "negativity": fermionic_negativity(state, *halves),
            "coherence": mutual_coherence(state, *halves),
            "coherence_bound": coherence_bound(state, *halves),
            "density": np.trace(state).real / 16,
        }
        assert {name: found[prefix + name] for name in expected} == pytest.approx(expected, rel=1e-6)
    assert found["driven_coherence"] == pytest.approx(window_coherence(bar, 2 * mu).coherence, rel=1e-5)
    assert len(found) == 19


def test_without_drive_all_states_are_the_equilibrium_one():
    found = steady_state_information(AndersonBar.random((3, 2, 2), 8.0, 1), 0.0)
    for name in ("mutual_information", "negativity", "coherence"):
        assert found[name] == pytest.approx(found[f"equilibrium_{name}"], rel=1e-12)
        assert found[name] == pytest.approx(found[f"reversed_{name}"], rel=1e-12)
    assert found["driven_coherence"] == 0


def test_information_needs_two_halves():
    with pytest.raises(ValueError, match=r"^bar must have two slices at least"):
        steady_state_information(AndersonBar.random((1, 2, 2), 8.0, 1), 0.3)


# -- arguments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mu_left": np.nan}, "^mu_left must be a finite"),
        ({"mu_right": "0"}, "^mu_right must be a finite"),
        ({"temperature": -1.0}, "^temperature must be a finite number >= 0"),
        ({"rtol": 0.0}, "^rtol must lie between"),
        ({"occupations": 0.5}, "^occupations must be a pair"),
        ({"occupations": (0.5, 1.5)}, "^occupations must lie between 0 and 1"),
        ({"occupations": (0.5, "1")}, "^occupations must be between 0 and 1"),
        ({"occupations": (0.5, lambda energy: 2.0)}, "^occupations must lie between 0 and 1"),
        ({"occupations": (0.5, 0.5), "kinks": (np.inf,)}, "^kinks must be a finite"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        steady_state(AndersonBar.random((2, 1, 1), 1.0, 1), **options)


def test_bad_arguments_of_equilibrium_are_named():
    bar = AndersonBar.random((2, 1, 1), 1.0, 1)
    with pytest.raises(ValueError, match=r"^mu must be a finite"):
        equilibrium_correlations(bar, np.inf)
    with pytest.raises(ValueError, match=r"^temperature must be a finite number >= 0"):
        equilibrium_correlations(bar, 0.0, -1.0)
