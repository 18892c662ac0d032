import numpy as np
import pandas as pd
import pytest
from scipy import stats

from anderson_ness.analysis import finite_size, tables
from anderson_ness.analysis.finite_size import Expansion, Points
from anderson_ness.theory import scaling

LENGTH, DISORDER = (grid.ravel() for grid in np.meshgrid([4.0, 6, 8, 10, 12, 16], np.linspace(15, 18, 9)))
# Orders and numbers close to those of the Anderson transition.
PLANTED = {"critical_disorder": 16.54, "nu": 1.57, "b_2": -0.5, "y": -2.2}
COEFFICIENTS = {(0, 0): 0.58, (0, 1): -0.6, (0, 2): 0.3, (0, 3): -0.05, (1, 0): 0.9, (1, 1): 0.4}
EXPANSION = Expansion(relevant=3, irrelevant=1, relevant_field=2, corrections=1)
START = {"critical_disorder": 16.5, "nu": 1.5, "y": -2.0}


def planted(length, disorder, alpha=0.0):
    """The scaling form written out, independently of the module under test."""
    w = np.asarray(disorder) / PLANTED["critical_disorder"] - 1
    relevant = (w + PLANTED["b_2"] * w**2) * length ** (1 / PLANTED["nu"])
    irrelevant = length ** PLANTED["y"]
    return length**alpha * sum(f * irrelevant**j * relevant**i for (j, i), f in COEFFICIENTS.items())


def noisy(rng, error=3e-4, alpha=0.0):
    truth = planted(LENGTH, DISORDER, alpha)
    return Points.of(LENGTH, DISORDER, truth + error * rng.normal(size=truth.size), np.full(truth.size, error))


def assert_calibrated(scores):
    """Standard normal within three standard errors, up to the fit's non-linearity."""
    count = len(scores)
    np.testing.assert_allclose(np.mean(scores, axis=0), 0, atol=3 / np.sqrt(count) + 0.05)
    np.testing.assert_allclose(np.std(scores, axis=0, ddof=1), 1, atol=3 / np.sqrt(2 * count) + 0.05)


@pytest.mark.parametrize("orders", [(3, 1, 2, 0), (2, 0, 1, 0), (4, 2, 3, 1)])
def test_parameters_are_counted_as_in_the_literature(orders):
    n_r, n_i, m_r, m_i = orders
    expansion = Expansion(n_r, n_i, m_r, m_i)
    expected = (n_i + 1) * (n_r + 1) + m_r + m_i + (2 if n_i else 1)
    assert len(expansion.field_names) + len(expansion.coefficient_names(1)) == expected


def test_noiseless_data_return_the_planted_numbers():
    best = finite_size.fit_scaling(Points.of(LENGTH, DISORDER, planted(LENGTH, DISORDER), np.full(54, 1e-6)), EXPANSION)
    for name, value in PLANTED.items():
        assert best.fit.values[name] == pytest.approx(value, rel=1e-4)
    for (j, i), value in COEFFICIENTS.items():
        assert best.fit.values[f"F_{j}{i}"] == pytest.approx(value, rel=1e-3)
    assert best.fit.degrees_of_freedom == 54 - 10
    np.testing.assert_allclose(best.predicted, planted(LENGTH, DISORDER), atol=1e-7)
    # Without their corrections all data lie on the leading function.
    np.testing.assert_allclose(best.corrected, best.scaling_function(best.variable), atol=1e-6)


def test_errors_and_p_values_are_honest_with_an_irrelevant_field():
    rng = np.random.default_rng(1)
    fits = [finite_size.fit_scaling(noisy(rng), EXPANSION, START).fit for _ in range(100)]
    assert all(fit.converged for fit in fits)
    assert_calibrated([[(fit.values[name] - PLANTED[name]) / fit.errors[name] for name in PLANTED] for fit in fits])
    assert stats.kstest([fit.p_value for fit in fits], "uniform").pvalue > 0.01
    assert np.mean([fit.errors["critical_disorder"] for fit in fits]) < 0.03
    assert np.mean([fit.errors["nu"] for fit in fits]) < 0.03


def test_many_starts_find_what_the_right_start_finds():
    rng = np.random.default_rng(2)
    for _ in range(5):
        points = noisy(rng)
        best = finite_size.fit_scaling(points, EXPANSION).fit
        known = finite_size.fit_scaling(points, EXPANSION, PLANTED).fit
        assert best.chi_square <= known.chi_square * (1 + 1e-6)


