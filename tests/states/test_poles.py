import numpy as np
import pytest
from bars import closed_sample
from numpy.polynomial import chebyshev

from anderson_ness import AndersonBar, Leads
from anderson_ness.leads import channel_basis
from anderson_ness.states.elimination import OpenBar, SliceFactor
from anderson_ness.states.poles import Window, find_poles

HALF_WIDTH = 0.3
RADIUS = 4.0
BARS = {
    "weak contact": AndersonBar.random((4, 3, 2), 6.0, 1, Leads(t_contact=0.3)),
    "default": AndersonBar.random((4, 3, 3), 12.0, 2),
    "matched": AndersonBar.random((5, 2, 3), 9.0, 3, Leads(t_contact=3**0.5)),
    "long": AndersonBar.random((12, 2, 2), 5.0, 4, Leads(t_contact=1.0)),
    "chain": AndersonBar.random((9, 1, 1), 3.0, 5, Leads(t_contact=0.5)),
    "flat": AndersonBar.random((2, 6, 5), 16.5, 8, Leads(t_contact=0.3)),
    "localized": AndersonBar.random((6, 3, 3), 30.0, 7),
}
CLEAN = [((4, 3, 3), 0.3), ((3, 4, 4), 1.0), ((6, 4, 1), 0.5), ((4, 2, 2), 0.1), ((3, 5, 3), 0.5)]


def poles_of(bar, half_width=HALF_WIDTH, radius=RADIUS, block=32, steps=6, tolerance=1e-10, lift=0.05):
    open_bar = OpenBar(bar)
    factor = SliceFactor(open_bar, 1j * lift * half_width)
    return find_poles(open_bar, factor, Window(0.0, half_width), radius, block, steps, tolerance)


def flat(poles):
    return poles.vectors.reshape(-1, len(poles.positions))


def dense(bar, energy, values=None):
    """A(E); values: of the self-energy, channel by channel."""
    matrix = energy * np.eye(bar.n_sites) - closed_sample(bar).astype(complex)
    basis, step = channel_basis(*bar.shape[1:]), bar.n_slice
    sigma = basis * (bar.leads.self_energy(energy, *bar.shape[1:]) if values is None else values) @ basis.T
    matrix[:step, :step] -= sigma
    matrix[-step:, -step:] -= sigma
    return matrix


def dense_poles(bar):
    """All eigenvalues with the self-energies frozen at E = 0, each carried to the pole of the true problem.

    The share of the energy dependence is switched on in steps, so that every level keeps its identity.
    """
    n, frozen = bar.n_sites, bar.leads.self_energy(0.0, *bar.shape[1:])
    positions, vectors = np.linalg.eig(-dense(bar, 0.0))
    for share in (0.25, 0.5, 0.75, 1.0, 1.0):
        for j in range(n):
            for _ in range(4):
                E, step = positions[j], 1e-5

                def at(energy, share=share):
                    true = bar.leads.self_energy(energy, *bar.shape[1:])
                    return dense(bar, energy, frozen + share * (true - frozen))

                slope = (at(E + step) - at(E - step)) / (2 * step)
                try:
                    v = np.linalg.solve(at(E) + 1e-14j * np.eye(n), slope @ vectors[:, j])
                except np.linalg.LinAlgError:
                    break  # exact to the last bit
                positions[j] -= (vectors[:, j] @ slope @ vectors[:, j]) / (vectors[:, j] @ slope @ v)
                vectors[:, j] = v / np.linalg.norm(v)
    return positions


def close(poles):
    """Poles so close to the window that they must be exact."""
    return Window(0.0, HALF_WIDTH).close(poles.positions)


@pytest.mark.parametrize("name", BARS)
def test_poles_are_solutions_of_the_nonlinear_problem(name):
    bar, poles = BARS[name], poles_of(BARS[name])
    np.testing.assert_allclose(np.linalg.norm(flat(poles), axis=0), 1, rtol=1e-12)
    assert close(poles).any()
    for E, v in zip(poles.positions[close(poles)], flat(poles)[:, close(poles)].T, strict=True):
        assert np.linalg.norm(dense(bar, E) @ v) < 1e-8


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-8])
@pytest.mark.parametrize("name", BARS)
def test_errors_of_vectors_are_not_underestimated(name, tolerance):
    bar, poles = BARS[name], poles_of(BARS[name], tolerance=tolerance)
    exact = poles_of(bar, tolerance=1e-12)
    assert np.all(poles.errors[close(poles)] <= tolerance)
    for j in np.flatnonzero(close(poles)):
        twin = int(np.argmin(np.abs(exact.positions - poles.positions[j])))
        v, w = flat(poles)[:, j], flat(exact)[:, twin]
        sine = np.linalg.norm(v - w * (w.conj() @ v))
        assert sine <= 2 * poles.errors[j] + 1e-9


