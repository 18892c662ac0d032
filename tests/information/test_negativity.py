import fock
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from anderson_ness.information import (
    entropy,
    fermionic_negativity,
    mutual_coherence,
    mutual_information,
    renyi_negativity,
)

SEEDS = st.integers(0, 10_000)


def random_state(seed, n_sites):
    rng = np.random.default_rng(seed)
    unitary = np.linalg.qr(rng.standard_normal((n_sites, n_sites)) + 1j * rng.standard_normal((n_sites, n_sites)))[0]
    return unitary * rng.random(n_sites) @ unitary.conj().T


def pure_state(seed, n_sites, n_particles):
    rng = np.random.default_rng(seed)
    vectors = np.linalg.qr(rng.standard_normal((2, n_sites, n_sites))[0])[0][:, :n_particles]
    return vectors @ vectors.conj().T


def two_regions(seed, n_sites, n_a, n_b):
    order = np.random.default_rng(seed + 1).permutation(n_sites)
    return order[:n_a], order[n_a : n_a + n_b]


@pytest.mark.parametrize(("n_sites", "n_a", "n_ab"), [(2, 1, 2), (4, 1, 3), (6, 3, 6), (6, 2, 5)])
@given(seed=SEEDS)
def test_is_that_of_the_partially_time_reversed_density_matrix(n_sites, n_a, n_ab, seed):
    G = random_state(seed, n_sites)
    rho = fock.reduced(fock.gaussian_state(G), n_sites, 0, n_ab)
    reversed_rho = fock.partial_time_reversal(rho, n_ab, n_a)
    a, b = range(n_a), range(n_a, n_ab)
    found = fermionic_negativity(G, a, b)
    assert found == pytest.approx(fock.log_moment(reversed_rho, 1.0), rel=1e-9, abs=1e-11)
    for alpha in (0.6, 1.0, 1.5, 2.0, 3.0, 4.0):
        expected = fock.log_moment(reversed_rho, alpha) - fock.log_moment(rho, alpha)
        assert renyi_negativity(G, a, b, alpha) == pytest.approx(expected, rel=1e-8, abs=1e-9)


@given(SEEDS)
def test_with_pairing_as_well(seed):
    rng = np.random.default_rng(seed)
    hopping, pairing = rng.standard_normal((2, 5, 5)) + 1j * rng.standard_normal((2, 5, 5))
    rho = fock.thermal_state((hopping + hopping.conj().T) / 2, (pairing - pairing.T) / 4)
    G, F = fock.correlations(rho, 5)
    part = fock.reduced(rho, 5, 0, 4)
    reversed_part = fock.partial_time_reversal(part, 4, 2)
    for alpha in (1.0, 3.0):
        expected = fock.log_moment(reversed_part, alpha) - fock.log_moment(part, alpha)
        assert renyi_negativity(G, [0, 1], [2, 3], alpha, F) == pytest.approx(expected, rel=1e-7, abs=1e-10)


@given(SEEDS)
def test_pairing_alone_entangles(seed):
    """A pure paired state of two sites, a |0> + b c_0^dag c_1^dag |0>: two Schmidt coefficients."""
    angle = np.random.default_rng(seed).uniform(0, np.pi)
    a, b = np.cos(angle / 2), np.sin(angle / 2)
    G, F = b**2 * np.eye(2), np.array([[0, -a * b], [a * b, 0]])
    assert fermionic_negativity(G, [0], [1], F) == pytest.approx(2 * np.log(a + b), abs=1e-9)
    assert mutual_information(G, [0], [1], anomalous=F) == pytest.approx(2 * entropy(G[:1, :1]), abs=1e-9)
    assert mutual_coherence(G, [0], [1], F) == pytest.approx(2 * (a * b) ** 2, abs=1e-15)
    assert fermionic_negativity(G, [0], [1]) == pytest.approx(0, abs=1e-12)


