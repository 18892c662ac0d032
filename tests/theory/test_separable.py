import numpy as np
import pytest

from anderson_ness import mutual_coherence
from anderson_ness.theory import separable

STATES = {"separable": separable.random_separable, "pure": separable.random_pure}


def test_annihilators_anticommute():
    c = separable.annihilators()
    for x, a in enumerate(c):
        for y, b in enumerate(c):
            np.testing.assert_allclose(a @ b + b @ a, 0, atol=1e-14)
            np.testing.assert_allclose(a @ b.T + b.T @ a, (x == y) * np.eye(len(a)), atol=1e-14)


@pytest.mark.parametrize("kind", STATES)
def test_states_are_states_of_definite_parity(kind):
    rng = np.random.default_rng(3)
    for _ in range(10):
        rho = STATES[kind](rng)
        levels = np.linalg.eigvalsh(rho)
        assert np.trace(rho).real == pytest.approx(1)
        assert levels[0] > -1e-12
        # No superposition of even and odd numbers of particles.
        count = np.array([bin(state).count("1") % 2 for state in range(len(rho))])
        np.testing.assert_allclose(rho[count[:, None] != count], 0, atol=1e-14)


def test_correlations_of_a_shared_particle():
    # (|1000> + |0010>)/sqrt(2): one particle on sites 0 and 2.
    state = np.zeros(16)
    state[[0b1000, 0b0010]] = np.sqrt(0.5)
    normal, anomalous = separable.correlations(np.outer(state, state))
    expected = np.zeros((4, 4))
    expected[np.ix_([0, 2], [0, 2])] = 0.5
    np.testing.assert_allclose(normal, expected, atol=1e-14)
    np.testing.assert_allclose(anomalous, 0, atol=1e-14)


def test_only_separable_states_have_no_coherence():
    rng = np.random.default_rng(4)
    for kind, make in STATES.items():
        for _ in range(20):
            normal, anomalous = separable.correlations(make(rng))
            coherence = mutual_coherence(normal, [0, 1], [2, 3], anomalous=anomalous)
            assert (coherence < 1e-12) == (kind == "separable")
