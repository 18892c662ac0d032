from functools import cache

import numpy as np
import pandas as pd
import pytest
from planted_transition import CRITICAL, NU, density, sample_table

from anderson_ness.analysis import transition
from anderson_ness.analysis.finite_size import Points, fit_scaling, relative_covariances
from anderson_ness.analysis.tables import Block
from anderson_ness.theory import scaling


@cache
def points_of(quantity, by_level=True, alpha=0.0, samples=200):
    blocks = transition.transition_blocks(
        sample_table(samples=samples, alpha=alpha), quantity, density if by_level else None
    )
    return Points.logarithms(blocks)


def test_blocks_are_the_samples_own_numbers():
    table = sample_table(samples=10, sizes=(8,), disorders=(16.5, 21.0))
    at = table.pivot(index=["disorder", "seed"], columns="bias", values="coherence")
    low, centre, high = (at[bias].to_numpy().reshape(2, 10) for bias in at.columns)
    slopes = transition.transition_blocks(table, "slope")
    np.testing.assert_allclose([block.values[:, 0] for block in slopes], (high - low) / 12)
    plain = transition.transition_blocks(table, "coherence")
    np.testing.assert_allclose([block.values[:, 0] for block in plain], centre)
    # At W = 21 equally many levels need a larger bias: the parabola through three points, written as numpy does.
    wide = transition.transition_blocks(table, "coherence", density)
    x = 24 * density(16.5) / density(21.0)
    expected = [np.polyval(np.polyfit([18, 24, 30], c, 2), x) for c in zip(low[1], centre[1], high[1], strict=True)]
    assert 24 < x <= 30.6
    np.testing.assert_allclose(wide[1].values[:, 0], expected, rtol=1e-2)
    np.testing.assert_allclose(wide[0].values[:, 0], centre[0])
    per_level = transition.transition_blocks(table, "slope", density)
    np.testing.assert_allclose(per_level[1].values, slopes[1].values * x / 24)


def test_points_with_few_or_incomplete_samples_are_left_out():
    table = sample_table(samples=10, sizes=(8, 10), disorders=(16.5,))
    some = table[~((table["length"] == 10) & (table["seed"] < 3) & (table["bias"] == table["bias"].max()))]
    lacking = some[~((some["length"] == 8) & (some["seed"] < 3) & np.isclose(some["bias"], 24 * 16.5 / 512))]
    assert [block.point["length"] for block in transition.transition_blocks(lacking)] == [10]
    assert len(transition.transition_blocks(lacking, fewest=7)) == 2


@pytest.mark.parametrize("quantity", ["coherence", "slope"])
def test_planted_numbers_are_found_in_units_of_the_level_spacing(quantity):
    points = transition.near(points_of(quantity))
    assert points.disorder.min() == 13
    assert points.disorder.max() == 21
    one = transition.best_variant(points)
    result = one.fit(points).fit
    assert one == transition.Variant(8.0)
    assert result.values["critical_disorder"] == pytest.approx(CRITICAL, abs=3 * result.errors["critical_disorder"])
    assert result.values["nu"] == pytest.approx(NU, abs=3 * result.errors["nu"])
    assert result.errors["nu"] < 0.25
    # In the paper's X the density of states makes a factor that no function of Y can be: nu comes out too large.
    paper = transition.Variant(8.0).fit(transition.near(points_of(quantity, by_level=False))).fit
    assert paper.values["nu"] > NU + 3 * paper.errors["nu"]
    assert paper.chi_square > result.chi_square


def test_alpha_is_told_from_none():
    for alpha in (0.0, 0.3):
        points = transition.near(points_of("coherence", alpha=alpha))
        held = {"critical_disorder": CRITICAL, "nu": NU}
        fit = transition.Variant(8.0).fit(points, free_alpha=True, fixed=held).fit
        assert fit.values["alpha"] == pytest.approx(alpha, abs=3 * fit.errors["alpha"])
        assert fit.errors["alpha"] < 0.02
        assert fit.errors["critical_disorder"] == fit.errors["nu"] == 0


def test_variants_go_from_plain_to_corrected():
    points = transition.near(points_of("coherence"))
    table = transition.compare_variants(points)
    assert table["smallest_length"].tolist() == [8, 10, 12, 14, 8, 8]
    assert table["correction"].tolist()[-2:] == [-1.0, -2.5]
    assert np.isnan(table["correction"][:4]).all()
    assert table["data"][0] == 6 * 8
    # A planted correction to scaling sends the choice to larger sizes or to the corrected fits.
    off = Points.of(points.length, points.disorder, points.value + 30 / points.length**2.5, points.covariance)
    assert transition.best_variant(off) != transition.Variant(8.0)
    with pytest.raises(ValueError, match="three sizes"):
        transition.best_variant(points.select(points.length < 12))


def test_the_collapse_tells_the_scaling_variable_from_others():
    points = points_of("slope").select(points_of("slope").disorder > 8)
    good = transition.paper_collapse(points, 8, NU, CRITICAL).fit
    assert good.p_value > 1e-3
    for nu, critical in ((0.7, CRITICAL), (1e3, CRITICAL), (NU, 15.0)):
        assert transition.paper_collapse(points, 8, nu, critical).fit.p_value < 1e-6
    assert good.names == tuple(f"F_0{i}" for i in range(9))


def test_the_tail_has_the_planted_power():
    length, disorder = np.repeat([8.0, 12, 20], 4), np.tile([19.0, 25, 30, 36], 3)
    y = scaling.scaled_disorder(disorder, length)
    error = np.full(12, 0.02)
    value = np.log(0.02) - 1.3 * np.log(y) + error * np.random.default_rng(3).normal(size=12)
    points = Points.of(length, disorder, value, error)
    fit = transition.tail(points)
    assert fit.degrees_of_freedom == np.sum(y >= 1.5) - 2
    assert fit.values["exponent"] == pytest.approx(1.3, abs=3 * fit.errors["exponent"])
    assert transition.tail(points, exponent=1.57).p_value < 1e-3


