import numpy as np
import pandas as pd
import pytest
from scipy import stats

from anderson_ness.analysis import profiles
from anderson_ness.theory import diffusion


def samples(length, mean_profile, count, rng, spread=0.4):
    """Densities and weights whose ratio of means is a given profile; both fluctuate together from sample to sample."""
    weight = rng.gamma(20.0, size=(count, length)) / 20
    common = rng.normal(size=(count, 1)) * spread / 2 + rng.normal(size=(count, length)) * spread / 2
    return weight * mean_profile + (common + rng.normal(size=(count, length)) * spread / 2) * 0.5, weight


def slices(length):
    return np.arange(length) + 0.5


def test_the_profile_is_the_ratio_of_means_with_its_covariance():
    rng = np.random.default_rng(1)
    truth = diffusion.diffusive_profile(slices(8), 8)
    measured = [profiles.profile(*samples(8, truth, 60, rng)) for _ in range(1500)]
    values = np.array([one.value for one in measured])
    promised = np.mean([one.covariance for one in measured], axis=0)
    np.testing.assert_allclose(values.mean(axis=0), truth, atol=4 * np.sqrt(promised.max() / 1500) + 1e-3)
    np.testing.assert_allclose(np.cov(values.T), promised, atol=0.12 * promised.max())
    np.testing.assert_allclose(measured[0].x, slices(8))
    assert (measured[0].length, measured[0].samples) == (8, 60)


def test_both_averages_are_what_they_say():
    density, weight = np.array([[1.0, -2.0], [3.0, -1.0]]), np.array([[2.0, 2.0], [4.0, 2.0]])
    np.testing.assert_allclose(profiles.profile(density, weight).value, [4 / 6, -3 / 4])
    ratios = profiles.profile(density, weight, average="mean of ratios")
    np.testing.assert_allclose(ratios.value, [(0.5 + 0.75) / 2, (-1 - 0.5) / 2])
    np.testing.assert_allclose(ratios.error, [0.125, 0.25])


def test_the_odd_part_is_folded_with_its_covariance():
    covariance = np.array([[1.0, 0.1, 0.2], [0.1, 2.0, 0.3], [0.2, 0.3, 3.0]])
    measured = profiles.Profile(slices(3), np.array([0.9, 0.1, -0.5]), covariance, 3, 50)
    odd = measured.odd()
    np.testing.assert_allclose(odd.value, [0.7])
    np.testing.assert_allclose(odd.covariance, [[(1 + 3 - 2 * 0.2) / 4]])
    np.testing.assert_allclose(odd.x, [0.5])


CASES = {
    "diffusive": ({}, lambda x, length: diffusion.diffusive_profile(x, length)),
    "critical": ({"x_c": 2.0}, lambda x, length: diffusion.critical_profile(x, length, 2.0)),
    "slowed": ({"slowing": 1.5}, lambda x, length: diffusion.slowed_profile(x, length, 1.5)),
    "localized": ({"width": 5.0}, lambda x, length: diffusion.localized_profile(x, length, 5.0)),
}


@pytest.mark.parametrize("gap", [0.8, -0.35])
@pytest.mark.parametrize("model", CASES)
def test_fits_of_the_three_models_are_calibrated(model, gap):
    parameters, shape = CASES[model]
    length = 16
    truth = shape(slices(length) + gap, length + 2 * gap)
    rng = np.random.default_rng(2)
    results = [
        profiles.fit_profile(profiles.profile(*samples(length, truth, 400, rng, spread=0.05)), model) for _ in range(60)
    ]
    assert all(one.converged and not one.at_bound for one in results)
    for name, exact in (parameters | {"extrapolation": gap}).items():
        score = np.array([(one.values[name] - exact) / one.errors[name] for one in results])
        assert abs(score.mean()) < 3 / np.sqrt(60)
        assert abs(score.std() - 1) < 3 / np.sqrt(120)
    assert stats.kstest([one.p_value for one in results], "uniform").pvalue > 0.01


def test_the_wrong_model_is_told_by_its_p_value():
    rng = np.random.default_rng(3)
    truth = diffusion.localized_profile(slices(16), 16, 4.0)
    measured = profiles.profile(*samples(16, truth, 400, rng))
    assert profiles.fit_profile(measured, "localized", extrapolate=False).p_value > 0.01
    assert profiles.fit_profile(measured, "diffusive").p_value < 1e-6
    fixed = profiles.fit_profile(measured, "diffusive", extrapolate=False)
    assert (fixed.names, fixed.converged, fixed.degrees_of_freedom) == ((), True, 8)
    assert fixed.p_value < 1e-6


