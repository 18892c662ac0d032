from itertools import pairwise

import kwant
import numpy as np
import pytest
from bars import (
    SHAPES,
    bars,
    bars_and_energies,
    bound_projector,
    channel_sum,
    closed_sample,
    deviation,
    green_function,
    surface_self_energy,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad_vec

from anderson_ness import AndersonBar, Leads, scattering_matrix, scattering_states, transmission

LEADS = [
    Leads(),
    Leads(t_contact=1.0),
    Leads(1.0, 1.0, 0.3),
    Leads(-1.0, 0.4, -2.0),
    Leads(0.7, -1.2, 1.7),
    Leads(3.0, 0.0, 10.0),
]
# At some of these only a few of the channels of these leads are open.
ENERGIES = [0.13, -1.15, 2.57]


def total(bar, energy, **options):
    return sum(channel_sum(states) for states in scattering_states(bar, energy, **options))


def integral_over_all_energies(bar):
    """Integral of the sum over both leads, with E = middle + half cos(theta) between band edges."""
    edges = bar.leads.band_edges(*bar.shape[1:])

    def integrand(theta):
        result = np.zeros((bar.n_sites, bar.n_sites), dtype=complex)
        for start, stop in pairwise(edges):
            energy = (start + stop) / 2 + (stop - start) / 2 * np.cos(theta)
            if bar.leads.open_channels(energy, *bar.shape[1:]).any():
                result += (stop - start) / 2 * np.sin(theta) * total(bar, energy)
        return result

    return quad_vec(integrand, 0, np.pi, epsabs=1e-9, epsrel=0, limit=4000)[0]


@pytest.mark.parametrize("leads", LEADS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("energy", ENERGIES)
def test_sweep_and_kwant_agree(shape, leads, energy):
    bar = AndersonBar.random(shape, disorder=9.0, seed=5, leads=leads)
    assert np.abs(leads.band_edges(*shape[1:]) - energy).min() > 1e-3
    if not leads.open_channels(energy, *shape[1:]).any():
        with pytest.raises(ValueError, match=r"^energy must lie inside a channel"):
            scattering_states(bar, energy)
        return
    by_sweep, by_kwant = (scattering_states(bar, energy, method=method) for method in ("sweep", "kwant"))
    for ours, kwants in zip(by_sweep, by_kwant, strict=True):
        assert ours.shape == kwants.shape
        assert deviation(channel_sum(ours), channel_sum(kwants)) < 1e-10


@pytest.mark.parametrize(
    ("shape", "disorder", "leads"),
    [((20, 2, 2), 12.0, Leads()), ((3, 7, 1), 6.0, Leads()), ((4, 5, 5), 40.0, Leads(t_contact=1.0))],
)
def test_sweep_and_kwant_agree_on_long_flat_and_strongly_disordered_bars(shape, disorder, leads):
    bar = AndersonBar.random(shape, disorder, seed=2, leads=leads)
    for ours, kwants in zip(scattering_states(bar, 0.1), scattering_states(bar, 0.1, method="kwant"), strict=True):
        assert deviation(channel_sum(ours), channel_sum(kwants)) < 1e-10


@given(bars_and_energies())
def test_number_of_states_is_the_number_of_open_channels(case):
    bar, energy = case
    n_channels = bar.leads.open_channels(energy, *bar.shape[1:]).sum()
    for states in scattering_states(bar, energy):
        assert states.shape == (n_channels, bar.n_sites)


@given(bars_and_energies())
def test_each_leads_states_sum_to_the_green_function_between_linewidths(case):
    bar, energy = case
    green, sigma = green_function(bar, energy), surface_self_energy(bar, energy)
    gamma, step = 1j * (sigma - sigma.conj().T), bar.n_slice
    for states, end in zip(scattering_states(bar, energy), (slice(None, step), slice(-step, None)), strict=True):
        expected = green[:, end] @ gamma @ green[:, end].conj().T / (2 * np.pi)
        assert deviation(channel_sum(states), expected) < 1e-10


@given(bars_and_energies())
def test_sum_over_both_leads_is_the_spectral_function(case):
    bar, energy = case
    green = green_function(bar, energy)
    assert deviation(total(bar, energy), 1j * (green - green.conj().T) / (2 * np.pi)) < 1e-10


@given(bars_and_energies())
def test_states_solve_the_schroedinger_equation_inside_the_sample(case):
    bar, energy = case
    inside = slice(bar.n_slice, bar.n_sites - bar.n_slice)
    for states in scattering_states(bar, energy):
        residual = states @ closed_sample(bar) - energy * states
        assert np.abs(residual[:, inside]).max(initial=0) < 1e-11 * np.abs(states).max()


@pytest.mark.parametrize("shape", [(2, 1, 2), (2, 3, 4), (4, 3, 4), (6, 1, 6), (8, 4, 6)])
def test_states_are_right_where_a_slice_and_all_beyond_it_have_a_bound_state_but_the_bar_has_none(shape):
    bar, energy = AndersonBar(np.zeros(shape), Leads(1.0, 2.0, 3**0.5)), 0.5
    green = green_function(bar, energy)
    assert np.linalg.cond(green) < 100
    assert deviation(total(bar, energy), 1j * (green - green.conj().T) / (2 * np.pi)) < 1e-10


@pytest.mark.parametrize("disorder", [30.0, 1000.0])
@pytest.mark.parametrize("contact", [None, 1e-3])
def test_states_keep_their_relative_accuracy_where_they_are_tiny(disorder, contact):
    bar = AndersonBar.random((8, 2, 2), disorder, seed=1, leads=Leads(t_contact=contact))
    left, right = scattering_states(bar, 0.1)
    green, sigma = green_function(bar, 0.1), surface_self_energy(bar, 0.1)
    gamma = 1j * (sigma - sigma.conj().T)
    # Only the far end's block is small; there inversion of the whole matrix is accurate block by block.
    far = green[-4:, :4] @ gamma @ green[-4:, :4].conj().T / (2 * np.pi)
    assert deviation(channel_sum(left[:, -4:]), far) < 1e-6
    assert np.abs(far).max() < 1e-6 * np.abs(channel_sum(left)).max()
    near = green[:4, -4:] @ gamma @ green[:4, -4:].conj().T / (2 * np.pi)
    assert deviation(channel_sum(right[:, :4]), near) < 1e-6


@given(bars_and_energies())
def test_scattering_matrix_is_unitary_and_symmetric(case):
    S = scattering_matrix(*case)
    np.testing.assert_allclose(S @ S.conj().T, np.eye(len(S)), atol=1e-10)
    np.testing.assert_allclose(S, S.T, atol=1e-10)


@settings(max_examples=15)
@given(bars_and_energies())
def test_scattering_matrix_is_kwants_up_to_a_choice_of_modes(case):
    bar, energy = case
    S, expected = scattering_matrix(bar, energy), kwant.smatrix(bar.to_kwant(), energy)
    half = len(S) // 2
    for row, rows in enumerate((slice(None, half), slice(half, None))):
        for column, columns in enumerate((slice(None, half), slice(half, None))):
            ours, kwants = (
                np.linalg.svd(block, compute_uv=False) for block in (S[rows, columns], expected.submatrix(row, column))
            )
            np.testing.assert_allclose(ours**2, kwants**2, atol=1e-9)
    assert transmission(bar, energy) == pytest.approx(expected.transmission(1, 0), rel=1e-9, abs=1e-12)


@given(bars_and_energies())
def test_transmission_is_the_same_from_the_right(case):
    bar, energy = case
    mirrored = AndersonBar(bar.onsite[::-1], bar.leads)
    assert transmission(mirrored, energy) == pytest.approx(transmission(bar, energy), rel=1e-8, abs=1e-14)


@given(bars_and_energies())
def test_every_state_of_the_left_lead_carries_the_same_current_through_every_slice(case):
    bar, energy = case
    left, _ = scattering_states(bar, energy)
    slices = left.reshape(len(left), bar.shape[0], -1)
    current = -2 * (slices[:, 1:] * slices[:, :-1].conj()).imag.sum(axis=(0, 2))
    landauer = transmission(bar, energy) / (2 * np.pi)
    np.testing.assert_allclose(current, landauer, rtol=1e-9, atol=1e-10 * np.abs(left).max() ** 2)


@pytest.mark.parametrize("shape", [(1, 1, 1), (6, 1, 1), (5, 3, 1), (4, 4, 4), (3, 6, 5)])
@pytest.mark.parametrize("energy", [0.0, 0.37, -1.6, 3.3])
def test_a_clean_bar_like_its_leads_transmits_every_open_channel(shape, energy):
    bar = AndersonBar(np.zeros(shape), Leads(1.0, 1.0))
    eps = bar.leads.channel_energies(*shape[1:])
    n_open = int((np.abs(energy - eps) < 2 - 1e-9).sum())
    assert transmission(bar, energy) == pytest.approx(n_open, abs=1e-6 if energy == 0 else 1e-11)


def test_a_single_site_between_two_leads_is_a_lorentzian_known_in_closed_form():
    # At z = 0 each lead has Sigma = -i t_contact^2 / t_parallel: G = 1 / (-V + 2 i t_contact^2 / t_parallel).
    bar = AndersonBar(np.full((1, 1, 1), 0.8), Leads(2.0, 1.0, 0.6))
    width = 2 * 0.6**2 / 2.0
    assert transmission(bar) == pytest.approx(width**2 / (0.8**2 + width**2), rel=1e-13)
    left, _ = scattering_states(bar, 0.0)
    assert np.abs(left[0, 0]) ** 2 == pytest.approx(width / (0.8**2 + width**2) / (2 * np.pi), rel=1e-13)


@settings(max_examples=8)
@given(
    st.sampled_from([(3, 1, 1), (3, 3, 1), (2, 2, 2), (4, 1, 3)]),
    st.integers(0, 1000),
    st.sampled_from([None, 1.5]),
)
def test_states_are_complete_without_bound_states(shape, seed, contact):
    bar = AndersonBar.random(shape, disorder=4.0, seed=seed, leads=Leads(t_contact=contact))
    assert bound_projector(bar)[0] == 0
    assert deviation(integral_over_all_energies(bar), np.eye(bar.n_sites)) < 1e-8


@settings(max_examples=6)
@given(
    st.sampled_from([(3, 1, 1), (4, 2, 1), (3, 2, 2)]),
    st.integers(0, 1000),
    st.sampled_from([-26.0, 19.0]),
    st.booleans(),
)
def test_bound_states_are_what_the_integral_lacks(shape, seed, impurity, both):
    onsite = AndersonBar.random(shape, disorder=4.0, seed=seed).onsite.copy()
    onsite[1, 0, 0] = impurity
    if both:
        onsite[0, 0, 0] = -1.5 * impurity
    bar = AndersonBar(onsite)
    count, projector = bound_projector(bar)
    assert count == 1 + both
    assert 0.5 < np.trace(projector) <= count
    assert deviation(integral_over_all_energies(bar), np.eye(bar.n_sites) - projector) < 1e-8


@settings(max_examples=10)
@given(bars(shapes=[(4, 2, 1), (5, 1, 1), (3, 2, 2)]), st.floats(-0.9, 0.9))
def test_on_a_bipartite_bar_the_density_of_states_at_minus_the_energy_is_that_of_minus_the_potential(bar, momentum):
    energy = bar.leads.t_parallel * momentum
    assume(np.abs(bar.leads.band_edges(*bar.shape[1:]) - energy).min() > 1e-2)
    assume(bar.leads.open_channels(energy, *bar.shape[1:]).any())
    flipped = AndersonBar(-bar.onsite, bar.leads)
    ours, theirs = (np.diagonal(total(b, e)).real for b, e in ((bar, energy), (flipped, -energy)))
    assert deviation(ours, theirs) < 1e-9


@pytest.mark.parametrize("method", ["sweep", "kwant"])
@pytest.mark.parametrize("energy", [11.0, -40.0, 1e9])
def test_an_energy_outside_every_channel_is_refused_and_transmits_nothing(method, energy):
    bar = AndersonBar.random(3, 5.0, seed=0)
    with pytest.raises(ValueError, match=r"^energy must lie inside a channel of the leads, between -8 and 10"):
        scattering_states(bar, energy, method=method)
    with pytest.raises(ValueError, match=r"^energy must lie inside a channel"):
        scattering_matrix(bar, energy)
    assert transmission(bar, energy) == 0


def test_an_energy_in_a_gap_between_channels_is_refused():
    bar = AndersonBar.random((3, 2, 1), 1.0, seed=0, leads=Leads(0.1, 1.0))
    with pytest.raises(ValueError, match=r"^energy must lie inside a channel"):
        scattering_states(bar, 0.0)


@pytest.mark.parametrize("function", [scattering_states, scattering_matrix, transmission])
@pytest.mark.parametrize("energy", [np.nan, np.inf, 1j, "0", None, True, [0.0]])
def test_an_energy_must_be_a_finite_real_number(function, energy):
    with pytest.raises(ValueError, match=r"^energy must be a finite real number"):
        function(AndersonBar.random(2, 1.0, seed=0), energy)


@pytest.mark.parametrize("method", ["Kwant", "", None, 1])
def test_an_unknown_method_is_refused(method):
    with pytest.raises(ValueError, match=r"^method must be one of 'sweep', 'kwant'"):
        scattering_states(AndersonBar.random(2, 1.0, seed=0), 0.0, method=method)
