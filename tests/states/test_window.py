import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from bars import bars, deviation
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad_vec
from scipy.linalg import block_diag

import anderson_ness
from anderson_ness import AndersonBar, ConvergenceWarning, Leads, mutual_coherence, slice_currents, transmission
from anderson_ness.states.drive import Drive

# Brute-force numbers from Kwant alone: reference/README.md says how they were made.
REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "kwant_window.json").read_text())
nonequilibrium_correlations = partial(anderson_ness.nonequilibrium_correlations, method="quadrature")
window_coherence = partial(anderson_ness.window_coherence, method="quadrature")

SMALL = [(2, 1, 1), (3, 2, 1), (4, 2, 2), (5, 1, 3), (3, 3, 3)]


def windows(shapes=SMALL, temperatures=(0.0, 0.05, 0.7)):
    return st.tuples(bars(shapes=shapes, disorder=5.0), st.floats(0.05, 1.2), st.sampled_from(temperatures))


def driven(bar, bias, temperature=0.0, rtol=1e-8):
    """G^d, for bars whose window has an open channel."""
    try:
        return nonequilibrium_correlations(bar, bias, temperature, rtol=rtol)
    except ValueError as error:
        assume("bias must open a window" not in str(error))
        raise


def example(seed=3, **leads):
    return AndersonBar.random((4, 3, 2), disorder=9.0, seed=seed, leads=Leads(**leads))


@pytest.mark.parametrize("states", ["sweep", "kwant"])
@pytest.mark.parametrize("case", REFERENCE, ids=lambda case: f"L{case['L']}-W{case['W']}-seed{case['seed']}")
def test_reference_cases_by_kwant_alone(case, states):
    leads = Leads(case["t_par"], case["t_perp"], case["t_contact"])
    bar = AndersonBar.random(case["L"], case["W"], case["seed"], leads)
    result = window_coherence(bar, case["bias"], states=states)
    assert result.converged
    assert result.relative_error <= 1e-6
    assert result.coherence == pytest.approx(case["C"], rel=1e-6)
    slope_scale = max(abs(case["dC_dbias"]), case["C"] / case["bias"])
    assert result.coherence_slope == pytest.approx(case["dC_dbias"], abs=1e-6 * slope_scale)
    assert deviation(result.density_profile, np.array(case["profile"])) < 1e-6
    assert result.transmission == pytest.approx(case["transmission"], rel=1e-6)


@settings(max_examples=8)
@given(windows())
def test_correlations_are_hermitian_and_a_difference_of_occupations(case):
    G = driven(*case)
    assert deviation(G, G.conj().T) < 1e-13
    occupations = np.linalg.eigvalsh(G)
    assert np.all(np.abs(occupations) < 0.5 + 1e-7)


@settings(max_examples=8)
@given(windows())
def test_correlations_are_odd_in_the_bias(case):
    bar, bias, temperature = case
    forward, backward = (driven(bar, sign * bias, temperature) for sign in (1, -1))
    np.testing.assert_allclose(backward, -forward, atol=1e-15)


@settings(max_examples=8)
@given(windows())
def test_correlations_are_odd_under_exchange_of_the_leads(case):
    bar, bias, temperature = case
    mirror = np.arange(bar.n_sites).reshape(bar.shape)[::-1].ravel()
    exchanged = driven(AndersonBar(bar.onsite[::-1], bar.leads), bias, temperature)
    assert deviation(exchanged[np.ix_(mirror, mirror)], -driven(bar, bias, temperature)) < 1e-7


@pytest.mark.parametrize("temperature", [0.0, 0.3])
def test_without_bias_nothing_is_driven(temperature):
    bar = example()
    assert not nonequilibrium_correlations(bar, 0.0, temperature).any()
    result = window_coherence(bar, 0.0, temperature)
    assert (result.coherence, result.coherence_slope, result.converged) == (0, 0, True)
    assert not result.density_profile.any()
    assert result.transmission == transmission(bar)


@settings(max_examples=10)
@given(windows())
def test_current_is_the_same_through_every_slice_and_is_landauers(case):
    bar, bias, temperature = case
    currents = slice_currents(bar, driven(bar, bias, temperature))
    drive = Drive(bias, temperature)
    reach = bias / 2 + 40 * temperature
    points = [*bar.leads.band_edges(*bar.shape[1:]), -bias / 2, bias / 2]
    landauer, error = quad_vec(
        lambda energy: 2 * drive.difference(energy) * transmission(bar, energy) / (2 * np.pi),
        -reach,
        reach,
        epsabs=1e-10,
        epsrel=1e-9,
        points=[point for point in points if abs(point) < reach],
        limit=2000,
    )
    assert error < 1e-8
    assert currents.shape == (bar.shape[0] - 1,)
    np.testing.assert_allclose(currents, landauer, atol=3e-8)


