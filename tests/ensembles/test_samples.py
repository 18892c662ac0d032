import math
from types import SimpleNamespace

import numpy as np
import pytest
from ensembles.fakes import POINT

from anderson_ness import AndersonBar, Leads, window_coherence
from anderson_ness.ensembles import Point, Task, compute_sample, sample_seed
from anderson_ness.ensembles.samples import rows_of


def test_seeds_are_what_numpy_says():
    for arguments in ((2019, 8, 16.5, 0), (2019, 8, 16.5, 1), (7, 12, 10.25, 3)):
        root, length, disorder, index = arguments
        entropy = [root, length, int(disorder * 1e6), index]
        word = int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0])
        assert sample_seed(*arguments) == word >> 1
        assert 0 <= sample_seed(*arguments) < 2**63


def test_seeds_differ():
    seeds = {
        sample_seed(root, length, disorder, i)
        for root in (1, 2)
        for length in (8, 9)
        for disorder in (8.0, 8.5)
        for i in range(500)
    }
    assert len(seeds) == 4000


def test_a_points_bar_has_the_documented_potential():
    point = Point(3, 12.0, 2.0, 0.5, 1.5)
    bar = point.bar(seed=11)
    assert np.array_equal(bar.onsite, 12.0 * (np.random.default_rng(11).random((3, 3, 3)) - 0.5))
    assert bar.leads == Leads(2.0, 0.5, 1.5)


def test_rows_are_what_the_window_holds():
    rows = compute_sample(Task(POINT, 1e-3, 5, (0.1, 0.3)))
    bar = AndersonBar.random(4, 10.0, 5, Leads(3.0, 1.0, 3.0))
    windows = window_coherence(bar, [0.1, 0.3], rtol=1e-3)
    for row, window, bias in zip(rows, windows, (0.1, 0.3), strict=True):
        assert row.point == POINT
        assert (row.seed, row.bias, row.rtol, row.converged) == (5, bias, 1e-3, True)
        assert row.coherence == pytest.approx(window.coherence, rel=1e-12)
        assert row.coherence_slope == pytest.approx(window.coherence_slope, rel=1e-12)
        assert row.transmission == pytest.approx(window.transmission, rel=1e-12)
        assert np.frombuffer(row.density_profile, "<f4") == pytest.approx(window.density_profile, rel=1e-6)
        assert np.frombuffer(row.spectral_weight, "<f4") == pytest.approx(window.spectral_weight, rel=1e-6)
        assert row.levels == window.levels
        assert row.narrowest_width == pytest.approx(window.narrowest_width, nan_ok=True)
        assert row.seconds > 0


def window(**values):
    made = {
        "coherence": 1.0,
        "coherence_slope": 2.0,
        "relative_error": 1e-5,
        "converged": np.True_,
        "transmission": 0.5,
        "density_profile": np.ones(4),
        "spectral_weight": np.ones(4),
        "levels": 7,
        "narrowest_width": 1e-3,
    }
    return SimpleNamespace(**{**made, **values})


def test_seconds_add_up_to_the_time_spent():
    rows = rows_of(Task(POINT, 1e-3, 5, (0.1, 0.2, 0.3)), [window()] * 3, seconds=6.0)
    assert sum(row.seconds for row in rows) == 6.0


def test_quadrature_leaves_levels_unknown():
    (row,) = rows_of(Task(POINT, 1e-3, 5, (0.1,)), [window(levels=None, narrowest_width=math.nan)], 1.0)
    assert row.levels is None
    assert math.isnan(row.narrowest_width)
    (row,) = rows_of(Task(POINT, 1e-3, 5, (0.1,)), [window()], 1.0)
    assert (row.levels, row.narrowest_width, row.converged) == (7, 1e-3, True)


def test_windows_in_which_a_channel_opens_are_integrated_by_quadrature():
    # Isotropic leads of even length have a channel's edge at E = 0.
    task = Task(Point(2, 5.0, 1.0, 1.0, 1.0), 1e-3, 5, (0.1, 0.3))
    rows = compute_sample(task)
    bar = task.point.bar(5)
    with pytest.raises(ValueError, match=r"quadrature"):
        window_coherence(bar, 0.3)
    for row in rows:
        expected = window_coherence(bar, row.bias, method="quadrature", rtol=1e-3)
        assert row.coherence == pytest.approx(expected.coherence, rel=2e-3)
        assert row.levels is None


def test_only_the_windows_that_need_quadrature_get_it():
    # With hoppings 3 and 1 the first channel closes at |E| = 2.
    narrow, wide = compute_sample(Task(POINT, 1e-3, 5, (0.1, 4.5)))
    assert narrow.levels is not None
    assert wide.levels is None
