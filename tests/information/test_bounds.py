import fock
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anderson_ness.information import (
    coherence_bound,
    fermionic_negativity,
    mutual_coherence,
    mutual_information,
    particle_numbers,
)

SEEDS = st.integers(0, 10_000)


def random_state(seed, n_sites, skew=1.0):
    """Occupations are powers of random numbers: a large ``skew`` empties most levels."""
    rng = np.random.default_rng(seed)
    unitary = np.linalg.qr(rng.standard_normal((n_sites, n_sites)) + 1j * rng.standard_normal((n_sites, n_sites)))[0]
    return unitary * rng.random(n_sites) ** skew @ unitary.conj().T


@given(SEEDS, st.sampled_from([0.0, 0.1, 1.0, 10.0, 100.0]))
def test_mutual_information_respects_the_papers_bound_and_the_linear_one(seed, skew):
    n_sites = 3 + seed % 8
    G = random_state(seed, n_sites, skew)
    order = np.random.default_rng(seed).permutation(n_sites)
    a, b = order[: 1 + seed % 2], order[1 + seed % 2 :]
    information, coherence = mutual_information(G, a, b), mutual_coherence(G, a, b)
    # The linear bound is at least four times the paper's.
    assert coherence_bound(G, a, b) <= coherence / 2 + 1e-12
    assert 2 * coherence <= information + 1e-12


@given(SEEDS)
def test_with_pairing_too(seed):
    rng = np.random.default_rng(seed)
    hopping, pairing = rng.standard_normal((2, 4, 4)) + 1j * rng.standard_normal((2, 4, 4))
    rho = fock.thermal_state((hopping + hopping.conj().T) / 2, (pairing - pairing.T) / 2)
    G, F = fock.correlations(rho, 4)
    information, coherence = mutual_information(G, [0, 1], [2, 3], 1.0, F), mutual_coherence(G, [0, 1], [2, 3], F)
    bound = coherence_bound(G, [0, 1], [2, 3], F)
    assert bound == pytest.approx(coherence**2 / 2)
    assert bound <= 2 * coherence + 1e-12
    assert 2 * coherence <= information + 1e-12


@given(SEEDS)
def test_bound_counts_the_particles_of_both_regions_only(seed):
    G = random_state(seed, 7)
    a, b = [1, 4], [0, 6, 5]
    particles, holes = particle_numbers(G, [*a, *b])
    assert particles == pytest.approx(sum(G[x, x].real for x in (*a, *b)))
    assert particles + holes == pytest.approx(5)
    coherence = mutual_coherence(G, a, b)
    assert coherence_bound(G, a, b) == pytest.approx(5 * coherence**2 / (2 * particles * holes))
    assert coherence_bound(np.eye(7) - G, a, b) == pytest.approx(coherence_bound(G, a, b))


@pytest.mark.parametrize("G", [np.zeros((3, 3)), np.eye(3)])
def test_empty_and_full_regions_are_bounded_by_zero(G):
    assert coherence_bound(G, [0], [1, 2]) == 0


def test_a_particle_shared_by_two_sites():
    G = np.full((2, 2), 0.5)
    assert mutual_information(G, [0], [1]) == pytest.approx(2 * np.log(2))
    assert 2 * mutual_coherence(G, [0], [1]) == pytest.approx(1)
    assert coherence_bound(G, [0], [1]) == pytest.approx(0.25)
    assert fermionic_negativity(G, [0], [1]) == pytest.approx(np.log(2))


@given(SEEDS)
def test_separable_states_have_no_coherence_and_entangled_ones_do(seed):
    """Mixtures of products with definite local parity (Eq. 6), against the same state with such a product entangled."""
    rng = np.random.default_rng(seed)

    def local_state(n_sites):
        matrix = rng.standard_normal((2, 2**n_sites, 2**n_sites))
        weight = (matrix[0] + 1j * matrix[1]) @ (matrix[0] + 1j * matrix[1]).conj().T
        weight = weight * (np.equal.outer(fock.parity(n_sites), fock.parity(n_sites)))
        return weight / np.trace(weight)

    shares = rng.dirichlet(np.ones(4))
    separable = sum(share * np.kron(local_state(2), local_state(3)) for share in shares)
    a, b = [0, 1], [2, 3, 4]
    assert mutual_coherence(*_normal_then_regions(separable, a, b)) < 1e-28
    c = fock.annihilators(5)
    bond = c[0].T @ c[3] + c[3].T @ c[0] + c[1] @ c[4] + c[4].T @ c[1].T
    rotation = np.linalg.matrix_power(np.eye(32) + 0.2j / 64 * bond, 64)
    entangled = rotation @ separable @ rotation.conj().T
    entangled = entangled / np.trace(entangled)
    assert mutual_coherence(*_normal_then_regions(entangled, a, b)) > 1e-8


def _normal_then_regions(rho, a, b):
    G, F = fock.correlations(rho, 5)
    return G, a, b, F
