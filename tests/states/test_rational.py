import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import Polynomial, legendre
from scipy.integrate import quad

from anderson_ness.states.rational import Interpolation, Measure, legendre_pole_integrals

WIDTHS = [1e-1, 1e-3, 1e-8, 1e-16, 1e-100, 1e-300]
PLACES = [0.0, 0.3, -0.97, 1 - 1e-9, 1.0, -1.0, 1 + 1e-9, 1.1, -2.5, 40.0]


def logarithm(place, width, start=-1.0, stop=1.0):
    """Integral of 1 / (x - place + i width), by real functions that know nothing of branches."""
    right, left = stop - place, place - start
    size = np.log(np.hypot(right, width)) - np.log(np.hypot(left, width))
    return size - 1j * (np.arctan2(right, width) + np.arctan2(left, width))


def pole_integral(polynomial, place, width, start=-1.0, stop=1.0):
    """Integral of polynomial(x) / (x - place + i width), by division with remainder."""
    quotient, remainder = divmod(polynomial, Polynomial([-place + 1j * width, 1]))
    primitive = quotient.integ()
    return primitive(stop) - primitive(start) + remainder(0) * logarithm(place, width, start, stop)


def panels(start, stop, count):
    """Nodes and weights of a composite Gauss-Legendre rule."""
    x, w = legendre.leggauss(30)
    edges = np.linspace(start, stop, count + 1)
    half = np.diff(edges)[:, None] / 2
    return ((edges[:-1] + edges[1:])[:, None] / 2 + half * x).ravel(), (half * w).ravel()


def integral(function, start, stop, points=()):
    options = {"points": [p for p in points if start < p < stop] or None, "epsabs": 1e-13, "epsrel": 1e-12}
    parts = [
        quad(lambda x, part=part: part(function(x)), start, stop, limit=500, **options) for part in (np.real, np.imag)
    ]
    return parts[0][0] + 1j * parts[1][0]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("n_nodes", [1, 2, 3, 6, 12])
def test_pole_weights_are_exact_for_polynomials(n_nodes, place, width):
    weights = Measure.interval(-1, 1, n_nodes).pole_weights(np.array([place - 1j * width]))[:, 0]
    nodes = Measure.interval(-1, 1, n_nodes).nodes
    for degree in range(n_nodes):
        polynomial = Polynomial(np.linspace(1, -2, degree + 1))
        scale = np.abs(polynomial.coef).sum() * max(abs(logarithm(place, width)), 0.01)
        expected = pole_integral(polynomial, place, width)
        if place == 40.0:  # division with remainder cancels for a far pole
            expected = integral(lambda x, p=polynomial: p(x) / (x - place + 1j * width), -1, 1)
        assert weights @ polynomial(nodes) == pytest.approx(expected, abs=3e-12 * scale)