def test_step_widths_of_several_lengths_give_xi_and_a():
    rng = np.random.default_rng(4)
    xi, a, gap, lengths = 2.5, 0.25, -0.3, (12, 16, 20, 24)
    scores = []
    for _ in range(40):
        measured = []
        for length in lengths:
            width = diffusion.step_width(length, xi, a)
            truth = diffusion.localized_profile(slices(length) + gap, length + 2 * gap, width)
            measured.append(profiles.profile(*samples(length, truth, 300, rng, spread=0.1)))
        joint = profiles.fit_localized(measured)
        exact = {"xi": xi, "a": a, "extrapolation": gap}
        scores.append([(joint.values[name] - value) / joint.errors[name] for name, value in exact.items()])
    np.testing.assert_allclose(np.mean(scores, axis=0), 0, atol=3 / np.sqrt(40))
    np.testing.assert_allclose(np.std(scores, axis=0), 1, atol=3 / np.sqrt(80))
    single = [profiles.fit_profile(one, "localized") for one in measured]
    widths, errors = zip(*[(one.values["width"], one.errors["width"]) for one in single], strict=True)
    growth, derived = profiles.step_growth(lengths, widths, errors)
    assert growth.p_value > 0.001
    for name in ("xi", "a"):
        assert derived[name][0] == pytest.approx(joint.values[name], abs=0.5 * joint.errors[name])
        assert derived[name][1] == pytest.approx(joint.errors[name], rel=0.25)


def test_places_of_sharp_steps():
    place = np.array([3, 8, 13])
    density = np.where(np.arange(16) < place[:, None], 1.0, -1.0)
    np.testing.assert_allclose(profiles.step_places(2 * density, np.full((3, 16), 2.0)), place - 8)


def test_profiles_come_from_rows_of_a_table():
    rows = {"density_profile": [np.float32([1, -1]), np.float32([2, -2])], "spectral_weight": [[1.0, 2.0], [3.0, 4.0]]}
    density, weight = profiles.profile_arrays(pd.DataFrame(rows))
    np.testing.assert_array_equal(density, [[1, -1], [2, -2]])
    np.testing.assert_array_equal(weight, [[1, 2], [3, 4]])
    with pytest.raises(ValueError, match="in every row"):
        profiles.profile_arrays(pd.DataFrame(rows | {"spectral_weight": [[1.0, 2.0], None]}))
    with pytest.raises(ValueError, match="rows have equal lengths"):
        profiles.profile_arrays(pd.DataFrame(rows | {"density_profile": [[1.0, 2.0], [1.0]]}))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: profiles.profile(np.ones((3, 4)), np.ones((3, 5))), "one shape"),
        (lambda: profiles.profile(np.ones((3, 4)), np.zeros((3, 4))), "weight must be positive"),
        (lambda: profiles.profile(np.ones((3, 4)), np.ones((3, 4)), average="median"), "average must be one of"),
        (lambda: profiles.fit_localized([profiles.Profile(slices(8), slices(8), np.eye(8), 8, 99)]), "two lengths"),
        (
            lambda: profiles.fit_profile(profiles.Profile(slices(8), slices(8), np.eye(8), 8, 6), "critical"),
            "more samples",
        ),
        (
            lambda: profiles.fit_profile(profiles.Profile(slices(8), slices(8), np.eye(8), 8, 99), "metal"),
            "model must be",
        ),
    ],
)
def test_bad_arguments_get_one_clear_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_a_step_far_from_the_ends_still_has_a_width_with_an_error():
    truth = diffusion.localized_profile(slices(24), 24, 1.5)
    measured = profiles.profile(*samples(24, truth, 400, np.random.default_rng(5), spread=0.05))
    free, fixed = (profiles.fit_profile(measured, "localized", extrapolate=one) for one in (True, False))
    assert not free.errors["extrapolation"] < 24
    assert free.values["width"] == pytest.approx(1.5, abs=4 * free.errors["width"])
    assert free.errors["width"] == pytest.approx(fixed.errors["width"], rel=0.05)


