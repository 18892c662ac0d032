import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from bars import deviation
from chains import driven_chain, resonances
from hypothesis import given, settings
from hypothesis import strategies as st

from anderson_ness import (
    AndersonBar,
    Leads,
    mutual_coherence,
    nonequilibrium_correlations,
    slice_currents,
    transmission,
    window_coherence,
)

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "kwant_window.json").read_text())
# What is left of a difference of the two leads, as a share of their sum, where it cancels.
CANCELLED = 1e-12


def by_resonances(bar, bias, temperature=0.0, rtol=1e-6):
    return window_coherence(bar, bias, temperature, method="resonances", rtol=rtol)


@lru_cache
def by_quadrature(bar, bias, temperature=0.0, rtol=1e-9, max_energies=20_000):
    return window_coherence(bar, bias, temperature, method="quadrature", rtol=rtol, max_energies=max_energies)


def actual_error(result, exact):
    """The largest error in the sense of `WindowCoherence.relative_error`; NaN counts as infinite."""
    slope_scale = max(abs(exact.coherence_slope), exact.coherence / abs(exact.bias))
    weight = np.abs(exact.spectral_weight).max()
    profile_scale = max(np.abs(exact.density_profile).max(), CANCELLED * weight / 1e-6)
    errors = [
        np.abs(result.density_profile - exact.density_profile).max() / profile_scale,
        np.abs(result.spectral_weight - exact.spectral_weight).max() / weight,
    ]
    if exact.coherence > 0:
        errors.append(abs(result.coherence - exact.coherence) / exact.coherence)
        errors.append(abs(result.coherence_slope - exact.coherence_slope) / slope_scale)
    else:
        errors += [abs(result.coherence), abs(result.coherence_slope)]
    return float(np.max(np.nan_to_num(errors, nan=np.inf)))


def assert_promise(result, exact, rtol, trust=1e-9):
    """Converged and right, to rtol."""
    assert result.converged
    assert result.relative_error <= rtol
    assert actual_error(result, exact) <= rtol + trust


def assert_never_silent(result, exact, rtol, trust=1e-9):
    """Right to rtol, or said not to be; and finite in either case."""
    values = [result.coherence, result.coherence_slope, result.transmission, result.relative_error]
    assert np.all(np.isfinite([*values, *result.density_profile, *result.spectral_weight]))
    assert result.converged == (result.relative_error <= rtol)
    assert not result.converged or actual_error(result, exact) <= rtol + trust


def chain(onsite, **leads):
    return AndersonBar(np.reshape(np.asarray(onsite, dtype=float), (-1, 1, 1)), Leads(**leads))


# -- the references and quadrature ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rtol", [1e-3, 1e-6, 1e-8])
@pytest.mark.parametrize("case", REFERENCE, ids=lambda case: f"L{case['L']}-W{case['W']}-seed{case['seed']}")
def test_reference_cases_by_kwant_alone(case, rtol):
    leads = Leads(case["t_par"], case["t_perp"], case["t_contact"])
    bar = AndersonBar.random(case["L"], case["W"], case["seed"], leads)
    result = by_resonances(bar, case["bias"], rtol=rtol)
    trust = case["change"]
    assert result.converged
    assert result.coherence == pytest.approx(case["C"], rel=rtol + trust)
    slope_scale = max(abs(case["dC_dbias"]), case["C"] / case["bias"])
    assert result.coherence_slope == pytest.approx(case["dC_dbias"], abs=(rtol + trust) * slope_scale)
    assert deviation(result.density_profile, np.array(case["profile"])) < rtol + trust
    assert result.transmission == pytest.approx(case["transmission"], rel=10 * rtol + trust)


