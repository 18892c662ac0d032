from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from anderson_ness import AndersonBar, Leads, transmission, window_coherence, window_poles
from anderson_ness.states import by_resonances
from anderson_ness.states.effort import reduced_effort
from anderson_ness.states.elimination import OpenBar
from anderson_ness.states.rational import Interpolation, Measure
from anderson_ness.states.reduced_bar import ReducedBar
from anderson_ness.states.reduction import ReducedModel, _choose_nodes, orthonormal_beyond

# shape, disorder, seed, contact, bias
BARS = {
    "critical": ((8, 11, 12), 16.5, 3, None, 0.4),
    "localized": ((9, 10, 8), 25.0, 4, 1.0, 0.5),
    "deep": ((8, 8, 8), 36.0, 5, None, 0.3),
    "weak contacts": ((7, 10, 10), 21.0, 6, 0.3, 0.3),
    "long": ((16, 8, 8), 30.0, 7, 1.7, 0.6),
}


def bar_of(name):
    shape, disorder, seed, contact, bias = BARS[name]
    return AndersonBar.random(shape, disorder, seed, leads=Leads(t_contact=contact)), bias


@lru_cache
def sampled(name, temperature=0.0):
    """The window by the model that samples the remainder, to more digits."""
    bar, bias = bar_of(name)
    return window_coherence(bar, bias, temperature, rtol=1e-5)


def full_basis(open_bar):
    n_sites = open_bar.length * open_bar.n_slice
    basis, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((n_sites, n_sites)))
    fields = basis.reshape(open_bar.length, open_bar.n_slice, n_sites)
    hamiltonian = basis.T @ open_bar.hamiltonian(fields).reshape(n_sites, n_sites)
    return basis, ReducedBar(open_bar, hamiltonian, *open_bar.end_amplitudes(fields))


def test_on_a_complete_basis_it_is_the_bar():
    open_bar = OpenBar(AndersonBar.random((4, 3, 2), 9.0, 1))
    basis, reduced = full_basis(open_bar)
    rng = np.random.default_rng(2)
    field = rng.standard_normal((24, 5)) + 1j * rng.standard_normal((24, 5))
    on_bar = (basis @ field).reshape(4, 6, 5)
    energies = 0.3 * rng.standard_normal(5) + 0.1j
    for theirs, ours in (
        (open_bar.apply(energies, on_bar), reduced.apply(energies, field[None])),
        (open_bar.apply_derivative(0.2 + 0.1j, on_bar), reduced.apply_derivative(0.2 + 0.1j, field[None])),
        (open_bar.apply(0.2 + 0.1j, on_bar), (reduced.operators(np.array([0.2 + 0.1j]))[0] @ field)[None]),
    ):
        np.testing.assert_allclose(basis @ ours[0], theirs.reshape(24, 5), atol=1e-12)


def test_any_reduction_is_dissipative():
    open_bar = OpenBar(AndersonBar.random((5, 4, 4), 12.0, 2))
    _, reduced = full_basis(open_bar)
    for size in (3, 11, 40):
        (operator,) = reduced.leading(size).operators(np.array([0.1 + 0.0j]))
        assert np.linalg.eigvalsh((operator - operator.conj().T) / 2j).min() > -1e-13


def test_a_basis_is_orthonormal_and_leaves_out_the_tail():
    rng = np.random.default_rng(3)
    columns = rng.standard_normal((60, 4)) + 1j * rng.standard_normal((60, 4))
    columns = np.concatenate(
        [columns, columns @ rng.standard_normal((4, 3)), 1e-5 * rng.standard_normal((60, 2))], axis=1
    )
    first = orthonormal_beyond(None, columns[:, :2], 1e-3)
    basis = np.concatenate([first, orthonormal_beyond(first, columns, 1e-3)], axis=1)
    assert basis.shape == (60, 8)
    np.testing.assert_allclose(basis.T @ basis, np.eye(8), atol=1e-12)
    left_out = columns - basis @ (basis.T @ columns)
    assert np.linalg.norm(left_out) < 1e-3


@pytest.mark.parametrize("name", BARS)
@pytest.mark.parametrize("rtol", [3e-3, 1e-3, 2e-4])
def test_the_promise_is_kept(name, rtol, monkeypatch):
    exact = sampled(name)
    monkeypatch.setattr(by_resonances, "_SMALLEST_REDUCED_SLICE", 0)
    monkeypatch.setattr(by_resonances, "_FINEST_REDUCED", 0.0)
    # Without the other model to fall back on.
    monkeypatch.setattr(by_resonances, "_sampled_plan", lambda *_: pytest.fail("the reduction did not converge"))
    bar, bias = bar_of(name)
    result = window_coherence(bar, bias, rtol=rtol)
    assert result.converged
    slope_scale = max(abs(exact.coherence_slope), exact.coherence / bias)
    errors = [
        abs(result.coherence / exact.coherence - 1),
        abs(result.coherence_slope - exact.coherence_slope) / slope_scale,
        np.abs(result.density_profile - exact.density_profile).max() / np.abs(exact.density_profile).max(),
        np.abs(result.spectral_weight - exact.spectral_weight).max() / exact.spectral_weight.max(),
    ]
    assert max(errors) <= result.relative_error + 1e-5
    assert result.transmission == pytest.approx(exact.transmission, rel=5e-3)
    assert result.levels == exact.levels