@pytest.mark.parametrize("width", [1.0, 1e-1, 1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize("place", [0.0, 0.3, -0.97, 1.0, -1.0, 1.02, -1.7, 3.0])
def test_pole_weights_are_exact_for_smooth_functions(place, width):
    measure = Measure.interval(-1, 1, 20)
    weights = measure.pole_weights(np.array([place - 1j * width]))[:, 0]
    expected = integral(lambda x: np.exp(x) / (x - place + 1j * width), -1, 1, [place])
    assert weights @ np.exp(measure.nodes) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("start", "stop"), [(-1.0, 0.2), (0.3, 0.30001), (-0.5, 0.5)])
@pytest.mark.parametrize("place", [0.0, 0.201, 0.300004, 0.9])
@pytest.mark.parametrize("width", [1e-2, 1e-9, 1e-200])
def test_pole_weights_on_a_part_of_the_window(start, stop, place, width):
    measure = Measure.interval(start, stop, 5)
    weights = measure.pole_weights(np.array([place - 1j * width]))[:, 0]
    polynomial = Polynomial([1.0, -0.5, 2.0, 0.7])
    expected = pole_integral(polynomial, place, width, start, stop)
    assert weights @ polynomial(measure.nodes) == pytest.approx(expected, rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("n", [1, 2, 8, 16, 28])
@pytest.mark.parametrize("ellipse", [1.05, 1.3, 1.7, 2.0, 2.19, 2.21, 5.0, 1e3])
def test_pole_integrals_of_every_order_are_as_good_on_both_sides_of_the_switch(n, ellipse):
    circle = ellipse * np.exp(-1j * np.linspace(0.05, np.pi - 0.05, 7))
    poles = (circle + 1 / circle) / 2
    x, w = panels(-1, 1, 500)
    expected = (legendre.legvander(x, n - 1) * w[:, None]).T @ (1 / (x[:, None] - poles))
    error = np.abs(legendre_pole_integrals(n, poles) - expected)
    # What a smooth integrand sees of order k is damped at least as its Legendre coefficients are.
    assert np.all(error <= 2e-14 * ellipse ** np.arange(n)[:, None] * np.abs(expected[0]))


@pytest.mark.parametrize("place", [-1.0, -0.2, 0.0, 0.5, 1.0])
def test_no_width_is_too_small(place):
    widths = 10.0 ** -np.arange(0, 308, 7)
    weights = Measure.interval(-1, 1, 6).pole_weights(place - 1j * widths)
    assert np.all(np.isfinite(weights))
    inside = 1.0 if abs(place) < 1 else 0.5
    assert weights.sum(axis=0)[-1].imag == pytest.approx(-np.pi * inside, rel=1e-12)


@settings(max_examples=50)
@given(st.floats(-1.5, 1.5), st.floats(-300, 0), st.floats(-0.99, 0.99))
def test_a_measure_is_the_sum_of_its_parts(place, exponent, middle):
    start, stop = -1.0, 1.0
    pole = np.array([place - 1j * 10**exponent])
    polynomial = Polynomial([0.3, 1.0, -2.0])
    parts = [Measure.interval(a, b, 6) for a, b in ((start, middle), (middle, stop), (start, stop))]
    values = [m.pole_weights(pole)[:, 0] @ polynomial(m.nodes) for m in parts]
    scale = 1 + max(abs(value) for value in values)
    assert values[0] + values[1] == pytest.approx(values[2], abs=1e-12 * scale)
    sums = [m.weights @ polynomial(m.nodes) for m in parts]
    assert sums[0] + sums[1] == pytest.approx(sums[2], abs=1e-14)


@pytest.mark.parametrize("n_nodes", [1, 3, 8])
def test_weights_integrate_polynomials_below_twice_the_number_of_nodes(n_nodes):
    measure = Measure.interval(-0.3, 0.8, n_nodes)
    for degree in range(2 * n_nodes):
        expected = (0.8 ** (degree + 1) - (-0.3) ** (degree + 1)) / (degree + 1)
        assert measure.weights @ measure.nodes**degree == pytest.approx(expected, abs=1e-15)


def test_a_point_measure_takes_the_value():
    measure, pole = Measure.point(0.25), np.array([0.2 - 1e-7j, 3.0 - 1j])
    np.testing.assert_allclose(measure.pole_weights(pole)[0], 1 / (0.25 - pole), rtol=1e-15)
    assert measure.weights @ np.cos(measure.nodes) == np.cos(0.25)


@pytest.mark.parametrize("stop", [0.3, 0.2])
def test_an_interval_has_a_length(stop):
    with pytest.raises(ValueError, match="stop must be larger than start"):
        Measure.interval(0.3, stop, 4)


def test_a_very_short_interval_holds_nothing():
    weights = Measure.interval(0.3, np.nextafter(0.3, 1), 4).pole_weights(np.array([0.1 - 0.1j, 2.0 - 1j, 0.9 - 1e-9j]))
    assert np.abs(weights).max() < 1e-14


@pytest.mark.parametrize("place", [-0.4, 0.1, 0.5, 0.63, 1.3])
@pytest.mark.parametrize("width", [1e-1, 1e-2, 1e-4])
def test_a_filling_multiplies_every_integrand(place, width):
    def fermi(x):
        return 1 / (1 + np.exp(3 * (x - 0.2)))

    measure = Measure.interval(-0.4, 0.5, 24, fermi)
    weights = measure.pole_weights(np.array([place - 1j * width]))[:, 0]
    expected = integral(lambda x: fermi(x) * np.cos(x) / (x - place + 1j * width), -0.4, 0.5, [place])
    assert weights @ np.cos(measure.nodes) == pytest.approx(expected, rel=1e-9)
    smooth = integral(lambda x: fermi(x) * np.cos(x), -0.4, 0.5)
    assert measure.weights @ np.cos(measure.nodes) == pytest.approx(smooth, rel=1e-12)


@pytest.mark.parametrize("n_nodes", [1, 2, 5, 9, 14])
@pytest.mark.parametrize("lift", [0.0, 0.05, 0.5])
def test_interpolation_is_exact_for_polynomials(n_nodes, lift):
    nodes = legendre.leggauss(n_nodes)[0] + 1j * lift
    interpolation = Interpolation(nodes)
    x = np.linspace(-1, 1, 11)
    assert interpolation.at(x).shape == (n_nodes, 11)
    for degree in range(n_nodes):
        np.testing.assert_allclose((nodes**degree) @ interpolation.at(x), x**degree, atol=1e-10)
    np.testing.assert_allclose(interpolation.at(nodes), np.eye(n_nodes), atol=1e-10)