BARS = {
    "cube": AndersonBar.random(4, 12.0, 1),
    "five": AndersonBar.random((5, 4, 4), 9.0, 1, Leads(t_contact=1.0)),
    "odd": AndersonBar.random((5, 3, 3), 8.0, 2, Leads(t_contact=1.0)),
    "flat": AndersonBar.random((2, 5, 4), 16.5, 3),
    "long": AndersonBar.random((11, 2, 2), 6.0, 4, Leads(t_contact=3**0.5)),
    "chain": AndersonBar.random((8, 1, 1), 2.0, 5, Leads(t_contact=1.0)),
    "plane": AndersonBar.random((5, 6, 1), 7.0, 6),
    "two": AndersonBar.random((2, 1, 1), 1.0, 7),
    "one": AndersonBar.random((1, 1, 1), 1.0, 8),
    "slice": AndersonBar.random((1, 3, 3), 4.0, 9),
    "three": AndersonBar.random((3, 3, 2), 25.0, 10, Leads(t_contact=1.0)),
    "negative": AndersonBar.random((4, 3, 2), 9.0, 11, Leads(-2.5, -0.4, 1.7)),
    "narrow lead": AndersonBar.random((4, 2, 2), 5.0, 12, Leads(1.0, 0.1, 1.0)),
    "uncoupled channels": AndersonBar.random((4, 3, 3), 5.0, 13, Leads(2.0, 0.0)),
    "weak contact": AndersonBar.random((3, 3, 3), 6.0, 14, Leads(t_contact=0.2)),
    "strong contact": AndersonBar.random((4, 3, 3), 6.0, 15, Leads(t_contact=6.0)),
    "clean": AndersonBar(np.zeros((4, 3, 3))),
    "clean square": AndersonBar(np.zeros((4, 4, 4)), Leads(t_contact=0.5)),
    "clean long": AndersonBar(np.zeros((7, 2, 2)), Leads(t_contact=1.0)),
    "clean chain": AndersonBar(np.zeros((6, 1, 1)), Leads(t_contact=0.5)),
    "least disorder": AndersonBar.random((4, 4, 3), 1e-9, 16, Leads(t_contact=0.5)),
}


@pytest.mark.parametrize("bias", [0.1, -0.7])
@pytest.mark.parametrize("name", BARS)
def test_agrees_with_quadrature(name, bias):
    bar = BARS[name]
    exact = by_quadrature(bar, bias)
    assert exact.converged
    for rtol in (1e-3, 1e-6):
        result = by_resonances(bar, bias, rtol=rtol)
        assert_promise(result, exact, rtol)
        assert result.transmission == pytest.approx(exact.transmission, rel=10 * rtol)


@pytest.mark.parametrize("name", ["cube", "odd", "two", "narrow lead", "clean"])
def test_wide_windows_are_split_with_their_cross_terms(name):
    bias = 3.0 if name != "narrow lead" else 2.6
    for rtol in (1e-3, 1e-7):
        assert_promise(by_resonances(BARS[name], bias, rtol=rtol), by_quadrature(BARS[name], bias), rtol)


@pytest.mark.parametrize("temperature", [1e-6, 0.02])
@pytest.mark.parametrize("bias", [0.05, 0.6])
@pytest.mark.parametrize("name", ["flat", "chain", "weak contact", "slice"])
def test_agrees_with_quadrature_at_finite_temperature(name, bias, temperature):
    exact = by_quadrature(BARS[name], bias, temperature, rtol=1e-8)
    assert exact.converged
    for rtol in (1e-3, 1e-6):
        assert_promise(by_resonances(BARS[name], bias, temperature, rtol), exact, rtol, trust=1e-8)


@pytest.mark.parametrize(("bias", "temperature"), [(0.3, 0.02), (0.4, 0.02), (0.2, 0.01), (0.1, 0.02), (0.7, 0.07)])
def test_thermal_pieces_that_meet_up_to_rounding(bias, temperature):
    """Multiples of the temperature from both chemical potentials fall on the same energies, almost."""
    exact = by_quadrature(BARS["chain"], bias, temperature)
    assert_promise(by_resonances(BARS["chain"], bias, temperature), exact, 1e-6)


