import numpy as np
import pytest
from scipy import stats

from anderson_ness.analysis import fits

X = np.linspace(0, 3, 12)


def correlated(size, rng):
    """A covariance matrix with strong correlations and unequal variances."""
    mixing = rng.normal(size=(size, size)) + 2 * np.eye(size)
    return mixing @ mixing.T / 100


def line(slope, intercept):
    return slope * X + intercept


def test_a_straight_line_is_the_closed_form_of_generalised_least_squares():
    rng = np.random.default_rng(1)
    covariance = correlated(12, rng)
    data = rng.multivariate_normal(line(2.0, -1.0), covariance)
    result = fits.fit(line, data, covariance, {"slope": 1.0, "intercept": 0.0})
    design = np.stack([X, np.ones(12)], axis=1)
    weight = np.linalg.inv(covariance)
    expected = np.linalg.inv(design.T @ weight @ design)
    best = expected @ design.T @ weight @ data
    deviation = data - design @ best
    np.testing.assert_allclose([result.values["slope"], result.values["intercept"]], best, rtol=1e-7)
    np.testing.assert_allclose(result.covariance, expected, rtol=1e-5)
    assert result.chi_square == pytest.approx(deviation @ weight @ deviation)
    assert (result.degrees_of_freedom, result.converged) == (10, True)
    assert result.p_value == pytest.approx(stats.chi2.sf(result.chi_square, 10))
    assert result.reduced_chi_square == pytest.approx(result.chi_square / 10)


def test_errors_and_p_values_are_calibrated_for_correlated_data():
    rng = np.random.default_rng(2)
    covariance = correlated(12, rng)
    results = [
        fits.fit(line, rng.multivariate_normal(line(2.0, -1.0), covariance), covariance, {"slope": 1, "intercept": 0})
        for _ in range(400)
    ]
    score = np.array([(one.values["slope"] - 2) / one.errors["slope"] for one in results])
    assert stats.kstest(score, "norm").pvalue > 0.01
    assert stats.kstest([one.p_value for one in results], "uniform").pvalue > 0.01


def test_errors_do_not_hide_a_bad_fit():
    good = fits.fit(line, line(1, 0), np.full(12, 0.1), {"slope": 0.0, "intercept": 0.0})
    bad = fits.fit(line, line(1, 0) + (X - 1.5) ** 2, np.full(12, 0.1), {"slope": 0.0, "intercept": 0.0})
    assert bad.p_value < 1e-10 < 0.99 < good.p_value
    assert bad.errors["slope"] == pytest.approx(good.errors["slope"], rel=1e-5)


def test_fixed_bound_and_dependent_parameters_and_priors():
    data = line(2.0, 1.0)
    start = {"slope": {"value": 2.0, "vary": False}, "intercept": 0.0}
    fixed = fits.fit(line, data, np.full(12, 0.5), start)
    assert (fixed.names, fixed.errors["slope"], fixed.degrees_of_freedom) == (("intercept",), 0.0, 11)
    assert fixed.errors["intercept"] == pytest.approx(0.5 / np.sqrt(12), rel=1e-5)
    tied = fits.fit(line, data, np.full(12, 0.5), {"slope": 1.0, "intercept": {"expr": "3 - slope"}})
    assert tied.values["intercept"] == pytest.approx(1.0)
    # The line is slope (x - 1) + 3.
    assert tied.errors["slope"] == pytest.approx(0.5 / np.sqrt(np.sum((X - 1) ** 2)))
    assert tied.errors["intercept"] == pytest.approx(tied.errors["slope"])
    prior = fits.fit(line, data, np.full(12, 0.5), start, priors={"intercept": (3.0, 0.1)})
    weights = np.array([12 / 0.25, 1 / 0.01])
    assert prior.values["intercept"] == pytest.approx(weights @ [1.0, 3.0] / weights.sum(), rel=1e-6)
    assert prior.errors["intercept"] == pytest.approx(1 / np.sqrt(weights.sum()), rel=1e-5)
    assert prior.degrees_of_freedom == 12


def test_parameters_that_end_at_a_bound_are_named():
    start = {"slope": {"value": 3.0, "min": 2.5}, "intercept": {"value": 0.0, "min": -5.0}}
    assert fits.fit(line, line(2.0, 1.0), np.full(12, 0.1), start).at_bound == ("slope",)
    assert fits.fit(line, line(3.0, 1.0), np.full(12, 0.1), start).at_bound == ()


def test_parameters_that_data_do_not_determine_have_no_error():
    def degenerate(one, other):
        return (one + other) * X

    result = fits.fit(degenerate, line(1, 0), np.full(12, 0.1), {"one": 0.3, "other": 0.2})
    assert not result.converged
    assert np.isnan(result.errors["one"])


def test_a_parameter_without_effect_does_not_spoil_the_others():
    def with_idle(slope, intercept, idle):
        return line(slope, intercept) + 0 * idle

    plain = fits.fit(line, line(2.0, 1.0), np.full(12, 0.1), {"slope": 1.0, "intercept": 0.0})
    idle = fits.fit(with_idle, line(2.0, 1.0), np.full(12, 0.1), {"slope": 1.0, "intercept": 0.0, "idle": 1.0})
    assert np.isnan(idle.errors["idle"])
    assert idle.errors["slope"] == pytest.approx(plain.errors["slope"])
    assert idle.converged


