"""Random states of a few fermions in Fock space: separable ones, and pure ones that are not (Eqs. 5 and 6)."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

N_SITES = 4


@cache
def annihilators(n_sites: int = N_SITES) -> NDArray[np.float64]:
    """Operators c_x as matrices, shape (n_sites, 2^n_sites, 2^n_sites).

    Jordan and Wigner: a string of signs on the sites before x makes the operators of different sites anticommute.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.separable import annihilators
    >>> c = annihilators(2)
    >>> # Operators of different sites anticommute.
    >>> float(np.abs(c[0] @ c[1] + c[1] @ c[0]).max())
    0.0
    """
    lower, sign = np.array([[0.0, 1.0], [0.0, 0.0]]), np.diag([1.0, -1.0])
    operators = []
    for site in range(n_sites):
        operator = np.eye(1)
        for other in range(n_sites):
            operator = np.kron(operator, sign if other < site else lower if other == site else np.eye(2))
        operators.append(operator)
    return np.array(operators)


def correlations(rho: NDArray) -> tuple[NDArray, NDArray]:
    """G_xy = <c_x^dag c_y> and F_xy = <c_x c_y> of a density matrix, each of shape (n_sites, n_sites).

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.separable import annihilators, correlations
    >>> empty = np.zeros(4)
    >>> empty[0] = 1
    >>> pair = (empty + annihilators(2)[0].T @ annihilators(2)[1].T @ empty) / np.sqrt(2)
    >>> normal, anomalous = correlations(np.outer(pair, pair))
    >>> normal.round(3), anomalous.round(3)
    (array([[0.5, 0. ],
           [0. , 0.5]]), array([[ 0. , -0.5],
           [ 0.5,  0. ]]))
    """
    c = annihilators(int(np.log2(len(rho))))
    normal = np.einsum("ij,xkj,yki->xy", rho, c, c, optimize=True)
    anomalous = np.einsum("ij,xjk,yki->xy", rho, c, c, optimize=True)
    return normal, anomalous


def random_separable(rng: np.random.Generator, n_terms: int = 5) -> NDArray[np.complex128]:
    """A mixture of ``n_terms`` products of states of sites {0, 1} and {2, 3}, each with a definite parity.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.separable import random_separable
    >>> rho = random_separable(np.random.default_rng(1))
    >>> rho.shape, round(float(rho.trace().real), 6)
    ((16, 16), 1.0)
    """
    rho = np.zeros((2**N_SITES,) * 2, dtype=complex)
    even = np.array([True, False, False, True])
    for weight in rng.dirichlet(np.ones(n_terms)):
        first, second = (_random_density(rng, even if rng.random() < 0.5 else ~even) for _ in range(2))
        rho += weight * np.kron(first, second)
    return rho


def random_pure(rng: np.random.Generator) -> NDArray[np.complex128]:
    """A random pure state of all four sites with a definite parity of the whole, almost surely not separable.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.separable import random_pure
    >>> rho = random_pure(np.random.default_rng(1))
    >>> round(float((rho @ rho).trace().real), 6)
    1.0
    """
    count = np.array([bin(state).count("1") for state in range(2**N_SITES)])
    amplitudes = rng.normal(size=count.size) + 1j * rng.normal(size=count.size)
    state: NDArray[np.complex128] = amplitudes * (count % 2 == rng.integers(2))
    return np.outer(state, state.conj()) / np.linalg.norm(state) ** 2


def _random_density(rng: np.random.Generator, support: NDArray[np.bool_]) -> NDArray[np.complex128]:
    """A random mixed state on the given basis states."""
    amplitudes = rng.normal(size=(support.size, 3)) + 1j * rng.normal(size=(support.size, 3))
    amplitudes[~support] = 0
    rho: NDArray[np.complex128] = amplitudes @ amplitudes.conj().T
    return rho / rho.trace().real