@pytest.mark.parametrize(
    ("shape", "disorder", "seed", "leads", "bias"),
    [
        ((2, 3, 5), 5.0, 745948, Leads(), 1.6),
        ((3, 5, 1), 5.0, 166769, Leads(1.0, 0.3, 1.0), 0.1),
        ((4, 5, 3), 16.5, 366582, Leads(1.0, 0.0, 3**0.5), 0.01),
    ],
)
def test_broad_overlapping_poles_keep_the_promise(shape, disorder, seed, leads, bias):
    bar = AndersonBar.random(shape, disorder, seed, leads)
    exact = by_quadrature(bar, bias, 0.02, rtol=1e-8)
    for rtol in (1e-3, 1e-6):
        assert_promise(by_resonances(bar, bias, 0.02, rtol), exact, rtol, trust=1e-8)


# -- correlations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.0, 0.02])
@pytest.mark.parametrize("name", ["odd", "flat", "long", "one", "weak contact", "narrow lead", "clean square"])
def test_correlations_agree_with_quadrature(name, temperature):
    bar, bias = BARS[name], -0.6
    exact = nonequilibrium_correlations(bar, bias, temperature, method="quadrature", rtol=1e-8)
    for rtol in (1e-3, 1e-7):
        G = nonequilibrium_correlations(bar, bias, temperature, method="resonances", rtol=rtol)
        # Where nothing is driven there is but rounding.
        assert np.linalg.norm(G - exact) <= (rtol + 1e-8) * np.linalg.norm(exact) + 1e-14


@pytest.mark.parametrize("name", ["cube", "odd", "flat", "long", "chain", "weak contact", "clean"])
def test_correlations_have_the_symmetries_of_the_bar(name):
    bar, bias, rtol = BARS[name], 0.4, 1e-7
    G = nonequilibrium_correlations(bar, bias, rtol=rtol)
    assert deviation(G, G.conj().T) < 1e-13
    assert np.all(np.abs(np.linalg.eigvalsh(G)) < 0.5 + rtol)
    np.testing.assert_allclose(nonequilibrium_correlations(bar, -bias, rtol=rtol), -G, atol=1e-14)
    mirror = np.arange(bar.n_sites).reshape(bar.shape)[::-1].ravel()
    exchanged = nonequilibrium_correlations(AndersonBar(bar.onsite[::-1], bar.leads), bias, rtol=rtol)
    assert np.linalg.norm(exchanged[np.ix_(mirror, mirror)] + G) <= 2 * rtol * np.linalg.norm(G)


@pytest.mark.parametrize("name", ["cube", "odd", "flat", "long", "chain", "strong contact", "clean long"])
@pytest.mark.parametrize("temperature", [0.0, 0.01])
def test_current_is_conserved_and_is_landauers(name, temperature):
    bar = BARS[name]
    G = nonequilibrium_correlations(bar, 0.4, temperature, rtol=1e-9)
    currents = slice_currents(bar, G)
    np.testing.assert_allclose(currents, currents[0], atol=1e-7 * np.linalg.norm(G))
    if temperature == 0:
        x, w = np.polynomial.legendre.leggauss(60)
        landauer = 0.2 * sum(weight * transmission(bar, 0.2 * node) for node, weight in zip(x, w, strict=True))
        assert currents[0] == pytest.approx(landauer / (2 * np.pi), rel=1e-6)


@pytest.mark.parametrize("temperature", [0.0, 0.02])
@pytest.mark.parametrize("name", ["odd", "flat", "chain", "clean"])
def test_coherence_and_profile_are_those_of_the_correlations(name, temperature):
    bar, bias = BARS[name], 0.6
    result = by_resonances(bar, bias, temperature, 1e-8)
    G = nonequilibrium_correlations(bar, bias, temperature, rtol=1e-9)
    expected = mutual_coherence(G, bar.left_half, bar.right_half)
    scale = np.linalg.norm(G) * np.sqrt(expected)
    assert result.coherence == pytest.approx(expected, rel=1e-8, abs=4e-9 * scale)
    profile = np.diagonal(G).real.reshape(bar.shape[0], -1).mean(axis=1)
    np.testing.assert_allclose(result.density_profile, profile, atol=1e-8 * np.linalg.norm(G))
    assert np.all(np.abs(result.density_profile) <= result.spectral_weight * (1 + 1e-7))


