"""Random bars, and slow references that share no code with the package."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from numpy.typing import NDArray

from anderson_ness import AndersonBar, Leads

SHAPES = [
    (1, 1, 1),
    (1, 3, 2),
    (2, 1, 1),
    (6, 1, 1),
    (2, 2, 2),
    (3, 2, 1),
    (5, 1, 2),
    (2, 4, 3),
    (3, 3, 3),
    (4, 2, 4),
]


@st.composite
def leads(draw: st.DrawFn) -> Leads:
    """Leads of either sign of every hopping, weak and strong contacts among them."""
    return Leads(
        t_parallel=draw(st.sampled_from([-3.0, -1.0, 0.7, 1.0, 1.8, 3.0])),
        t_perp=draw(st.sampled_from([-1.2, 0.0, 0.4, 1.0])),
        t_contact=draw(st.sampled_from([None, -1.0, 0.3, 1.0, 1.7, 3.0])),
    )


@st.composite
def bars(draw: st.DrawFn, shapes: list[tuple[int, int, int]] = SHAPES, disorder: float = 8.0) -> AndersonBar:
    """Small bars of several shapes and leads."""
    return AndersonBar.random(
        length=draw(st.sampled_from(shapes)),
        disorder=draw(st.floats(0.3, disorder)),
        seed=draw(st.integers(0, 10_000)),
        leads=draw(leads()),
    )


@st.composite
def bars_and_energies(draw: st.DrawFn, **options: object) -> tuple[AndersonBar, float]:
    """A bar, and an energy inside a channel and away from every channel's edge."""
    bar = draw(bars(**options))
    _, ly, lz = bar.shape
    channel = draw(st.integers(0, bar.n_slice - 1))
    along = 2 * bar.leads.t_parallel * draw(st.floats(-0.95, 0.95))
    energy = float(bar.leads.channel_energies(ly, lz)[channel] + along)
    assume(np.abs(bar.leads.band_edges(ly, lz) - energy).min() > 1e-2)
    return bar, energy


def cross_section(ly: int, lz: int, hopping: float) -> NDArray:
    """Hopping matrix of a slice: each pair of periodic neighbours bound once, no site its own neighbour."""
    matrix = np.zeros((ly, lz, ly, lz))
    for y in range(ly):
        for z in range(lz):
            for y2, z2 in ((y - 1) % ly, z), ((y + 1) % ly, z), (y, (z - 1) % lz), (y, (z + 1) % lz):
                if (y2, z2) != (y, z):
                    matrix[y, z, y2, z2] = hopping
    return matrix.reshape(ly * lz, ly * lz)


def chain_of_slices(onsite: NDArray, within: list[NDArray], between: list[float]) -> NDArray:
    """Hamiltonian of slices with potential and hopping of their own, bound in a row."""
    step = onsite[0].size
    matrix = np.diag(onsite.ravel()).astype(float)
    for i, block in enumerate(within):
        matrix[i * step : (i + 1) * step, i * step : (i + 1) * step] += block
    for i, hopping in enumerate(between):
        here, there = np.arange(i * step, (i + 1) * step), np.arange((i + 1) * step, (i + 2) * step)
        matrix[here, there] = matrix[there, here] = hopping
    return matrix


def closed_sample(bar: AndersonBar) -> NDArray:
    """Hamiltonian of the sample without leads, dense."""
    lx, ly, lz = bar.shape
    return chain_of_slices(bar.onsite, [cross_section(ly, lz, 1.0)] * lx, [1.0] * (lx - 1))


def sample_in_long_leads(bar: AndersonBar, cells: int) -> NDArray:
    """Hamiltonian of the sample between two finite leads of ``cells`` slices, dense."""
    lx, ly, lz = bar.shape
    lead, sample = cross_section(ly, lz, bar.leads.t_perp), cross_section(ly, lz, 1.0)
    along = [bar.leads.t_parallel] * (cells - 1)
    return chain_of_slices(
        np.pad(bar.onsite, ((cells, cells), (0, 0), (0, 0))),
        [lead] * cells + [sample] * lx + [lead] * cells,
        [*along, bar.leads.contact, *[1.0] * (lx - 1), bar.leads.contact, *along],
    )


def bound_projector(bar: AndersonBar, cells: int = 60) -> tuple[int, NDArray]:
    """Number of states outside the leads' band, and the sum of their projectors on the sample's sites."""
    energies, states = np.linalg.eigh(sample_in_long_leads(bar, cells))
    edges = bar.leads.band_edges(*bar.shape[1:])
    bound = states[cells * bar.n_slice :][: bar.n_sites, (energies < edges[0]) | (energies > edges[-1])]
    return bound.shape[1], bound @ bound.T


def surface_self_energy(bar: AndersonBar, energy: float) -> NDArray:
    """Retarded self-energy on an end slice, from the decaying or outgoing wave of each channel."""
    _, ly, lz = bar.shape
    eps, basis = np.linalg.eigh(cross_section(ly, lz, bar.leads.t_perp))
    size = abs(bar.leads.t_parallel)
    waves = np.array([np.roots([1, -(energy - e) / size, 1]) for e in eps])
    open_channel = np.abs(np.abs(waves[:, 0]) - 1) < 1e-9
    pick = np.where(open_channel, waves.imag.argmin(axis=1), np.abs(waves).argmin(axis=1))
    wave = waves[np.arange(len(eps)), pick]
    return basis * (bar.leads.contact**2 / size * wave) @ basis.T


def green_function(bar: AndersonBar, energy: float) -> NDArray:
    """Retarded Green function of the open bar by inversion of the whole matrix."""
    matrix = energy * np.eye(bar.n_sites) - closed_sample(bar).astype(complex)
    step, sigma = bar.n_slice, surface_self_energy(bar, energy)
    matrix[:step, :step] -= sigma
    matrix[-step:, -step:] -= sigma
    return np.linalg.inv(matrix)


def channel_sum(states: NDArray) -> NDArray:
    """sum_n phi_n(x) conj(phi_n(y)): single modes of equal energy mix freely, their sum does not."""
    return states.T @ states.conj()


def deviation(result: object, expected: object) -> float:
    """Largest difference, relative to the largest entry of what is expected."""
    return float(np.abs(np.asarray(result) - expected).max() / np.abs(expected).max())
