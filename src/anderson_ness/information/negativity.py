"""Fermionic negativity of Gaussian states.

Partial time reversal multiplies every Majorana operator of region A by i [1]; unlike the transpose of a spin chain's
density matrix it takes a Gaussian state to a Gaussian operator rho^R. The product rho^R rho^R^dag has a single-particle
spectrum xi, given in [2]. With the covariance ``K = 2 G - 1``, and Z = 1 on A and -1 on B, the formula simplifies:
1 - 2 xi are the eigenvalues of ``K Z + Z K`` relative to ``1 + K^2``, and

    sqrt(xi (1 - xi)) = singular values of (Z + K) (1 + K^2)^{-1} (Z - K) / 2,

which is exact to rounding also where xi is close to 0 or 1, as for most levels of a cold state.

[1] H. Shapourian, K. Shiozaki and S. Ryu, Phys. Rev. B 95, 165101 (2017).
[2] H. Shapourian and S. Ryu, J. Stat. Mech. 043106 (2019).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anderson_ness import _check
from anderson_ness.information.entropies import renyi_entropies
from anderson_ness.information.gaussian import Bipartition


def fermionic_negativity(
    G: ArrayLike, region_a: ArrayLike, region_b: ArrayLike, anomalous: ArrayLike | None = None
) -> float:
    """Logarithmic negativity ``E(A:B) = log Tr |rho^R|`` with rho^R the partial time reversal of the state on A and B.

    Zero for separable states; it does not grow when sites are left out. Near infinite temperature it tends to 2 C(A:B).

    Parameters
    ----------
    G, anomalous
        Correlations, as for `entropy`.
    region_a, region_b
        Two disjoint, non-empty regions, as for `mutual_information`; other sites are traced out.

    Returns
    -------
    float
        In nats, >= 0 up to rounding.

    Raises
    ------
    ValueError
        As for `mutual_information`.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.information import fermionic_negativity
    >>> G = np.array([[0.5, 0.3j], [-0.3j, 0.5]])
    >>> round(float(fermionic_negativity(G, [0], [1])), 4)
    0.3075
    >>> pure = np.array([[0.5, 0.5], [0.5, 0.5]])
    >>> round(float(fermionic_negativity(pure, [0], [1]) / np.log(2)), 6)
    1.0
    """
    return renyi_negativity(G, region_a, region_b, 1.0, anomalous)


def renyi_negativity(
    G: ArrayLike, region_a: ArrayLike, region_b: ArrayLike, alpha: float, anomalous: ArrayLike | None = None
) -> float:
    """Renyi negativity ``E_alpha(A:B) = log Tr |rho^R|^alpha - log Tr rho^alpha``.

    Zero for product states, and for every state at alpha = 2; the negativity at alpha = 1; of negative sign for
    alpha > 2. Near infinite temperature it tends to 2 alpha (2 - alpha) C(A:B). The moment alone is
    ``E_alpha + (1 - alpha) entropy(G_AB, alpha)``.

    Parameters
    ----------
    G, region_a, region_b, anomalous
        As for `fermionic_negativity`.
    alpha
        Order, a finite number > 0.

    Returns
    -------
    float
        In nats.

    Raises
    ------
    ValueError
        As for `mutual_information`, or if alpha is not a finite number > 0.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.information import fermionic_negativity, renyi_negativity
    >>> G = np.array([[0.5, 0.3j], [-0.3j, 0.5]])
    >>> bool(np.isclose(renyi_negativity(G, [0], [1], alpha=1.0), fermionic_negativity(G, [0], [1])))
    True
    """
    order = _check.finite_number("alpha", alpha, "a finite number > 0")
    if order <= 0:
        raise ValueError(f"alpha must be a finite number > 0, not {alpha!r}")
    regions = Bipartition.of(G, region_a, region_b, anomalous)
    occupations = regions.whole.occupations()
    xi = _reversed_occupations(regions)
    # Tr |rho^R|^alpha = prod [xi^(alpha/2) + (1 - xi)^(alpha/2)] (Tr rho^2)^(alpha/2).
    terms = (1 - order / 2) * renyi_entropies(xi, order / 2) - order / 2 * renyi_entropies(occupations, 2.0)
    terms -= (1 - order) * renyi_entropies(occupations, order)
    return float(terms.sum()) / regions.whole.copies


def _reversed_occupations(regions: Bipartition) -> NDArray[np.float64]:
    """The smaller of xi and 1 - xi for every level of rho^R rho^R^dag."""
    signs = np.where(regions.in_b, -1.0, 1.0)
    identity = np.eye(signs.size)
    covariance = 2 * regions.whole.matrix - identity
    # 1 + K^2 lies between 1 and 2, so that solving with it costs no digits.
    # Imported when called for: most processes never need it.
    import scipy.linalg

    factor = scipy.linalg.cho_factor(identity + covariance @ covariance)
    difference = np.diag(signs) - covariance
    product = (np.diag(signs) + covariance) @ scipy.linalg.cho_solve(factor, difference, overwrite_b=True) / 2
    root = np.minimum(scipy.linalg.svdvals(product, overwrite_a=True), 0.5)
    # xi = (1 - sqrt(1 - 4 root^2)) / 2 without its cancellation.
    return np.asarray(2 * root**2 / (1 + np.sqrt(1 - 4 * root**2)))
