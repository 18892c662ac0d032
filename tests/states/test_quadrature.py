import numpy as np
import pytest

from anderson_ness.states.quadrature import integrate


def size(array):
    return float(np.abs(array).max())


def integral_of(function, breakpoints, rtol=1e-8, **options):
    return integrate(
        lambda x: [np.atleast_1d(function(x))],
        breakpoints,
        lambda values: [rtol * size(values[0])],
        [size],
        **options,
    )


def lorentzian(centre, width):
    return lambda x: width / ((x - centre) ** 2 + width**2)


def lorentzian_integral(centre, width, a, b):
    return np.arctan((b - centre) / width) - np.arctan((a - centre) / width)


# name: integrand, breakpoints, integral in closed form
KNOWN = {
    "exponential": (np.exp, [0.0, 1.0], np.e - 1),
    "wave": (lambda x: np.cos(40 * x), [0.0, 2.0], np.sin(80) / 40),
    "complex wave": (lambda x: np.exp(7j * x), [-1.0, 2.0], (np.exp(14j) - np.exp(-7j)) / 7j),
    "square root at an end": (np.sqrt, [0.0, 1.0], 2 / 3),
    "inverse square root at an end": (lambda x: x**-0.5, [0.0, 4.0], 4.0),
    "square root at a breakpoint": (lambda x: abs(x) ** 0.5, [-1.0, 0.0, 2.0], (2 / 3) * (1 + 2**1.5)),
    "kink off every breakpoint": (lambda x: abs(x - 0.3), [0.0, 1.0], 0.29),
    "step off every breakpoint": (lambda x: float(x > 1 / 3), [0.0, 1.0], 2 / 3),
    "Lorentzian of width 1e-2": (lorentzian(0.3, 1e-2), [-1.0, 1.0], lorentzian_integral(0.3, 1e-2, -1, 1)),
    "Lorentzian of width 1e-6 at a breakpoint": (
        lorentzian(0.0, 1e-6),
        [-1.0, 0.0, 0.5],
        lorentzian_integral(0.0, 1e-6, -1, 0.5),
    ),
    "Lorentzian of width 1e-6 next to a breakpoint": (
        lorentzian(0.0, 1e-6),
        [-1.0, 1e-7, 0.5],
        lorentzian_integral(0.0, 1e-6, -1, 0.5),
    ),
}


@pytest.mark.parametrize("rtol", [1e-4, 1e-8, 1e-11])
@pytest.mark.parametrize("name", KNOWN)
def test_integral_is_within_its_estimate_and_its_tolerance(name, rtol):
    function, breakpoints, expected = KNOWN[name]
    result = integral_of(function, breakpoints, rtol)
    error = abs(result.values[0][0] - expected)
    assert result.converged
    assert result.errors[0] <= rtol * size(result.values[0])
    assert error <= max(result.errors[0], 1e-15)


@pytest.mark.parametrize("degree", [0, 1, 7, 18, 31])
def test_one_panel_is_exact_for_polynomials_up_to_degree_31(degree):
    result = integral_of(lambda x: x**degree, [0.0, 1.0], 0.5)
    assert result.n_energies == 21
    assert result.values[0][0] == pytest.approx(1 / (degree + 1), rel=1e-14)


def test_each_quantity_meets_a_tolerance_on_its_own_scale():
    def integrand(x):
        return [np.array([1e9 * np.exp(x), 1.0]), np.array([[1e-9 * np.sqrt(x)]])]

    result = integrate(
        integrand, [0.0, 1.0], lambda values: [1e-3 * size(values[0]), 1e-10 * size(values[1])], [size, size]
    )
    assert result.converged
    np.testing.assert_allclose(result.values[0], [1e9 * (np.e - 1), 1.0], rtol=1e-3)
    np.testing.assert_allclose(result.values[1], [[2e-9 / 3]], rtol=1e-10)


def test_breakpoints_are_never_evaluated():
    seen = []
    integral_of(lambda x: seen.append(x) or abs(x) ** 0.5, [-1.0, 0.0, 2.0])
    assert not {-1.0, 0.0, 2.0} & set(seen)
    assert len(seen) == len(set(seen))


def test_evaluations_are_counted():
    seen = []
    result = integral_of(lambda x: seen.append(x) or x**0.5, [0.0, 1.0])
    assert result.n_energies == len(seen) > 21


@pytest.mark.parametrize("max_energies", [21, 50, 105, 400, 1000])
def test_an_exhausted_budget_is_reported_and_not_exceeded(max_energies):
    seen = []
    result = integral_of(lambda x: seen.append(x) or np.sin(1e5 * x), [0.0, 1.0], 1e-10, max_energies=max_energies)
    assert not result.converged
    assert result.errors[0] > 1e-10 * size(result.values[0])
    assert len(seen) == result.n_energies <= max_energies
    assert result.n_energies > max_energies - 42


def test_an_unreachable_tolerance_ends_without_a_promise():
    rng = np.random.default_rng(0)
    result = integral_of(lambda x: rng.standard_normal(), [0.0, 1.0], 1e-13, max_energies=5000)
    assert not result.converged


def test_a_zero_integrand_converges_at_once():
    result = integral_of(lambda x: 0.0, [0.0, 1.0])
    assert result.converged
    assert result.n_energies == 21
    assert result.values[0][0] == 0
