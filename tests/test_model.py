import numpy as np
import pytest
from bars import SHAPES, closed_sample

from anderson_ness import AndersonBar, Leads


@pytest.mark.parametrize("shape", SHAPES)
def test_hamiltonian_binds_every_pair_of_neighbours_once(shape):
    bar = AndersonBar.random(shape, disorder=5.0, seed=1)
    np.testing.assert_allclose(bar.hamiltonian().toarray(), closed_sample(bar), atol=1e-15)


@pytest.mark.parametrize(("length", "shape"), [(3, (3, 3, 3)), ((4, 1, 2), (4, 1, 2)), ([2, 3, 1], (2, 3, 1))])
def test_random_potential_is_that_of_the_seed(length, shape):
    bar = AndersonBar.random(length, disorder=16.5, seed=3)
    np.testing.assert_array_equal(bar.onsite, 16.5 * (np.random.default_rng(3).random(shape) - 0.5))
    assert bar.leads == Leads()


def test_sizes_count_sites_and_channels():
    bar = AndersonBar(np.zeros((5, 2, 3)))
    assert (bar.shape, bar.n_sites, bar.n_slice) == ((5, 2, 3), 30, 6)


@pytest.mark.parametrize(("length", "left_slices"), [(1, 0), (2, 1), (5, 2), (6, 3)])
def test_the_middle_slice_counts_to_the_right_half(length, left_slices):
    bar = AndersonBar(np.zeros((length, 2, 3)))
    x1 = np.indices(bar.shape)[0].ravel()
    np.testing.assert_array_equal(bar.left_half, x1 < left_slices)
    np.testing.assert_array_equal(bar.right_half, x1 >= left_slices)


def test_the_bar_keeps_its_own_potential():
    onsite = np.zeros((2, 1, 1))
    bar = AndersonBar(onsite)
    onsite[0] = 7
    assert bar.onsite[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        bar.onsite[0] = 7


def test_integers_and_fortran_order_are_accepted():
    bar = AndersonBar(np.asfortranarray(np.arange(6).reshape(1, 2, 3)))
    assert bar.onsite.dtype == float
    np.testing.assert_array_equal(bar.onsite.ravel(), np.arange(6.0))


@pytest.mark.parametrize(
    "onsite",
    [
        np.zeros(4),
        np.zeros((2, 2)),
        np.zeros((1, 1, 1, 1)),
        np.zeros((0, 2, 2)),
        np.zeros((2, 2, 0)),
        np.full((1, 1, 2), np.nan),
        np.full((1, 1, 2), -np.inf),
        np.full((1, 1, 1), np.longdouble("1e4000")),
        np.zeros((1, 1, 2), dtype=complex),
        np.array([[["1", "2"]]]),
        np.zeros((1, 1, 2), dtype=bool),
        [[[1.0, 2.0], [3.0]]],
        "potential",
        None,
    ],
)
def test_a_potential_must_be_a_three_dimensional_array_of_finite_real_numbers(onsite):
    with pytest.raises(ValueError, match=r"^onsite must"):
        AndersonBar(onsite)


@pytest.mark.parametrize("leads", [None, 3.0, {"t_parallel": 3.0}])
def test_leads_must_be_leads(leads):
    with pytest.raises(ValueError, match=r"^leads must be"):
        AndersonBar(np.zeros((1, 1, 1)), leads)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("length", value)
            for value in (0, -2, 2.5, True, None, "4", (3, 3), (3, 0, 3), (3, 3, True), (1, [2, 3], 4))
        ),
        *(("disorder", value) for value in (-1.0, np.nan, np.inf, 1j, "16.5", True)),
        *(("seed", value) for value in (-1, 1.5, "3", None, False)),
    ],
)
def test_random_bars_name_the_argument_that_is_wrong(name, value):
    arguments = {"length": 3, "disorder": 1.0, "seed": 0, name: value}
    with pytest.raises(ValueError, match=rf"^{name} must be"):
        AndersonBar.random(**arguments)