@pytest.mark.parametrize("name", BARS)
def test_poles_lie_below_the_real_axis(name):
    assert np.all(poles_of(BARS[name]).positions.imag < 0)


@pytest.mark.parametrize("name", BARS)
def test_no_pole_is_found_twice(name):
    """Poles of a random bar are simple: two vectors at one position are the same."""
    poles = poles_of(BARS[name])
    gaps = np.abs(poles.positions[:, None] - poles.positions) + np.eye(len(poles.positions))
    assert gaps.min() > 1e-6


@pytest.mark.parametrize("name", BARS)
def test_every_narrow_pole_of_the_window_is_found(name):
    bar = BARS[name]
    expected = dense_poles(bar)
    near = (np.abs(expected.real) < HALF_WIDTH) & (np.abs(expected.imag) < 0.1)
    found = poles_of(bar).positions
    for E in expected[near]:
        if np.linalg.norm(dense(bar, E), -2) < 1e-10:  # the switching on lost some of the broadest levels
            assert np.abs(found - E).min() < 1e-9


@pytest.mark.parametrize("name", ["weak contact", "chain", "matched", "flat"])
def test_poles_are_those_of_dense_diagonalisation(name):
    poles, expected = poles_of(BARS[name]), dense_poles(BARS[name])
    for E in poles.positions[close(poles)]:
        assert np.abs(expected - E).min() < 1e-9


@pytest.mark.parametrize("name", BARS)
def test_residues_are_those_of_the_green_function(name):
    """Around each isolated pole next to the window, the contour integral of G is s v v^T."""
    bar, poles = BARS[name], poles_of(BARS[name])
    everything = dense_poles(bar)
    for j in np.flatnonzero(close(poles)):
        E, v = poles.positions[j], flat(poles)[:, j]
        gap = np.sort(np.abs(everything - E))[1]
        residue = contour_integral(bar, E, 0.4 * min(gap, 1.0))
        expected = poles.strengths[j] * np.outer(v, v)
        np.testing.assert_allclose(residue, expected, atol=1e-7 * np.abs(expected).max())


def contour_integral(bar, centre, radius, n=48):
    """Integral of G(z) dz / (2 pi i) around a circle, with the self-energies continued through the band."""
    phases = np.exp(2j * np.pi * (np.arange(n) + 0.5) / n)
    return sum(radius * phase * np.linalg.inv(dense(bar, centre + radius * phase)) for phase in phases) / n


@pytest.mark.parametrize("disorder", [0.0, 1e-13, 1e-11, 1e-9, 1e-7])
@pytest.mark.parametrize(("shape", "contact"), CLEAN)
def test_clusters_of_poles_have_the_right_sum_of_residues(shape, contact, disorder):
    """Exactly degenerate levels of clean bars, and the same bars with the least of disorder."""
    bar = AndersonBar.random(shape, disorder, 1, Leads(t_contact=contact))
    everything = dense_poles(AndersonBar(np.zeros(shape), bar.leads))
    poles = poles_of(bar, half_width=1.0, radius=2.0)
    near, checked = np.abs(everything.real) < 1, 0
    for centre in everything[near & (np.abs(everything.imag) < 0.3)]:
        distances = np.abs(everything - centre)
        gap = distances[distances > 1e-4].min()
        if gap < 2e-2:
            continue
        expected = contour_integral(bar, centre, 0.4 * min(gap, 1.0), n=64)
        cluster = np.abs(poles.positions - centre) < 1e-3
        vectors = flat(poles)[:, cluster]
        residue = (vectors * poles.strengths[cluster]) @ vectors.T
        np.testing.assert_allclose(residue, expected, atol=1e-6 * np.abs(expected).max())
        checked += 1
    assert checked > 0


@pytest.mark.parametrize("contact", [1e-2, 1e-4, 1e-7])
@pytest.mark.parametrize("shape", [(4, 2, 2), (6, 1, 1), (3, 3, 2)])
def test_widths_of_weakly_coupled_levels_follow_the_golden_rule(shape, contact):
    bar = AndersonBar.random(shape, 8.0, 11, Leads(t_contact=contact))
    energies, levels = np.linalg.eigh(closed_sample(bar))
    poles = poles_of(bar, half_width=1.0)
    basis, step = channel_basis(*shape[1:]), bar.n_slice
    inside = np.abs(energies) < 1
    assert inside.any()
    for E, v in zip(energies[inside], levels[:, inside].T, strict=True):
        j = int(np.argmin(np.abs(poles.positions - E)))
        couplings = (basis.T @ v[:step]) ** 2 + (basis.T @ v[-step:]) ** 2
        golden_rule = bar.leads.linewidth(E, *shape[1:]).real @ couplings
        assert poles.positions[j].real == pytest.approx(E, abs=10 * contact**2 + 1e-12)
        assert poles.widths[j] == pytest.approx(golden_rule, rel=10 * contact + 1e-9)


