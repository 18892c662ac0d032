import numpy as np
import pytest

from anderson_ness.theory.levels import density_of_states, level_density


def test_densities_are_those_of_scattering_states():
    # From the states of bars between leads, two digits.
    for disorder, expected in ((10.0, 0.084), (16.5, 0.057), (21.0, 0.045)):
        value, error = density_of_states(disorder)
        assert error < 0.03 * value
        assert value == pytest.approx(expected, abs=3 * error + 1e-3)


def test_strong_disorder_spreads_the_levels_over_the_box():
    value, error = density_of_states(100.0, length=6, half_width=5.0)
    assert value == pytest.approx(0.01, abs=3 * error + 1e-4)


def test_all_levels_are_counted():
    value, error = density_of_states(1.0, length=3, samples=2, half_width=10.0)
    assert value == pytest.approx(1 / 20)
    assert error == 0


def test_a_smooth_curve_goes_through_the_densities():
    curve = level_density([8.0, 12.0, 16.5, 25.0, 36.0], samples=8)
    scores = (curve(curve.disorder) - curve.density) / curve.error
    assert np.abs(scores).max() < 3
    assert np.all(np.diff(curve(np.linspace(8, 36, 20))) < 0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: density_of_states(0.0), "must be positive"),
        (lambda: density_of_states(8.0, length=2), "at least 3"),
        (lambda: level_density([8.0, 10.0]), "more than 2"),
    ],
)
def test_bad_arguments_get_one_clear_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