@pytest.mark.parametrize("name", ["critical", "localized"])
def test_it_is_what_large_bars_use(name, monkeypatch):
    used = []
    monkeypatch.setattr(ReducedModel, "transmission", lambda self, energy: used.append(energy) or 1.0)
    bar, bias = bar_of(name)
    assert window_coherence(bar, bias, rtol=1e-3).transmission == 1.0
    assert used == [0.0]


def test_faint_transmission_has_every_digit():
    # In single precision its elimination at E = 0, where nothing lifts the energy off the axis, was off by 3/4.
    bar = AndersonBar.random(16, 36.0, 7647948831869311983)
    result = window_coherence(bar, 24 * 16.5 / 16**3, rtol=1e-3)
    assert result.transmission == pytest.approx(transmission(bar), rel=1e-6)


def test_transmission_where_refinement_fails_is_in_double_precision(monkeypatch):
    bar, bias = bar_of("critical")
    tried, through = [], ReducedModel._through

    def only_in_double(self, factor):
        tried.append(factor.dtype)
        return through(self, factor) if factor.dtype == np.complex128 else None

    monkeypatch.setattr(ReducedModel, "_through", only_in_double)
    result = window_coherence(bar, bias, rtol=1e-3)
    assert tried == [np.complex64, np.complex128]
    assert result.transmission == pytest.approx(transmission(bar), rel=1e-5)


@pytest.mark.parametrize(("n_nodes", "degree"), [(2, 2), (3, 3)])
def test_few_nodes_integrate_as_if_there_were_one_more(n_nodes, degree):
    nodes = _choose_nodes(n_nodes, 0.2)
    x, w = np.polynomial.legendre.leggauss(8)
    weights = Interpolation(nodes).at(x) @ w
    for power in range(degree + 1):
        assert weights @ nodes**power == pytest.approx((1 - (-1) ** (power + 1)) / (power + 1), abs=1e-12)


def test_what_the_reduced_bar_lacks_at_the_nodes_is_added(monkeypatch):
    """Densities in the far half, of a bar that is reduced to too few directions."""
    bar, bias = bar_of("critical")
    exact = sampled("critical")
    effort = reduced_effort(bar, [-bias / 2, bias / 2], 1e-3, uniform=True)
    model = ReducedModel(OpenBar(bar), 0.0, bias / 2, replace(effort, direction_tail=8 * effort.direction_tail))
    window = (Measure.interval(-1, 1, 8),)
    wanted = bar.n_slice * (exact.spectral_weight - exact.density_profile)[: bar.shape[0] // 2]
    corrected = np.abs(model.far_density("R", window) - wanted).max()
    for lacking in (model._lacking, model._lacking_coarse):
        monkeypatch.setattr(model, "_contracted", {})
        for lead in lacking:
            lacking[lead] = np.zeros_like(lacking[lead])
    assert corrected < 0.5 * np.abs(model.far_density("R", window) - wanted).max()


def test_several_biases_share_a_reduction():
    bar, bias = bar_of("critical")
    biases = [bias, -0.5 * bias]
    for one, shared in zip(biases, window_coherence(bar, biases, rtol=1e-3), strict=True):
        alone = window_coherence(bar, one, rtol=1e-3)
        assert shared.converged
        assert shared.coherence == pytest.approx(alone.coherence, rel=2e-3)
        scale = np.abs(alone.density_profile).max()
        np.testing.assert_allclose(shared.density_profile, alone.density_profile, atol=2e-3 * scale)


def test_finite_temperature():
    bar, bias = bar_of("deep")
    exact = sampled("deep", 0.005)
    result = window_coherence(bar, bias, 0.005, rtol=1e-3)
    assert result.converged
    assert result.coherence == pytest.approx(exact.coherence, rel=1e-3)
    assert result.coherence_slope == pytest.approx(exact.coherence_slope, abs=1e-3 * exact.coherence / bias)


def test_wide_windows_keep_the_cross_terms_of_their_panels(monkeypatch):
    bar, bias = bar_of("deep")
    exact = window_coherence(bar, 3 * bias, rtol=1e-4)
    monkeypatch.setattr(by_resonances, "_LEVELS_A_PANEL", 6)
    result = window_coherence(bar, 3 * bias, rtol=1e-3)
    assert result.converged
    assert result.coherence == pytest.approx(exact.coherence, rel=1e-3)


@pytest.mark.parametrize("name", ["critical", "localized"])
def test_spurious_poles_are_not_counted(name):
    bar, bias = bar_of(name)
    narrow = window_poles(bar, bias).widths < bias
    assert window_coherence(bar, bias, rtol=1e-3).levels == np.count_nonzero(narrow)


def test_an_error_that_is_no_number_leaves_the_window_to_the_other_model(monkeypatch):
    name = next(iter(BARS))
    exact = sampled(name)
    monkeypatch.setattr(by_resonances, "_SMALLEST_REDUCED_SLICE", 0)
    monkeypatch.setattr(by_resonances.ReducedModel, "error_of_changes", lambda *_: float("nan"))
    bar, bias = bar_of(name)
    result = window_coherence(bar, bias, rtol=1e-3)
    assert result.converged
    assert result.coherence == pytest.approx(exact.coherence, rel=1e-3)
