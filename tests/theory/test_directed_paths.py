import numpy as np
import pytest

from anderson_ness.theory.directed_paths import SIMULATED_EXPONENT, log_tunnelling


def brute_force(potential, energy):
    """Sum over paths, one by one: forward, and at most one step sideways in each slice."""
    distance, edge, _ = potential.shape
    locator = 1 / (energy - potential)
    amplitude = np.zeros((edge, edge))

    def walk(x, y, z, weight):
        if x == distance:
            amplitude[y, z] += weight
            return
        here = weight * locator[x, y, z]
        walk(x + 1, y, z, here)
        for dy, dz in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            aside = (y + dy) % edge, (z + dz) % edge
            walk(x + 1, *aside, here * locator[x, *aside])

    walk(0, 0, 0, 1.0)
    return np.log(np.sum(amplitude**2))


def test_the_recursion_sums_every_path_once():
    edge, distance, disorder = 5, 4, 12.0
    potential = disorder * (np.random.default_rng(3).random((distance, 1, edge, edge))[:, 0] - 0.5)
    logs = log_tunnelling(disorder, distance, edge, 1, seed=3, energy=0.2)
    assert logs.shape == (distance, 1)
    for x in range(1, distance + 1):
        assert logs[x - 1, 0] == pytest.approx(brute_force(potential[:x], 0.2), abs=1e-10)


def test_a_single_column_is_a_straight_path_of_independent_locators():
    # Edge 1: every sideways step returns to the same site, so that a slice's factor is D (1 + 4 D).
    logs = log_tunnelling(40.0, 60, 1, 3000, seed=1)
    spread = logs.std(axis=1)
    assert np.log(spread[59] / spread[14]) / np.log(4) == pytest.approx(0.5, abs=0.03)


def test_long_paths_fluctuate_with_the_exponent_of_directed_polymers_and_short_ones_more_strongly():
    logs = log_tunnelling(45.0, 64, 24, 1000, seed=2)
    spread = logs.std(axis=1)
    error = np.sqrt(2 / 2000) / np.log(4)
    assert np.log(spread[63] / spread[15]) / np.log(4) == pytest.approx(SIMULATED_EXPONENT, abs=3 * error + 0.02)
    assert np.log(spread[7] / spread[1]) / np.log(4) > 0.35
    # The mean falls linearly: a localization length.
    assert np.all(np.diff(logs.mean(axis=1)) < 0)


def test_seeds_make_media():
    one, same, other = (log_tunnelling(30.0, 3, 4, 2, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.any(one == other)


@pytest.mark.parametrize(
    ("arguments", "sentence"), [((0.0, 3, 4, 2, 1), "disorder must be"), ((3.0, 3, 0, 2, 1), "at least 1")]
)
def test_bad_arguments_get_one_clear_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        log_tunnelling(*arguments)