@given(SEEDS)
def test_is_symmetric_and_blind_to_local_bases_and_to_the_convention(seed):
    rng = np.random.default_rng(seed + 2)
    G = random_state(seed, 8)
    a, b = two_regions(seed, 8, 3, 4)
    U = np.eye(8, dtype=complex)
    for region in (a, b):
        block = rng.standard_normal((2, region.size, region.size))
        U[np.ix_(region, region)] = np.linalg.qr(block[0] + 1j * block[1])[0]
    expected = fermionic_negativity(G, a, b)
    assert fermionic_negativity(G, b, a) == pytest.approx(expected, abs=1e-12)
    assert fermionic_negativity(G.T, a, b) == pytest.approx(expected, abs=1e-12)
    assert fermionic_negativity(np.eye(8) - G, a, b) == pytest.approx(expected, abs=1e-12)
    assert fermionic_negativity(U @ G @ U.conj().T, a, b) == pytest.approx(expected, abs=1e-12)


@given(SEEDS)
def test_does_not_grow_when_sites_are_left_out(seed):
    G = random_state(seed, 8)
    a, b = two_regions(seed, 8, 3, 5)
    nested = [fermionic_negativity(G, a, b[:n]) for n in range(1, 6)]
    assert nested[0] >= -1e-12
    assert np.all(np.diff(nested) >= -1e-12)


@given(SEEDS)
def test_product_states_have_none_to_rounding_even_if_pure(seed):
    mixed = scipy.linalg.block_diag(random_state(seed, 3), random_state(seed + 1, 4))
    pure = scipy.linalg.block_diag(pure_state(seed, 3, 2), pure_state(seed, 4, 1))
    for G in (mixed, pure):
        for alpha in (1.0, 1.5, 3.0):
            assert renyi_negativity(G, range(3), range(3, 7), alpha) == pytest.approx(0, abs=1e-11)


@given(SEEDS)
def test_of_a_pure_state_is_the_renyi_entropy_of_order_one_half(seed):
    G = pure_state(seed, 7, 3)
    a, b = two_regions(seed, 7, 3, 4)
    half = G[np.ix_(a, a)]
    # Levels of the half that are exactly empty or full have a square root of rounding in their entropy.
    assert fermionic_negativity(G, a, b) == pytest.approx(entropy(half, 0.5), abs=1e-6)


@given(SEEDS)
def test_of_independent_pairs_adds(seed):
    parts = [random_state(seed + i, 4) for i in range(2)]
    G = scipy.linalg.block_diag(*parts)
    expected = sum(fermionic_negativity(part, [0, 1], [2, 3]) for part in parts)
    assert fermionic_negativity(G, [0, 1, 4, 5], [2, 3, 6, 7]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 3.0, 4.0])
def test_near_infinite_temperature_is_twice_the_coherence(alpha):
    direction = random_state(5, 10) - 0.5 * np.eye(10)
    a, b = np.arange(4), np.arange(4, 10)
    for size in (1e-2, 1e-3):
        G = 0.5 * np.eye(10) + size * direction
        expected = 2 * alpha * (2 - alpha) * mutual_coherence(G, a, b)
        assert renyi_negativity(G, a, b, alpha) / expected == pytest.approx(1, abs=40 * alpha**2 * size**2 + 1e-6)


@pytest.mark.parametrize("alpha", [0.0, -1.0, np.inf, np.nan, "1", None])
def test_order_must_be_positive_and_finite(alpha):
    with pytest.raises(ValueError, match=r"^alpha must be a finite number > 0"):
        renyi_negativity(np.eye(2) / 2, [0], [1], alpha)


def test_what_is_no_state_is_refused():
    with pytest.raises(ValueError, match=r"^G must have eigenvalues"):
        fermionic_negativity(np.diag([2.0, 0.5]), [0], [1])
    with pytest.raises(ValueError, match=r"^region_a and region_b must not share"):
        fermionic_negativity(np.eye(2) / 2, [0], [0, 1])