def test_one_length_for_the_critical_profiles_of_several_sizes():
    rng = np.random.default_rng(6)
    x_c, gap, scores = 1.5, -0.3, []
    for _ in range(40):
        measured = [
            profiles.profile(*samples(n, diffusion.critical_profile(slices(n) + gap, n + 2 * gap, x_c), 200, rng, 0.05))
            for n in (10, 14, 18)
        ]
        joint = profiles.fit_critical(measured)
        scores.append([(joint.values[k] - v) / joint.errors[k] for k, v in (("x_c", x_c), ("extrapolation", gap))])
    np.testing.assert_allclose(np.mean(scores, axis=0), 0, atol=3 / np.sqrt(40) + 0.1)
    np.testing.assert_allclose(np.std(scores, axis=0), 1, atol=3 / np.sqrt(80))
    x = np.array([0.0, 0.5, 5.0])
    curve = profiles.curve(x, 10, "critical", joint)
    assert curve[:2] == pytest.approx([1, 1 - 0.1], abs=0.1)
    assert curve[2] == pytest.approx(0, abs=1e-12)


def test_slices_next_to_the_leads_may_be_left_out():
    rng = np.random.default_rng(7)
    truth = diffusion.localized_profile(slices(12), 12, 3.0)
    truth[[0, -1]] = 0.2, -0.2
    measured = profiles.profile(*samples(12, truth, 300, rng, spread=0.05))
    np.testing.assert_allclose(measured.odd(1).x, slices(12)[1:6])
    assert profiles.fit_profile(measured, "localized", skip=1).p_value > 0.01
    assert profiles.fit_profile(measured, "localized").p_value < 1e-6


def test_the_extrapolation_length_is_that_of_the_line_through_the_inner_slices():
    rng = np.random.default_rng(8)
    scores = []
    for _ in range(40):
        some = []
        for length in (8, 12):
            truth = diffusion.diffusive_profile(slices(length) + 0.3, length + 0.6)
            truth[[0, -1]] = 0.95, -0.95  # slices at strong contacts
            some.append(profiles.profile(*samples(length, truth, 40, rng, spread=0.1)))
        found = profiles.extrapolation_length(some)
        scores.append((found.value - 0.3) / found.error)
    assert found.samples == 80
    assert abs(np.mean(scores)) < 0.6 and 0.6 < np.std(scores) < 1.4
    # With all slices the line is none, which the error says.
    bent = profiles.extrapolation_length(some, skip=0)
    assert bent.value < 0 and bent.error > 3 * profiles.fit_profile(some[0], "diffusive").errors["extrapolation"]
    # A line that reaches 1 far inside the bar, as a slow middle makes it, is cut off.
    steep = np.clip(2 * diffusion.diffusive_profile(slices(8), 8), -1, 1)
    assert profiles.extrapolation_length([profiles.profile(*samples(8, steep, 40, rng, spread=0.1))]).value == -0.49


def test_profiles_of_a_table_by_length_where_there_are_enough_samples():
    rng = np.random.default_rng(8)
    rows = []
    for length, disorder, bias_factor, count in ((4, 10.0, 1, 8), (6, 10.0, 1, 9), (4, 10.0, 2, 9), (8, 20.0, 1, 9)):
        density, weight = samples(length, diffusion.diffusive_profile(slices(length), length), count, rng)
        for i in range(count):
            bias = bias_factor * 24 * 16.5 / length**3
            rows.append((length, disorder, i, bias, density[i], weight[i]))
    columns = ("length", "disorder", "seed", "bias", "density_profile", "spectral_weight")
    table = pd.DataFrame(rows, columns=columns)
    found = profiles.profiles_at(table, 10.0)
    assert [(one.length, one.samples) for one in found] == [(4, 8)]
    assert [one.samples for one in profiles.profiles_at(table, 10.0, centre=48.0)] == [9]
    assert profiles.profiles_at(table, 30.0) == []


def test_the_spread_of_places_has_its_error():
    rng = np.random.default_rng(9)
    found = [profiles.place_spread(rng.normal(scale=0.7, size=200)) for _ in range(200)]
    values = np.array([one.value for one in found])
    assert values.mean() == pytest.approx(0.7, abs=0.01)
    assert np.mean([one.error for one in found]) == pytest.approx(values.std(), rel=0.15)


def test_a_model_error_keeps_slices_of_tiny_errors_from_deciding():
    rng = np.random.default_rng(10)
    truth = diffusion.localized_profile(slices(12), 12, 2.0)
    density, weight = samples(12, truth, 300, rng, spread=0.05)
    density[:, [0, -1]] = weight[:, [0, -1]] * (np.array([0.999, -0.999]) + 1e-6 * rng.normal(size=(300, 2)))
    measured = profiles.profile(density, weight)
    assert profiles.fit_profile(measured, "localized", extrapolate=False).p_value < 1e-6
    tolerant = profiles.fit_profile(measured, "localized", extrapolate=False, model_error=0.003)
    assert tolerant.p_value > 0.01
    assert tolerant.values["width"] == pytest.approx(2.0, abs=4 * tolerant.errors["width"])
