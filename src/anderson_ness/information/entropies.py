"""Entropies and mutual information of Gaussian states (S32, S33, S36 of the paper's supplement), in nats."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anderson_ness import _check
from anderson_ness.information.gaussian import Bipartition, GaussianState

# Occupations this close to 0 or 1 count as empty or full in the Hartley entropy, which asks for nothing else.
_EMPTY = 1e-12
# Orders this close to 1 take the formula that does not cancel there.
_NEAR_ONE = 0.5


def entropy(G: ArrayLike, alpha: float = 1.0, anomalous: ArrayLike | None = None) -> float:
    """Renyi entropy of a Gaussian state, ``S_alpha = log Tr rho^alpha / (1 - alpha)`` (S32, S33).

    For a state that conserves particles it is ``Tr log[G^alpha + (1 - G)^alpha] / (1 - alpha)``. Eigenvalues at 0 and
    1 contribute nothing; ones outside by no more than 1e-3, as errors of G leave them, are taken to be there.

    Parameters
    ----------
    G
        Correlation matrix, shape (n_sites, n_sites). Both conventions <c_x^dag c_y> and <c_y^dag c_x> give the same,
        unless there is an anomalous matrix: then ``G[x, y] = <c_y^dag c_x>``, as everywhere in this package.
    alpha
        Order, >= 0. 1: von Neumann's entropy; 0: the logarithm of the rank, where occupations within 1e-12 of 0 and
        1 count as such; ``numpy.inf``: minus the logarithm of the largest probability.
    anomalous
        The matrix ``F[x, y] = <c_x c_y>`` of a state with pairing, antisymmetric.

    Returns
    -------
    float
        In nats, between 0 and n_sites log 2.

    Raises
    ------
    ValueError
        If G is not Hermitian with eigenvalues between 0 and 1, ``anomalous`` not antisymmetric, or alpha negative.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.information import entropy
    >>> round(float(entropy(np.eye(4) / 2) / np.log(2)), 12)
    4.0
    >>> abs(round(float(entropy(np.diag([1.0, 0.0]))), 12))
    0.0
    """
    return _entropy(GaussianState.of(G, anomalous), _order(alpha))


def mutual_information(
    G: ArrayLike, region_a: ArrayLike, region_b: ArrayLike, alpha: float = 1.0, anomalous: ArrayLike | None = None
) -> float:
    """Mutual information ``I_alpha(A:B) = S_alpha(A) + S_alpha(B) - S_alpha(AB)`` of two regions.

    At alpha = 1 it is never negative, never smaller than twice the mutual coherence (see `coherence_bound`), and does
    not grow when sites are left out. Other orders may do all of that. Near infinite temperature it tends to
    2 alpha C(A:B) (S39, and S40 for alpha = 1).

    Parameters
    ----------
    G, alpha, anomalous
        As for `entropy`.
    region_a, region_b
        Two disjoint, non-empty regions: arrays of site indices or boolean masks of length n_sites.

    Returns
    -------
    float
        In nats.

    Raises
    ------
    ValueError
        As for `entropy`, or if a region is empty, out of range, repeats a site or overlaps the other.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.information import mutual_information
    >>> G = np.array([[0.5, 0.3j], [-0.3j, 0.5]])
    >>> round(mutual_information(G, [0], [1]), 4)
    0.3855
    >>> round(mutual_information(G, [0], [1], alpha=2.0), 4)
    0.615
    """
    order = _order(alpha)
    regions = Bipartition.of(G, region_a, region_b, anomalous)
    return _entropy(regions.a, order) + _entropy(regions.b, order) - _entropy(regions.whole, order)


def relative_entropies(G: ArrayLike, region_a: ArrayLike, region_b: ArrayLike) -> tuple[float, float]:
    """The mutual information as relative entropies of one particle and of one hole (S36).

    With D the part of G within A and within B, ``I_1(A:B) = N_p S(rho_p | rho_p^d) + N_h S(rho_h | rho_h^d)``: rho_p =
    G / N_p and rho_p^d = D / N_p are states of a single particle, those of a hole likewise from 1 - G and 1 - D.

    Parameters
    ----------
    G
        Correlation matrix of a state that conserves particles, shape (n_sites, n_sites).
    region_a, region_b
        Two disjoint regions, as for `mutual_information`.

    Returns
    -------
    particles, holes : float
        The two terms, each >= 0, in nats; their sum is ``mutual_information(G, region_a, region_b)``.

    Raises
    ------
    ValueError
        As for `mutual_information`.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.information import mutual_information, relative_entropies
    >>> G = np.array([[0.5, 0.3j], [-0.3j, 0.5]])
    >>> particles, holes = relative_entropies(G, [0], [1])
    >>> bool(np.isclose(particles + holes, mutual_information(G, [0], [1])))
    True
    """
    regions = Bipartition.of(G, region_a, region_b)
    whole, a, b = (state.occupations() for state in (regions.whole, regions.a, regions.b))
    apart = np.concatenate([a, b])
    particles, holes = (
        np.sum(_xlogy(g, g)) - np.sum(_xlogy(d, d)) for g, d in ((whole, apart), (1 - whole, 1 - apart))
    )
    return float(particles), float(holes)


def renyi_entropies(probabilities: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    """Renyi entropy of each two-valued distribution (p, 1 - p), p in [0, 1], exact near p = 0 and 1 and alpha = 1."""
    small = np.minimum(probabilities, 1 - probabilities)
    large = 1 - small
    if alpha == 0:
        return np.log(2) * (small > _EMPTY)
    if alpha == 1:
        return -_xlogy(small, small) - large * np.log1p(-small)
    if np.isinf(alpha):
        return -np.log1p(-small)
    log_large = np.log1p(-small)
    if abs(alpha - 1) > _NEAR_ONE:
        # log(p^alpha + q^alpha), with the larger term taken out so that neither under- nor overflows.
        return (alpha * log_large + np.log1p((small / large) ** alpha)) / (1 - alpha)
    # p^alpha + q^alpha = 1 + p (p^(alpha - 1) - 1) + q (q^(alpha - 1) - 1).
    log_small = np.log(np.where(small > 0, small, 1.0))
    excess = small * np.expm1((alpha - 1) * log_small) + large * np.expm1((alpha - 1) * log_large)
    return np.log1p(excess) / (1 - alpha)


def _entropy(state: GaussianState, alpha: float) -> float:
    return float(renyi_entropies(state.occupations(), alpha).sum()) / state.copies


def _order(alpha: object) -> float:
    if isinstance(alpha, float) and alpha == np.inf:
        return np.inf
    order = _check.finite_number("alpha", alpha, "a number >= 0, or infinity")
    if order < 0:
        raise ValueError(f"alpha must be a number >= 0, or infinity, not {alpha!r}")
    return order


def _xlogy(x: NDArray, y: NDArray) -> NDArray:
    """x log y, 0 where x is; scipy's, imported when called for, as most processes never need it."""
    from scipy.special import xlogy

    return np.asarray(xlogy(x, y))
