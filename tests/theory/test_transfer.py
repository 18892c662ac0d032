from dataclasses import asdict

import numpy as np
import pytest
from scipy.special import gamma as gamma_function

from anderson_ness.theory.transfer import transfer_runs


def pooled(runs):
    """Mean exponent of equal runs, with the errors that their blocks give."""
    exponents = np.array([run.exponent for run in runs])
    errors = np.array([run.exponent_error for run in runs])
    return exponents.mean(), np.sqrt(np.sum(errors**2)) / len(runs)


def dense_exponent(width, disorder, seed, warmup, slices):
    """The same run by dense transfer matrices, built bond by bond, with a QR step every slice."""
    sites = width**2
    hopping = np.zeros((sites, sites))
    for y, z in np.ndindex(width, width):
        for neighbour in (((y + 1) % width, z), (y, (z + 1) % width)):
            if neighbour != (y, z):
                one, other = y * width + z, neighbour[0] * width + neighbour[1]
                hopping[one, other] = hopping[other, one] = 1
    potential = disorder * (np.random.default_rng(seed).random((warmup + slices, sites)) - 0.5)
    basis, total = np.eye(2 * sites)[:, :sites], 0.0
    for number, onsite in enumerate(potential):
        step = np.block([[-np.diag(onsite) - hopping, -np.eye(sites)], [np.eye(sites), np.zeros((sites, sites))]])
        basis, triangle = np.linalg.qr(step @ basis)
        total += np.log(abs(triangle[-1, -1])) * (number >= warmup)
    return total / slices


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_a_run_is_that_of_dense_transfer_matrices_with_a_qr_step_every_slice(width):
    (run,) = transfer_runs(width, [16.5], [5], slices=330, blocks=5, warmup=55)
    expected = dense_exponent(width, 16.5, 5, run.warmup, run.slices)
    assert run.exponent == pytest.approx(expected, rel=1e-6)


def test_rows_repeat_and_do_not_depend_on_the_batch():
    # 9 bars of width 7 need two batches; of another disorder strength a third.
    strengths = [16.5, 10.0] * 9
    together = transfer_runs(7, strengths, range(18), slices=60, blocks=3, warmup=30)
    alone = [transfer_runs(7, strengths[run : run + 1], [run], slices=60, blocks=3, warmup=30)[0] for run in (0, 1, 16)]
    for run, one in zip((0, 1, 16), alone, strict=True):
        assert asdict(together[run]) == pytest.approx(asdict(one), rel=1e-12)
    assert [row.disorder for row in together] == strengths
    assert [row.seed for row in together] == list(range(18))


@pytest.mark.parametrize("energy", [0.5, 1.3])
def test_a_weakly_disordered_chain_localizes_as_perturbation_theory_says(energy):
    disorder = 1.0
    runs = transfer_runs(1, [disorder] * 400, range(400), slices=4000, energy=energy, warmup=1000, blocks=10)
    value, error = pooled(runs)
    expected = disorder**2 / (24 * (4 - energy**2))
    assert error < 0.02 * expected
    # The next order in the disorder is of relative size disorder^2/100.
    assert value == pytest.approx(expected, abs=3 * error + 0.01 * expected)


def test_the_centre_of_the_chains_band_is_anomalous():
    # Kappus and Wegner, Z. Phys. B 45, 15 (1981): gamma = <V^2> (Gamma(3/4)/Gamma(1/4))^2 = W^2/105.05, not W^2/96.
    disorder = 1.0
    runs = transfer_runs(1, [disorder] * 800, range(800), slices=6000, warmup=1500, blocks=10)
    value, error = pooled(runs)
    expected = disorder**2 / 12 * (gamma_function(0.75) / gamma_function(0.25)) ** 2
    assert expected == pytest.approx(disorder**2 / 105.05, rel=1e-4)
    assert error < 0.015 * expected
    assert abs(value - expected) < 3 * error + 0.005 * expected
    assert abs(value - disorder**2 / 96) > 4 * error


@pytest.mark.parametrize(("width", "edge"), [(1, 2), (2, 4), (3, 6), (4, 6)])
def test_outside_the_clean_band_waves_decay_as_they_must(width, edge):
    # Transverse bands end at 0, 2 (two single bonds) and 4.
    energy = edge + 1.0
    (run,) = transfer_runs(width, [0.0], [1], slices=200, energy=energy, blocks=2)
    assert run.exponent == pytest.approx(np.arccosh((energy - (edge - 2)) / 2), rel=1e-9)
    assert run.exponent_error < 1e-9


def test_inside_the_clean_band_nothing_decays():
    (run,) = transfer_runs(4, [0.0], [1], slices=5000, energy=0.3, blocks=2)
    assert abs(run.exponent) < 1e-2


def test_errors_from_blocks_are_the_spread_of_runs():
    runs = transfer_runs(3, [16.5] * 300, range(300), slices=1000, blocks=20)
    exponents = np.array([run.exponent for run in runs])
    scores = (exponents - exponents.mean()) / np.array([run.exponent_error for run in runs])
    # A block of 50 slices is 20 localization lengths; the spread of 300 scores is known to 4 %.
    assert 0.88 < scores.std(ddof=1) < 1.15
    reduced = np.array([run.reduced_length for run in runs])
    np.testing.assert_allclose(reduced, 1 / (3 * exponents))
    relative = [run.reduced_length_error / run.reduced_length * run.exponent / run.exponent_error for run in runs]
    np.testing.assert_allclose(relative, 1)


def test_the_critical_point_scales_as_in_the_literature():
    # Lambda_c = 0.576 (Slevin and Ohtsuki 1999); sizes this small lie up to 4 % above it.
    for width, bars in ((4, 64), (6, 12)):
        value, error = pooled(transfer_runs(width, [16.54] * bars, range(bars), slices=60_000 // bars, blocks=10))
        reduced, uncertainty = 1 / (width * value), error / (width * value**2)
        assert uncertainty < 0.004
        assert 0.576 - 3 * uncertainty < reduced < 0.600 + 3 * uncertainty


def test_reduced_length_grows_with_width_in_the_metal_and_falls_in_the_insulator():
    def reduced(width, disorder):
        value, error = pooled(transfer_runs(width, [disorder] * 8, range(8), slices=1000, blocks=10))
        return 1 / (width * value), error / (width * value**2)

    for disorder, sign in ((10.0, 1), (25.0, -1)):
        (small, small_error), (large, large_error) = reduced(3, disorder), reduced(6, disorder)
        assert sign * (large - small) > 4 * np.hypot(small_error, large_error)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"width": 0}, "width must be a positive integer"),
        ({"width": 2.5}, "width must be a positive integer"),
        ({"disorder": [-1.0]}, "disorder must hold finite numbers >= 0"),
        ({"disorder": [np.nan]}, "disorder must hold finite numbers >= 0"),
        ({"seeds": [1, 2]}, "one entry a run"),
        ({"slices": 0}, "slices must be positive"),
        ({"blocks": 1}, "blocks must be at least 2"),
        ({"energy": np.inf}, "energy must be a finite number"),
        ({"qr_interval": 0}, "qr_interval must be positive"),
    ],
)
def test_bad_arguments_get_one_clear_sentence(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        transfer_runs(**{"width": 2, "disorder": [5.0], "seeds": [1], "slices": 100} | change)
