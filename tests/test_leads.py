from itertools import pairwise

import kwant
import numpy as np
import pytest
from bars import cross_section, deviation

from anderson_ness import AndersonBar, Leads
from anderson_ness.leads import channel_basis, ring_basis, ring_energies

CROSS_SECTIONS = [(ly, lz) for ly in range(1, 5) for lz in range(1, 5)]
LEADS = [Leads(), Leads(1.0, 1.0), Leads(-0.8, 1.3), Leads(2.5, -0.6)]
CONTACTS = [
    Leads(),
    Leads(1.0, 1.0, 0.3),
    Leads(-0.8, 1.3, 2.0),
    Leads(2.5, -0.6, -1.7),
    Leads(0.2, 2.0, 1.0),
]
# Inside all channels, inside some, and outside every channel of the leads above.
ENERGIES = [0.1, -1.3, 2.7, -4.1, 8.9, 40.0]
UPPER_HALF_PLANE = [0.3 + 0.2j, -7.0 + 1e-3j, 25.0 + 4j, 1e-2j, 1e6j]


def kwant_lead(leads, ly, lz):
    return AndersonBar(np.zeros((1, ly, lz)), leads).to_kwant().leads[0]


def edge_distance(leads, energy, ly, lz):
    return np.abs(leads.band_edges(ly, lz) - energy).min()


@pytest.mark.parametrize("leads", LEADS)
@pytest.mark.parametrize(("ly", "lz"), CROSS_SECTIONS)
def test_bands_are_those_of_kwants_lead(leads, ly, lz):
    momenta = np.linspace(-np.pi, np.pi, 7)
    bands = kwant.physics.Bands(kwant_lead(leads, ly, lz))
    expected = np.array([np.sort(bands(k)) for k in momenta])
    np.testing.assert_allclose(np.sort(leads.dispersion(momenta, ly, lz)), expected, atol=1e-12)


@pytest.mark.parametrize("leads", LEADS)
@pytest.mark.parametrize(("ly", "lz"), CROSS_SECTIONS)
def test_open_channels_are_as_many_as_kwants_modes(leads, ly, lz):
    lead = kwant_lead(leads, ly, lz)
    for energy in ENERGIES:
        assert edge_distance(leads, energy, ly, lz) > 1e-3
        modes, _ = lead.modes(energy)
        assert 2 * leads.open_channels(energy, ly, lz).sum() == modes.velocities.size


@pytest.mark.parametrize("leads", LEADS)
@pytest.mark.parametrize(("ly", "lz"), CROSS_SECTIONS)
def test_self_energy_is_kwants_on_the_end_slice(leads, ly, lz):
    system = AndersonBar(np.zeros((2, ly, lz)), leads).to_kwant()
    end = [system.sites[index].tag for index in system.lead_interfaces[0]]
    order = [y * lz + z for _, y, z in end]
    basis = channel_basis(ly, lz)
    for energy in ENERGIES:
        sigma = basis * leads.self_energy(energy, ly, lz) @ basis.T
        assert deviation(sigma[np.ix_(order, order)], system.leads[0].selfenergy(energy)) < 1e-9


@pytest.mark.parametrize("leads", CONTACTS)
@pytest.mark.parametrize("energy", [*ENERGIES, *UPPER_HALF_PLANE, 1e8])
def test_self_energy_reproduces_itself_when_the_lead_grows_by_a_slice(leads, energy):
    sigma = leads.self_energy(energy, 3, 4)
    surface = sigma / leads.contact**2
    longer = 1 / (energy - leads.channel_energies(3, 4) - leads.t_parallel**2 * surface)
    np.testing.assert_allclose(surface, longer, rtol=1e-11)


@pytest.mark.parametrize("leads", CONTACTS)
@pytest.mark.parametrize("energy", [*ENERGIES, *UPPER_HALF_PLANE, 0.1 - 0.05j])
def test_self_energy_derivative_is_that_of_the_self_energy(leads, energy):
    step = 1e-4 * max(1.0, abs(energy))
    if np.imag(energy) == 0:
        step = min(step, edge_distance(leads, energy, 2, 3) / 30)
    else:
        step = min(step, abs(np.imag(energy)) / 30)
    near, far = (
        (leads.self_energy(energy + d, 2, 3) - leads.self_energy(energy - d, 2, 3)) / (2 * d) for d in (step, 2 * step)
    )
    derivative = leads.self_energy_derivative(energy, 2, 3)
    sigma = leads.self_energy(energy, 2, 3)
    rounding = 1e-15 * np.abs(sigma).max() / step
    np.testing.assert_allclose(derivative, (4 * near - far) / 3, rtol=2e-5, atol=10 * rounding)


