import numpy as np
import pandas as pd
import pytest
from planted_transition import density, sample_table

from anderson_ness.analysis import transition
from anderson_ness.companion.verdicts import finite_size_scaling as verdicts
from anderson_ness.companion.verdicts.finding import DISAGREES, IN_A_REGIME, NOT_RESOLVED, REPRODUCED
from anderson_ness.companion.verdicts.shortage import NotEnoughData
from anderson_ness.theory import scaling

LITERATURE = {"critical": 16.5, "nu": 1.57}
NEAR = (13.0, 15.0, 16.0, 16.5, 17.0, 18.0, 19.0, 21.0)


@pytest.fixture
def store(monkeypatch, tmp_path):
    """Puts a table in the place of the stored ones; each in a folder of its own, as findings are kept by folder."""
    monkeypatch.setattr(verdicts, "_density", lambda: density)

    def use(table):
        monkeypatch.setattr(verdicts, "gather", lambda folder, names: table)
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        return folder

    return use


def test_the_papers_transition_is_reproduced_from_enough_samples(store):
    data = store(sample_table(samples=300, disorders=NEAR, **LITERATURE))
    assert verdicts.critical_disorder(data).verdict == REPRODUCED
    found = verdicts.nu(data)
    assert found.verdict == REPRODUCED
    assert found.value == pytest.approx(1.57, abs=2 * found.error + 0.05)
    assert "L0 >= 8" in found.quantity
    alpha = verdicts.alpha_zero(data)
    assert alpha.verdict == REPRODUCED
    assert alpha.error < 0.05


def test_other_numbers_disagree_and_few_samples_decide_nothing(store):
    elsewhere = store(sample_table(samples=300, disorders=NEAR, critical=18.0, nu=0.9))
    assert verdicts.critical_disorder(elsewhere).verdict == DISAGREES
    assert verdicts.nu(elsewhere).verdict == DISAGREES
    growing = store(sample_table(samples=300, disorders=NEAR, alpha=0.5, **LITERATURE))
    assert verdicts.alpha_zero(growing).verdict == DISAGREES
    few = store(sample_table(samples=8, disorders=NEAR, sizes=(8, 10, 12), **LITERATURE))
    assert verdicts.critical_disorder(few).verdict == NOT_RESOLVED
    assert verdicts.nu(few).verdict == NOT_RESOLVED


def test_the_collapse_is_what_the_paper_says_only_if_the_variable_is_needed(store):
    good = store(sample_table(samples=100, by_level=False, **LITERATURE))
    assert verdicts.collapse(good).verdict == REPRODUCED
    # The density of states' factor, which depends on W alone.
    levels = verdicts.collapse(store(sample_table(samples=400, **LITERATURE)))
    assert levels.verdict in (DISAGREES, IN_A_REGIME)
    narrow = {"sizes": (8, 9, 10, 11), "disorders": NEAR[1:6], "by_level": False}
    few = store(sample_table(samples=30, spread=0.4, **narrow, **LITERATURE))
    assert verdicts.collapse(few).verdict == NOT_RESOLVED


def test_the_tail_is_a_power_of_y(store):
    data = store(sample_table(samples=100, by_level=False, **LITERATURE))
    found = verdicts.localized_tail(data)
    points = transition.Points.logarithms(transition.transition_blocks(verdicts.gather(data, ("fig2b",))))
    assert found[1:3] == pytest.approx(
        [transition.tail(points).values["exponent"], transition.tail(points).errors["exponent"]]
    )
    assert found.verdict in (REPRODUCED, DISAGREES)


def localized_table(b, samples, sizes=(8, 10, 12, 16, 20), strengths=(25.0, 30.0)):
    rng = np.random.default_rng(2)
    rows = []
    for disorder in strengths:
        for length in sizes:
            for seed in range(samples):
                common = rng.gamma(4, 0.25)
                for bias in (3e-3 * 16.5, 1e-2 * 16.5, float(scaling.bias_at(24, length))):
                    value = 0.3 / disorder * bias * length ** (2 - b) * common * rng.gamma(100, 0.01)
                    rows.append((length, disorder, seed, 3.0, 1.0, 3.0, bias, value, True))
    columns = ["length", "disorder", "seed", "t_parallel", "t_perp", "t_contact", "bias", "coherence", "converged"]
    return pd.DataFrame(rows, columns=columns).drop_duplicates(columns[:7])


def test_the_exponent_b_is_told_from_a_quarter(store):
    zero = verdicts.exponent_b(store(localized_table(0.0, 60)))
    assert zero.verdict == REPRODUCED
    quarter = verdicts.exponent_b(store(localized_table(0.35, 60)))
    assert quarter.verdict == DISAGREES
    assert quarter.value == pytest.approx(0.35, abs=3 * quarter.error)
    assert verdicts.exponent_b(store(localized_table(0.0, 8, sizes=(8, 10, 12), strengths=(25.0,)))).verdict == (
        NOT_RESOLVED
    )


@pytest.mark.parametrize(
    "verdict",
    [verdicts.alpha_zero, verdicts.collapse, verdicts.critical_disorder, verdicts.nu, verdicts.localized_tail],
)
def test_too_few_points_are_said_to_be_too_few(store, verdict):
    with pytest.raises(NotEnoughData, match="fig2b has"):
        verdict(store(sample_table(samples=10, sizes=(8,), disorders=(16.5, 21.0))))


def test_b_wants_three_sizes(store):
    with pytest.raises(NotEnoughData, match="three sizes"):
        verdicts.exponent_b(store(localized_table(0.0, 10, sizes=(8, 10))))
