"""Scaling laws of the mutual coherence: the variables of Eq. 9, its limits, and the energy scales behind them.

Energies are in units of the hopping, lengths in lattice constants.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

CRITICAL_DISORDER = 16.5
"""The paper's W_c. As the unit of the bias it stays this number even where W_c is fitted."""

CORRELATION_EXPONENT = 1.57
"""The paper's nu (Slevin and Ohtsuki, PRL 82, 382 (1999))."""

COHERENCE_DIMENSION = 0.0
"""The paper's scaling dimension alpha of C_d (Eq. 9)."""

THOULESS_EXPONENTS = {"diffusive": 2.0, "critical": 3.0, "localized": 0.0}
"""Exponent z of the Thouless energy, ~ L0^-z at fixed W (supplement S1); when localized only an upper bound."""

COHERENCE_EXPONENTS = {"diffusive": 3.0, "critical": 3.0, "localized": 2.0}
"""Exponent of L0 in C_d at fixed bias: volume law up to the critical point, area law beyond."""


def scaled_bias(bias: ArrayLike, length: ArrayLike) -> NDArray[np.float64]:
    """First scaling variable X = bias L0^3/16.5: the bias in units of the level spacing, up to a constant (Eq. 9).

    Examples
    --------
    >>> from anderson_ness.theory.scaling import scaled_bias
    >>> round(float(scaled_bias(0.05, 20)), 4)
    24.2424
    """
    return np.asarray(bias, dtype=float) * np.asarray(length, dtype=float) ** 3 / CRITICAL_DISORDER


def bias_at(scaled: ArrayLike, length: ArrayLike) -> NDArray[np.float64]:
    """The bias whose `scaled_bias` is given, in units of the hopping.

    Examples
    --------
    >>> from anderson_ness.theory.scaling import bias_at
    >>> round(float(bias_at(24, 8)), 6)
    0.773438
    """
    return np.asarray(scaled, dtype=float) * CRITICAL_DISORDER / np.asarray(length, dtype=float) ** 3


def scaled_disorder(
    disorder: ArrayLike,
    length: ArrayLike,
    critical: float = CRITICAL_DISORDER,
    nu: float = CORRELATION_EXPONENT,
) -> NDArray[np.float64]:
    """Second scaling variable Y = (W/W_c - 1) L0^(1/nu) (Eq. 9).

    Examples
    --------
    >>> from anderson_ness.theory.scaling import scaled_disorder
    >>> scaled_disorder([16.5, 33.0], 8).round(3)
    array([0.  , 3.76])
    """
    return (np.asarray(disorder, dtype=float) / critical - 1) * np.asarray(length, dtype=float) ** (1 / nu)


def correlation_length(
    disorder: ArrayLike,
    amplitude: float = 1.0,
    critical: float = CRITICAL_DISORDER,
    nu: float = CORRELATION_EXPONENT,
) -> NDArray[np.float64]:
    """``xi = amplitude |W/W_c - 1|^-nu``; infinite at W_c.

    Examples
    --------
    >>> from anderson_ness.theory.scaling import correlation_length
    >>> correlation_length([16.5, 33.0])
    array([inf,  1.])
    """
    with np.errstate(divide="ignore"):
        return amplitude * np.abs(np.asarray(disorder, dtype=float) / critical - 1) ** -nu


def volume_law(bias: ArrayLike, length: ArrayLike, density_of_states: ArrayLike) -> NDArray[np.float64]:
    """C_d in the diffusive limit, bias far above the Thouless energy: ``rho |bias| L0^3/32``, no free parameter.

    The states of an energy shell spread as in the boundary-driven random circuit, where a difference dn of the end
    densities gives C = L0^3 dn^2/32 (Bernard and Jin, PRL 123, 080601 (2019)); here a fraction rho |bias| of all
    states is driven, with dn = 1.

    Parameters
    ----------
    bias, length
        Bias and edge of the cube.
    density_of_states
        Density of states rho at the window's centre, per site and unit of energy.

    Examples
    --------
    >>> from anderson_ness.theory.scaling import volume_law
    >>> round(float(volume_law(0.5, 8, density_of_states=0.08)), 12)
    0.64
    """
    volume = np.asarray(length, dtype=float) ** 3
    return np.asarray(density_of_states) * np.abs(np.asarray(bias, dtype=float)) * volume / 32


