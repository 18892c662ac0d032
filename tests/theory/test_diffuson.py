import numpy as np
import pytest

from anderson_ness.theory import diffuson, energy_window, scaling


@pytest.mark.parametrize("frequency", [0.0, 0.3])
@pytest.mark.parametrize("extrapolation", [-0.4, 0.0, 0.7])
@pytest.mark.parametrize(("shape", "source"), [((6, 4, 4), (2, 1, 3)), ((5, 2, 2), (0, 1, 0)), ((7, 1, 1), (6, 0, 0))])
def test_finite_differences_agree_with_the_fourier_solution(shape, source, extrapolation, frequency):
    sparse = diffuson.propagator(shape, source, extrapolation, frequency)
    every = diffuson.propagator_by_modes(*shape[:2], extrapolation, frequency)
    expected = np.roll(every[source[0]], source[1:], axis=(1, 2))
    np.testing.assert_allclose(sparse, expected, atol=1e-13)


def test_what_is_put_in_flows_into_the_leads():
    response = diffuson.propagator((6, 3, 3), (1, 0, 2), 0.25, diffusion=lambda r: 1 / (1 + r))
    corners = np.indices((6, 3, 3))
    around = [np.minimum(np.abs(corners[i] - x), 3 - np.abs(corners[i] - x)) for i, x in ((1, 0), (2, 2))]
    distance = np.sqrt((corners[0] - 1) ** 2 + around[0] ** 2 + around[1] ** 2)
    flow = sum((response / (1 + distance) / 0.75)[end].sum() for end in (0, -1))
    assert flow == pytest.approx(1, rel=1e-12)


def test_the_responses_of_the_paper_near_the_source():
    # S8 and S10: 1/(4 pi r) for constant D, and -log(r)/(4 pi) for D = 1/r, up to a smooth function.
    distance = np.arange(2, 6)
    along = 6, 6, 6 + distance
    constant = diffuson.propagator((13, 13, 13), (6, 6, 6), 0.0)[along]
    critical = diffuson.propagator((13, 13, 13), (6, 6, 6), 0.0, diffusion=lambda r: 1 / r)[along]
    slope = np.diff(constant)[:2] / np.diff(1 / (4 * np.pi * distance))[:2]
    np.testing.assert_allclose(slope, 1, atol=0.25)
    logarithmic = np.diff(critical)[:2] / np.diff(-np.log(distance) / (4 * np.pi))[:2]
    np.testing.assert_allclose(logarithmic, 1, atol=0.25)


def test_a_single_mode_of_the_field_is_its_sum_over_the_cross_section():
    kernel = diffuson.at_difference(0.1)
    field = diffuson.coherence_field(6, 4, 0.2, kernel)
    assert field[:3, 3:].sum() == pytest.approx(diffuson.between_halves(6, 0.2, kernel), rel=1e-12)
    assert np.allclose(field, field.transpose(1, 0, 2, 3)) and np.allclose(field, field[::-1, ::-1])


def test_the_field_at_two_energies_from_its_definition():
    # Y_w(x, r) conj Y_w(y, r) summed over r, and the local term, by matrices of a chain.
    length, extrapolation, w = 7, 0.3, 0.2
    Y = diffuson.propagator_by_modes(length, 1, extrapolation, w)[:, :, 0, 0]
    n = diffuson.profile(length, extrapolation)
    squares = (n[:, None] ** 2 + n**2) / 2
    expected = ((n[1] - n[0]) ** 2 * Y @ Y.conj().T + squares * Y).real
    field = diffuson.coherence_field(length, 1, extrapolation, diffuson.at_difference(w))[:, :, 0, 0]
    np.testing.assert_allclose(field, expected, rtol=1e-12)


def test_both_limits_of_the_coherence_of_long_bars():
    length = 200
    assert diffuson.between_halves(length, 0.0, diffuson.at_difference(0.0)) / length**3 == pytest.approx(1 / 96, 1e-3)
    wide = 1e4
    found = diffuson.between_halves(length, 0.0, diffuson.in_window(wide))
    assert found == pytest.approx(np.pi * wide * length / 16, rel=1e-3)
    # A narrow window holds bias^2 times the field at one energy.
    narrow = diffuson.between_halves(length, 0.0, diffuson.in_window(1e-8)) / 1e-16
    assert narrow == pytest.approx(diffuson.between_halves(length, 0.0, diffuson.at_difference(0.0)), rel=1e-6)


