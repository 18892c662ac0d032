"""Coherence slice by slice, and between the segments of a bar cut anywhere."""

from itertools import pairwise

import numpy as np
import pytest

from anderson_ness import AndersonBar, nonequilibrium_correlations, window_coherence
from anderson_ness.information import coherence_density, mutual_coherence

SMALL = AndersonBar.random((7, 4, 3), 14.0, 5)
LARGE = AndersonBar.random((8, 11, 12), 16.5, 3)


def expected(bar, bias, cuts, rtol=1e-8, **options):
    """Segments' coherence and the halves' coherence profile, from the whole of G^d."""
    G = nonequilibrium_correlations(bar, bias, rtol=rtol, **options)
    edges = [0, *cuts, bar.shape[0]]
    sites = np.arange(bar.n_sites)
    parts = [sites[a * bar.n_slice : b * bar.n_slice] for a, b in pairwise(edges)]
    between = [[0.0 if a is b else mutual_coherence(G, a, b) for b in parts] for a in parts]
    left = sites < bar.shape[0] // 2 * bar.n_slice
    density = np.where(left, coherence_density(G, ~left), coherence_density(G, left))
    return np.array(between), density.reshape(bar.shape[0], -1).sum(axis=1)


def within(actual, wanted, rtol):
    assert np.abs(actual - wanted).max() <= rtol * np.abs(wanted).max()


@pytest.mark.parametrize("method", ["resonances", "quadrature"])
@pytest.mark.parametrize("temperature", [0.0, 0.02])
def test_segments_of_a_small_bar(method, temperature):
    cuts = (1, 3, 6)
    window = window_coherence(SMALL, 0.7, temperature, method=method, rtol=1e-6, cuts=cuts)
    between, profile = expected(SMALL, 0.7, cuts, temperature=temperature)
    assert window.converged
    within(window.segment_coherence, between, 1e-6)
    within(window.coherence_profile, profile, 1e-6)


@pytest.mark.parametrize("cuts", [(4,), (3, 5), (1, 4, 7)])
def test_segments_of_compressed_fields(cuts, monkeypatch):
    def refuse(*_):
        raise AssertionError("the whole of G^d is not needed here")

    between, profile = expected(LARGE, 0.4, cuts)
    monkeypatch.setattr("anderson_ness.states.by_resonances.correlations", refuse)
    window = window_coherence(LARGE, 0.4, rtol=1e-3, cuts=cuts)
    assert window.converged
    within(window.segment_coherence, between, 1e-3)
    within(window.coherence_profile, profile, 1e-3)


def test_wide_windows_of_several_panels():
    bar, cuts = AndersonBar.random((6, 9, 10), 20.0, 2), (2, 4)
    window = window_coherence(bar, 3.0, rtol=1e-3, cuts=cuts)
    between, profile = expected(bar, 3.0, cuts, rtol=1e-6)
    assert window.converged
    within(window.segment_coherence, between, 1e-3)
    within(window.coherence_profile, profile, 1e-3)


def test_the_profile_adds_up_to_the_coherence():
    window = window_coherence(LARGE, 0.4, rtol=1e-3, cuts=[4])
    for half in (slice(0, 4), slice(4, 8)):
        assert window.coherence_profile[half].sum() == pytest.approx(window.coherence, rel=1e-9)


def test_a_cut_in_the_middle_gives_the_halves():
    window = window_coherence(LARGE, 0.4, rtol=1e-3, cuts=[4])
    assert window.segment_coherence[0, 1] == pytest.approx(window.coherence, rel=1e-9)
    np.testing.assert_array_equal(np.diag(window.segment_coherence), 0)


def test_without_drive_there_is_none():
    window = window_coherence(SMALL, 0.0, cuts=(2,))
    np.testing.assert_array_equal(window.segment_coherence, np.zeros((2, 2)))
    np.testing.assert_array_equal(window.coherence_profile, np.zeros(7))


def test_without_cuts_there_is_neither():
    window = window_coherence(SMALL, 0.5, rtol=1e-3)
    assert window.segment_coherence is None
    assert window.coherence_profile is None


@pytest.mark.parametrize("cuts", [(0,), (7,), (2, 2), (-1,), (1.5,)])
def test_bad_cuts(cuts):
    with pytest.raises(ValueError, match="cuts must be"):
        window_coherence(SMALL, 0.5, cuts=cuts)
