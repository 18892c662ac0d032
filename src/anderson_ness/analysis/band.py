"""Scattering states summed over the whole band of the leads (Eqs. 2, 3 and 7)."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from anderson_ness.model import AndersonBar
from anderson_ness.states import scattering_states


def over_the_band(bar: AndersonBar, n_points: int = 120) -> tuple[NDArray[np.float64], NDArray[np.complex128]]:
    """Energies of a quadrature over the leads' band, and at each the weighted density matrices of both leads.

    The integrand has square roots where channels open and close. Between two such edges a and b the variable theta with
    ``E = (a + b)/2 + (b - a)/2 sin(theta)`` removes them, and a Gauss-Legendre rule in theta does the rest.

    Parameters
    ----------
    bar
        The bar.
    n_points
        Nodes between two edges.

    Returns
    -------
    energies : ndarray of shape (n,)
        Ascending, n = n_points times the number of pieces.
    steps : ndarray of shape (n, 2, n_sites, n_sites)
        Weight times ``sum_n phi_nE(x) phi_nE(y)^*`` for the left and the right lead, dimensionless. Their sum over
        energies and leads is the identity, unless the bar has a bound state.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness import AndersonBar
    >>> from anderson_ness.analysis.band import over_the_band
    >>> energies, steps = over_the_band(AndersonBar.random(length=2, disorder=4.0, seed=1), n_points=40)
    >>> # The scattering states of both leads are complete.
    >>> float(np.abs(steps.sum(axis=(0, 1)) - np.eye(8)).max()) < 1e-12
    True
    """
    nodes, weights = np.polynomial.legendre.leggauss(n_points)
    theta = np.pi / 2 * nodes
    band, steps = [], []
    for start, stop in pairwise(bar.leads.band_edges(*bar.shape[1:])):
        half = (stop - start) / 2
        points = (start + stop) / 2 + half * np.sin(theta)
        for E, weight in zip(points, np.pi / 2 * half * np.cos(theta) * weights, strict=True):
            band.append(E)
            steps.append([weight * (states.T @ states.conj()) for states in scattering_states(bar, E)])
    return np.array(band), np.array(steps)