# -- several biases ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.0, 0.01])
@pytest.mark.parametrize("name", ["flat", "weak contact"])
def test_each_bias_of_a_sequence_keeps_the_promise(name, temperature):
    bar, biases = BARS[name], [0.5, 1e-4, 0.0, -1.0, 0.5]
    for rtol in (1e-3, 1e-6):
        results = by_resonances(bar, biases, temperature, rtol)
        assert [result.bias for result in results] == biases
        assert results[0] is results[4]
        for bias, result in zip(biases, results, strict=True):
            if bias == 0:
                assert (result.coherence, result.coherence_slope, result.converged) == (0, 0, True)
            else:
                assert_promise(result, by_quadrature(bar, bias, temperature, rtol=1e-8), rtol, trust=1e-8)


@pytest.mark.parametrize("bias", [1e-3, 1e-6, 1e-9, 1e-100])
@pytest.mark.parametrize("name", ["odd", "two", "clean"])
@pytest.mark.filterwarnings("error")
def test_a_tiny_bias_is_linear_response(name, bias):
    for rtol in (1e-3, 1e-6):
        assert_promise(by_resonances(BARS[name], bias, rtol=rtol), by_quadrature(BARS[name], bias), rtol)


def test_a_bias_whose_square_underflows_drives_nothing():
    result = by_resonances(BARS["two"], 1e-300)
    assert result.coherence == 0
    assert np.isfinite(result.relative_error)


# -- localization: narrow resonances against decimal arithmetic -------------------------------------------------------


@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
@pytest.mark.parametrize("wall", [1e2, 1e4, 1e6, 1e8])
@pytest.mark.parametrize(
    "shape", ["b.bb", "bb.b", "b:bb", "bb:bbb", "b.bb:b", ".bb", "b.", "bb.bb:b", "b:b.bb"], ids=lambda shape: shape
)
def test_wells_between_walls(shape, wall, rtol):
    """One-site (.) and two-site (:) wells between walls (b): widths down to 1e-50, unequal couplings."""
    onsite = [v for i, c in enumerate(shape) for v in {"b": [wall], ".": [0.03 + 0.01 * i], ":": [0.9, 1.1]}[c]]
    result = by_resonances(chain(onsite), 0.5, rtol=rtol)
    exact = driven_chain(onsite, Leads(), 0.5)
    assert_never_silent(result, exact, rtol)
    # Less coherence than this is rounding of G^d.
    assert result.converged or exact.coherence < 1e-11


@pytest.mark.parametrize("wall", [1e4, 1e6, 1e8])
@pytest.mark.parametrize(("before", "behind"), [(1, 3), (3, 1), (1, 4), (2, 5)])
def test_an_isolated_resonance_has_the_weight_of_its_couplings(wall, before, behind):
    """Couplings that differ by 16 to 48 orders: the well is filled from the nearer lead alone."""
    onsite = [wall] * before + [0.05] + [wall] * behind
    result = by_resonances(chain(onsite), 0.4, rtol=1e-6)
    energy, levels = np.linalg.eigh(np.diag(onsite) + np.eye(len(onsite), k=1) + np.eye(len(onsite), k=-1))
    level = levels[:, np.abs(energy).argmin()]
    half = len(onsite) // 2
    # (Gamma_L - Gamma_R) / (Gamma_L + Gamma_R) is 1 or -1 to 16 digits. Less coherence than this is rounding of G^d.
    assert result.converged or result.coherence < 1e-20
    assert result.coherence == pytest.approx(
        2 * (level[:half] @ level[:half]) * (level[half:] @ level[half:]) / 4, 1e-3
    )
    occupied = result.density_profile[before] * np.sign(behind - before)
    assert occupied == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