@pytest.mark.parametrize("leads", CONTACTS)
@pytest.mark.parametrize("energy", [1e3, 1e6, 1e8, -1e8, 1e8j])
def test_far_from_the_band_self_energy_and_derivative_keep_their_digits(leads, energy):
    distance = energy - leads.channel_energies(2, 3)
    # Series of the surface Green function in t/E: 1/E + t^2/E^3 + 2 t^4/E^5 + ...
    t2, c2 = leads.t_parallel**2, leads.contact**2
    series = c2 * (1 / distance + t2 / distance**3 + 2 * t2**2 / distance**5)
    slope = -c2 * (1 / distance**2 + 3 * t2 / distance**4 + 10 * t2**2 / distance**6)
    np.testing.assert_allclose(leads.self_energy(energy, 2, 3), series, rtol=1e-12)
    np.testing.assert_allclose(leads.self_energy_derivative(energy, 2, 3), slope, rtol=1e-12)


@pytest.mark.parametrize("leads", CONTACTS)
@pytest.mark.parametrize("energy", ENERGIES)
def test_linewidth_is_twice_the_decay_and_open_channels_alone_have_it(leads, energy):
    sigma, gamma = leads.self_energy(energy, 3, 2), leads.linewidth(energy, 3, 2)
    np.testing.assert_allclose(gamma, 1j * (sigma - sigma.conj()), atol=1e-14 * np.abs(sigma).max())
    assert np.all(gamma.imag == 0)
    np.testing.assert_array_equal(gamma.real > 0, leads.open_channels(energy, 3, 2))
    assert np.all(gamma.real >= 0)


@pytest.mark.parametrize("leads", CONTACTS)
@pytest.mark.parametrize("energy", UPPER_HALF_PLANE)
def test_above_the_real_axis_the_self_energy_is_retarded(leads, energy):
    assert np.all(leads.self_energy(energy, 3, 4).imag < 0)


@pytest.mark.parametrize("leads", CONTACTS)
@pytest.mark.parametrize("energy", ENERGIES)
def test_a_real_energy_is_the_limit_from_above(leads, energy):
    above = leads.self_energy(energy + 1e-9j, 3, 2)
    assert deviation(above, leads.self_energy(energy, 3, 2)) < 1e-6


@pytest.mark.parametrize("leads", CONTACTS)
@pytest.mark.parametrize("energy", ENERGIES)
def test_inside_a_band_self_energy_and_linewidth_continue_below_the_real_axis(leads, energy):
    inside = leads.open_channels(energy, 3, 2)
    scale = leads.contact**2 / abs(leads.t_parallel)
    for quantity in (leads.self_energy, leads.linewidth):
        below, on = (quantity(e, 3, 2)[inside] for e in (energy - 1e-9j, energy))
        np.testing.assert_allclose(below, on, atol=1e-6 * scale)


