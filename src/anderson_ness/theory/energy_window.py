"""How many energies a diffusive bar adds up: C_d at any ratio of the bias to the Thouless energy.

``|G^d_xy|^2`` is a double integral over the window of ``q_E(x, y) conj(q_E'(x, y))``. On average two energies meet
where the gradient of the density is (the source), and from there both ends of the coherence diffuse, each with the
frequency w = E - E' [1]. In a bar of length 1, with energies in units of ``E_Th = D/L0^2`` and the leads absorbing,

    E[q_E conj(q_E')] ~ int dz Y_w(x, z) conj(Y_w(y, z)),    (-d^2/dx^2 - i w) Y_w(x, z) = delta(x - z),

which in the modes sin(n pi x) is a sum of Lorentzians of widths (n pi)^2. Integrated over all w it is the field
x (1 - y) of the boundary-driven random circuit, hence the volume law; the window cuts the integral off at the bias.
Transverse modes drop out of sums over whole slices.

D follows from the conductance: the mean transmission is ``T = 2 pi rho D L0`` (Einstein's relation), so that
``bias/E_Th = 2 pi rho bias L0^3/T``, 2 pi times the number of levels in the window over T: nothing is left to fit.

This is what the gradient produces. There is a local part besides (`diffuson`), a delta function in a wide window: it
leaves the volume law as it is, but adds a third to C_d in linear response, 1/(6 pi) instead of 0.0398 times the ratio,
a fifth at 40 E_Th and a tenth at 120.

[1] The long-range correlations of intensity, C_2, of waves in random media: M. C. W. van Rossum and
    T. M. Nieuwenhuizen, Rev. Mod. Phys. 71, 313 (1999).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anderson_ness.theory.scaling import bias_crossover, volume_law

# The n-th term of the sums falls as n^-4 or faster.
_ORDER = np.arange(1, 201)
_RATES = (np.pi * _ORDER) ** 2
_LEFT = (1 - np.cos(_ORDER * np.pi / 2)) / (np.pi * _ORDER)  # integrals of the modes over the left half
_RIGHT = (np.cos(_ORDER * np.pi / 2) - np.cos(_ORDER * np.pi)) / (np.pi * _ORDER)


def thouless_ratio(
    bias: ArrayLike, length: ArrayLike, density_of_states: ArrayLike, transmission: ArrayLike
) -> NDArray[np.float64]:
    """The bias over the Thouless energy D/L0^2, ``2 pi rho |bias| L0^3/T``.

    Parameters
    ----------
    bias, length
        Bias and edge of the cube.
    density_of_states
        Density of states rho at the window's centre, per site and unit of energy.
    transmission
        Mean transmission T = Tr t t^dag, the conductance in units of e^2/h. It contains what the contacts resist.

    Raises
    ------
    ValueError
        If a density of states or a transmission is not positive.

    Examples
    --------
    >>> from anderson_ness.theory.energy_window import thouless_ratio
    >>> round(float(thouless_ratio(bias=0.05, length=20, density_of_states=0.085, transmission=12.0)), 1)
    17.8
    """
    rho, mean = np.asarray(density_of_states, dtype=float), np.asarray(transmission, dtype=float)
    if not (np.all(rho > 0) and np.all(mean > 0)):
        raise ValueError("density_of_states and transmission must be positive")
    return 2 * np.pi * rho * np.abs(np.asarray(bias, dtype=float)) * np.asarray(length, dtype=float) ** 3 / mean


def window_share(ratio: ArrayLike) -> NDArray[np.float64]:
    """C_d that the gradient produces in a diffusive bar over the `scaling.volume_law`, as a function of bias/E_Th.

    It is 0.0398 times the ratio where that is small, so that C_d grows as the square of the bias, and tends to 1 where
    it is large, 1 - 14/ratio.

    Parameters
    ----------
    ratio
        Bias over Thouless energy, >= 0 (`thouless_ratio`).

    Returns
    -------
    ndarray
        Between 0 and 1.

    Raises
    ------
    ValueError
        If a ratio is negative.

    Examples
    --------
    >>> from anderson_ness.theory.energy_window import window_share
    >>> window_share([0.0, 1.0, 40.0, 1000.0]).round(3)
    array([0.   , 0.04 , 0.726, 0.986])
    """
    weights = _LEFT * _RIGHT / _RATES
    return _mode_shares(ratio) @ weights / weights.sum()


def diffusive_coherence(
    bias: ArrayLike, length: ArrayLike, density_of_states: ArrayLike, transmission: ArrayLike
) -> NDArray[np.float64]:
    """C_d in the diffusive phase at any bias, without a free parameter: `volume_law` times `window_share`.

    Parameters and errors as for `thouless_ratio`. Corrections of order 1/L0 are those of the boundaries.

    Examples
    --------
    >>> from anderson_ness.theory.energy_window import diffusive_coherence
    >>> # Four times the bias: between four times the coherence (wide window) and sixteen times (narrow one).
    >>> narrow, wide = diffusive_coherence([0.05, 0.2], 20, density_of_states=0.085, transmission=12.0)
    >>> bool(4 < wide / narrow < 16)
    True
    """
    ratio = thouless_ratio(bias, length, density_of_states, transmission)
    return volume_law(bias, length, density_of_states) * window_share(ratio)


def half_density(x: ArrayLike, ratio: float = np.inf) -> NDArray[np.float64]:
    """Coherence density of a site with the left half of a diffusive bar, per driven state.

    At large bias (1 - x)/4 in the right half, where it adds up to C_d. The left half's own sites have short-ranged
    coherences too, which diffusion knows nothing of.

    Parameters
    ----------
    x
        Position along the current in units of the length, between 0 and 1.
    ratio
        Bias over Thouless energy, > 0.

    Returns
    -------
    ndarray of the shape of x
        ``C(L:{x})/(rho |bias|)``, dimensionless.

    Raises
    ------
    ValueError
        If a position lies outside the bar, or the ratio is not positive.

    Examples
    --------
    >>> from anderson_ness.theory.energy_window import half_density
    >>> half_density([0.5, 0.6, 1.0]).round(3)
    array([0.125, 0.1  , 0.   ])
    """
    return _density(x, ratio, _LEFT)


def whole_density(x: ArrayLike, ratio: float = np.inf) -> NDArray[np.float64]:
    """Coherence density of a site with all others in a diffusive bar, per driven state: x (1 - x) at large bias.

    Parameters, returns and errors as for `half_density`. Short-ranged coherences, which are largest near the ends, come
    on top.

    Examples
    --------
    >>> from anderson_ness.theory.energy_window import whole_density
    >>> whole_density([0.2, 0.5]).round(3), whole_density([0.2, 0.5], ratio=1.0).round(3)
    (array([0.16, 0.25]), array([0.005, 0.008]))
    """
    return _density(x, ratio, _LEFT + _RIGHT)


def _density(x: ArrayLike, ratio: float, region: NDArray[np.float64]) -> NDArray[np.float64]:
    position = np.asarray(x, dtype=float)
    if not np.all((position >= 0) & (position <= 1)):
        raise ValueError("x must lie between 0 and 1")
    if not ratio > 0:
        raise ValueError(f"ratio must be positive, not {ratio!r}")
    shares = _mode_shares(ratio) if np.isfinite(ratio) else np.ones(_ORDER.size)
    return np.sin(np.pi * position[..., None] * _ORDER) @ (4 * region / _RATES * shares)


def _mode_shares(ratio: ArrayLike) -> NDArray[np.float64]:
    """How much of the Lorentzian of every mode the window takes, between 0 and 1, shape (..., modes)."""
    u = np.asarray(ratio, dtype=float)
    if not np.all(u >= 0):
        raise ValueError("ratio must be >= 0")
    scaled = np.where(u > 0, u, 1.0)[..., None] / _RATES
    return np.where(u[..., None] > 0, bias_crossover(scaled, 1.0) / (np.pi * scaled), 0.0)