@pytest.mark.parametrize("disorder", [100.0, 1e3, 1e5])
@pytest.mark.parametrize("seed", range(4))
def test_strongly_disordered_chains(seed, disorder, rtol):
    onsite = disorder * (np.random.default_rng(seed).random(6) - 0.5)
    onsite[2 + seed % 2] = 0.02 * seed - 0.03
    result = by_resonances(chain(onsite, t_contact=1.0), 0.3, rtol=rtol)
    assert_promise(result, driven_chain(onsite.tolist(), Leads(t_contact=1.0), 0.3), rtol)


@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
@pytest.mark.parametrize("contact", [1e-2, 1e-5, 1e-9, 1e-14])
def test_the_weakest_contacts(contact, rtol):
    onsite = [0.4, -0.3, 0.9, 0.1]
    result = by_resonances(chain(onsite, t_contact=contact), 2.2, rtol=rtol)
    assert_promise(result, driven_chain(onsite, Leads(t_contact=contact), 2.2), rtol)


@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
@pytest.mark.parametrize("wall", [1e2, 1e4, 1e6, 1e8])
@pytest.mark.parametrize("shift", [0.0, 1e-14, 1e-9, 1e-5])
@pytest.mark.parametrize(("between", "outside"), [(1, 1), (2, 1), (3, 1), (2, 2)])
def test_nearly_equal_wells_far_apart_are_never_silently_wrong(wall, shift, between, outside, rtol):
    """Levels that split by less than rounding, or than their widths: both lie inside the window."""
    onsite = [wall] * outside + [0.1] + [wall] * between + [0.1 + shift] + [wall] * outside
    result = by_resonances(chain(onsite), 0.5, rtol=rtol)
    exact = driven_chain(onsite, Leads(), 0.5)
    if shift == 0 or shift < 4 * wall ** (1 - between):
        # Hybrid of both wells: the decimal panels follow single sites' levels, which are then too far from it.
        assert np.isfinite(result.coherence)
        assert result.spectral_weight.sum() == pytest.approx(1, rel=0.1) or not result.converged
        if between == 2 and outside == 1 and shift == 0:
            assert_never_silent(result, exact, rtol, trust=1e-6)
    else:
        assert_never_silent(result, exact, rtol)


@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
@pytest.mark.parametrize("contact", [1e-2, 1e-5, 1e-9])
@pytest.mark.parametrize("onsite", [[0.0, 0.0, 0.0, 0.0], [0.3, -0.2, -0.2, 0.3]])
def test_mirror_symmetric_chains_are_never_silently_wrong(onsite, contact, rtol):
    """Equal couplings to both leads cancel to all but the square of the widths."""
    result = by_resonances(chain(onsite, t_contact=contact), 2.0, rtol=rtol)
    assert_never_silent(result, driven_chain(onsite, Leads(t_contact=contact), 2.0), rtol)


@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
@pytest.mark.parametrize("offset", [0.0, 1e-16, -1e-16, 1e-12, -1e-8, 1e-4])
@pytest.mark.parametrize("wall", [10.0, 1e2, 1e3])
def test_a_pole_on_the_edge_of_the_window(wall, offset, rtol):
    onsite = [wall, 0.2, wall, 1.5 * wall]
    energy, width = min(resonances(onsite, Leads(), 0.3), key=lambda level: abs(level[0] - 0.2))
    bias = 2 * (energy + offset)
    exact = driven_chain(onsite, Leads(), bias)
    result = by_resonances(chain(onsite), bias, rtol=rtol)
    # The edge in floating point is as far from the level as its rounding, in units of the width.
    assert_never_silent(result, exact, rtol, trust=1e-15 / width)
    if width > 1e-6:
        assert result.converged


