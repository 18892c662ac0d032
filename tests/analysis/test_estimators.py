import numpy as np
import pytest
from scipy import stats
from scipy.special import digamma

from anderson_ness.analysis import estimators

RNG_SEED = 11
REPEATS = 400


def scores(estimator, draw, truth, repeats=REPEATS):
    """(estimate - truth)/error over many independent data sets."""
    rng = np.random.default_rng(RNG_SEED)
    estimates = [estimator(draw(rng)) for _ in range(repeats)]
    return np.array([(estimate.value - truth) / estimate.error for estimate in estimates]).ravel()


def assert_calibrated(score):
    """Standard normal, within what so many scores can tell: three standard errors of their mean and spread."""
    count = len(score)
    assert abs(score.mean()) < 3 / np.sqrt(count) + 0.05
    assert abs(score.std(ddof=1) - 1) < 3 / np.sqrt(2 * count) + 0.05
    within = np.mean(np.abs(score) < 2)
    assert abs(within - 0.9545) < 3 * np.sqrt(0.9545 * 0.0455 / count) + 0.01


def test_small_cases_by_hand():
    assert estimators.mean([1.0, 2.0, 6.0]) == estimators.Estimate(3.0, pytest.approx(np.sqrt(7 / 3)), 3)
    assert estimators.median([1.0, 2.0, 6.0]).value == 2
    typical = estimators.typical([1.0, np.e**2])
    assert (typical.value, typical.error) == (pytest.approx(np.e), pytest.approx(np.e))


def test_errors_of_mean_median_and_typical_value_are_calibrated():
    # A gamma distribution of shape 2: as skewed as coherences of localized samples.
    def draw(rng):
        return rng.gamma(2.0, size=200)

    assert_calibrated(scores(estimators.mean, draw, 2.0))
    assert_calibrated(scores(estimators.typical, draw, np.exp(digamma(2.0))))
    assert_calibrated(scores(estimators.median, draw, stats.gamma.median(2.0)))


def test_the_ratio_of_means_is_not_the_mean_of_ratios():
    def draw(rng):
        below = rng.uniform(0.5, 1.5, 100)
        return np.stack([3 * below**2 + rng.normal(0, 0.1, 100), below], axis=1)

    def ratio(rows):
        return estimators.jackknife(lambda pair: pair[0] / pair[1], rows)

    # <3 u^2>/<u> = 3 (1 + 1/12) for u uniform on (0.5, 1.5); the mean of ratios is 3.
    assert_calibrated(scores(ratio, draw, 3 * (1 + 1 / 12)))


def test_jackknife_of_the_mean_is_the_standard_error_of_the_mean():
    rows = np.random.default_rng(1).normal(size=(50, 3))
    both = estimators.jackknife(lambda mean: mean, rows), estimators.mean_vector(rows)
    np.testing.assert_allclose(both[0].value, both[1].value)
    np.testing.assert_allclose(both[0].covariance, both[1].covariance)
    np.testing.assert_allclose(both[1].covariance, np.cov(rows.T) / 50)
    np.testing.assert_allclose(both[1].error, stats.sem(rows))


def test_independent_groups_add_their_variances():
    rng = np.random.default_rng(2)
    small, large = rng.normal(5, 1, 80), rng.normal(20, 3, 120)
    exponent = estimators.jackknife(lambda a, b: np.log(b / a) / np.log(2), small, large)
    expected = np.hypot(stats.sem(small) / small.mean(), stats.sem(large) / large.mean()) / np.log(2)
    assert exponent.value[0] == pytest.approx(np.log2(large.mean() / small.mean()))
    assert exponent.error[0] == pytest.approx(expected, rel=0.01)


