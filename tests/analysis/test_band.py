import numpy as np

from anderson_ness import AndersonBar, steady_state
from anderson_ness.analysis.band import over_the_band

BAR = AndersonBar.random((2, 2, 2), disorder=4.0, seed=5)


def test_both_leads_together_are_complete():
    energies, steps = over_the_band(BAR)
    assert np.all(np.diff(energies) > 0)
    np.testing.assert_allclose(steps.sum(axis=(0, 1)), np.eye(BAR.n_sites), atol=1e-8)


def test_each_lead_is_what_the_steady_state_says():
    _, steps = over_the_band(BAR)
    only_left = steady_state(BAR, occupations=(1.0, 0.0), rtol=1e-5)
    np.testing.assert_allclose(steps[:, 0].sum(axis=0), only_left, atol=1e-5)