def test_occupations_are_fermi_functions_of_the_two_chemical_potentials():
    def fermi(x):
        return 1 / (np.exp(x) + 1)

    energies = np.linspace(-2, 2, 41)
    drive = Drive(0.6, 0.25)
    expected = (fermi((energies - 0.3) / 0.25) - fermi((energies + 0.3) / 0.25)) / 2
    np.testing.assert_allclose([drive.difference(e) for e in energies], expected, rtol=1e-13)
    cold = Drive(0.6)
    assert [cold.difference(e) for e in (-0.31, -0.29, 0.0, 0.29, 0.31)] == [0, 0.5, 0.5, 0.5, 0]
    assert [Drive(-0.6).difference(e) for e in (0.0, 0.31)] == [-0.5, 0]


@pytest.mark.parametrize("temperature", [0.1, 50.0])
def test_a_small_bias_keeps_the_digits_of_the_occupations(temperature):
    small, energy = Drive(1e-12, temperature), 0.2
    linear = 1e-12 / (8 * temperature * np.cosh(energy / (2 * temperature)) ** 2)
    assert small.difference(energy) == pytest.approx(linear, rel=1e-13, abs=0)


@settings(max_examples=10)
@given(windows())
def test_window_coherence_is_that_of_the_correlations(case):
    bar, bias, temperature = case
    G = driven(bar, bias, temperature, rtol=1e-9)
    result = window_coherence(bar, bias, temperature, rtol=1e-8)
    expected = mutual_coherence(G, bar.left_half, bar.right_half)
    scale = np.linalg.norm(G) * np.sqrt(expected)
    assert result.converged
    assert result.coherence == pytest.approx(expected, rel=1e-7, abs=1e-8 * scale)
    profile = np.diagonal(G).real.reshape(bar.shape[0], -1).mean(axis=1)
    np.testing.assert_allclose(result.density_profile, profile, atol=1e-7 * np.abs(profile).max() + 1e-13)
    assert np.all(np.abs(result.density_profile) <= result.spectral_weight + 1e-13)


