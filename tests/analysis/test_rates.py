import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special

from anderson_ness.analysis import rates

GRADIENT, SPREAD, EXTENT = 1.4, 2.5, 0.9


def table(bars=60, per_bar=9, length=16, common=0.0, seed=0, spread=SPREAD, gradient=GRADIENT):
    """Levels spread evenly over a bar, with normal noise of the log ratio; ``common`` of its variance is the bar's."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform(0, length, (bars, per_bar))
    noise = np.sqrt(common) * rng.normal(size=(bars, 1)) + np.sqrt(1 - common) * rng.normal(size=(bars, per_bar))
    ratio = -gradient * (centre - length / 2) + spread * noise
    mean = -8 + rng.normal(size=ratio.shape)
    columns = {
        "length": length,
        "disorder": 30.0,
        "bias": 0.1,
        "seed": np.repeat(np.arange(bars), per_bar),
        "energy": 0.0,
        "width_left": np.exp(mean + ratio / 2).ravel(),
        "width_right": np.exp(mean - ratio / 2).ravel(),
        "centre": centre.ravel(),
        "extent": EXTENT,
        "left_weight": special.ndtr((length / 2 - centre.ravel()) / EXTENT),
        "coherence_share": rng.gamma(1.0, size=centre.size),
    }
    return rates.with_rates(pd.DataFrame(columns))


def test_levels_get_their_log_ratio_filling_and_current():
    one = table(bars=3).iloc[0]
    assert one["log_ratio"] == pytest.approx(np.log(one["width_left"] / one["width_right"]))
    assert one["filling"] == pytest.approx(np.tanh(one["log_ratio"] / 2))
    assert 1 / one["current"] == pytest.approx(1 / one["width_left"] + 1 / one["width_right"])
    assert one["alone"] == pytest.approx(one["filling"] ** 2 * one["left_weight"] * (1 - one["left_weight"]) / 2)
    assert one["offset"] == one["centre"] - 8


def test_rows_without_a_level_are_dropped():
    levels = table(bars=3)
    empty = levels.iloc[:1].assign(energy=np.nan)
    assert len(rates.with_rates(pd.concat([levels, empty]))) == len(levels)


@pytest.mark.parametrize("common", [0.0, 0.4])
def test_the_straight_line_and_its_noise_are_found_with_their_errors(common):
    exact = {"gradient": GRADIENT, "spread": SPREAD, "correlation": common}
    scores = []
    for seed in range(50):
        found = rates.tunnelling(table(bars=80, common=common, seed=seed))
        scores.append([(found.values[name] - value) / found.errors[name] for name, value in exact.items()])
    np.testing.assert_allclose(np.mean(scores, axis=0), 0, atol=0.55)
    np.testing.assert_allclose(np.std(scores, axis=0), 1, atol=0.35)
    assert (found.length, found.samples) == (16, 80)


def test_the_width_is_that_of_the_smeared_step():
    found = rates.tunnelling(table(bars=300))
    values = found.values
    parts = [values[name] ** 2 for name in ("fluctuations", "sharing", "extent")]
    assert values["width"] ** 2 == pytest.approx(sum(parts))
    assert values["share"] == pytest.approx(parts[0] / sum(parts))

    def step(x):
        """Mean density at a distance x from the middle: filling, smeared by noise and by the levels' extent."""
        smear = np.hypot(SPREAD, GRADIENT * EXTENT)

        def weighted(noise):
            return np.tanh((smear * noise - GRADIENT * x) / 2) * np.exp(-(noise**2) / 2) / np.sqrt(2 * np.pi)

        return integrate.quad(weighted, -9, 9)[0]

    for x in (0.5, 1.5, 3.0):
        assert step(x) == pytest.approx(-special.erf(x / values["width"]), abs=0.04)


def test_current_counts_every_bar_alike_and_coherence_all_bars_together():
    levels = pd.DataFrame(
        {
            "seed": [0, 0, 1, 1],
            "log_ratio": [0.5, -3.0, 0.5, 3.0],
            "current": [3.0, 1.0, 1e-9, 1e-9],
            "coherence_share": [1.0, 2.0, 3.0, -1.0],
        }
    )
    np.testing.assert_allclose(rates.shares(levels, "current", [1.0, 4.0]).value, [(0.75 + 0.5) / 2, 1])
    np.testing.assert_allclose(rates.shares(levels, "coherence_share", [1.0, 4.0]).value, [4 / 5, 1])
    np.testing.assert_allclose(rates.shares(levels, "levels", [1.0]).value, [0.5])
    assert rates.shares(levels, "coherence_share", [1.0]).error[0] > 0
    assert rates.carriers(levels, "current").value == pytest.approx((16 / 10 + 2) / 2)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: rates.tunnelling(pd.concat([table(length=8), table(length=12)])), "of one length"),
        (lambda: rates.tunnelling(table(bars=2)), "three bars"),
        (lambda: rates.shares(table(), "energy", [1.0]), "weight must be one of"),
    ],
)
def test_bad_arguments_get_one_clear_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
