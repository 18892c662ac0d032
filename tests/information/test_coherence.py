import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anderson_ness import coherence_density, mutual_coherence

SEEDS = st.integers(0, 10_000)


def random_state(seed, n_sites=7):
    """A correlation matrix 0 <= G <= 1, an antisymmetric anomalous matrix, and three disjoint regions."""
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((2, n_sites, n_sites)) + 1j * rng.standard_normal((2, n_sites, n_sites))
    unitary = np.linalg.qr(matrix[0])[0]
    G = unitary * rng.random(n_sites) @ unitary.conj().T
    regions = np.split(rng.permutation(n_sites), [2, 5])
    return G, 0.1 * (matrix[1] - matrix[1].T), regions


def local_unitary(seed, n_sites, regions):
    rng = np.random.default_rng(seed)
    result = np.eye(n_sites, dtype=complex)
    for region in regions:
        size = len(region)
        block = rng.standard_normal((size, size)) + 1j * rng.standard_normal((size, size))
        result[np.ix_(region, region)] = np.linalg.qr(block)[0]
    return result


@given(SEEDS)
def test_is_twice_the_squared_correlations_between_the_regions(seed):
    G, F, (a, b, _) = random_state(seed)
    normal = sum(abs(G[x, y]) ** 2 for x in a for y in b)
    anomalous = sum(abs(F[x, y]) ** 2 for x in a for y in b)
    assert mutual_coherence(G, a, b) == pytest.approx(2 * normal, rel=1e-13)
    assert mutual_coherence(G, a, b, anomalous=F) == pytest.approx(2 * (normal + anomalous), rel=1e-13)


@given(SEEDS)
def test_is_symmetric_in_the_regions_and_blind_to_the_convention(seed):
    G, F, (a, b, _) = random_state(seed)
    expected = mutual_coherence(G, a, b, F)
    assert mutual_coherence(G, b, a, F) == pytest.approx(expected, rel=1e-13)
    assert mutual_coherence(G.T, a, b, F.T) == pytest.approx(expected, rel=1e-13)


@given(SEEDS)
def test_is_additive_over_disjoint_regions(seed):
    G, F, (a, b, c) = random_state(seed)
    together = mutual_coherence(G, a, np.concatenate([b, c]), F)
    assert together == pytest.approx(mutual_coherence(G, a, b, F) + mutual_coherence(G, a, c, F), rel=1e-13)


@given(SEEDS)
def test_is_the_sum_of_the_coherence_density_over_the_other_region(seed):
    G, _, (a, b, _) = random_state(seed)
    assert coherence_density(G, a)[b].sum() == pytest.approx(mutual_coherence(G, a, b), rel=1e-13)


@given(SEEDS)
def test_coherence_density_of_a_site_of_the_region_is_with_the_rest_of_it(seed):
    G, _, (_, b, _) = random_state(seed)
    density = coherence_density(G, b)
    for x in b:
        assert density[x] == pytest.approx(mutual_coherence(G, [x], b[b != x]), rel=1e-13)


@given(SEEDS)
def test_does_not_change_under_unitaries_local_to_the_regions(seed):
    G, F, (a, b, _) = random_state(seed)
    U = local_unitary(seed + 1, len(G), [a, b])
    rotated = mutual_coherence(U @ G @ U.conj().T, a, b, U @ F @ U.T)
    assert rotated == pytest.approx(mutual_coherence(G, a, b, F), rel=1e-12)


@given(SEEDS)
def test_indices_and_masks_name_the_same_region(seed):
    G, F, (a, b, _) = random_state(seed)
    masks = [np.isin(np.arange(len(G)), region) for region in (a, b)]
    assert mutual_coherence(G, *masks, F) == pytest.approx(mutual_coherence(G, a, b, F), rel=1e-13)
    np.testing.assert_allclose(coherence_density(G, masks[0]), coherence_density(G, a), rtol=1e-13)


@given(SEEDS)
def test_two_separate_systems_share_no_coherence_and_add_their_own(seed):
    parts = [random_state(seed), random_state(seed + 1)]
    size = len(parts[0][0])
    G = np.zeros((2 * size, 2 * size), dtype=complex)
    G[:size, :size], G[size:, size:] = parts[0][0], parts[1][0]
    assert mutual_coherence(G, range(size), range(size, 2 * size)) == 0
    a, b = (np.concatenate([parts[0][2][r], size + parts[1][2][r]]) for r in (0, 1))
    own = [mutual_coherence(part[0], part[2][0], part[2][1]) for part in parts]
    assert mutual_coherence(G, a, b) == pytest.approx(sum(own), rel=1e-13)


def test_of_a_particle_shared_by_two_sites():
    G = np.full((2, 2), 0.5)
    assert mutual_coherence(G, [0], [1]) == 0.5
    np.testing.assert_array_equal(coherence_density(G, [0]), [0, 0.5])


def test_a_single_index_and_lists_are_regions_too():
    G = np.arange(9.0).reshape(3, 3)
    assert mutual_coherence(G, 0, [1, 2]) == pytest.approx(2 * (1 + 4))
    assert mutual_coherence(G, [True, False, False], [False, True, True]) == pytest.approx(2 * (1 + 4))


BAD_MATRICES = [
    np.zeros((2, 3)),
    np.zeros(4),
    np.full((4, 4), np.nan),
    np.full((4, 4), np.inf * 1j),
    np.full((4, 4), "1"),
    np.eye(4, dtype=bool),
    [[1.0, 2.0], [3.0]],
    None,
]
BAD_REGIONS = [
    [],
    np.zeros(4, dtype=bool),
    np.ones(3, dtype=bool),
    np.ones((2, 2), dtype=bool),
    [[0, 1]],
    [0, 0],
    [0, 4],
    [-1],
    [0.0, 1.0],
    ["0"],
    [[0], [1, 2]],
    None,
]


@pytest.mark.parametrize("matrix", BAD_MATRICES)
def test_a_correlation_matrix_must_be_square_and_finite(matrix):
    with pytest.raises(ValueError, match=r"^G must"):
        mutual_coherence(matrix, [0], [1])
    with pytest.raises(ValueError, match=r"^G must"):
        coherence_density(matrix, [0])


@pytest.mark.parametrize("matrix", [*BAD_MATRICES[:-1], np.eye(3)])
def test_an_anomalous_matrix_must_fit(matrix):
    with pytest.raises(ValueError, match=r"^anomalous must"):
        mutual_coherence(np.eye(4), [0], [1], anomalous=matrix)


@pytest.mark.parametrize("region", BAD_REGIONS)
def test_a_region_must_hold_sites_each_once(region):
    G = np.eye(4)
    with pytest.raises(ValueError, match=r"^region_a (as a mask )?must"):
        mutual_coherence(G, region, [3])
    with pytest.raises(ValueError, match=r"^region_b (as a mask )?must"):
        mutual_coherence(G, [3], region)
    with pytest.raises(ValueError, match=r"^region (as a mask )?must"):
        coherence_density(G, region)


def test_regions_must_not_overlap():
    with pytest.raises(ValueError, match=r"^region_a and region_b must not share"):
        mutual_coherence(np.eye(4), [0, 1], np.array([False, True, True, False]))