@pytest.mark.parametrize("name", ["weak contact", "default", "long", "chain", "localized"])
def test_widths_are_those_of_the_couplings(name):
    """-2 Im lambda v^dag v = v^dag (Gamma_L + Gamma_R) v, Gamma = i (Sigma - Sigma^dag) at the complex position."""
    bar, poles = BARS[name], poles_of(BARS[name])
    for j in np.flatnonzero(close(poles)):
        sigma = bar.leads.self_energy(poles.positions[j], *bar.shape[1:])
        couplings = np.abs(poles.left[:, j]) ** 2 + np.abs(poles.right[:, j]) ** 2
        assert poles.widths[j] == pytest.approx(-2 * sigma.imag @ couplings, rel=1e-6, abs=1e-15)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("wall", [1e3, 1e5])
def test_widths_below_rounding_are_positive_and_those_of_the_couplings(wall, seed):
    """A level enclosed by high walls; its tails fall by the wall's height a site."""
    onsite = np.full((7, 1, 1), wall)
    onsite[3] = 0.1 * (np.random.default_rng(seed).random() - 0.5)
    poles = poles_of(AndersonBar(onsite))
    j = int(np.argmin(np.abs(poles.positions)))
    width = 2 * 6 / wall**6  # Gamma = 6 on both sides
    assert poles.positions[j].imag < 0
    assert poles.widths[j] == pytest.approx(width, rel=3e-2)


@pytest.mark.parametrize("name", BARS)
def test_amplitudes_are_those_of_the_vectors_on_the_end_slices(name):
    bar, poles = BARS[name], poles_of(BARS[name])
    basis = channel_basis(*bar.shape[1:])
    np.testing.assert_allclose(poles.left, basis.T @ poles.vectors[0], atol=1e-13)
    np.testing.assert_allclose(poles.right, basis.T @ poles.vectors[-1], atol=1e-13)


@pytest.mark.parametrize("leads", [Leads(0.7, 1.0, 0.35), Leads(0.7, 1.0, 0.2)], ids=["strong", "weak"])
@pytest.mark.parametrize("disorder", [0.5, 3.0, 8.0])
def test_poles_next_to_closed_channels_continue_the_decaying_wave(leads, disorder):
    """Across a window without thresholds G is one analytic function: the poles found must be those of it."""
    bar = AndersonBar.random((8, 3, 2), disorder, 2, Leads(leads.t_parallel, leads.t_perp, leads.t_contact))
    assert 0 < bar.leads.open_channels(0.0, 3, 2).sum() < 6
    poles = poles_of(bar, half_width=0.25)
    narrow = (np.abs(poles.positions.real) < 0.25) & (np.abs(poles.positions.imag) < 0.05)
    assert narrow.any()
    operator = continued_operator(bar)
    for E, v in zip(poles.positions[narrow], flat(poles)[:, narrow].T, strict=True):
        assert np.linalg.norm(operator(E) @ v) < 1e-6


def continued_operator(bar, degree=40, reach=0.3):
    """A(E) by a polynomial through real energies of the window, where the self-energies are beyond doubt."""
    x = reach * np.cos(np.pi * (np.arange(degree) + 0.5) / degree)
    values = np.array([bar.leads.self_energy(energy, *bar.shape[1:]) for energy in x])
    coefficients = chebyshev.chebfit(x / reach, values, degree - 1)
    return lambda energy: dense(bar, energy, chebyshev.chebval(energy / reach, coefficients))


def test_rough_poles_next_to_the_window_are_corrected():
    open_bar = OpenBar(AndersonBar.random((6, 6, 6), 20.0, 1))
    factor = SliceFactor(open_bar, 0.1j * HALF_WIDTH, np.complex64)
    rough = find_poles(open_bar, factor, Window(0.0, HALF_WIDTH), 1.5, 16, 8, 1e-4, broadest=1e-3)
    exact = find_poles(open_bar, SliceFactor(open_bar, 0.1j * HALF_WIDTH), Window(0.0, HALF_WIDTH), 3.0, 32, 6, 1e-10)
    assert close(rough).sum() == close(exact).sum() > 3
    for E in rough.positions[close(rough)]:
        assert np.abs(exact.positions - E).min() < 1e-4 * HALF_WIDTH