RHO = 0.085


def test_a_wide_window_holds_the_volume_law_whatever_the_ends():
    length, bias = 24, 1e5
    law = scaling.volume_law(bias, length, RHO)
    assert diffuson.halves_coherence(bias, length, RHO, 6.0, 0.0) == pytest.approx(law, rel=0.01)
    # The local part is local. The circuit's x (1 - y) reaches from end to end, of which the bar has its own sites.
    for extrapolation in (-0.4, 2.0):
        through = length + 2 * extrapolation
        longer = (through**2 - 4 * extrapolation**2) ** 2 / (through**3 * length)
        for local in (True, False):
            found = diffuson.halves_coherence(bias, length, RHO, 6.0, extrapolation, local)
            assert found == pytest.approx(law * longer, rel=0.01)


def test_a_narrow_window_is_quadratic_in_the_bias():
    found = diffuson.halves_coherence([1e-7, 1e-6], 20, RHO, 6.0, -0.4)
    assert found[1] / found[0] == pytest.approx(100, rel=1e-6)
    # A third more than the gradient produces, in a long bar.
    one = diffuson.halves_coherence(1e-8, 100, RHO, 6.0, 0.0)
    assert one / diffuson.halves_coherence(1e-8, 100, RHO, 6.0, 0.0, local=False) == pytest.approx(4 / 3, rel=1e-3)


def test_without_ends_and_the_local_part_the_coherence_is_that_of_the_gradient():
    bias, length, transmission = np.geomspace(1e-4, 1, 7), 60, 15.0
    found = diffuson.halves_coherence(bias, length, RHO, transmission, 0.0, local=False)
    expected = energy_window.diffusive_coherence(bias, length, RHO, transmission)
    np.testing.assert_allclose(found, expected, rtol=2e-3)


def test_sizes_biases_and_transmissions_are_broadcast():
    found = diffuson.halves_coherence([[0.1], [0.2]], [8, 10, 12], RHO, [2.0, 2.5, 3.0], -0.4)
    assert found.shape == (2, 3)
    assert found[1, 2] == diffuson.halves_coherence(0.2, 12, RHO, 3.0, -0.4)
    assert diffuson.halves_coherence(0.0, 8, RHO, 2.0, -0.4) == 0
    # D is what Ohm's law makes of the transmission.
    D = diffuson.diffusion_constant(8, RHO, 2.0, -0.4)
    assert 2 * np.pi * RHO * D * 64 / (8 - 0.8) == pytest.approx(2.0)


def test_the_window_is_the_integral_over_its_differences():
    rates, bias = np.array([0.1, 2.0]), 0.7
    difference = np.linspace(0, bias, 20001)
    for rate, value in zip(rates, diffuson.in_window(bias)(rates), strict=True):
        integrand = (bias - difference) * diffuson.at_difference(1.0)(rate) * (rate**2 + 1) / (rate**2 + difference**2)
        assert value == pytest.approx(2 * np.trapezoid(integrand, difference), rel=1e-6)


def test_a_wide_window_has_the_field_of_the_random_circuit():
    # x (1 - y)/L of a chain, for dn = 1 between ends half a site beyond the bar.
    length = 9
    field = diffuson.coherence_field(length, 1, 0.0, diffuson.in_window(1e9))[:, :, 0, 0] / (4e9 * np.pi)
    x = (np.arange(length) + 0.5) / length
    expected = np.minimum.outer(x, x) * (1 - np.maximum.outer(x, x)) / length
    off = ~np.eye(length, dtype=bool)
    np.testing.assert_allclose(field[off], expected[off], rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: diffuson.modes(5, -0.5), "extrapolation must be"),
        (lambda: diffuson.halves_coherence(0.1, 8, 0.0, 2.0, 0.0), "must be positive"),
        (lambda: diffuson.halves_coherence(0.1, 8, 0.1, [2.0, 0.0], 0.0), "must be positive"),
        (lambda: diffuson.halves_coherence(0.1, 8, 0.1, 2.0, -0.5), "extrapolation must be"),
        (lambda: diffuson.propagator((3, 3, 3), (3, 0, 0), 0.0), "source must be a site"),
        (lambda: diffuson.propagator((3, 3, 3), (0, 0), 0.0), "source must be a site"),
    ],
)
def test_bad_arguments_get_one_clear_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