@pytest.mark.parametrize("temperature", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("bar", [example(1), example(2, t_contact=1.0), example(5, t_parallel=-1.0)], ids=[1, 2, 5])
def test_slope_is_the_derivative_of_the_coherence(bar, temperature):
    bias, step = 0.4, 4e-3
    biases = bias + step * np.array([-2, -1, 0, 1, 2])
    results = window_coherence(bar, biases, temperature, rtol=1e-9)
    coherences = np.array([result.coherence for result in results])
    finite_difference = np.dot([1, -8, 0, 8, -1], coherences) / (12 * step)
    middle = results[2]
    assert middle.coherence_slope == pytest.approx(finite_difference, abs=2e-6 * middle.coherence / bias)


@pytest.mark.parametrize("bias", [0.3, -0.7])
def test_coherence_is_even_and_its_slope_odd_in_the_bias(bias):
    forward, backward = window_coherence(example(), [bias, -bias])
    assert backward.coherence == pytest.approx(forward.coherence, rel=1e-13, abs=0)
    assert backward.coherence_slope == pytest.approx(-forward.coherence_slope, rel=1e-13, abs=0)
    np.testing.assert_allclose(backward.density_profile, -forward.density_profile, rtol=1e-13)
    np.testing.assert_allclose(backward.spectral_weight, forward.spectral_weight, rtol=1e-13)


@pytest.mark.parametrize("temperature", [1e-9, 1e-7, 1e-6, 1e-5])
def test_cold_leads_have_the_limit_of_zero_temperature(temperature):
    bar = example()
    cold, frozen = (window_coherence(bar, 0.3, t, rtol=1e-8) for t in (temperature, 0.0))
    scale = max(abs(frozen.coherence_slope), frozen.coherence / 0.3)
    assert cold.coherence == pytest.approx(frozen.coherence, rel=3e-8)
    assert cold.coherence_slope == pytest.approx(frozen.coherence_slope, abs=3e-8 * scale)
    assert deviation(cold.density_profile, frozen.density_profile) < 3e-8
    G = nonequilibrium_correlations(bar, 0.3, temperature, rtol=1e-8)
    assert deviation(G, nonequilibrium_correlations(bar, 0.3, rtol=1e-8)) < 3e-8


def test_the_first_thermal_correction_is_quadratic_in_the_temperature():
    bar = example()
    zero, low, high = (window_coherence(bar, 0.3, t, rtol=1e-11).coherence for t in (0.0, 1e-3, 2e-3))
    assert (high - zero) / (low - zero) == pytest.approx(4, rel=1e-3)


def test_an_infinite_temperature_drives_nothing():
    result = window_coherence(example(), 0.3, temperature=1e4)
    assert result.converged
    assert 0 < result.coherence < 1e-8


@pytest.mark.parametrize("bias", [[0.1, -0.2, 0.3], (0.1,), np.array([0.3, 0.1]), []])
def test_a_sequence_of_biases_gives_one_result_each(bias):
    bar = example()
    results = window_coherence(bar, bias)
    assert isinstance(results, list)
    for one, result in zip(bias, results, strict=True):
        alone = window_coherence(bar, float(one))
        assert result.bias == one
        assert result.coherence == pytest.approx(alone.coherence, rel=1e-6)
        assert result.coherence_slope == pytest.approx(alone.coherence_slope, rel=1e-5)
        np.testing.assert_allclose(result.density_profile, alone.density_profile, rtol=1e-5)


def test_two_bars_side_by_side_share_no_coherence_and_add_their_own():
    first, second = example(1), example(2)
    G1, G2 = (nonequilibrium_correlations(bar, 0.4) for bar in (first, second))
    G, n = block_diag(G1, G2), first.n_sites
    assert mutual_coherence(G, range(n), range(n, 2 * n)) == 0
    left, right = (np.concatenate([first_half, first_half]) for first_half in (first.left_half, first.right_half))
    own = [mutual_coherence(part, first.left_half, first.right_half) for part in (G1, G2)]
    assert mutual_coherence(G, left, right) == pytest.approx(sum(own), rel=1e-12)


@pytest.mark.parametrize("states", ["sweep", "kwant"])
def test_coherence_across_a_wall_falls_with_the_square_of_its_height(states):
    def across(height):
        onsite = AndersonBar.random((5, 2, 2), disorder=4.0, seed=1).onsite.copy()
        onsite[2] = height
        G = nonequilibrium_correlations(AndersonBar(onsite), 0.5, states=states, rtol=1e-9)
        return mutual_coherence(G, range(8), range(12, 20))

    # The amplitude behind the wall is 1 / height to leading order.
    assert 0 < across(1e4) < 1e-6
    assert across(1e3) / across(1e4) == pytest.approx(100, rel=2e-2)
    assert across(1e4) / across(1e5) == pytest.approx(100, rel=2e-3)


@pytest.mark.parametrize("states", ["sweep", "kwant"])
@pytest.mark.parametrize(
    "bar",
    [
        AndersonBar(np.ones((1, 1, 1))),
        AndersonBar.random((1, 3, 2), disorder=4.0, seed=1),
        AndersonBar(np.zeros((4, 2, 1)), Leads(1.0, 1.0)),
    ],
    ids=["single site", "single slice", "no reflection"],
)
def test_a_profile_that_vanishes_by_symmetry_does_not_keep_the_integral_from_converging(bar, states):
    result = window_coherence(bar, 0.3, states=states, max_energies=2000)
    assert result.converged
    assert np.abs(result.density_profile).max() < 1e-13
    G = nonequilibrium_correlations(bar, 0.3, states=states, max_energies=2000)
    assert np.abs(np.diagonal(G)).max() < 1e-13


@pytest.mark.parametrize("states", ["sweep", "kwant"])
def test_a_window_up_to_the_band_edges_and_beyond_is_integrated(states):
    bar = AndersonBar.random((3, 1, 1), disorder=3.0, seed=1, leads=Leads(1.0, 1.0))
    at_edges, beyond = window_coherence(bar, 4.0, states=states, rtol=1e-4), window_coherence(bar, 7.0)
    assert at_edges.converged
    assert beyond.converged
    assert at_edges.coherence == pytest.approx(beyond.coherence, rel=1e-4)
    assert beyond.coherence_slope == 0


@pytest.mark.parametrize("leads", [Leads(1.0, 1.0), Leads(0.7, 1.2, 1.0)])
@pytest.mark.parametrize("temperature", [0.0, 0.1])
def test_channel_thresholds_inside_the_window_are_resolved(leads, temperature):
    bar = AndersonBar.random((3, 4, 2), disorder=6.0, seed=4, leads=leads)
    coarse, fine = (window_coherence(bar, 1.7, temperature, rtol=rtol) for rtol in (1e-5, 1e-9))
    assert coarse.converged
    assert fine.converged
    assert coarse.coherence == pytest.approx(fine.coherence, rel=coarse.relative_error)
    assert deviation(coarse.density_profile, fine.density_profile) < coarse.relative_error


@pytest.mark.parametrize("disorder", [5.0, 16.5, 30.0])
@pytest.mark.parametrize("temperature", [0.0, 0.03])
def test_the_error_estimate_holds(disorder, temperature):
    bar = AndersonBar.random(4, disorder, seed=9, leads=Leads(t_contact=1.0))
    rough, exact = (window_coherence(bar, 0.5, temperature, rtol=rtol) for rtol in (1e-2, 1e-10))
    slope_scale = max(abs(exact.coherence_slope), exact.coherence / 0.5)
    assert rough.relative_error <= 1e-2
    assert rough.coherence == pytest.approx(exact.coherence, rel=max(rough.relative_error, 1e-9))
    slope_error = abs(rough.coherence_slope - exact.coherence_slope)
    assert slope_error <= max(rough.relative_error, 1e-9) * slope_scale
    assert deviation(rough.spectral_weight, exact.spectral_weight) <= max(rough.relative_error, 1e-9)


def test_an_exhausted_budget_is_said():
    bar = AndersonBar.random(4, 30.0, seed=1, leads=Leads(t_contact=0.3))
    result = window_coherence(bar, 0.5, rtol=1e-10, max_energies=100)
    assert not result.converged
    assert result.relative_error > 1e-10
    assert result.n_energies <= 100
    with pytest.warns(ConvergenceWarning, match=r"G\^d did not reach rtol = 1e-10"):
        nonequilibrium_correlations(bar, 0.5, rtol=1e-10, max_energies=100)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "bar",
    [
        AndersonBar.random((4, 2, 2), 1e3, seed=1),
        AndersonBar.random((3, 2, 2), 10.0, seed=1, leads=Leads(t_contact=1e-3)),
        AndersonBar.random((4, 4, 2), 5.0, seed=1, leads=Leads(1.0, 1.0)),
        AndersonBar(np.zeros((1, 1, 1))),
    ],
    ids=["W = 1000", "t_contact = 0.001", "channels at their edge", "single site"],
)
def test_extreme_bars_are_integrated_without_a_warning(bar):
    result = window_coherence(bar, 0.3)
    assert result.converged
    assert np.isfinite(result.coherence_slope)


