import numpy as np
import pandas as pd
import pytest

from anderson_ness.analysis.localized import (
    area_law_exponents,
    bulk_localization_length,
    coherence_exponent,
    localized_means,
)
from anderson_ness.theory import scaling

DISORDERS = np.array([25.0, 30.0, 36.0])
XI = {25.0: (3.4, 0.1), 30.0: (2.2, 0.05), 36.0: (1.6, 0.03)}
LENGTH, DISORDER, BIAS = (grid.ravel() for grid in np.meshgrid([8.0, 10, 12, 16, 20, 24, 32], DISORDERS, [0.05, 0.165]))
# Two biases of the same samples: neighbours in these arrays, correlated by 0.8.
CORRELATION = np.kron(np.eye(21), np.array([[1.0, 0.8], [0.8, 1.0]]))


def data(rng, b=0.25, relative=0.04, s=1.0):
    """Means with a common power law, their covariance, and localization lengths known within errors."""
    xi = {one: (value + error * rng.normal(), error) for one, (value, error) in XI.items()}
    true_xi = np.array([XI[one][0] for one in DISORDER])
    truth = scaling.area_law(1.0, LENGTH, true_xi, amplitude=0.02, b=b) * BIAS**s
    covariance = relative**2 * CORRELATION * np.outer(truth, truth)
    return rng.multivariate_normal(truth, covariance), covariance, xi


def scores(exact, repeats=60, **options):
    rng = np.random.default_rng(1)
    result = []
    for _ in range(repeats):
        value, covariance, xi = data(rng, s=exact.get("bias_exponent", 1.0))
        known = xi if options.get("with_xi") else None
        rest = {name: option for name, option in options.items() if name != "with_xi"}
        fit = coherence_exponent(LENGTH, DISORDER, BIAS, value, covariance, known, **rest)
        assert fit.converged
        result.append([(fit.values[name] - truth) / fit.errors[name] for name, truth in exact.items()])
    return np.array(result)


@pytest.mark.parametrize(
    ("exact", "options"),
    [
        ({"b": 0.25, "length_exponent": 1.75}, {}),
        ({"b": 0.25, "bias_exponent": 1.1}, {"free_bias": True}),
        ({"b": 0.25, "xi_exponent": 1.25}, {"with_xi": True}),
        ({"xi_exponent": 1.25, "length_exponent": 1.75}, {"with_xi": True, "constrained": False}),
    ],
)
def test_the_exponent_b_is_recovered_with_honest_errors(exact, options):
    score = scores(exact, **options)
    np.testing.assert_allclose(score.mean(axis=0), 0, atol=3 / np.sqrt(60) + 0.1)
    np.testing.assert_allclose(score.std(axis=0), 1, atol=3 / np.sqrt(120) + 0.1)


def test_errors_of_localization_lengths_count():
    value, covariance, xi = data(np.random.default_rng(2))
    sharp = {one: (length, 1e-6) for one, (length, _) in xi.items()}
    known = coherence_exponent(LENGTH, DISORDER, BIAS, value, covariance, sharp, constrained=False)
    unsure = coherence_exponent(LENGTH, DISORDER, BIAS, value, covariance, xi, constrained=False)
    assert unsure.errors["xi_exponent"] > 1.3 * known.errors["xi_exponent"]
    assert unsure.degrees_of_freedom == known.degrees_of_freedom == 42 - 3
    separate = coherence_exponent(LENGTH, DISORDER, BIAS, value, covariance)
    assert separate.degrees_of_freedom == 42 - 4


def test_bars_wider_than_xi_give_the_bulk_localization_length():
    rng = np.random.default_rng(3)
    width = np.array([6.0, 8, 10, 12])
    truth = 1 / 7.6 + 2.0 / width
    fits = [bulk_localization_length(width, truth + 2e-3 * rng.normal(size=4), np.full(4, 2e-3)) for _ in range(100)]
    score = np.array([(1 / fit.values["xi"] - 1 / 7.6) / (fit.errors["xi"] / fit.values["xi"] ** 2) for fit in fits])
    assert abs(score.mean()) < 0.3
    assert 0.78 < score.std() < 1.22
    assert fits[0].degrees_of_freedom == 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"length": -LENGTH}, "must hold 42 positive numbers"),
        ({"bias": BIAS[:-1]}, "must hold 42 positive numbers"),
        ({"value": 0 * LENGTH}, "value must hold 42 positive numbers"),
        ({"xi": {25.0: (3.4, 0.1)}}, "xi must hold a localization length for W = 30, 36"),
        ({"xi": XI | {25.0: (3.4, 0.0)}}, "positive lengths with positive errors"),
    ],
)
def test_bad_arguments_get_one_clear_sentence(change, sentence):
    arguments = {"length": LENGTH, "disorder": DISORDER, "bias": BIAS, "value": LENGTH, "uncertainty": LENGTH / 100}
    with pytest.raises(ValueError, match=sentence):
        coherence_exponent(**arguments | change)


