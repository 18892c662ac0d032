"""What temperature does to a bias window whose energies contribute independently (supplement S1, S13).

There C_d ~ L0^3 int dE [n^d_E]^2, with n^d half the difference of the leads' Fermi functions. The same integral is the
thermal factor of shot noise.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit


def occupation_difference(energy: ArrayLike, bias: float, temperature: float = 0.0) -> NDArray[np.float64]:
    """n^d = (n^L - n^R)/2 at mu_L = bias/2 = -mu_R; at T = 0 half the sign of the bias inside the window, else 0.

    Examples
    --------
    >>> from anderson_ness.theory.warm_window import occupation_difference
    >>> occupation_difference([-0.2, 0.0, 0.2], bias=0.3)
    array([0. , 0.5, 0. ])
    >>> occupation_difference([-0.2, 0.0, 0.2], bias=0.3, temperature=0.1).round(3)
    array([0.174, 0.318, 0.174])
    """
    E, half = np.asarray(energy, dtype=float), bias / 2
    if temperature == 0:
        return np.where(np.abs(E) < abs(half), np.sign(bias) / 2, 0.0)
    return (expit((half - E) / temperature) - expit((-half - E) / temperature)) / 2


def driven_levels(levels: ArrayLike, bias: float, temperature: float = 0.0) -> float:
    """``sum_j (2 n^d_j)^2`` over levels: how many are driven; at T = 0 the number of levels in the window.

    Examples
    --------
    >>> from anderson_ness.theory.warm_window import driven_levels
    >>> levels = [-0.2, -0.1, 0.0, 0.1, 0.2]
    >>> driven_levels(levels, bias=0.3), round(driven_levels(levels, bias=0.3, temperature=0.1), 2)
    (3.0, 1.24)
    """
    return float(np.sum((2 * occupation_difference(levels, bias, temperature)) ** 2))


def thermal_share(bias: ArrayLike, temperature: ArrayLike) -> NDArray[np.float64]:
    """``int dE (2 n^d)^2`` over its value |bias| at T = 0, for a flat density of states: ``coth u - 1/u``, u = bias/2T.

    It is 1 - 2T/|bias| for a cold window and |bias|/6T for a warm one.

    Examples
    --------
    >>> from anderson_ness.theory.warm_window import thermal_share
    >>> thermal_share(bias=0.3, temperature=[0.0, 0.01, 1.0]).round(4)
    array([1.    , 0.9333, 0.0499])
    """
    warm = np.asarray(temperature, dtype=float)
    with np.errstate(divide="ignore"):
        u = np.abs(np.asarray(bias, dtype=float)) / (2 * warm)
    # The difference cancels for small u, where the series takes over.
    small, large = np.minimum(u, 1e-2), np.maximum(u, 1e-2)
    return np.where(u < 1e-2, small / 3 - small**3 / 45, 1 / np.tanh(large) - 1 / large)
