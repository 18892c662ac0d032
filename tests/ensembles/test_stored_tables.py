"""Every stored sample is one that physics allows."""

from pathlib import Path

import numpy as np
import pytest

from anderson_ness.ensembles import read_table
from anderson_ness.ensembles.conductance import read_conductance
from anderson_ness.ensembles.table import published

DATA = Path(__file__).parents[2] / "data"


@pytest.mark.parametrize("name", sorted(set(published(DATA)) - {"information"}))
def test_samples_are_possible(name):
    table = read_table(name, DATA)
    channels = table["length"] ** 2
    assert table["transmission"].between(0, channels).all()
    assert table["coherence"].between(0, table["length"] ** 3 / 4).all()
    if "density_profile" in table:
        kept = table.dropna(subset=["density_profile"])
        for density, weight in zip(kept["density_profile"], kept["spectral_weight"], strict=True):
            assert np.all(np.abs(density) <= np.asarray(weight) * (1 + 1e-2))


@pytest.mark.parametrize("name", sorted(set(published(DATA)) - {"information"}))
def test_a_sample_has_one_transmission(name):
    # A bar's transmission does not depend on the window; it may come out a little differently in another one.
    samples = read_table(name, DATA).groupby(["length", "disorder", "seed", "t_contact"])["transmission"]
    assert ((samples.max() - samples.min()) <= 0.05 * samples.max()).all()


def test_conductances_are_possible():
    table = read_conductance(DATA)
    assert table["transmission"].between(0, table["length"] ** 2).all()