def test_neglected_corrections_show_in_the_p_value_and_go_with_small_sizes():
    points = noisy(np.random.default_rng(3))
    leading = Expansion(relevant=3, irrelevant=0, relevant_field=2)
    table = finite_size.size_dependence(points, leading, [4, 6, 8, 10])
    assert table.converged.all()
    assert table["data"].tolist() == [54, 45, 36, 27]
    assert (table.degrees_of_freedom == table["data"] - 7).all()
    assert table.p_value.iloc[0] < 1e-10 < 1e-3 < table.p_value.iloc[-1]
    off = np.abs(table.critical_disorder - PLANTED["critical_disorder"])
    assert off.iloc[0] > 0.1
    assert off.iloc[-1] < 0.3 * off.iloc[0]
    assert finite_size.fit_scaling(points, EXPANSION, START).fit.p_value > 0.01


def test_a_planted_alpha_is_found_and_none_is_not():
    rng = np.random.default_rng(4)
    free = Expansion(relevant=3, irrelevant=1, relevant_field=2, corrections=1, free_alpha=True)
    for alpha in (0.0, 0.15):
        fits = [finite_size.fit_scaling(noisy(rng, 1e-4, alpha), free, START).fit for _ in range(30)]
        scores = [(fit.values["alpha"] - alpha) / fit.errors["alpha"] for fit in fits if fit.converged]
        assert len(scores) >= 28
        assert abs(np.mean(scores)) < 3 / np.sqrt(30) + 0.1
        assert 0.6 < np.std(scores) < 1.5
        assert np.median([fit.errors["alpha"] for fit in fits]) < 0.05
    # At alpha = 0.15 the fit without it is not acceptable.
    assert finite_size.fit_scaling(noisy(rng, 1e-4, 0.15), EXPANSION, START).fit.p_value < 1e-6


def test_alpha_of_logarithms_is_a_power_of_the_data():
    length, disorder = LENGTH[LENGTH >= 8], DISORDER[LENGTH >= 8]
    w = disorder / 16.54 - 1
    leading = -0.8 - 0.3 * w * length ** (1 / 1.57)
    free = Expansion(relevant=1, irrelevant=0, relevant_field=1, free_alpha=True, logarithmic=True)
    best = finite_size.fit_scaling(
        Points.of(length, disorder, leading + 0.15 * np.log(length), np.full(length.size, 1e-5)),
        free,
        fixed={"critical_disorder": 16.54},
    )
    assert best.fit.values["alpha"] == pytest.approx(0.15, abs=1e-4)
    assert best.fit.values["nu"] == pytest.approx(1.57, rel=1e-3)
    np.testing.assert_allclose(best.corrected, leading, atol=1e-3)
    np.testing.assert_allclose(best.scaling_function(best.variable), leading, atol=1e-3)


def test_the_parametric_bootstrap_agrees_with_the_covariance_where_the_fit_is_linear():
    best = finite_size.fit_scaling(noisy(np.random.default_rng(5), 1e-4), EXPANSION, START)
    replicas = finite_size.parametric_bootstrap(best, 200)
    assert replicas.failed == 0
    for name in PLANTED:
        assert replicas.error(name) == pytest.approx(best.fit.errors[name], rel=0.2)
        low, high = replicas.interval(name, 0.68)
        assert (high - low) / 2 == pytest.approx(best.fit.errors[name], rel=0.25)
    dof = best.fit.degrees_of_freedom
    assert replicas.chi_square.mean() == pytest.approx(dof, abs=4 * np.sqrt(2 * dof / 200))


def sample_table(rng, samples=60, spread=0.04):
    """Samples at three biases whose fluctuations are mostly common to the biases of a sample."""
    rows = []
    for length, disorder in zip(LENGTH, DISORDER, strict=True):
        common = spread * rng.normal(size=samples)
        for x in (18.0, 24.0, 30.0):
            value = planted(length, disorder) * x / 24 + common + 0.1 * spread * rng.normal(size=samples)
            bias = float(scaling.bias_at(x, length))
            columns = {"length": length, "disorder": disorder, "seed": np.arange(samples), "bias": bias}
            rows.append(pd.DataFrame(columns | {"coherence": value}))
    return tables.with_scaled_bias(pd.concat(rows))


def test_biases_of_the_same_samples_are_fitted_with_their_covariance():
    rng = np.random.default_rng(6)
    length, disorder, x = np.repeat(LENGTH, 3), np.repeat(DISORDER, 3), np.tile([18.0, 24.0, 30.0], 54)
    covariance = 5e-4**2 * np.kron(np.eye(54), np.full((3, 3), 0.95) + 0.05 * np.eye(3))
    honest, naive = [], []
    for _ in range(60):
        value = rng.multivariate_normal(planted(length, disorder) * x / 24, covariance)
        for scores, uncertainty in ((honest, covariance), (naive, np.sqrt(np.diagonal(covariance)))):
            best = finite_size.fit_scaling(Points.of(length, disorder, value, uncertainty, x), EXPANSION, START).fit
            assert len(best.names) == 4 + 3 * 6
            scores.append([(best.values[name] - PLANTED[name]) / best.errors[name] for name in PLANTED])
    assert_calibrated(honest)
    # Taken as independent, three biases that say the same make errors too small by nearly the square root of 3.
    assert np.all(np.std(naive, axis=0) > 1.35)


