import re

import numpy as np
import pandas as pd
import pytest

from anderson_ness.analysis import information_laws
from anderson_ness.analysis.information_laws import STATES
from anderson_ness.companion.verdicts import information as verdicts
from anderson_ness.companion.verdicts.finding import DISAGREES, IN_A_REGIME, NOT_RESOLVED, REPRODUCED
from anderson_ness.companion.verdicts.shortage import NotEnoughData

LAWS = {10.0: 3.0, 16.5: 3.0, 33.0: 2.0}


def samples(laws=LAWS, noise=0.05, count=20, lengths=(6, 8, 10, 12)):
    """Driven parts that grow as given powers of the size; states between S38 = C/2 and I = 2C."""
    rng = np.random.default_rng(1)
    rows = []
    for disorder, power in laws.items():
        for length in lengths:
            for kick in rng.standard_normal(count):
                grown = 0.01 * length**power * (1 + noise * kick)
                row = {"length": length, "disorder": disorder, "bias": 1.0, "driven_mutual_information": grown}
                for state in STATES:
                    coherence = rng.uniform(1, 2)
                    numbers = {"mutual_information": 4, "coherence": 1, "coherence_bound": 0.1}
                    row |= {state + name: factor * coherence for name, factor in numbers.items()}
                rows.append(row)
    return pd.DataFrame(rows)


@pytest.fixture
def stored(monkeypatch):
    def use(table):
        monkeypatch.setattr(information_laws, "gather", lambda folder: table)

    return use


def test_the_papers_laws_are_reproduced(stored, tmp_path):
    stored(samples())
    found = verdicts.information_scaling(tmp_path)
    assert found.verdict == IN_A_REGIME
    measured = re.findall(r"([\d.]+) ± [\d.]+ at W = ([\d.]+)", found.quantity)
    assert {float(disorder): round(float(power)) for power, disorder in measured} == LAWS
    assert "L0 = 6 to 12" in found.quantity


@pytest.mark.parametrize(("disorder", "power"), [(10.0, 2.0), (16.5, 4.0), (33.0, 3.0)])
def test_one_law_that_fails_decides(stored, tmp_path, disorder, power):
    stored(samples(LAWS | {disorder: power}))
    found = verdicts.information_scaling(tmp_path)
    assert found.verdict == DISAGREES
    assert abs(found.value - power) < 0.2
    assert found.quantity.endswith(f"at W = {disorder:g}")


def test_noise_leaves_it_open(stored, tmp_path):
    stored(samples(noise=1.0, count=10))
    assert verdicts.information_scaling(tmp_path).verdict == NOT_RESOLVED


@pytest.mark.parametrize("few", [{"count": 7}, {"lengths": (6, 8)}])
def test_too_few_samples_or_sizes_are_a_reason(stored, tmp_path, few):
    stored(samples(**few))
    with pytest.raises(NotEnoughData, match=r"sizes with 8 samples at W = 10, bias 1; 3 are needed"):
        verdicts.information_scaling(tmp_path)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    ("name", "factor", "largest"), [("mutual_information", 0.5, 2.0), ("coherence_bound", 8.0, 0.5)]
)
def test_one_state_beyond_a_bound_decides(stored, tmp_path, state, name, factor, largest):
    table = samples()
    stored(table)
    within = verdicts.linear_bound(tmp_path)
    assert within.verdict == REPRODUCED
    assert within.value == pytest.approx(0.5)
    assert f"of {3 * len(table)} stored states" in within.quantity
    table.loc[17, state + name] *= factor / 2 if name == "mutual_information" else factor
    beyond = verdicts.linear_bound(tmp_path)
    assert beyond.verdict == DISAGREES
    assert beyond.value == pytest.approx(largest)
