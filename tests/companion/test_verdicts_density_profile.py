import numpy as np
import pandas as pd
import pytest

from anderson_ness.companion.verdicts import density_profile as verdicts
from anderson_ness.companion.verdicts.finding import DISAGREES, IN_A_REGIME, NOT_RESOLVED, REPRODUCED
from anderson_ness.companion.verdicts.shortage import NotEnoughData
from anderson_ness.theory import diffusion

GAP = -0.35


def bars(shape, disorder, lengths=(12, 16, 20), samples=60, noise=0.1):
    """Samples whose mean profile is a given shape, between ends that lie inside the bar."""
    rng = np.random.default_rng(0)
    rows = []
    for length in lengths:
        x, whole = np.arange(length) + 0.5 + GAP, length + 2 * GAP
        truth = shape(x, whole)
        for seed in range(samples):
            density = truth + noise * rng.normal(size=length) * (1.001 - truth**2)
            rows.append((length, disorder, seed, 24 * 16.5 / length**3, density, np.ones(length)))
    return pd.DataFrame(rows, columns=["length", "disorder", "seed", "bias", "density_profile", "spectral_weight"])


@pytest.fixture
def profiles_of(monkeypatch):
    def use(table):
        monkeypatch.setattr(verdicts, "read_table", lambda name, folder: table)

    return use


def test_a_straight_line_is_told_from_one_that_slows_down(profiles_of, tmp_path):
    profiles_of(bars(diffusion.diffusive_profile, 10.0))
    assert verdicts.profile_diffusive(tmp_path).verdict == REPRODUCED
    profiles_of(bars(lambda x, length: diffusion.slowed_profile(x, length, 1.0), 10.0))
    found = verdicts.profile_diffusive(tmp_path)
    assert (found.verdict, found.value) == (DISAGREES, pytest.approx(1.0, abs=4 * found.error))
    profiles_of(bars(diffusion.diffusive_profile, 10.0, noise=3.0))
    assert verdicts.profile_diffusive(tmp_path).verdict == NOT_RESOLVED


def test_the_critical_contrast_must_grow_with_the_length(profiles_of, tmp_path):
    profiles_of(bars(lambda x, length: diffusion.critical_profile(x, length, 1.2), 16.5, samples=400))
    found = verdicts.profile_critical(tmp_path)
    assert found.verdict == REPRODUCED
    assert found.value == pytest.approx(1.0, abs=3 * found.error)
    profiles_of(bars(lambda x, length: diffusion.slowed_profile(x, length, 3.0), 16.5, samples=400))
    assert verdicts.profile_critical(tmp_path).verdict == DISAGREES
    profiles_of(bars(diffusion.diffusive_profile, 16.5))
    assert verdicts.profile_critical(tmp_path).verdict == NOT_RESOLVED


def step(xi, a):
    return lambda x, whole: diffusion.localized_profile(x, whole, diffusion.step_width(whole - 2 * GAP, xi, a))


def test_a_step_and_how_its_width_grows(profiles_of, tmp_path):
    profiles_of(bars(step(1.6, 0.25), 30.0))
    assert verdicts.profile_localized(tmp_path).verdict == REPRODUCED
    narrow = verdicts.step_width(tmp_path)
    assert (narrow.verdict, narrow.value) == (REPRODUCED, pytest.approx(0.25, abs=4 * narrow.error))
    profiles_of(bars(step(1.2, 0.75), 30.0))
    assert verdicts.step_width(tmp_path).verdict == DISAGREES
    profiles_of(bars(lambda x, length: np.sign(length / 2 - x) * 0.9, 30.0))
    assert verdicts.profile_localized(tmp_path).verdict == DISAGREES
    profiles_of(bars(lambda x, length: diffusion.slowed_profile(x, length, 5.0), 30.0))
    assert verdicts.profile_localized(tmp_path).verdict == NOT_RESOLVED


def test_too_few_profiles_are_a_shortage(profiles_of, tmp_path):
    profiles_of(bars(diffusion.diffusive_profile, 10.0, samples=5))
    with pytest.raises(NotEnoughData, match="0 lengths"):
        verdicts.profile_diffusive(tmp_path)
    profiles_of(bars(step(1.6, 0.25), 30.0, lengths=(12,)))
    with pytest.raises(NotEnoughData, match="1 lengths"):
        verdicts.step_width(tmp_path)


def levels(disorder, spread, extent=0.5, gradient=3.0, bars=100, per_bar=8, equal=False):
    rng = np.random.default_rng(1)
    parts = []
    for length in (8, 12, 16, 20):
        offset = rng.uniform(-length / 2, length / 2, bars * per_bar)
        ratio = -gradient * offset + spread(length) * rng.normal(size=offset.size)
        mean = -gradient * length / 2 + rng.normal(size=offset.size)
        near = np.abs(ratio) < 2.3 if equal else np.abs(offset) < 1
        parts.append(
            pd.DataFrame(
                {
                    "length": length,
                    "disorder": disorder,
                    "bias": 0.1,
                    "seed": np.repeat(np.arange(bars), per_bar),
                    "energy": 0.0,
                    "width_left": np.exp(mean + ratio / 2),
                    "width_right": np.exp(mean - ratio / 2),
                    "centre": offset + length / 2,
                    "extent": extent,
                    "left_weight": 0.5,
                    "coherence_share": np.where(near, rng.gamma(1.0, size=offset.size), 0.0),
                }
            )
        )
    return pd.concat(parts)


@pytest.fixture
def levels_of(monkeypatch):
    def use(*args, **options):
        monkeypatch.setattr(verdicts, "read_resonances", lambda folder: levels(*args, **options))

    return use


def test_where_the_width_comes_from_and_how_the_rates_fluctuate(levels_of, tmp_path):
    levels_of(45.0, lambda length: 4.0 * (length / 8) ** 0.25)
    assert verdicts.step_from_rates(tmp_path).verdict == IN_A_REGIME
    paths = verdicts.rate_fluctuations(tmp_path)
    assert (paths.verdict, paths.value) == (REPRODUCED, pytest.approx(0.25, abs=4 * paths.error))
    levels_of(45.0, lambda length: 0.5 * (length / 8) ** 0.8, extent=2.0)
    assert verdicts.step_from_rates(tmp_path).verdict == DISAGREES
    assert verdicts.rate_fluctuations(tmp_path).verdict == DISAGREES


def test_who_carries_current_and_coherence(levels_of, tmp_path):
    levels_of(30.0, lambda length: 4.0)
    assert verdicts.localized_current(tmp_path).verdict == REPRODUCED
    assert verdicts.localized_carriers(tmp_path).verdict == DISAGREES
    levels_of(30.0, lambda length: 4.0, equal=True)
    assert verdicts.localized_carriers(tmp_path).verdict == REPRODUCED
    levels_of(30.0, lambda length: 4.0, gradient=0.01)
    assert verdicts.localized_current(tmp_path).verdict == DISAGREES
    with pytest.raises(NotEnoughData, match="no levels"):
        verdicts.step_from_rates(tmp_path)