@pytest.mark.parametrize("disorder", [100.0, 1e3])
@pytest.mark.parametrize("seed", range(3))
def test_all_tolerances_agree_when_strongly_localized(disorder, seed):
    bar = AndersonBar.random((5, 3, 3), disorder, seed)
    bias = 1.9
    exact = by_resonances(bar, bias, rtol=1e-9)
    assert exact.relative_error < 1e-7
    for rtol in (1e-3, 1e-6):
        assert_promise(by_resonances(bar, bias, rtol=rtol), exact, rtol, trust=1e-7)


@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
def test_few_levels_by_the_second_moment_and_many_in_the_window(rtol):
    """High walls on every fifth site: a spread of energies that tells nothing of the window's levels."""
    onsite = AndersonBar.random((6, 5, 4), 6.0, 1).onsite.copy()
    onsite.ravel()[::5] = 1e4
    bar = AndersonBar(onsite, Leads(t_contact=1.0))
    assert_never_silent(by_resonances(bar, 1.5, rtol=rtol), by_quadrature(bar, 1.5, rtol=1e-8), rtol, trust=1e-8)


@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
@pytest.mark.parametrize("height", [1e6, 1e8])
def test_one_impossible_site_costs_no_digits(height, rtol):
    onsite = AndersonBar.random((4, 3, 3), 6.0, 2).onsite.copy()
    onsite[1, 1, 1] = height
    bar = AndersonBar(onsite, Leads(t_contact=1.0))
    assert_promise(by_resonances(bar, 0.6, rtol=rtol), by_quadrature(bar, 0.6), rtol)


# -- closed channels and thresholds -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
@pytest.mark.parametrize("disorder", [0.0, 0.5, 3.0, 8.0])
@pytest.mark.parametrize(
    ("shape", "leads", "bias"),
    [
        ((4, 3, 1), Leads(0.7, 1.0), 0.3),
        ((4, 3, 1), Leads(0.7, 1.0, 0.2), 0.3),
        ((3, 3, 2), Leads(0.6, 0.9, 1.0), 0.1),
        ((4, 2, 2), Leads(1.0, 2.0), 0.3),
        ((1, 3, 2), Leads(0.7, 1.0), 0.3),
    ],
)
def test_closed_channels_bring_no_states_and_still_shift_the_levels(shape, leads, bias, disorder, rtol):
    bar = AndersonBar.random(shape, disorder, 1, leads)
    open_channels = leads.open_channels(0.0, *shape[1:])
    assert 0 < open_channels.sum() < open_channels.size
    exact = by_quadrature(bar, bias)
    assert exact.converged
    assert_never_silent(by_resonances(bar, bias, rtol=rtol), exact, rtol)


@pytest.mark.parametrize("function", [window_coherence, nonequilibrium_correlations])
@pytest.mark.parametrize(
    ("shape", "leads", "bias", "temperature"),
    [
        ((3, 2, 1), Leads(1.0, 1.0), 2.5, 0.0),
        ((3, 2, 1), Leads(1.0, 1.0), -2.5, 0.0),
        ((3, 4, 4), Leads(1.0, 1.0), 0.1, 0.0),
        ((3, 2, 1), Leads(1.0, 1.0), 0.5, 0.1),
        ((4, 4, 4), Leads(), 4.5, 0.0),
        ((3, 1, 1), Leads(1.0), 5.0, 0.0),
        ((3, 2, 1), Leads(1.0, 1.0), 2.0, 0.0),
    ],
)
def test_a_threshold_inside_the_window_is_refused(function, shape, leads, bias, temperature):
    bar = AndersonBar.random(shape, 3.0, 1, leads)
    with pytest.raises(ValueError, match=r'^bias .*(opens or closes|threshold).*method="quadrature"'):
        function(bar, bias, temperature, method="resonances")


@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
@pytest.mark.parametrize("gap", [0.3, 0.1, 1e-2, 1e-6, 1e-10])
def test_next_to_a_threshold_the_promise_is_kept_or_refused(gap, rtol):
    bar = AndersonBar.random((4, 2, 1), 3.0, 1, Leads(1.0, 0.5))
    bias = 2 * (1.5 - gap)
    exact = by_quadrature(bar, bias)
    try:
        result = by_resonances(bar, bias, rtol=rtol)
    except ValueError as refusal:
        assert 'method="quadrature"' in str(refusal)
        assert gap < 0.1
    else:
        assert_never_silent(result, exact, rtol)


