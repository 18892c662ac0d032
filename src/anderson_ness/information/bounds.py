"""What the mutual coherence of a Gaussian state says about its mutual information (S36 to S38)."""

import numpy as np
from numpy.typing import ArrayLike

from anderson_ness.information.coherence import mutual_coherence, region_indices, square_matrix
from anderson_ness.information.gaussian import Bipartition


def particle_numbers(G: ArrayLike, region: ArrayLike) -> tuple[float, float]:
    """Mean numbers of particles and of holes in a region, N_p = Tr G and N_h = (number of sites) - N_p.

    Raises
    ------
    ValueError
        If G is not square and finite, or the region is empty, out of range or repeats a site.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.information import particle_numbers
    >>> G = np.array([[0.5, 0.3j], [-0.3j, 0.5]])
    >>> particle_numbers(G, [0, 1])
    (1.0, 1.0)
    """
    correlations = square_matrix("G", G)
    sites = region_indices("region", region, len(correlations))
    particles = float(np.diagonal(correlations)[sites].real.sum())
    return particles, sites.size - particles


def coherence_bound(
    G: ArrayLike, region_a: ArrayLike, region_b: ArrayLike, anomalous: ArrayLike | None = None
) -> float:
    """Lower bound of the mutual information by the mutual coherence, ``N C^2 / (2 N_p N_h)`` (S38).

    C is the mutual coherence of A and B, N the number of their sites, N_p and N_h the mean numbers of particles and
    holes in them. With pairing, particles and holes mix and the same argument, for two copies of the state, has
    N_p = N_h = N / 2, so that the bound is ``2 C^2 / N``.

    A linear bound is stronger: ``I_1(A:B) >= 2 C(A:B)``, with equality near infinite temperature. It follows from
    Klein's inequality, because p log p + (1 - p) log(1 - p) - 2 p^2 is convex. And C <= N_p N_h / N, from G^2 <= G, so
    that S38 never exceeds C / 2. Twice `mutual_coherence` needs no function of its own.

    Parameters
    ----------
    G, anomalous
        Correlations, as for `entropy`.
    region_a, region_b
        Two disjoint, non-empty regions, as for `mutual_information`.

    Returns
    -------
    float
        In nats, between 0 and ``mutual_information(G, region_a, region_b)``; 0 if there are no particles or no holes.

    Raises
    ------
    ValueError
        As for `mutual_information`, except that eigenvalues of G are not looked at.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.information import coherence_bound, mutual_information
    >>> G = np.array([[0.5, 0.3j], [-0.3j, 0.5]])
    >>> bool(coherence_bound(G, [0], [1]) <= mutual_information(G, [0], [1]))
    True
    """
    state = Bipartition.of(G, region_a, region_b, anomalous).whole
    coherence = mutual_coherence(G, region_a, region_b, anomalous)
    if anomalous is not None:
        return 2 * coherence**2 / state.n_sites
    particles, holes = particle_numbers(state.matrix, np.arange(state.n_sites))
    if coherence == 0 or particles <= 0 or holes <= 0:
        return 0.0
    return state.n_sites * coherence**2 / (2 * particles * holes)
