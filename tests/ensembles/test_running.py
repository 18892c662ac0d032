import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anderson_ness.ensembles import RunningMean


def filled(values):
    mean = RunningMean()
    for value in values:
        mean.add(value)
    return mean


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50))
def test_it_is_numpys_mean_and_standard_error(values):
    mean = filled(values)
    scale = np.abs(values).max()
    assert mean.mean == pytest.approx(np.mean(values), rel=1e-12, abs=1e-12 * scale)
    expected = np.std(values, ddof=1) / math.sqrt(len(values))
    assert mean.standard_error == pytest.approx(expected, rel=1e-9, abs=1e-9 * scale)


def test_large_offsets_do_not_cancel():
    assert filled([1e9 + 1, 1e9 + 2, 1e9 + 3]).spread == pytest.approx(1, rel=1e-12)


def test_without_samples_nothing_is_known():
    for values in ([], [2.0]):
        mean = filled(values)
        assert math.isnan(mean.standard_error)
        assert mean.samples_for(0.1) is None
    assert math.isnan(RunningMean().mean)


def test_samples_for_a_target():
    mean = filled([0.5, 1.5] * 50)
    assert mean.samples_for(0.01) == math.ceil((mean.spread / 0.01) ** 2)
    assert filled([3.0, 3.0]).samples_for(0.01) == 1
    assert filled([-1.0, 1.0]).samples_for(0.01) is None