def test_the_bootstrap_over_samples_agrees_with_the_covariance():
    blocks = tables.blocks(sample_table(np.random.default_rng(7), spread=0.004), across="scaled_bias")
    points = Points.from_blocks(blocks)
    assert points.observable.tolist() == [0, 1, 2] * 54
    values = finite_size.resampled_values(blocks, 100, seed=1)
    np.testing.assert_allclose(values.mean(axis=0), points.value, atol=5 * points.error.max() / np.sqrt(100))
    np.testing.assert_allclose(np.cov(values.T)[:3, :3], points.covariance[:3, :3], rtol=0.6)
    best = finite_size.fit_scaling(points, EXPANSION, START)
    replicas = finite_size.refit(best, values)
    assert replicas.failed == 0
    for name in ("critical_disorder", "nu"):
        assert replicas.error(name) == pytest.approx(best.fit.errors[name], rel=0.35)


def test_corrections_that_are_not_there_leave_no_confident_exponent():
    rng = np.random.default_rng(8)
    truth = Expansion(relevant=3, irrelevant=0, relevant_field=2)
    design = truth.design(PLANTED, noisy(rng))
    value = design @ [0.58, -0.6, 0.3, -0.05]
    fit = finite_size.fit_scaling(
        Points.of(LENGTH, DISORDER, value + 3e-4 * rng.normal(size=54), np.full(54, 3e-4)), EXPANSION
    ).fit
    confident = (
        fit.converged
        and fit.errors["y"] < abs(fit.values["y"]) / 3
        and abs(fit.values["F_10"]) > 3 * fit.errors["F_10"]
    )
    assert not confident


def collapse(nu):
    points = noisy(np.random.default_rng(9))
    big = points.select(points.length >= 8)
    y = scaling.scaled_disorder(big.disorder, big.length, PLANTED["critical_disorder"], nu)
    return finite_size.collapse_quality(y, big.value, np.full(big.value.size, 5e-3), big.length)


def test_collapse_quality_is_about_one_on_one_curve_and_tells_a_wrong_exponent():
    rng = np.random.default_rng(10)
    y = scaling.scaled_disorder(DISORDER, LENGTH)
    quality = [
        finite_size.collapse_quality(y, np.tanh(y) + 0.01 * rng.normal(size=54), np.full(54, 0.01), LENGTH)
        for _ in range(50)
    ]
    assert np.mean(quality) == pytest.approx(1, abs=0.1)
    wrong = scaling.scaled_disorder(DISORDER, LENGTH, nu=0.8)
    assert finite_size.collapse_quality(wrong, np.tanh(y), np.full(54, 0.01), LENGTH) > 5
    assert collapse(1.57) < 0.5 * collapse(1.0)
    assert np.isnan(finite_size.collapse_quality([1, 2, 3], [1, 2, 3], [1, 1, 1], [8, 8, 8]))


def test_selection_keeps_data_with_their_covariance():
    points = Points.from_blocks(
        tables.blocks(sample_table(np.random.default_rng(11), samples=10), across="scaled_bias")
    )
    some = points.select((points.length == 8) & (points.observable > 0))
    assert some.value.size == 18
    assert np.unique(some.observable).tolist() == [0, 1]
    first = np.flatnonzero((points.length == 8) & (points.observable > 0))[:2]
    np.testing.assert_array_equal(some.covariance[:2, :2], points.covariance[np.ix_(first, first)])


ONES = np.ones(4)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: Points.of(ONES, ONES, np.ones(3), ONES), "one shape"),
        (lambda: Points.of(ONES, ONES, ONES, -ONES), "positive standard errors"),
        (lambda: Points.of(ONES, ONES, ONES, np.zeros((4, 4))), "positive definite"),
        (lambda: Expansion(relevant=0), "at least 1"),
        (lambda: Expansion(irrelevant=-1), "irrelevant_field 0"),
        (
            lambda: finite_size.fit_scaling(Points.of(ONES, ONES, ONES, ONES), Expansion()),
            "points must hold at least 12",
        ),
        (lambda: finite_size.fit_scaling(noisy(np.random.default_rng(1)), EXPANSION, {"y": 1.0}), "nu > 0 and y < 0"),
        (lambda: finite_size.collapse_quality(ONES, ONES, 0 * ONES, ONES), "error be positive"),
        (lambda: Points.from_blocks(tables.blocks(leads_mixed())), "blocks must be of one kind of leads"),
    ],
)
def test_bad_arguments_get_one_clear_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def leads_mixed():
    table = sample_table(np.random.default_rng(1), samples=5)
    return pd.concat([table.assign(t_contact=1.0), table.assign(t_contact=3.0)])
