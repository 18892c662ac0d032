import numpy as np
import pytest
from scipy.integrate import quad

from anderson_ness.theory import energy_window, scaling
from anderson_ness.theory.energy_window import half_density, thouless_ratio, whole_density, window_share


def green(x, z, w):
    """(-d^2/dx^2 - i w)^-1 on the unit interval with absorbing ends, in closed form."""
    k = np.sqrt(1j * w)
    near, far = np.minimum(x, z), np.maximum(x, z)
    return np.sin(k * near) * np.sin(k * (1 - far)) / (k * np.sin(k))


def field_of_halves(w, points=120):
    """int dz Y_w(x, z) conj(Y_w(y, z)) over x in the left and y in the right half, by Gauss-Legendre sums."""
    nodes, weights = np.polynomial.legendre.leggauss(points // 2)
    x, y = (nodes + 1) / 4, (nodes + 3) / 4
    z = np.concatenate([x, y])
    into_left, into_right = (weights / 4 @ green(end[:, None], z, w) for end in (x, y))
    return float(np.sum(np.concatenate([weights, weights]) / 4 * into_left * into_right.conj()).real)


def test_the_share_is_the_window_of_the_two_energy_correlation():
    total = 2 * quad(field_of_halves, 1e-9, np.inf, epsrel=1e-6, limit=200)[0]
    assert total == pytest.approx(2 * np.pi / 128, rel=1e-3)
    for ratio in (0.5, 15.0, 120.0):
        inside = 2 * quad(lambda w, u=ratio: field_of_halves(w) * (1 - w / u), 1e-9, ratio, epsrel=1e-6)[0]
        assert window_share(ratio) == pytest.approx(inside / total, rel=2e-3)


def test_the_share_grows_from_a_linear_start_to_one():
    ratio = np.geomspace(1e-6, 1e6, 200)
    share = window_share(ratio)
    assert np.all(np.diff(share) > 0)
    assert np.all((share > 0) & (share < 1))
    assert share[0] / ratio[0] == pytest.approx(0.0398, rel=1e-3)
    assert (1 - window_share(1e4)) * 1e4 == pytest.approx(14, rel=0.02)
    assert window_share(0.0) == 0


def test_without_a_fit_the_coherence_tends_to_the_volume_law():
    bias, length, rho, transmission = 0.3, np.array([16.0, 400.0]), 0.084, np.array([4.0, 100.0])
    coherence = energy_window.diffusive_coherence(bias, length, rho, transmission)
    law = scaling.volume_law(bias, length, rho)
    assert coherence[0] / law[0] == pytest.approx(window_share(2 * np.pi * rho * bias * 16**3 / 4.0))
    assert coherence[1] / law[1] == pytest.approx(1, abs=1e-3)
    assert thouless_ratio(-bias, 16, rho, 4.0) == thouless_ratio(bias, 16, rho, 4.0)


def test_densities_are_those_of_the_circuit_in_a_wide_window_and_add_up_in_any():
    x = np.linspace(0, 1, 41)
    np.testing.assert_allclose(whole_density(x), x * (1 - x), atol=1e-5)
    np.testing.assert_allclose(half_density(x[20:]), (1 - x[20:]) / 4, atol=1e-5)
    for ratio in (1.0, 50.0, np.inf):
        share = 1.0 if np.isinf(ratio) else window_share(ratio)
        right = quad(lambda at, u=ratio: float(half_density(at, u)), 0.5, 1)[0]
        assert 32 * right == pytest.approx(share, rel=1e-3)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: window_share(-1.0), "ratio must be >= 0"),
        (lambda: half_density(1.2), "x must lie between 0 and 1"),
        (lambda: whole_density(0.5, 0.0), "ratio must be positive"),
        (lambda: thouless_ratio(0.1, 8, 0.0, 1.0), "density_of_states and transmission must be positive"),
    ],
)
def test_bad_arguments_get_one_clear_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
