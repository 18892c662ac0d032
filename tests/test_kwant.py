import kwant
import numpy as np
import pytest
from bars import SHAPES, chain_of_slices, closed_sample, cross_section

from anderson_ness import AndersonBar, Leads, _kwant


def in_order_of_tags(system, matrix):
    order = np.lexsort(np.array([site.tag for site in system.sites]).T[::-1])
    return matrix[np.ix_(order, order)]


@pytest.mark.parametrize("shape", SHAPES)
def test_kwant_gets_the_bars_hamiltonian(shape):
    bar = AndersonBar.random(shape, disorder=5.0, seed=1)
    system = bar.to_kwant()
    position = _kwant.sample_positions(system, bar.shape)
    matrix = system.hamiltonian_submatrix()[np.ix_(position, position)]
    np.testing.assert_array_equal(matrix, closed_sample(bar))
    assert len(system.sites) == bar.n_sites
    assert len(system.leads) == 2


@pytest.mark.parametrize("shape", SHAPES)
def test_a_contact_of_its_own_adds_a_slice_of_each_lead(shape):
    bar = AndersonBar.random(shape, disorder=5.0, seed=1, leads=Leads(3.0, -0.7, 0.4))
    system = bar.to_kwant()
    lx, ly, lz = shape
    lead, sample = cross_section(ly, lz, -0.7), cross_section(ly, lz, 1.0)
    expected = chain_of_slices(
        np.pad(bar.onsite, ((1, 1), (0, 0), (0, 0))),
        [lead, *[sample] * lx, lead],
        [0.4, *[1.0] * (lx - 1), 0.4],
    )
    np.testing.assert_array_equal(in_order_of_tags(system, system.hamiltonian_submatrix()), expected)


@pytest.mark.parametrize("contact", [None, 1.0])
def test_lead_0_is_left_and_lead_1_is_right(contact):
    system = AndersonBar(np.zeros((3, 2, 1)), Leads(t_contact=contact)).to_kwant()
    left, right = ({system.sites[index].tag[0] for index in interface} for interface in system.lead_interfaces)
    beyond = 0 if contact is None else 1
    assert (left, right) == ({-beyond}, {2 + beyond})


def test_the_lead_has_its_own_hoppings():
    lead = AndersonBar(np.ones((2, 2, 3)), Leads(2.5, -0.6)).to_kwant().leads[1]
    np.testing.assert_array_equal(np.sort(lead.cell_hamiltonian().ravel()), np.sort(cross_section(2, 3, -0.6).ravel()))
    np.testing.assert_array_equal(np.abs(lead.inter_cell_hopping()).sum(axis=0), np.full(6, 2.5))


def test_the_solver_is_named():
    expected = "MUMPS" if "mumps" in type(kwant.solvers.default.hidden_instance).__module__ else "SuperLU"
    assert _kwant.solver_name() == expected