def test_derived_quantities_carry_the_covariance():
    rng = np.random.default_rng(3)
    result = fits.fit(line, line(2.0, -1.0) + rng.normal(0, 0.1, 12), np.full(12, 0.1), {"slope": 1, "intercept": 0})
    value, error = result.derived(lambda p: -p["intercept"] / p["slope"])
    draws = rng.multivariate_normal([result.values[name] for name in result.names], result.covariance, 20000)
    assert value == pytest.approx(-result.values["intercept"] / result.values["slope"])
    assert error == pytest.approx(np.std(-draws[:, 1] / draws[:, 0]), rel=0.03)


LENGTHS = np.array([8.0, 10, 12, 14, 16, 20])


def test_power_laws_recover_exponents_and_amplitudes_of_groups():
    rng = np.random.default_rng(4)
    length, bias = np.tile(LENGTHS, 3), np.repeat([0.01, 0.02, 0.05], 6)
    group = np.where(bias < 0.03, "b", "a")
    truth = np.where(group == "a", 3.0, 0.5) * length**2.7 * bias**1.1
    score = []
    for _ in range(200):
        relative = 0.05
        data = truth * (1 + relative * rng.normal(size=18))
        result = fits.power_law(data, relative * truth, {"length": length, "bias": bias}, group=group)
        score.append([(result.values[name] - exact) / result.errors[name] for name, exact in EXACT.items()])
    np.testing.assert_allclose(np.mean(score, axis=0), 0, atol=3 / np.sqrt(200))
    np.testing.assert_allclose(np.std(score, axis=0), 1, atol=3 / np.sqrt(400))


EXACT = {"length": 2.7, "bias": 1.1, "log_amplitude_0": np.log(3.0), "log_amplitude_1": np.log(0.5)}


def test_fixed_exponents_are_laws_to_be_tested():
    area = 0.3 * LENGTHS**2
    right = fits.power_law(area, 0.02 * area, {"length": LENGTHS}, fixed={"length": 2})
    wrong = fits.power_law(area, 0.02 * area, {"length": LENGTHS}, fixed={"length": 3})
    assert right.p_value > 0.99
    assert wrong.p_value < 1e-10
    assert right.values["log_amplitude"] == pytest.approx(np.log(0.3), abs=1e-3)


def test_logarithms_of_noisy_means_are_not_biased():
    noisy = 1 + 0.15 * np.random.default_rng(5).normal(size=(80, 500))
    corrected = [fits.log_data(one, np.full(500, 0.15))[0] for one in noisy]
    error = np.std(corrected) / np.sqrt(noisy.size)
    # What is left is of fourth order in the relative error.
    assert abs(np.mean(corrected)) < 3 * error + 3 * 0.15**4
    assert abs(np.log(noisy).mean()) > 10 * error
    np.testing.assert_allclose(np.diagonal(fits.log_data(noisy[0], np.full(500, 0.15))[1]), (0.15 / noisy[0]) ** 2)


def test_local_exponents_of_a_power_law_with_their_covariance():
    rng = np.random.default_rng(6)
    truth = 0.2 * LENGTHS**2.5
    covariance = np.diag((0.01 * truth) ** 2)
    repeats = [
        fits.local_exponents(LENGTHS, rng.multivariate_normal(truth, covariance), covariance) for _ in range(3000)
    ]
    middle, _, promised = repeats[0]
    observed = np.array([exponents for _, exponents, _ in repeats])
    np.testing.assert_allclose(middle, np.sqrt(LENGTHS[1:] * LENGTHS[:-1]))
    np.testing.assert_allclose(observed.mean(axis=0), 2.5, atol=4 * np.sqrt(np.diagonal(promised).max() / 3000))
    np.testing.assert_allclose(np.cov(observed.T), promised, atol=0.12 * promised.max())
    assert np.all(np.diagonal(promised, offset=1) < 0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: fits.whitener([1.0, 0.0], 2), "positive standard errors"),
        (lambda: fits.whitener([1.0, 1.0], 3), r"shape \(3,\) or \(3, 3\)"),
        (lambda: fits.whitener([[1.0, 2.0], [2.0, 1.0]], 2), "positive definite"),
        (lambda: fits.whitener([[1.0, 0.5], [0.2, 1.0]], 2), "symmetric"),
        (lambda: fits.whitener([[0.0, 0.0], [0.0, 1.0]], 2), "positive definite"),
        (lambda: fits.fit(line, np.ones((2, 2)), [1.0], {"slope": 1.0}), "one-dimensional"),
        (lambda: fits.fit(lambda a, b: a + b, [1.0], [1.0], {"a": 1, "b": 1}), "at least as many data"),
        (lambda: fits.power_law([1.0, -1.0], [1.0, 1.0], {}), "value must hold 2 positive numbers"),
        (lambda: fits.power_law([1.0, 1.0], [1.0, 1.0], {"length": [1.0, 0.0]}), "length must hold 2 positive numbers"),
        (
            lambda: fits.power_law([1.0], [1.0], {"length": [1.0]}, fixed={"width": 1}),
            "fixed must name variables, length",
        ),
        (lambda: fits.local_exponents([2.0, 1.0], [1.0, 1.0], [1.0, 1.0]), "length must be ascending"),
    ],
)
def test_bad_arguments_get_one_clear_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