def area_law(
    bias: ArrayLike, length: ArrayLike, xi: ArrayLike, amplitude: float = 1.0, b: float = 0.0
) -> NDArray[np.float64]:
    """C_d in the localized phase: ``amplitude |bias| xi^(1 + b) L0^(2 - b)``, 0 <= b < 1.

    b = 0 is the area law. Fluctuations of the place of the resonances leave fewer of them at the middle: b > 0.

    Examples
    --------
    >>> from anderson_ness.theory.scaling import area_law
    >>> round(float(area_law(0.5, 8, xi=2.0)), 12)
    64.0
    """
    magnitude = amplitude * np.abs(np.asarray(bias, dtype=float))
    return magnitude * np.asarray(xi, dtype=float) ** (1 + b) * np.asarray(length, dtype=float) ** (2 - b)


def localized_tail(
    scaled_disorder: ArrayLike, amplitude: float = 1.0, nu: float = CORRELATION_EXPONENT, b: float = 0.0
) -> NDArray[np.float64]:
    """dC_d/dX far on the localized side: ``amplitude Y^(-nu (1 + b))``.

    It is the `area_law` over X, ~ (xi/L0)^(1 + b), with xi/L0 ~ Y^-nu; b = 0 is the black line of Fig. 2(b).
    Y must be positive.

    Examples
    --------
    >>> from anderson_ness.theory.scaling import localized_tail
    >>> localized_tail([1.0, 4.0], nu=1.5).round(6)
    array([1.   , 0.125])
    """
    y = np.asarray(scaled_disorder, dtype=float)
    if not np.all(y > 0):
        raise ValueError("scaled_disorder must be positive: the tail belongs to the localized side")
    return amplitude * y ** (-nu * (1 + b))


def thouless_energy(length: ArrayLike, phase: str, scale: float = 1.0) -> NDArray[np.float64]:
    """Energy over which scattering states stay correlated, ``scale L0^-z`` (supplement S1).

    Parameters
    ----------
    length
        Edge of the cube.
    phase
        "diffusive" (z = 2, scale = D), "critical" (z = 3) or "localized" (z = 0, scale ~ xi^-3, an upper bound).
    scale
        The prefactor.

    Examples
    --------
    >>> from anderson_ness.theory.scaling import thouless_energy
    >>> round(float(thouless_energy(10, 'diffusive')), 12)
    0.01
    """
    return scale * np.asarray(length, dtype=float) ** -THOULESS_EXPONENTS[_phase(phase)]


def coherence_field(distance: ArrayLike, phase: str, xi: float = 1.0) -> NDArray[np.float64]:
    """How |q_E(x, y)|^2 falls off with |x - y| in the bulk, up to a constant (supplement S1).

    "diffusive": xi/r beyond xi (S12) and flat within; "critical": flat, up to logarithms; "localized": confined to
    r < xi, here exp(-r/xi), of which the paper fixes the range and not the form.

    Examples
    --------
    >>> from anderson_ness.theory.scaling import coherence_field
    >>> coherence_field([2.0, 4.0], 'diffusive')
    array([0.5 , 0.25])
    """
    r = np.asarray(distance, dtype=float)
    if _phase(phase) == "diffusive":
        return xi / np.maximum(r, xi)
    return np.ones_like(r) if phase == "critical" else np.exp(-r / xi)


def bias_crossover(bias: ArrayLike, thouless: float) -> NDArray[np.float64]:
    """How C_d grows from bias^2 to |bias| as the bias passes the Thouless energy.

    ``int int dE dE' f(E - E')`` over the window (S1) for a Lorentzian correlation f = 1/(1 + (D/thouless)^2):
    ``2 d t arctan(d/t) - t^2 ln(1 + d^2/t^2)``, which is d^2 for d << t and pi t d for d >> t. The paper does not
    fix the shape of f: this is one that can be fitted, not a prediction.

    Examples
    --------
    >>> from anderson_ness.theory.scaling import bias_crossover
    >>> bool(bias_crossover(0.02, 1.0) / bias_crossover(0.01, 1.0) > 3.9)
    True
    """
    if not 0 < thouless < np.inf:
        raise ValueError(f"thouless must be a finite number > 0, not {thouless!r}")
    ratio = np.abs(np.asarray(bias, dtype=float)) / thouless
    # The difference cancels for small ratios, where the series takes over at equal accuracy.
    series = ratio**2 * (1 - ratio**2 / 6 + ratio**4 / 15)
    closed = 2 * ratio * np.arctan(ratio) - np.log1p(ratio**2)
    return thouless**2 * np.where(ratio < 1e-2, series, closed)


def _phase(phase: str) -> str:
    if phase not in THOULESS_EXPONENTS:
        raise ValueError(f"phase must be one of {', '.join(map(repr, THOULESS_EXPONENTS))}, not {phase!r}")
    return phase
