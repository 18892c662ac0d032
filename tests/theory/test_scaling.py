import numpy as np
import pytest
from scipy.integrate import dblquad

from anderson_ness.theory import scaling


def exponent(function, at, factor=2.0):
    """Local exponent of a positive function."""
    return float(np.log(function(at * factor) / function(at)) / np.log(factor))


def test_scaling_variables_of_the_paper():
    # Fig. 2(b) is taken at X = 24: at L0 = 8 a bias of 0.773.
    assert scaling.scaled_bias(0.7734375, 8) == pytest.approx(24)
    assert scaling.bias_at(24, [8, 20]) == pytest.approx([0.7734375, 24 * 16.5 / 8000])
    assert scaling.scaled_disorder(16.5, 20) == 0
    assert scaling.scaled_disorder(33.0, 16.0, nu=2.0) == pytest.approx(4.0)
    assert scaling.scaled_disorder(8.0, 16.0, critical=16.0, nu=2.0) == pytest.approx(-2.0)


def test_the_volume_coefficient_is_the_random_circuits():
    # 2 int_L int_R E|G_xy|^2 with E|G_xy|^2 = dn^2 x (1 - y)/L on a chain of length L; a window drives rho |bias|.
    chain, _ = dblquad(lambda y, x: 2 * x * (1 - y), 0, 0.5, 0.5, 1)
    assert chain == pytest.approx(1 / 32)
    assert scaling.volume_law(-0.5, 10.0, 0.08) == pytest.approx(0.08 * 0.5 * 1000 * chain)
    # Measured once at W = 10: rho = 0.084 gives dC/dX = rho W_c/32 = 0.043.
    assert scaling.volume_law(scaling.bias_at(1.0, 12), 12, 0.084) == pytest.approx(0.0433, abs=5e-5)


def test_laws_have_the_exponents_of_the_table():
    laws = {
        "diffusive": lambda length: scaling.volume_law(0.05, length, 0.08),
        "localized": lambda length: scaling.area_law(0.05, length, 3.0),
    }
    for phase, law in laws.items():
        assert exponent(law, 12.0) == pytest.approx(scaling.COHERENCE_EXPONENTS[phase])
    for phase, z in scaling.THOULESS_EXPONENTS.items():
        assert exponent(lambda length, phase=phase: scaling.thouless_energy(length, phase, 2.0), 9.0) == pytest.approx(
            -z
        )
    # Bias over Thouless energy depends on X alone at criticality: that makes X the scaling variable.
    ratio = [scaling.bias_at(24.0, length) / scaling.thouless_energy(length, "critical") for length in (8, 20)]
    assert ratio[0] == pytest.approx(ratio[1])


@pytest.mark.parametrize("b", [0.0, 0.3])
def test_area_law_and_tail_are_one_law(b):
    nu, lengths, disorders = 1.6, np.array([10.0, 20.0, 10.0]), np.array([25.0, 25.0, 30.0])
    xi = scaling.correlation_length(disorders, amplitude=1.3, nu=nu)
    per_x = scaling.area_law(scaling.bias_at(1.0, lengths), lengths, xi, amplitude=0.7, b=b)
    y = scaling.scaled_disorder(disorders, lengths, nu=nu)
    expected = scaling.localized_tail(y, amplitude=0.7 * 16.5 * 1.3 ** (1 + b), nu=nu, b=b)
    np.testing.assert_allclose(per_x, expected)
    assert exponent(lambda length: scaling.area_law(0.1, length, 3.0, b=b), 8.0) == pytest.approx(2 - b)
    assert exponent(lambda xi: scaling.area_law(0.1, 8.0, xi, b=b), 3.0) == pytest.approx(1 + b)


def test_the_tail_belongs_to_the_localized_side():
    with pytest.raises(ValueError, match="must be positive"):
        scaling.localized_tail([1.0, -0.1])


def test_correlation_length_diverges_on_both_sides():
    assert scaling.correlation_length(16.5) == np.inf
    assert scaling.correlation_length(33.0, amplitude=2.0) == pytest.approx(2.0)
    assert scaling.correlation_length(8.25, nu=1.0) == pytest.approx(2.0)


def test_coherence_fields_of_the_three_phases():
    distance = np.array([1.0, 4.0, 8.0, 16.0])
    np.testing.assert_allclose(scaling.coherence_field(distance, "diffusive", 4.0), [1, 1, 0.5, 0.25])
    np.testing.assert_allclose(scaling.coherence_field(distance, "critical"), 1)
    np.testing.assert_allclose(scaling.coherence_field(distance, "localized", 2.0), np.exp(-distance / 2))


@pytest.mark.parametrize("function", [scaling.thouless_energy, scaling.coherence_field])
def test_unknown_phases_are_refused(function):
    with pytest.raises(ValueError, match="phase must be one of 'diffusive', 'critical', 'localized', not 'metal'"):
        function(3.0, "metal")


@pytest.mark.parametrize("bias", [1e-4, 0.0199, 0.0201, 0.3, 5.0])
def test_bias_crossover_is_the_double_integral(bias):
    expected, _ = dblquad(lambda f, e: 1 / (1 + ((e - f) / 2.0) ** 2), 0, bias, 0, bias, epsrel=1e-11, epsabs=0)
    assert scaling.bias_crossover(-bias, thouless=2.0) == pytest.approx(expected, rel=1e-9)


def test_bias_crossover_goes_from_square_to_linear():
    def law(bias):
        return scaling.bias_crossover(bias, thouless=0.1)

    assert exponent(law, 1e-5) == pytest.approx(2, abs=1e-6)
    assert exponent(law, 1e4) == pytest.approx(1, abs=1e-4)
    with pytest.raises(ValueError, match="thouless must be a finite number > 0"):
        scaling.bias_crossover(0.1, thouless=0.0)
