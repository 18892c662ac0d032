import decimal

import fock
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from anderson_ness.information import entropy, mutual_coherence, mutual_information, relative_entropies
from anderson_ness.information.entropies import renyi_entropies

SEEDS = st.integers(0, 10_000)
ORDERS = [0.3, 0.5, 0.99, 1.0, 1 + 1e-9, 1.4, 2.0, 3.5, 40.0, np.inf]


def random_state(seed, n_sites, lowest=0.0, real=False):
    """A random correlation matrix with eigenvalues between ``lowest`` and 1 - ``lowest``."""
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((n_sites, n_sites)) + (0 if real else 1j) * rng.standard_normal((n_sites, n_sites))
    unitary = np.linalg.qr(matrix)[0]
    return unitary * rng.uniform(lowest, 1 - lowest, n_sites) @ unitary.conj().T


def random_regions(seed, n_sites, n_a, n_b):
    order = np.random.default_rng(seed + 1).permutation(n_sites)
    return order[:n_a], order[n_a : n_a + n_b]


def local_unitary(seed, n_sites, *regions):
    rng = np.random.default_rng(seed + 2)
    unitary = np.eye(n_sites, dtype=complex)
    for region in regions:
        block = rng.standard_normal((2, region.size, region.size))
        unitary[np.ix_(region, region)] = np.linalg.qr(block[0] + 1j * block[1])[0]
    return unitary


@pytest.mark.parametrize("n_sites", [1, 3, 5])
@given(seed=SEEDS)
def test_entropy_is_that_of_the_density_matrix(n_sites, seed):
    G = random_state(seed, n_sites)
    rho = fock.gaussian_state(G)
    np.testing.assert_allclose(fock.correlations(rho, n_sites)[0], G, atol=1e-12)
    for alpha in ORDERS:
        nearest = 1.0 if abs(alpha - 1) < 1e-6 else alpha
        assert entropy(G, alpha) == pytest.approx(fock.renyi_entropy(rho, nearest), rel=1e-7, abs=1e-10)


@given(SEEDS)
def test_mutual_information_is_that_of_partial_traces(seed):
    G = random_state(seed, 6)
    rho = fock.gaussian_state(G)
    parts = {sites: fock.reduced(rho, 6, *sites) for sites in ((0, 2), (2, 5), (0, 5))}
    for alpha in ORDERS:
        if alpha == 1 + 1e-9:
            continue
        of = {sites: fock.renyi_entropy(part, alpha) for sites, part in parts.items()}
        expected = of[0, 2] + of[2, 5] - of[0, 5]
        assert mutual_information(G, [0, 1], [2, 3, 4], alpha) == pytest.approx(expected, rel=1e-8, abs=1e-9)


@given(SEEDS)
def test_with_pairing_both_are_those_of_the_density_matrix(seed):
    rng = np.random.default_rng(seed)
    hopping, pairing = rng.standard_normal((2, 5, 5)) + 1j * rng.standard_normal((2, 5, 5))
    rho = fock.thermal_state((hopping + hopping.conj().T) / 2, (pairing - pairing.T) / 4)
    G, F = fock.correlations(rho, 5)
    assert np.abs(F).max() > 1e-3
    parts = {sites: fock.reduced(rho, 5, *sites) for sites in ((0, 2), (2, 5), (1, 5), (1, 2))}
    for alpha in (0.5, 1.0, 2.0, np.inf):
        of = {sites: fock.renyi_entropy(part, alpha) for sites, part in parts.items()}
        assert entropy(G, alpha, F) == pytest.approx(fock.renyi_entropy(rho, alpha), rel=1e-8)
        expected = of[1, 2] + of[2, 5] - of[1, 5]
        found = mutual_information(G, [1], [2, 3, 4], alpha, F)
        assert found == pytest.approx(expected, rel=1e-7, abs=1e-10)


@given(SEEDS)
def test_an_anomalous_matrix_of_zeros_changes_nothing(seed):
    G = random_state(seed, 5)
    a, b = random_regions(seed, 5, 2, 2)
    for alpha in (0.0, 0.5, 1.0, 2.0):
        assert entropy(G, alpha, np.zeros((5, 5))) == pytest.approx(entropy(G, alpha), rel=1e-12)
        expected = mutual_information(G, a, b, alpha)
        assert mutual_information(G, a, b, alpha, np.zeros((5, 5))) == pytest.approx(expected, abs=1e-12)


