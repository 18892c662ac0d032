"""Fermions on a few sites by brute force: density matrices in Fock space, which share no code with the package.

Sites are in Jordan and Wigner's order: the partial trace over the last sites, or over the first, of a state of definite
parity is the ordinary one.
"""

from functools import cache

import numpy as np
import scipy.linalg
from numpy.typing import NDArray


@cache
def annihilators(n_sites: int) -> NDArray:
    """c_x for every site, shape (n_sites, 2^n_sites, 2^n_sites)."""
    lower, parity = np.array([[0.0, 1.0], [0.0, 0.0]]), np.diag([1.0, -1.0])
    operators = []
    for x in range(n_sites):
        operator = np.eye(1)
        for factor in [parity] * x + [lower] + [np.eye(2)] * (n_sites - x - 1):
            operator = np.kron(operator, factor)
        operators.append(operator)
    return np.array(operators)


def parity(n_sites: int) -> NDArray:
    """The diagonal of (-1)^(number of particles)."""
    number = np.array([bin(state).count("1") for state in range(2**n_sites)])
    return (-1.0) ** number


def gaussian_state(G: NDArray) -> NDArray:
    """Density matrix with <c_y^dag c_x> = G_xy: independent occupations of the eigenvectors of G."""
    c = annihilators(len(G))
    occupations, vectors = np.linalg.eigh(G)
    rho = np.eye(2 ** len(G), dtype=complex)
    for occupation, vector in zip(occupations, vectors.T, strict=True):
        d = np.tensordot(vector.conj(), c, axes=1)
        number = d.conj().T @ d
        rho = rho @ (occupation * number + (1 - occupation) * (np.eye(len(rho)) - number))
    return rho


def thermal_state(hopping: NDArray, pairing: NDArray) -> NDArray:
    """exp(-H) / Z with H = sum hopping_xy c_x^dag c_y + (pairing_xy c_x^dag c_y^dag + h.c.)."""
    c = annihilators(len(hopping))
    dagger = c.conj().transpose(0, 2, 1)
    normal = np.einsum("xy,xij,yjk->ik", hopping, dagger, c, optimize=True)
    anomalous = np.einsum("xy,xij,yjk->ik", pairing, dagger, dagger, optimize=True)
    weight = scipy.linalg.expm(-(normal + anomalous + anomalous.conj().T))
    return weight / np.trace(weight)


def correlations(rho: NDArray, n_sites: int) -> tuple[NDArray, NDArray]:
    """G_xy = <c_y^dag c_x> and F_xy = <c_x c_y>."""
    c = annihilators(n_sites)
    normal = np.einsum("ij,yjk,xki->xy", rho, c.conj().transpose(0, 2, 1), c, optimize=True)
    anomalous = np.einsum("ij,xjk,yki->xy", rho, c, c, optimize=True)
    return normal, anomalous


def reduced(rho: NDArray, n_sites: int, first: int, last: int) -> NDArray:
    """The state on sites first, ..., last - 1."""
    shape = (2**first, 2 ** (last - first), 2 ** (n_sites - last))
    return np.einsum("aibajb->ij", rho.reshape(shape + shape))


def renyi_entropy(rho: NDArray, alpha: float) -> float:
    """log Tr rho^alpha / (1 - alpha) from the spectrum, and its limits at 1 and infinity."""
    p = np.linalg.eigvalsh(rho)
    p = p[p > 1e-300]
    if alpha == 1:
        return -float(np.sum(p * np.log(p)))
    if alpha == np.inf:
        return -float(np.log(p.max()))
    return float(np.log(np.sum(p**alpha)) / (1 - alpha))


def partial_time_reversal(rho: NDArray, n_sites: int, n_reversed: int) -> NDArray:
    """Every Majorana operator of the first sites times i, for a state of definite parity.

    In a product of an even number of Majorana operators conjugation by one of them gives -1 if it is among them.
    """
    c = annihilators(n_sites)[:n_reversed]
    dagger = c.conj().transpose(0, 2, 1)
    for majorana in np.concatenate([c + dagger, 1j * (dagger - c)]):
        conjugated = majorana @ rho @ majorana
        rho = (rho + conjugated) / 2 + 1j * (rho - conjugated) / 2
    return rho


def log_moment(operator: NDArray, alpha: float) -> float:
    """log Tr |X|^alpha."""
    return float(np.log(np.sum(np.linalg.svd(operator, compute_uv=False) ** alpha)))