@pytest.mark.parametrize("function", [nonequilibrium_correlations, window_coherence])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("bias", value) for value in (np.nan, np.inf, 1j, "0.3", None, True, 10**400)),
        *(("temperature", value) for value in (-0.1, np.nan, np.inf, "0", 1j, None)),
        *(("method", value) for value in ("kwant", "Quadrature", None, 1)),
        *(("states", value) for value in ("quadrature", "SWEEP", None, 1)),
        *(("rtol", value) for value in (0.0, -1e-6, 1.0, np.nan, "1e-6", 1e-14, None)),
        *(("max_energies", value) for value in (0, -1, 10.5, "9", None, True)),
    ],
)
def test_options_name_the_argument_that_is_wrong(function, name, value):
    arguments = {"bias": 0.3, name: value}
    with pytest.raises(ValueError, match=rf"^{name} must"):
        function(example(), **arguments)


@pytest.mark.parametrize("bias", [[0.1, np.nan], ["0.1"], [[0.1, 0.2]], [0.1, [0.2, 0.3]], [0.1, 1j]])
def test_every_bias_of_a_sequence_must_be_a_number(bias):
    with pytest.raises(ValueError, match=r"^bias must"):
        window_coherence(example(), bias)


@pytest.mark.parametrize("function", [nonequilibrium_correlations, window_coherence])
@pytest.mark.parametrize("shape", [(3, 2, 1), (3, 3, 1)])
@pytest.mark.parametrize("temperature", [0.0, 1e-4])
def test_a_window_in_a_gap_between_the_channels_is_refused(function, shape, temperature):
    bar = AndersonBar.random(shape, 1.0, seed=0, leads=Leads(0.1, 1.0))
    with pytest.raises(ValueError, match=r"^bias must open a window that overlaps the leads' channels"):
        function(bar, 0.3, temperature)