@given(SEEDS, st.sampled_from([0.5, 1.0, 2.0]))
def test_mutual_information_is_symmetric_and_blind_to_local_bases_and_to_the_convention(seed, alpha):
    G = random_state(seed, 8)
    a, b = random_regions(seed, 8, 3, 4)
    expected = mutual_information(G, a, b, alpha)
    U = local_unitary(seed, 8, a, b)
    assert mutual_information(G, b, a, alpha) == pytest.approx(expected, abs=1e-12)
    assert mutual_information(G.T, a, b, alpha) == pytest.approx(expected, abs=1e-12)
    assert mutual_information(U @ G @ U.conj().T, a, b, alpha) == pytest.approx(expected, abs=1e-11)


@given(SEEDS)
def test_mutual_information_does_not_grow_when_sites_are_left_out(seed):
    G = random_state(seed, 8)
    a, b = random_regions(seed, 8, 3, 5)
    nested = [mutual_information(G, a, b[:n]) for n in range(1, 6)]
    assert nested[0] >= -1e-12
    assert np.all(np.diff(nested) >= -1e-12)


@given(SEEDS)
def test_product_states_have_no_mutual_information(seed):
    G = scipy.linalg.block_diag(random_state(seed, 3), random_state(seed + 1, 4))
    for alpha in (0.0, 0.5, 1.0, 2.0, np.inf):
        assert mutual_information(G, range(3), range(3, 7), alpha) == pytest.approx(0, abs=1e-12)
        assert entropy(G, alpha) == pytest.approx(entropy(G[:3, :3], alpha) + entropy(G[3:, 3:], alpha), rel=1e-12)


@given(SEEDS)
def test_pure_states_have_no_entropy_and_twice_that_of_a_half_as_mutual_information(seed):
    rng = np.random.default_rng(seed)
    vectors = np.linalg.qr(rng.standard_normal((6, 6)) + 1j * rng.standard_normal((6, 6)))[0][:, :3]
    G = vectors @ vectors.conj().T
    a, b = random_regions(seed, 6, 3, 3)
    for alpha in (0.0, 1.0, 2.0, np.inf):
        assert entropy(G, alpha) == pytest.approx(0, abs=1e-12)
        half = entropy(G[np.ix_(a, a)], alpha)
        assert mutual_information(G, a, b, alpha) == pytest.approx(2 * half, abs=1e-12)


@given(SEEDS)
def test_renyi_entropies_fall_with_the_order_and_are_continuous_in_it(seed):
    G = random_state(seed, 6)
    by_order = np.array([entropy(G, alpha) for alpha in ORDERS])
    assert np.all(np.diff(by_order) <= 1e-12)
    for alpha in (0.5, 1.0, 1.5):
        assert entropy(G, alpha + 1e-7) == pytest.approx(entropy(G, alpha), rel=1e-6)
    assert entropy(G, 1e4) == pytest.approx(entropy(G, np.inf), rel=1e-3)
    assert entropy(G, 0.0) == pytest.approx(6 * np.log(2))


@pytest.mark.parametrize("alpha", ORDERS)
@pytest.mark.parametrize("p", [0.0, 1e-300, 1e-18, 1e-3, 0.5, 1 - 1e-3, 1.0])
def test_entropy_of_one_level_to_full_precision(alpha, p):
    with decimal.localcontext(prec=330):
        exact_p, order = decimal.Decimal(p), decimal.Decimal(1 if alpha == np.inf else alpha)
        q = 1 - exact_p
        if alpha == 1:
            expected = -sum(float(x * x.ln()) for x in (exact_p, q) if x)
        elif alpha == np.inf:
            expected = -float(max(exact_p, q).ln())
        else:
            moment = sum((order * x.ln()).exp() for x in (exact_p, q) if x)
            expected = float(moment.ln() / (1 - order))
    found = renyi_entropies(np.array([p]), alpha)[0]
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_hartley_entropy_counts_levels_that_are_neither_empty_nor_full():
    G = np.diag([0.0, 1e-16, 1.0, 1 - 1e-15, 1e-6, 0.5])
    assert entropy(G, 0) == pytest.approx(2 * np.log(2))