def deep_table(samples=40, b=0.2, lengths=(8, 10, 12, 20), seed=5):
    """Samples at three windows, of which the widest is missing at the largest size, as in the ensemble."""
    rng = np.random.default_rng(seed)
    rows = []
    for disorder in (16.5, 25.0, 30.0):
        for length in lengths:
            for number in range(samples):
                common = rng.gamma(4, 0.25)
                for bias in (3e-3 * 16.5, 3e-2 * 16.5, float(scaling.bias_at(24.0, length)), 0.123):
                    if bias == 3e-2 * 16.5 and length == 20:
                        continue
                    value = 0.3 / disorder * bias * length ** (2 - b) * common * rng.gamma(50, 0.02)
                    rows.append((length, disorder, number, bias, value))
    return pd.DataFrame(rows, columns=["length", "disorder", "seed", "bias", "coherence"]).drop_duplicates(
        ["length", "disorder", "seed", "bias"]
    )


def test_means_of_the_windows_keep_their_correlation():
    means = localized_means(deep_table())
    data = means.data
    assert sorted(data["disorder"].unique()) == [25, 30]
    assert set(data["window"]) == {"X = 24", "0.003", "0.03"}
    # At L0 = 20 the narrow window and X = 24 are the same bias.
    assert len(data) == 2 * (3 * 3 + 1)
    assert (data["samples"] == 40).all()
    np.testing.assert_allclose(np.sqrt(np.diagonal(means.covariance)), data["error"])
    same = (data["length"] == 8) & (data["disorder"] == 25)
    block = means.select(same)
    correlation = block.covariance / np.outer(block.data["error"], block.data["error"])
    assert np.all(correlation[np.triu_indices(3, 1)] > 0.8)
    # A mean takes what its window has, unless too few samples have all windows: then the window goes.
    table = deep_table()
    wide = np.isclose(table["bias"], 3e-2 * 16.5) & (table["length"] == 8)
    some = localized_means(table[~(wide & (table["seed"] < 10))])
    own = some.data[(some.data["length"] == 8) & (some.data["disorder"] == 25)]
    assert dict(zip(own["window"], own["samples"], strict=True)) == {"0.003": 40, "0.03": 30, "X = 24": 40}
    for window in ("0.003", "X = 24"):
        rows = (data["window"] == window) & same
        assert own[own["window"] == window]["value"].tolist() == data[rows]["value"].tolist()
    np.linalg.cholesky(some.covariance)
    fewer = localized_means(table[~(wide & (table["seed"] < 35))]).data
    assert set(fewer[fewer["length"] == 8]["window"]) == {"X = 24", "0.003"}
    assert set(fewer["samples"]) == {40}
    # Samples spread by about a half: eight of them leave errors of 10 to 25 %.
    assert len(localized_means(deep_table(samples=8), largest_error=0.4).data) == len(data)
    assert localized_means(deep_table(samples=8), largest_error=0.08).data.empty
    assert localized_means(deep_table(samples=8), largest_error=0.08).covariance.size == 0
    other = data["length"] == 10
    assert not means.covariance[np.ix_(same, other)].any()


def test_means_over_samples_that_differ_by_window_have_honest_errors():
    # Of 40 samples every window lacks other ones; the spread of the means over ensembles is what the errors say.
    values, errors, correlations = [], [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        table = deep_table(lengths=(8,), seed=seed)
        found = localized_means(table[rng.random(len(table)) < 0.85])
        here = found.select(found.data["disorder"] == 30)
        np.linalg.cholesky(here.covariance)
        values.append(np.log(here.data["value"]))
        errors.append(here.data["error"] / here.data["value"])
        correlations.append(here.covariance[0, 1] / np.sqrt(here.covariance[0, 0] * here.covariance[1, 1]))
    np.testing.assert_allclose(np.std(values, axis=0), np.mean(errors, axis=0), rtol=0.3)
    assert np.corrcoef(np.transpose(values)[:2])[0, 1] == pytest.approx(np.mean(correlations), abs=0.25)


def test_b_comes_out_by_the_smallest_size_kept():
    table = area_law_exponents(localized_means(deep_table(samples=200)))
    assert table["smallest_length"].tolist() == [8, 10]
    assert table["b"][0] == pytest.approx(0.2, abs=3 * table["error"][0])
    assert table["bias_exponent"][0] == pytest.approx(1, abs=3 * table["bias_exponent_error"][0])
    assert table["error"][0] < 0.05 < 3 * table["error"][1]
    assert area_law_exponents(localized_means(deep_table(samples=5))).empty
    assert list(area_law_exponents(localized_means(deep_table(samples=5))).columns) == list(table.columns)


def test_amplitudes_per_level_follow_the_localization_length():
    means = localized_means(deep_table(samples=200, b=0.0))
    density = lambda disorder: 1 / np.asarray(disorder)  # noqa: E731
    # Planted amplitudes go as 1/W, as does this density: nothing is left for xi.
    xi = {25.0: (4.0, 0.01), 30.0: (2.0, 0.01)}
    fit = means.fit(xi, density, constrained=False)
    assert fit.values["xi_exponent"] == pytest.approx(0, abs=3 * fit.errors["xi_exponent"])
    assert fit.values["length_exponent"] == pytest.approx(2, abs=3 * fit.errors["length_exponent"])