def test_bootstrap_keeps_numbers_of_one_sample_together():
    rng = np.random.default_rng(3)
    common = rng.gamma(1.0, size=300)
    rows = common[:, None] * [0.75, 1.25] + rng.normal(0, 0.05, (300, 2))
    replicas = estimators.bootstrap(lambda mean: mean[1] - mean[0], rows, resamples=2000)
    together = np.std(rows[:, 1] - rows[:, 0], ddof=1) / np.sqrt(300)
    assert replicas.std(ddof=1) == pytest.approx(together, rel=0.06)
    apart = np.sqrt(np.sum(rows.var(axis=0, ddof=1)) / 300)
    assert replicas.std(ddof=1) < 0.5 * apart


def test_bootstrap_and_jackknife_agree_on_a_derived_quantity_of_two_groups():
    rng = np.random.default_rng(4)
    one, other = rng.gamma(3.0, size=(200, 2)), rng.gamma(5.0, size=150)

    def function(mean, number):
        return number * mean[0] / mean[1]

    replicas = estimators.bootstrap(function, one, other, resamples=2000, seed=5)
    assert replicas.shape == (2000,)
    assert replicas.std(ddof=1) == pytest.approx(estimators.jackknife(function, one, other).error[0], rel=0.08)
    np.testing.assert_array_equal(replicas, estimators.bootstrap(function, one, other, resamples=2000, seed=5))


def test_mean_vector_of_incomplete_rows_has_the_covariance_that_repeats_show():
    rng = np.random.default_rng(6)
    mixing = np.array([[1.0, 0, 0], [0.8, 0.6, 0], [0.5, 0.5, 0.7]])
    present = np.ones((60, 3), dtype=bool)
    present[40:, 1] = False
    present[:25, 2] = False
    estimates = []
    for _ in range(3000):
        rows = rng.normal(size=(60, 3)) @ mixing.T
        estimates.append(estimators.mean_vector(np.where(present, rows, np.nan)))
    np.testing.assert_array_equal(estimates[0].samples, [60, 40, 35])
    observed = np.cov(np.array([estimate.value for estimate in estimates]).T)
    promised = np.mean([estimate.covariance for estimate in estimates], axis=0)
    shared = present.T.astype(float) @ present
    exact = mixing @ mixing.T * shared / np.outer(np.diagonal(shared), np.diagonal(shared))
    np.testing.assert_allclose(promised, exact, rtol=0.02)
    np.testing.assert_allclose(observed, exact, rtol=0.12)


def test_columns_without_common_samples_are_independent():
    rows = np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, 5.0], [np.nan, 7.0]])
    estimate = estimators.mean_vector(rows)
    np.testing.assert_allclose(estimate.value, [1.5, 6])
    np.testing.assert_allclose(estimate.covariance, np.diag([0.25, 1.0]))


def test_bootstrap_means_follow_the_samples_that_there_are():
    rng = np.random.default_rng(7)
    rows = rng.normal(size=(100, 2))
    rows[50:, 1] = np.nan
    means = estimators.bootstrap_means(rows, 4000, rng)
    np.testing.assert_allclose(means.mean(axis=0), np.nanmean(rows, axis=0), atol=0.01)
    np.testing.assert_allclose(np.cov(means.T), estimators.mean_vector(rows).covariance, rtol=0.15, atol=0.002)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: estimators.mean([1.0]), "at least two samples"),
        (lambda: estimators.mean([[1.0, 2.0]]), "at least two samples"),
        (lambda: estimators.median([1.0, np.nan]), "values must hold finite real numbers"),
        (lambda: estimators.typical([1.0, 0.0]), "values must be positive"),
        (lambda: estimators.jackknife(lambda m: m, [[[1.0]]]), "groups must have shape"),
        (lambda: estimators.mean_vector([1.0, 2.0]), "rows must have shape"),
        (lambda: estimators.mean_vector([[1.0, np.inf], [2.0, 1.0]]), "hold finite numbers"),
        (lambda: estimators.mean_vector([[1.0, np.nan], [2.0, 1.0]]), "at least two samples in every column"),
    ],
)
def test_bad_arguments_get_one_clear_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