def test_eigenvalues_slightly_outside_count_as_empty_or_full():
    G = np.diag([-1e-9, 1 + 1e-9, 0.3])
    for alpha in (0.0, 0.5, 1.0, 2.0, np.inf):
        assert entropy(G, alpha) == entropy(np.diag([0.0, 1.0, 0.3]), alpha)


@given(SEEDS)
def test_one_particle_and_one_hole_share_the_mutual_information(seed):
    """S36 by matrix logarithms, in the basis in which G is diagonal within A and within B."""
    G = random_state(seed, 7, lowest=0.02)
    a, b = random_regions(seed, 7, 3, 3)
    order = np.concatenate([a, b])
    rotated, diagonal = G[np.ix_(order, order)], np.zeros((6, 6))
    for part in (slice(0, 3), slice(3, 6)):
        occupations, vectors = np.linalg.eigh(rotated[part, part])
        rotated[part] = vectors.conj().T @ rotated[part]
        rotated[:, part] = rotated[:, part] @ vectors
        diagonal[part, part] = np.diag(occupations)
    expected = []
    for rho, sigma in ((rotated, diagonal), (np.eye(6) - rotated, np.eye(6) - diagonal)):
        number = np.trace(rho).real
        rho, sigma = rho / number, sigma / number
        relative = np.trace(rho @ (scipy.linalg.logm(rho) - scipy.linalg.logm(sigma))).real
        assert relative >= 0
        expected.append(number * relative)
    assert relative_entropies(G, a, b) == pytest.approx(expected, rel=1e-8, abs=1e-10)
    assert sum(expected) == pytest.approx(mutual_information(G, a, b), rel=1e-8)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0, 3.0])
def test_near_infinite_temperature_mutual_information_is_2_alpha_times_the_coherence(alpha):
    direction = random_state(5, 10) - 0.5 * np.eye(10)
    a, b = np.arange(4), np.arange(4, 10)
    for size in (1e-2, 1e-3):
        G = 0.5 * np.eye(10) + size * direction
        # What is left is of fourth order.
        ratio = mutual_information(G, a, b, alpha) / (2 * alpha * mutual_coherence(G, a, b))
        assert ratio == pytest.approx(1, abs=10 * alpha**2 * size**2 + 1e-7)
        quadratic = 10 * np.log(2) - 2 * alpha * np.trace((size * direction) @ (size * direction)).real
        assert entropy(G, alpha) == pytest.approx(quadratic, abs=100 * alpha**3 * size**4 + 1e-12)


@pytest.mark.parametrize("alpha", [-0.5, np.nan, -np.inf, "1", None, True])
def test_order_must_be_a_number_from_0_to_infinity(alpha):
    with pytest.raises(ValueError, match=r"^alpha must be a number >= 0, or infinity"):
        entropy(np.eye(2) / 2, alpha)
    with pytest.raises(ValueError, match=r"^alpha must be a number >= 0, or infinity"):
        mutual_information(np.eye(2) / 2, [0], [1], alpha)


@pytest.mark.parametrize(
    ("G", "anomalous", "message"),
    [
        (np.array([[0.5, 0.1], [0.2, 0.5]]), None, "^G must be Hermitian"),
        (np.diag([0.5, 1.1]), None, "^G must have eigenvalues between 0 and 1, not 0.5 to 1.1"),
        (np.zeros((2, 3)), None, "^G must be a square"),
        (np.eye(2) / 2, np.ones((2, 2)), "^anomalous must be antisymmetric"),
        (np.eye(2) / 2, np.zeros((3, 3)), "^anomalous must have shape"),
        (np.eye(2) / 2, np.array([[0, 0.8], [-0.8, 0]]), "^G must have eigenvalues between 0 and 1"),
    ],
)
def test_what_is_no_state_is_refused(G, anomalous, message):
    with pytest.raises(ValueError, match=message):
        entropy(G, 1.0, anomalous)


def test_regions_are_checked():
    for bad in ([0, 0], [5], [], [1, 2]):
        with pytest.raises(ValueError, match=r"^region"):
            mutual_information(np.eye(4) / 2, bad, [1])