@pytest.mark.parametrize("leads", CONTACTS)
@pytest.mark.parametrize("energy", [0.1 - 0.05j, 0.3 + 0.2j, -1.9 - 0.3j])
def test_linewidth_at_complex_energies_is_analytic(leads, energy):
    z = (energy - leads.channel_energies(3, 2)) / (2 * leads.t_parallel)
    expected = 4 * leads.contact**4 / leads.t_parallel**2 * (1 - z**2)
    expected[np.abs(z.real) > 1] = 0
    np.testing.assert_allclose(leads.linewidth(energy, 3, 2) ** 2, expected, rtol=1e-12)
    step = 1e-5
    along, across = (
        (leads.linewidth(energy + d, 3, 2) - leads.linewidth(energy - d, 3, 2)) / (2 * d) for d in (step, 1j * step)
    )
    np.testing.assert_allclose(along, across, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("leads", CONTACTS)
@pytest.mark.parametrize("energy", ENERGIES)
def test_waves_decay_in_closed_channels_and_keep_their_size_in_open_ones(leads, energy):
    growth = np.abs(leads.self_energy(energy, 3, 4)) * abs(leads.t_parallel) / leads.contact**2
    inside = leads.open_channels(energy, 3, 4)
    assert np.all(growth[~inside] < 1)
    np.testing.assert_allclose(growth[inside], 1, rtol=1e-12)


@pytest.mark.parametrize("length", range(1, 8))
def test_ring_modes_diagonalise_the_ring(length):
    basis = ring_basis(length)
    np.testing.assert_allclose(basis.T @ basis, np.eye(length), atol=1e-14)
    ring = basis * ring_energies(0.7, length) @ basis.T
    np.testing.assert_allclose(ring, cross_section(length, 1, 0.7), atol=1e-14)


@pytest.mark.parametrize(("ly", "lz"), CROSS_SECTIONS)
def test_channels_diagonalise_a_slice_of_the_lead(ly, lz):
    leads, basis = Leads(t_perp=-1.3), channel_basis(ly, lz)
    slice_hamiltonian = basis * leads.channel_energies(ly, lz) @ basis.T
    np.testing.assert_allclose(slice_hamiltonian, cross_section(ly, lz, -1.3), atol=1e-13)


@pytest.mark.parametrize("leads", LEADS)
@pytest.mark.parametrize(("ly", "lz"), [(1, 1), (2, 2), (3, 4)])
def test_number_of_open_channels_changes_at_band_edges_only(leads, ly, lz):
    edges = leads.band_edges(ly, lz)
    assert np.all(np.diff(edges) > 0)
    for edge in edges:
        below, above = (leads.open_channels(edge + d, ly, lz) for d in (-1e-6, 1e-6))
        assert not np.array_equal(below, above)
    for start, stop in pairwise(edges):
        inside = [leads.open_channels(start + part * (stop - start), ly, lz) for part in (0.01, 0.5, 0.99)]
        assert np.array_equal(inside[0], inside[1])
        assert np.array_equal(inside[1], inside[2])


@pytest.mark.parametrize(("ly", "lz"), [(2, 2), (4, 4), (6, 6), (3, 6)])
def test_a_channel_at_its_band_edge_is_closed(ly, lz):
    # Isotropic leads at E = 0: channels with eps = +-2 sit on their edge, up to rounding.
    leads = Leads(1.0, 1.0)
    eps = leads.channel_energies(ly, lz)
    np.testing.assert_array_equal(leads.open_channels(0.0, ly, lz), np.abs(eps) < 2 - 1e-9)
    assert np.any(np.abs(np.abs(eps) - 2) < 1e-9)
    assert np.all(leads.linewidth(0.0, ly, lz)[np.abs(eps) > 2 - 1e-9] == 0)
    assert np.all(np.isfinite(leads.self_energy_derivative(0.0, ly, lz)))


@pytest.mark.parametrize("quantity", ["self_energy", "self_energy_derivative", "linewidth"])
def test_an_array_of_energies_gives_what_each_energy_gives(quantity):
    energies = np.array([[0.0, 0.1, 9.0], [-0.2 - 0.1j, 3.0 + 1j, -2.0]])
    function = getattr(Leads(1.0, 1.0), quantity)
    one_by_one = np.array([[function(energy, 2, 3) for energy in row] for row in energies])
    np.testing.assert_allclose(function(energies, 2, 3), one_by_one, rtol=1e-14)


def test_the_contact_is_the_leads_own_hopping_unless_given():
    assert Leads(t_parallel=-2.5).contact == -2.5
    assert Leads(t_contact=0.3).contact == 0.3


@pytest.mark.parametrize("name", ["t_parallel", "t_perp", "t_contact"])
@pytest.mark.parametrize("value", [np.nan, np.inf, "3", 1 + 0j, True, [1.0], 10**400])
def test_a_hopping_must_be_a_finite_number(name, value):
    with pytest.raises(ValueError, match=rf"^{name} must be a finite"):
        Leads(**{name: value})


@pytest.mark.parametrize("name", ["t_parallel", "t_contact"])
def test_neither_lead_nor_contact_may_be_cut(name):
    with pytest.raises(ValueError, match=rf"^{name} must be a finite number other than 0"):
        Leads(**{name: 0.0})
