from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from anderson_ness import AndersonBar, Leads, transmission, window_coherence, window_poles
from anderson_ness.states import by_resonances, compression, refined_transmission
from anderson_ness.states.compression import CompressedModel, quadrature_nodes
from anderson_ness.states.effort import compressed_effort
from anderson_ness.states.elimination import OpenBar
from anderson_ness.states.rational import Interpolation, Measure
from anderson_ness.states.resonances import Coarse

# shape, disorder, seed, contact, bias
BARS = {
    "critical": ((8, 11, 12), 16.5, 3, None, 0.4),
    "localized": ((9, 10, 8), 25.0, 4, 1.0, 0.5),
    "deep": ((8, 8, 8), 36.0, 5, None, 0.3),
    "weak contacts": ((7, 10, 10), 21.0, 6, 0.3, 0.3),
    "long": ((16, 8, 8), 30.0, 7, 1.7, 0.6),
    "narrow window": ((9, 9, 9), 20.0, 8, None, 0.02),
    "short": ((5, 9, 10), 18.5, 9, None, 0.4),
}


def bar_of(name):
    shape, disorder, seed, contact, bias = BARS[name]
    return AndersonBar.random(shape, disorder, seed, leads=Leads(t_contact=contact)), bias


def without_compression(bar, bias, rtol, temperature=0.0):
    """The window by the model that samples every field."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(by_resonances, "_compressed_plan", lambda *_: None)
        return window_coherence(bar, bias, temperature, rtol=rtol)


@lru_cache
def sampled(name, temperature=0.0, rtol=1e-5):
    """That of a named bar, to more digits."""
    return without_compression(*bar_of(name), rtol, temperature)


def model_of(name, rtol=1e-3, **changes):
    bar, bias = bar_of(name)
    effort = compressed_effort(bar, [-bias / 2, bias / 2], rtol, uniform=True)
    return CompressedModel(OpenBar(bar), 0.0, bias / 2, replace(effort, **changes))


def errors_of(result, exact, bias):
    slope_scale = max(abs(exact.coherence_slope), exact.coherence / bias)
    return [
        abs(result.coherence / exact.coherence - 1),
        abs(result.coherence_slope - exact.coherence_slope) / slope_scale,
        np.abs(result.density_profile - exact.density_profile).max() / np.abs(exact.density_profile).max(),
        np.abs(result.spectral_weight - exact.spectral_weight).max() / exact.spectral_weight.max(),
    ]


@pytest.mark.parametrize("name", BARS)
@pytest.mark.parametrize("rtol", [3e-3, 1e-3, 1e-4, 1e-6])
def test_the_promise_is_kept(name, rtol, monkeypatch):
    exact = sampled(name, rtol=min(1e-5, 0.1 * rtol))
    monkeypatch.setattr(by_resonances, "_SMALLEST_COMPRESSED_SLICE", 0)
    # Without the other model to fall back on.
    monkeypatch.setattr(by_resonances, "_sampled_plan", lambda *_: pytest.fail("compressed fields did not converge"))
    bar, bias = bar_of(name)
    result = window_coherence(bar, bias, rtol=rtol)
    assert result.converged
    assert max(errors_of(result, exact, bias)) <= result.relative_error + min(1e-5, 0.1 * rtol)
    assert result.transmission == pytest.approx(exact.transmission, rel=5e-3)
    assert result.levels == exact.levels


@pytest.mark.parametrize("name", ["critical", "localized"])
@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
def test_it_is_what_large_bars_use(name, rtol, monkeypatch):
    used = []
    monkeypatch.setattr(CompressedModel, "transmission", lambda self, energy: used.append(energy) or 1.0)
    bar, bias = bar_of(name)
    assert window_coherence(bar, bias, rtol=rtol).transmission == 1.0
    assert used == [0.0]


def test_bases_are_orthonormal_and_leave_out_little():
    model = model_of("critical", 1e-6)
    for half in ("L", "R"):
        fields = model.fields(half)
        np.testing.assert_allclose(fields.conj().T @ fields, np.eye(fields.shape[1]), atol=1e-8)
        assert fields.shape == (model.open_bar.length // 2 * model.open_bar.n_slice, model.n_columns(half))


def test_what_is_left_out_enters_the_coherence_squared():
    """Bases that leave out an amplitude of a few per cent make an error of a few thousandths."""
    exact, (_, bias) = sampled("critical"), bar_of("critical")
    window = (Measure.interval(-1, 1, 8),)
    coherences, errors = [], []
    for left_out in (1e-2, 1e-4):
        model = model_of("critical", 1e-4, left_out=left_out)
        coherences.append(np.linalg.norm(model.driven(window)) ** 2 / 2)
        errors.append(abs(coherences[-1] / exact.coherence - 1))
        assert (
            errors[-1] < model.left_out_error(window, bias, exact.coherence, np.abs(exact.density_profile).max()) < 0.1
        )
    assert errors[1] < 1e-3
    # Nothing but what it leaves out separates a smaller basis from a larger one, and that makes it less coherent.
    assert coherences[0] < coherences[1]


def test_a_complete_basis_ends_the_search(monkeypatch):
    # More directions than a part has sites had been taken, of rounding.
    model = model_of("short", 1e-6, left_out=1e-16)
    for part, basis in zip(model._samples.parts, model._samples.bases, strict=True):
        assert basis.shape[1] <= (part.stop - part.start) * model.open_bar.n_slice


def test_coarse_results_differ_by_more_than_the_error():
    exact, bar = sampled("critical"), bar_of("critical")[0]
    model, window = model_of("critical"), (Measure.interval(-1, 1, 8),)
    wanted = bar.n_slice * (exact.spectral_weight - exact.density_profile)[: bar.shape[0] // 2]
    fine, nodes, poles = (model.far_density("R", window, coarse) for coarse in (Coarse.NOT, Coarse.NODES, Coarse.POLES))
    error = np.abs(fine - wanted).max()
    assert error < 1e-3 * wanted.max()
    assert np.abs(nodes - fine).max() > 0.1 * error
    assert np.abs(poles - fine).max() > 0


def test_faint_transmission_has_every_digit():
    # In single precision its elimination at E = 0, where nothing lifts the energy off the axis, was off by 3/4.
    bar = AndersonBar.random(16, 36.0, 7647948831869311983)
    result = window_coherence(bar, 24 * 16.5 / 16**3, rtol=1e-3)
    assert result.transmission == pytest.approx(transmission(bar), rel=1e-6)


def test_transmission_where_refinement_fails_is_in_double_precision(monkeypatch):
    bar, bias = bar_of("critical")
    tried, through = [], refined_transmission._through

    def only_in_double(factor, rtol):
        tried.append(factor.dtype)
        return through(factor, rtol) if factor.dtype == np.complex128 else None

    monkeypatch.setattr(refined_transmission, "_through", only_in_double)
    result = window_coherence(bar, bias, rtol=1e-3)
    assert tried == [np.complex64, np.complex128]
    assert result.transmission == pytest.approx(transmission(bar), rel=1e-5)


def test_tails_of_narrow_poles_share_them_between_the_leads():
    # Vectors to a millionth had shares wrong by 1e-4, of poles whose tails are as small.
    bar = AndersonBar.random((30, 11, 11), 32.59186333496457, 6032)
    bias = 24 * 16.5 / bar.n_sites
    result, exact = window_coherence(bar, bias, rtol=1e-5), without_compression(bar, bias, 1e-6)
    assert result.converged and max(errors_of(result, exact, bias)) < result.relative_error


def test_small_windows_next_to_a_coherent_level_have_their_own_digits():
    # In the smallest there is little but narrow poles, which the nodes do not see, and which the widest can do without:
    # its coherence was off by 8 per cent.
    bar = AndersonBar.random((30, 11, 11), 32.42473541651099, 7007, leads=Leads(t_contact=1.0))
    biases = 12 * 16.5 / bar.n_sites * np.array([0.75, 1.0, 1.25])
    results, exact = window_coherence(bar, biases, rtol=1e-3), without_compression(bar, biases, 1e-5)
    for bias, result, one in zip(biases, results, exact, strict=True):
        assert result.converged and max(errors_of(result, one, bias)) < result.relative_error


def test_poles_that_are_never_exact_do_not_take_more_rounds(monkeypatch):
    # The self-energies of weak contacts vary over a wide window, where poles next to it hardly converge.
    bar = AndersonBar.random((10, 10, 10), 27.449519735820175, 6035, leads=Leads(t_contact=1.0))
    monkeypatch.setattr(by_resonances, "more_compressed_effort", lambda *_: pytest.fail("a second round"))
    result = window_coherence(bar, 0.66, rtol=1e-3)
    exact = without_compression(bar, 0.66, 1e-5)
    assert result.converged and max(errors_of(result, exact, 0.66)) < result.relative_error


def test_more_poles_are_taken_out_of_the_same_samples():
    model = model_of("localized")
    effort = replace(model.effort, radius=1.5 * model.effort.radius, steps=2 * model.effort.steps)
    wider = model.raised(effort)
    assert wider._samples is model._samples
    assert len(wider.poles.positions) > len(model.poles.positions)
    anew, window = model_of("localized", radius=effort.radius, steps=effort.steps), (Measure.interval(-1, 1, 8),)
    coherence, again = (np.linalg.norm(one.driven(window)) ** 2 for one in (wider, anew))
    assert coherence == pytest.approx(again, rel=1e-4)
    np.testing.assert_allclose(wider.far_density("R", window), anew.far_density("R", window), rtol=1e-3)
    assert model.raised(replace(effort, n_nodes=3))._samples is not model._samples


@pytest.mark.parametrize(
    ("n_nodes", "degree", "elevation"),
    [(2, 2, 0.4), (3, 4, 0.2), (3, 4, 0.03), (4, 5, 0.03), (5, 7, 0.03), (7, 11, 0.03)],
)
def test_nodes_above_the_axis_integrate_nearly_as_well_as_on_it(n_nodes, degree, elevation):
    nodes = quadrature_nodes(n_nodes, elevation)
    assert 0.5 * elevation < nodes.imag.min() < 1.5 * elevation
    assert np.all(np.diff(np.abs(nodes.real)) > -1e-9)
    x, w = np.polynomial.legendre.leggauss(12)
    weights = Interpolation(nodes).at(x) @ w
    for power in range(degree + 1):
        assert weights @ nodes**power == pytest.approx((1 - (-1) ** (power + 1)) / (power + 1), abs=1e-10)


def test_several_biases_share_a_model():
    bar, bias = bar_of("critical")
    biases = [bias, -0.5 * bias]
    for one, shared in zip(biases, window_coherence(bar, biases, rtol=1e-3), strict=True):
        alone = window_coherence(bar, one, rtol=1e-3)
        assert shared.converged
        assert shared.coherence == pytest.approx(alone.coherence, rel=2e-3)
        scale = np.abs(alone.density_profile).max()
        np.testing.assert_allclose(shared.density_profile, alone.density_profile, atol=2e-3 * scale)


@pytest.mark.parametrize("rtol", [1e-3, 1e-5])
def test_finite_temperature(rtol, monkeypatch):
    monkeypatch.setattr(by_resonances, "_SMALLEST_COMPRESSED_SLICE", 0)
    bar, bias = bar_of("deep")
    exact = sampled("deep", 0.005, 0.1 * min(rtol, 1e-4))
    result = window_coherence(bar, bias, 0.005, rtol=rtol)
    assert result.converged
    assert max(errors_of(result, exact, bias)) <= rtol


@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
def test_wide_windows_keep_the_cross_terms_of_their_panels(rtol, monkeypatch):
    bar, bias = bar_of("deep")
    exact = window_coherence(bar, 3 * bias, rtol=0.1 * rtol)
    monkeypatch.setattr(by_resonances, "_LEVELS_A_PANEL", 6)
    monkeypatch.setattr(by_resonances, "_SMALLEST_COMPRESSED_SLICE", 0)
    result = window_coherence(bar, 3 * bias, rtol=rtol)
    assert result.converged
    assert result.coherence == pytest.approx(exact.coherence, rel=rtol)


@pytest.mark.parametrize("name", ["critical", "localized"])
def test_poles_are_counted(name):
    bar, bias = bar_of(name)
    narrow = window_poles(bar, bias).widths < bias
    assert window_coherence(bar, bias, rtol=1e-3).levels == np.count_nonzero(narrow)


def test_an_error_that_is_no_number_leaves_the_window_to_the_other_model(monkeypatch):
    exact, (bar, bias) = sampled("critical"), bar_of("critical")
    monkeypatch.setattr(compression.CompressedModel, "error_of_changes", lambda *_: float("nan"))
    result = window_coherence(bar, bias, rtol=1e-3)
    assert result.converged
    assert result.coherence == pytest.approx(exact.coherence, rel=1e-3)