def test_more_samples_are_forecast_to_give_smaller_errors():
    blocks = transition.transition_blocks(sample_table(samples=50), "coherence", density)
    near = [block for block in blocks if 13 <= block.point["disorder"] <= 21]
    best = transition.Variant(8.0).fit(Points.logarithms(near))
    places = {(block.point["length"], block.point["disorder"]): 50 for block in near}
    same = transition.forecast(best, near, places)
    more = transition.forecast(best, near, {place: 450 for place in places} | {(8.0, 99.0): 3})
    held = transition.Variant(8.0).fit(Points.logarithms(near), fixed={"critical_disorder": CRITICAL, "nu": NU})
    assert transition.forecast(held, near, places)["nu"] == pytest.approx(same["nu"], rel=0.2)
    for name in ("critical_disorder", "nu"):
        assert same[name] == pytest.approx(best.fit.errors[name], rel=0.25)
        assert more[name] == pytest.approx(same[name] / 3, rel=0.05)


def block(values, disorder=16.5, length=8.0, across=(24.0,)):
    rows = np.asarray(values, dtype=float).reshape(-1, len(across))
    none = np.zeros(len(across), dtype=int)
    point = {"length": length, "disorder": disorder}
    return Block(point, np.array(across), rows, np.arange(len(rows)), none, none)


def test_relative_spreads_are_shared_among_few_samples_and_own_among_many():
    rng = np.random.default_rng(4)
    few = [block(3 + rng.normal(size=8), length=length) for length in range(40)]
    relative = np.array([8 * matrix[0, 0] for matrix in relative_covariances(few)])
    own = np.array([one.values.var(ddof=1) / one.values.mean() ** 2 for one in few])
    assert relative.std() < 0.3 * own.std()
    assert relative.mean() == pytest.approx(1 / 9, rel=0.15)
    many = [block(3 + scale * rng.normal(size=4000), length=scale) for scale in (0.5, 1.0)]
    for matrix, scale in zip(relative_covariances(many), (0.5, 1.0), strict=True):
        assert 4000 * matrix[0, 0] == pytest.approx(scale**2 / 9, rel=0.1)
    for lacking in ([1.0], [1.0, np.nan, 2.0]):
        with pytest.raises(ValueError, match="at least two samples"):
            relative_covariances([block(lacking)])


def test_columns_of_one_sample_keep_their_correlation():
    rng = np.random.default_rng(5)
    common = 1 + 0.3 * rng.normal(size=(3000, 1))
    rows = common + 0.1 * rng.normal(size=(3000, 2))
    (matrix,) = relative_covariances([block(rows, across=(18.0, 24.0))])
    np.testing.assert_allclose(matrix, np.array([[0.1, 0.09], [0.09, 0.1]]) / 3000, rtol=0.1)
    # Other columns are another kind of spread.
    alone, _ = relative_covariances([block(rows[:8], across=(18.0, 24.0)), block(10 * rng.random(8), length=10.0)])
    np.testing.assert_allclose(alone, np.cov((rows[:8] / rows[:8].mean(axis=0)).T) / 8, rtol=1e-9)


def test_logarithms_of_few_skewed_samples_are_fitted_without_the_bias_of_their_weights():
    rng = np.random.default_rng(6)
    found = {"logarithms": [], "means": []}
    for _ in range(40):
        blocks = [block(rng.gamma(2, 0.5, size=8), length=length) for length in range(30)]
        for name, points in (("logarithms", Points.logarithms(blocks)), ("means", Points.from_blocks(blocks))):
            weights = 1 / points.error**2
            mean = weights @ points.value / weights.sum()
            found[name].append(np.exp(mean) if name == "logarithms" else mean)
    assert np.mean(found["logarithms"]) == pytest.approx(1, abs=0.02)
    assert np.mean(found["means"]) < 0.9
    with pytest.raises(ValueError, match="positive means"):
        Points.logarithms([block([-1.0, -2.0])])


def test_a_fixed_parameter_stays_and_has_no_error():
    points = transition.near(points_of("coherence"))
    held = fit_scaling(points, transition.EXPANSION, fixed={"nu": 1.3})
    assert held.fit.values["nu"] == 1.3
    assert held.fit.errors["nu"] == 0
    assert held.fit.degrees_of_freedom == points.value.size - 5
    free = fit_scaling(points, transition.EXPANSION)
    assert held.fit.chi_square >= free.fit.chi_square
    same = fit_scaling(points, transition.EXPANSION, fixed={"nu": free.fit.values["nu"]})
    assert same.fit.chi_square == pytest.approx(free.fit.chi_square, rel=1e-6)
    assert same.fit.values["critical_disorder"] == pytest.approx(free.fit.values["critical_disorder"], rel=1e-4)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: transition.transition_blocks(sample_table(8), "spread"), "'coherence' or 'slope'"),
        (lambda: transition.transition_blocks(sample_table(8).assign(bias=1.0)), "X = 18, 24 and 30"),
        (lambda: fit_scaling(points_of("slope"), transition.EXPANSION, fixed={"y": -1.0}), "fixed must name"),
        (lambda: transition.transition_blocks(two_leads()), "one kind of leads"),
    ],
)
def test_bad_arguments_get_one_clear_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def two_leads():
    table = sample_table(8, sizes=(8,), disorders=(16.5,))
    return pd.concat([table.assign(t_contact=1.0), table.assign(t_contact=3.0)])
