import numpy as np
import pytest
from scipy.integrate import quad

from anderson_ness.theory import diffusion

LENGTH = 20.0
X = np.linspace(0, LENGTH, 41)
MODELS = {
    "diffusive": (diffusion.diffusive, {}, diffusion.diffusive_profile(X, LENGTH)),
    "critical": (diffusion.critical, {"x_c": 1.7}, diffusion.critical_profile(X, LENGTH, 1.7)),
    "localized": (
        diffusion.localized,
        {"xi": 1.0, "a": 0.25},  # the paper's xi/L0 = 0.05
        diffusion.localized_profile(X, LENGTH, diffusion.step_width(LENGTH, 1.0, 0.25)),
    ),
}


def of_length(model, **parameters):
    return lambda x: model(x, LENGTH, **parameters)


@pytest.mark.parametrize("name", MODELS)
def test_closed_forms_solve_the_diffusion_equation(name):
    model, parameters, closed = MODELS[name]
    function = of_length(model, **parameters)
    np.testing.assert_allclose(diffusion.density_profile(X, LENGTH, function), closed, atol=1e-10)
    np.testing.assert_allclose(diffusion.boundary_value_profile(X, LENGTH, function), closed, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_profiles_run_from_plus_one_to_minus_one_and_are_odd(name):
    *_, closed = MODELS[name]
    np.testing.assert_allclose(closed[[0, -1]], [1, -1], atol=1e-12)
    np.testing.assert_allclose(closed, -closed[::-1], atol=1e-12)
    assert np.all(np.diff(closed) < 1e-15)


def test_an_asymmetric_bar_by_quadrature_and_as_a_boundary_value_problem():
    def function(x):
        return np.exp(np.sin(x) - 0.3 * x)

    position = np.array([3.3, 0.1, 17.0, 3.3])
    whole = quad(lambda s: 1 / function(s), 0, LENGTH, limit=200)[0]
    expected = [1 - 2 * quad(lambda s: 1 / function(s), 0, x, limit=200)[0] / whole for x in position]
    np.testing.assert_allclose(diffusion.density_profile(position, LENGTH, function), expected, rtol=1e-9)
    np.testing.assert_allclose(diffusion.boundary_value_profile(position, LENGTH, function), expected, atol=1e-6)


def test_limits_of_the_models():
    # Ends much farther than x_c: 1 - 4 (x/L)^2; x_c much beyond the bar: diffusive.
    left = X[X <= LENGTH / 2]
    np.testing.assert_allclose(diffusion.critical_profile(left, LENGTH, 1e-9), 1 - 4 * (left / LENGTH) ** 2, atol=1e-9)
    np.testing.assert_allclose(diffusion.critical_profile(X, LENGTH, 1e9), diffusion.diffusive_profile(X, LENGTH))
    np.testing.assert_allclose(
        diffusion.localized_profile(X, LENGTH, 1e6), diffusion.diffusive_profile(X, LENGTH), atol=1e-9
    )


def test_step_width_follows_its_two_lengths():
    assert diffusion.step_width(16.0, 1.0, 0.25) == pytest.approx(2.0)
    assert diffusion.step_width(5.0, 5.0, 0.4) == pytest.approx(5.0)
    np.testing.assert_allclose(np.diff(np.log(diffusion.step_width([10, 20, 40], 2.0, 0.3))), 0.3 * np.log(2))


def test_steps_too_sharp_for_the_exponential_of_the_distance():
    # exp(-L^2/(4 w^2)) = 1e-174: 1/D itself would still do, its square not.
    width = 0.5
    function = of_length(diffusion.localized, xi=width, a=0.0)
    np.testing.assert_allclose(
        diffusion.density_profile(X, LENGTH, function), diffusion.localized_profile(X, LENGTH, width), atol=1e-9
    )


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: diffusion.diffusive_profile(21.0, 20.0), "x must lie between 0 and length"),
        (lambda: diffusion.diffusive_profile(np.nan, 20.0), "x must lie between 0 and length"),
        (lambda: diffusion.diffusive_profile(0.0, 0.0), "length must be a finite number > 0"),
        (lambda: diffusion.critical_profile(1.0, 20.0, -1.0), "x_c must be a finite number > 0"),
        (lambda: diffusion.localized_profile(1.0, 20.0, 0.0), "width must be a finite number > 0"),
        (lambda: diffusion.density_profile(1.0, 20.0, lambda x: x - 10), "diffusion must be positive"),
    ],
)
def test_bad_arguments_get_one_clear_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_the_slowed_profile_is_the_critical_one_by_its_contrast():
    np.testing.assert_allclose(
        diffusion.slowed_profile(X, LENGTH, LENGTH / 2 / 1.7), diffusion.critical_profile(X, LENGTH, 1.7), atol=1e-14
    )
    np.testing.assert_allclose(
        diffusion.slowed_profile(X, LENGTH, 0.0), diffusion.diffusive_profile(X, LENGTH), atol=1e-14
    )
    # Faster in the middle: the same equation with D = 1/(1 + s 2 x_B/L), s = -1/2.
    expected = diffusion.density_profile(X, LENGTH, lambda x: 1 / (1 - np.minimum(x, LENGTH - x) / LENGTH))
    np.testing.assert_allclose(diffusion.slowed_profile(X, LENGTH, -0.5), expected, atol=1e-10)
    with pytest.raises(ValueError, match="slowing"):
        diffusion.slowed_profile(X, LENGTH, -1.0)