@pytest.mark.parametrize("function", [window_coherence, nonequilibrium_correlations])
def test_states_by_kwant_are_for_quadrature(function):
    with pytest.raises(ValueError, match=r'^states .*method="quadrature"'):
        function(BARS["cube"], 0.3, method="resonances", states="kwant")


def test_resonances_are_the_default():
    bar = BARS["three"]
    assert window_coherence(bar, 0.3).n_energies == by_resonances(bar, 0.3).n_energies


# -- the promise on random bars ---------------------------------------------------------------------------------------


def random_bar(rng):
    shape = [int(v) for v in rng.integers(1, 5, 3)]
    disorder = float(rng.choice([0.0, 1.0, 5.0, 10.0, 16.5, 30.0, 100.0]))
    contact = [None, 1.0, 3**0.5, 0.3][rng.integers(4)]
    return AndersonBar.random(shape, disorder, int(rng.integers(10_000)), Leads(t_contact=contact)), disorder


@pytest.mark.parametrize("rtol", [1e-3, 1e-5])
def test_the_error_estimate_bounds_the_error(rtol):
    rng = np.random.default_rng(0)
    ratios = []
    for _ in range(100):
        bar, disorder = random_bar(rng)
        bias = float(rng.choice([0.03, 0.3, 1.0]))
        exact = by_quadrature(bar, bias, max_energies=1500) if disorder < 40 else None
        if exact is None or not exact.converged:
            exact = by_resonances(bar, bias, rtol=1e-9)
        result = by_resonances(bar, bias, rtol=rtol)
        assert_never_silent(result, exact, rtol)
        ratios.append((actual_error(result, exact) - 2e-9) / max(result.relative_error, np.finfo(float).eps))
    assert np.sum(np.array(ratios) > 1) <= 1
    assert max(ratios) < 10


@settings(max_examples=20)
@given(
    st.tuples(*(st.integers(1, 4),) * 3),
    st.floats(0, 100),
    st.integers(0, 10_000),
    st.floats(0.01, 1.9),
    st.sampled_from([1e-2, 1e-3, 1e-5, 1e-7]),
)
def test_converged_means_that_the_estimate_is_within_the_tolerance(shape, disorder, seed, bias, rtol):
    bar = AndersonBar.random(shape, disorder, seed, Leads(t_contact=1.0))
    result, finer = by_resonances(bar, bias, rtol=rtol), by_resonances(bar, bias, rtol=rtol / 30)
    assert result.converged == (result.relative_error <= rtol)
    assert result.coherence >= 0
    assert np.all(result.spectral_weight > 0)
    assert np.all(np.abs(result.density_profile) <= result.spectral_weight * (1 + 2 * rtol))
    if result.converged and finer.converged:
        assert actual_error(result, finer) <= 1.04 * rtol


@settings(max_examples=15)
@given(st.tuples(*(st.integers(1, 4),) * 3), st.floats(0, 40), st.integers(0, 10_000), st.floats(0.01, 1.5))
def test_the_mirror_image_has_the_same_coherence_and_the_opposite_profile(shape, disorder, seed, bias):
    bar = AndersonBar.random((2 * shape[0], *shape[1:]), disorder, seed)
    image = AndersonBar(bar.onsite[::-1], bar.leads)
    here, there = by_resonances(bar, bias), by_resonances(image, bias)
    there_reflected = type(there)(
        **{
            **vars(there),
            "density_profile": -there.density_profile[::-1],
            "spectral_weight": there.spectral_weight[::-1],
        }
    )
    assert actual_error(there_reflected, here) <= 2e-6
    assert there.transmission == pytest.approx(here.transmission, rel=2e-5)
