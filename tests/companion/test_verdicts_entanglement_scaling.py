from functools import cache

import numpy as np
import pandas as pd
import pytest

from anderson_ness.analysis import coherence_laws
from anderson_ness.companion.verdicts import entanglement_scaling as verdicts
from anderson_ness.companion.verdicts.finding import DISAGREES, IN_A_REGIME, REPRODUCED
from anderson_ness.companion.verdicts.shortage import NotEnoughData
from anderson_ness.theory import energy_window
from anderson_ness.theory.levels import density_of_states

WINDOW = 3e-3 * 16.5


def table(coherence, transmission, lengths=(8, 12, 14, 16, 20), biases=(WINDOW, 0.165, 0.495), strengths=(10.0,), n=24):
    """Samples whose mean coherence and transmission are given functions of size, bias and disorder strength."""
    rng = np.random.default_rng(0)
    rows = []
    for disorder in strengths:
        for length in lengths:
            for number in range(n):
                common = 0.03 * rng.normal()
                for bias in biases:
                    value = coherence(length, bias, disorder) * (1 + common + 0.01 * rng.normal())
                    mean = transmission(length) * (1 + 0.02 * rng.normal())
                    rows.append((length, disorder, 1000 * length + number, 3.0, 1.0, 3.0, bias, value, mean, True))
    return pd.DataFrame(rows, columns=coherence_laws._COLUMNS)


@cache
def density_of(disorder):
    return density_of_states(disorder, length=6, samples=200, half_width=0.5)[0]


def metal(length, bias, disorder, coefficient=1.0):
    rho = density_of(disorder)
    return coefficient * energy_window.diffusive_coherence(bias, length, rho, 0.25 * length)


@pytest.fixture
def store(monkeypatch):
    def use(samples):
        monkeypatch.setattr(coherence_laws, "gather", lambda folder: samples)

    return use


def test_a_metal_obeys_the_volume_law_in_wide_windows_and_not_in_the_papers(store, tmp_path):
    store(table(metal, lambda length: 0.25 * length))
    wide = verdicts.volume_law_diffusive(tmp_path)
    assert wide.verdict == IN_A_REGIME
    assert abs(wide.value - 3) < 0.3
    papers = verdicts.fixed_window_diffusive(tmp_path)
    assert papers.verdict == DISAGREES
    assert 3.5 < papers.value < 4.5
    assert verdicts.volume_coefficient(tmp_path).verdict == REPRODUCED
    linear = verdicts.linear_in_bias(tmp_path)
    assert linear.verdict == REPRODUCED
    assert linear.error < 0.05


def test_half_the_coherence_or_another_power_disagrees(store, tmp_path):
    store(table(lambda *at: metal(*at, coefficient=0.5), lambda length: 0.25 * length))
    coefficient = verdicts.volume_coefficient(tmp_path)
    assert coefficient.verdict == DISAGREES
    assert coefficient.value == pytest.approx(0.5, abs=0.05)
    store(table(lambda length, bias, _: 1e-4 * length**2 * bias**1.5, lambda length: 0.25 * length))
    assert verdicts.volume_law_diffusive(tmp_path).verdict == DISAGREES
    assert verdicts.linear_in_bias(tmp_path).verdict == DISAGREES


@pytest.mark.parametrize("exponent", [2, 3])
def test_laws_at_and_beyond_the_critical_point_follow_the_exponent(store, tmp_path, exponent):
    strengths = (16.5, 21.0, 30.0)
    store(table(lambda length, bias, _: 1e-3 * length**exponent * bias, lambda _: 0.4, strengths=strengths))
    for law, claimed, right in (
        (verdicts.volume_law_critical, 3, IN_A_REGIME),
        (verdicts.area_law_localized, 2, IN_A_REGIME),
        (verdicts.fixed_window_critical, 3, REPRODUCED),
        (verdicts.fixed_window_localized, 2, REPRODUCED),
    ):
        finding = law(tmp_path)
        assert finding.value == pytest.approx(exponent, abs=0.15)
        assert finding.verdict == (right if exponent == claimed else DISAGREES)


def test_missing_points_are_named(store, tmp_path):
    store(table(metal, lambda length: 0.25 * length, lengths=(8,)))
    for law, words in (
        (verdicts.volume_law_diffusive, "no bias above 100 E_Th at W = 10"),
        (verdicts.volume_law_critical, "W = 16.5"),
        (verdicts.area_law_localized, "W = 30"),
        (verdicts.fixed_window_diffusive, "fewer than three sizes"),
    ):
        with pytest.raises(NotEnoughData, match=words):
            law(tmp_path)
    store(table(metal, lambda length: 0.25 * length, biases=(1e-3,)))
    for law in (verdicts.volume_coefficient, verdicts.linear_in_bias):
        with pytest.raises(NotEnoughData, match="E_Th"):
            law(tmp_path)


def test_the_bulk_has_a_coherence_density_of_order_one(tmp_path):
    finding = verdicts.coherence_density(tmp_path)
    assert finding.verdict == REPRODUCED
    assert finding.error < 0.1
