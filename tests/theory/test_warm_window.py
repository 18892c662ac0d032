import numpy as np
import pytest
from scipy.integrate import quad

from anderson_ness.theory.warm_window import driven_levels, occupation_difference, thermal_share


def test_a_cold_window_is_a_box_and_a_warm_one_tends_to_it():
    energies = np.array([-1.2, -0.9, 0.0, 0.9, 1.2])
    np.testing.assert_array_equal(occupation_difference(energies, 2.0), [0, 0.5, 0.5, 0.5, 0])
    np.testing.assert_array_equal(occupation_difference(energies, -2.0), [0, -0.5, -0.5, -0.5, 0])
    warm = occupation_difference(energies, 2.0, 1e-3)
    np.testing.assert_allclose(warm, occupation_difference(energies, 2.0), atol=1e-40)


def test_occupations_are_differences_of_fermi_functions():
    def fermi(energy):
        return 1 / (np.exp(energy / 0.3) + 1)

    energies = np.linspace(-3, 3, 13)
    expected = (fermi(energies - 0.7) - fermi(energies + 0.7)) / 2
    np.testing.assert_allclose(occupation_difference(energies, 1.4, 0.3), expected, atol=1e-15)


@pytest.mark.parametrize("temperature", [1e-3, 0.05, 0.5, 3.0, 80.0, 500.0])
def test_the_share_is_the_integral(temperature):
    bias, reach = 1.5, 0.75 + 40 * temperature
    points = [-0.75, 0.75] if temperature < 1 else None
    value, _ = quad(
        lambda E: (2 * occupation_difference(E, bias, temperature)) ** 2, -reach, reach, points=points, limit=400
    )
    assert thermal_share(bias, temperature) == pytest.approx(value / bias, rel=1e-6)


def test_limits_of_the_share():
    assert thermal_share(2.0, 0.0) == 1
    assert thermal_share(-2.0, 0.02) == pytest.approx(1 - 2 * 0.02 / 2, rel=1e-9)
    assert thermal_share(2.0, 1e6) == pytest.approx(2 / 6e6)
    # Both branches meet.
    below, above = thermal_share(2.0, np.array([1 / (1e-2 * (1 - 1e-9)), 1 / (1e-2 * (1 + 1e-9))]))
    assert below == pytest.approx(above, rel=1e-7)


def test_driven_levels_count_those_in_the_window():
    levels = [-2.0, -0.5, 0.1, 0.6, 3.0]
    assert driven_levels(levels, 1.5) == 3
    dense = np.linspace(-30, 30, 60_001)
    assert driven_levels(dense, 1.5, 0.4) / 1000 == pytest.approx(1.5 * thermal_share(1.5, 0.4), rel=1e-4)
