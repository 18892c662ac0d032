"""Lines of the cavity model, measured on its exact states (Supplement S2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import curve_fit

from anderson_ness.theory.cavity import Cavity, line_transmission

HOPPING = 0.9
# From the centre of a line, in half widths.
ACROSS = np.linspace(-5, 5, 401)
WEAK_MIRRORS = np.geomspace(1e-4, 1e-2, 9)
# The level of two sites that is looked at: the lower one, at minus the hopping.
_LEVEL = 0
# t_L / t_R of unequal mirrors.
_UNEQUAL = 2.0


class Power(NamedTuple):
    """A fitted power and its standard error.

    Examples
    --------
    >>> from anderson_ness.analysis.cavity import Power
    >>> Power(value=2.0, error=0.01).value
    2.0
    """

    value: float
    error: float


def power_law(x: ArrayLike, y: ArrayLike) -> Power:
    """Exponent of y ~ x^p, from the slope of the logarithms.

    Examples
    --------
    >>> from anderson_ness.analysis.cavity import power_law
    >>> found = power_law([1.0, 2.0, 4.0, 8.0], [1.0, 4.1, 15.8, 64.5])
    >>> round(found.value, 2), found.error < 0.02
    (2.0, True)
    """
    (slope, _), covariance = np.polyfit(np.log(x), np.log(y), 1, cov=True)
    return Power(float(slope), float(np.sqrt(covariance[0, 0])))


def tuned_chain(momentum: float, mirror: float, n_sites: int = 4, level: int = 1, hopping: float = HOPPING) -> Cavity:
    """A uniform chain between equal mirrors, shifted in energy so that one of its levels is at 2 cos(momentum).

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.cavity import tuned_chain
    >>> cavity = tuned_chain(momentum=1.2, mirror=0.1)
    >>> bool(np.isclose(cavity.levels[1], 2 * np.cos(1.2)))
    True
    """
    unshifted = Cavity.chain(np.zeros(n_sites), mirror, mirror, hopping).levels[level]
    return Cavity.chain(np.full(n_sites, 2 * np.cos(momentum) - unshifted), mirror, mirror, hopping)


def lineshape_errors(momentum: float, mirror: float, hopping: float = HOPPING) -> dict[str, float]:
    """Largest error of \\|t\\|^2 within five half widths of a line, of S27 ``corrected`` and as ``printed``.

    Examples
    --------
    >>> from anderson_ness.analysis.cavity import lineshape_errors
    >>> errors = lineshape_errors(momentum=1.2, mirror=0.01)
    >>> errors["corrected"] < 1e-2 < errors["printed"]
    True
    """
    cavity = tuned_chain(momentum, mirror, hopping=hopping)
    points = cavity.positions[1] + cavity.half_widths[1] * ACROSS
    exact = cavity.transmission(points)
    readings = {"corrected": False, "printed": True}
    return {
        name: float(np.abs(line_transmission(cavity, 1, points, printed=printed) - exact).max())
        for name, printed in readings.items()
    }


def fitted_lines(
    momenta: Sequence[float] | NDArray, mirror: float = 0.01, hopping: float = HOPPING
) -> tuple[NDArray, NDArray]:
    """Half widths of exact lines and their distances from the level, both over A, from fits of a Lorentzian.

    Returns
    -------
    half_widths, shifts : ndarray of the shape of ``momenta``

    Examples
    --------
    >>> from anderson_ness.analysis.cavity import fitted_lines
    >>> half_widths, shifts = fitted_lines([0.8, 1.2])
    >>> half_widths.round(3), shifts.round(3)
    (array([0.717, 0.932]), array([0.697, 0.362]))
    """
    half_widths, shifts = [], []
    for k in momenta:
        cavity = tuned_chain(k, mirror, hopping=hopping)
        strength = cavity.strengths[1]
        offsets = np.linspace(-4, 4, 401)
        exact = cavity.transmission(cavity.levels[1] + strength * offsets)
        (_, centre, half_width), _ = curve_fit(_lorentzian, offsets, exact, p0=(1, 0, 0.5))
        half_widths.append(abs(half_width))
        shifts.append(centre)
    return np.array(half_widths), np.array(shifts)


def _lorentzian(x: NDArray, height: float, centre: float, half_width: float) -> NDArray:
    return height / (1 + ((x - centre) / half_width) ** 2)


def two_site_series(
    mirrors: ArrayLike = WEAK_MIRRORS, hopping: float = HOPPING
) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Current, density gradient, coherence and source of two sites, against the strength t of the right mirror.

    With ``G_xy = sum phi(x) phi(y)^*`` the current is ``2 t_0 Im G_21``, the gradient ``G_11 - G_22``, the coherence
    ``G_12``, and the source of a whole line the integral of a state's current times its gradient; sizes of all.

    Returns
    -------
    dict
        By the kind of states and the name of the quantity. Kinds: states of the right lead at the level (per unit of
        energy), integrated over half a hopping to both sides of it, and the driven part G^d; with t_L = t_R = t, or
        ("unequal mirrors") t_L = 2 t.

    Examples
    --------
    >>> from anderson_ness.analysis.cavity import two_site_series
    >>> series = two_site_series([1e-3, 1e-2])
    >>> series["driven, unequal mirrors", "gradient"].shape
    (2,)
    """
    kinds: Mapping[str, tuple[Callable[[float, float, float], dict[str, float]], float]] = {
        "one lead, at the level": (_at_level, 1.0),
        "one lead, whole line": (_whole_line, 1.0),
        "one lead, whole line, unequal mirrors": (_whole_line, _UNEQUAL),
        "driven, equal mirrors": (_driven, 1.0),
        "driven, unequal mirrors": (_driven, _UNEQUAL),
    }
    series: dict[tuple[str, str], NDArray[np.float64]] = {}
    for kind, (read, ratio) in kinds.items():
        values = [read(ratio * t, t, hopping) for t in np.asarray(mirrors)]
        series |= {(kind, name): np.array([value[name] for value in values]) for name in values[0]}
    return series


def two_site_powers(mirrors: ArrayLike = WEAK_MIRRORS, hopping: float = HOPPING) -> dict[tuple[str, str], Power]:
    """Powers of t fitted to `two_site_series`.

    Examples
    --------
    >>> from anderson_ness.analysis.cavity import two_site_powers
    >>> powers = two_site_powers([1e-3, 2e-3, 4e-3])
    >>> round(powers["one lead, whole line", "current"].value, 2)
    2.0
    """
    return {name: power_law(mirrors, values) for name, values in two_site_series(mirrors, hopping).items()}


def two_sites(t_left: float, t_right: float, hopping: float = HOPPING) -> tuple[Cavity, float, tuple[float, float]]:
    """Two sites behind mirrors, their lower level, and the energies half a hopping from it.

    Examples
    --------
    >>> from anderson_ness.analysis.cavity import two_sites
    >>> cavity, level, window = two_sites(t_left=0.01, t_right=0.01)
    >>> round(level, 3), tuple(round(energy, 3) for energy in window)
    (-0.9, (-1.35, -0.45))
    """
    cavity = Cavity.chain(np.zeros(2), t_left, t_right, hopping)
    level = float(cavity.levels[_LEVEL])
    return cavity, level, (level - hopping / 2, level + hopping / 2)


def current_and_gradient(cavity: Cavity, energies: ArrayLike, hopping: float = HOPPING) -> tuple[NDArray, NDArray]:
    """Current and density gradient of the right lead's states of two sites, per unit of energy.

    Examples
    --------
    >>> from anderson_ness.analysis.cavity import current_and_gradient, two_sites
    >>> cavity, level, _ = two_sites(t_left=0.01, t_right=0.02)
    >>> current, gradient = current_and_gradient(cavity, level)
    >>> # The right lead's carriers move to the left.
    >>> bool(current < 0), bool(abs(gradient) < abs(current))
    (True, True)
    """
    states = cavity.scattering_states(energies)[1]
    current = -2 * hopping * (states[..., 1] * states[..., 0].conj()).imag
    return current, np.abs(states[..., 0]) ** 2 - np.abs(states[..., 1]) ** 2


def _readings(G: NDArray, hopping: float) -> dict[str, float]:
    current, gradient = 2 * hopping * G[1, 0].imag, (G[0, 0] - G[1, 1]).real
    return {"current": abs(current), "gradient": abs(gradient), "coherence": abs(G[0, 1])}


def _at_level(t_left: float, t_right: float, hopping: float) -> dict[str, float]:
    cavity, level, _ = two_sites(t_left, t_right, hopping)
    state = cavity.scattering_states(level)[1]
    return _readings(np.outer(state, state.conj()), hopping)


def _whole_line(t_left: float, t_right: float, hopping: float) -> dict[str, float]:
    cavity, _, window = two_sites(t_left, t_right, hopping)
    nodes, weights = cavity.window_nodes(*window)
    current, gradient = current_and_gradient(cavity, nodes, hopping)
    source = abs(weights @ (current * gradient))
    return {**_readings(cavity.window_states(*window)[1], hopping), "source": float(source)}


def _driven(t_left: float, t_right: float, hopping: float) -> dict[str, float]:
    cavity, _, window = two_sites(t_left, t_right, hopping)
    left, right = cavity.window_states(*window)
    return _readings((left - right) / 2, hopping)


def half_coherences(states: NDArray) -> NDArray[np.float64]:
    """Coherence between the halves of a chain in single states, shape (..., L0): a product of densities.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.cavity import half_coherences
    >>> half_coherences(np.array([[0.5, 0.5, 0.5, 0.5], [1.0, 0.0, 0.0, 0.0]]))
    array([0.5, 0. ])
    """
    density = np.abs(states) ** 2
    middle = density.shape[-1] // 2
    return 2 * density[..., :middle].sum(axis=-1) * density[..., middle:].sum(axis=-1)


def off_resonance_series(mirrors: ArrayLike, length: int, hopping: float = HOPPING) -> dict[str, NDArray[np.float64]]:
    """Transmission, and coherence of the left lead's state, of a uniform chain at an energy between two levels.

    Examples
    --------
    >>> from anderson_ness.analysis.cavity import off_resonance_series, power_law
    >>> series = off_resonance_series([0.01, 0.02, 0.04], length=6)
    >>> round(power_law([0.01, 0.02, 0.04], series["transmission"]).value, 1)
    4.0
    """
    series: dict[str, list[float]] = {"transmission": [], "coherence": []}
    for t in np.asarray(mirrors):
        cavity = Cavity.fabry_perot(length, t, t, hopping)
        below, above = np.sort(cavity.levels)[length // 2 - 1 : length // 2 + 1]
        between = 0.4 * below + 0.6 * above  # off the chain's symmetric point
        series["transmission"].append(float(cavity.transmission(between)))
        series["coherence"].append(float(half_coherences(cavity.scattering_states(between)[0])))
    return {name: np.array(values) for name, values in series.items()}


def log_decay(
    rng: np.random.Generator,
    lengths: Sequence[int] | NDArray,
    disorder: float,
    mirror: float,
    n_chains: int = 100,
    energy: float = 0.1,
    hopping: float = HOPPING,
) -> dict[str, tuple[NDArray, NDArray]]:
    """Logarithms of transmission and coherence of random chains at one energy, averaged over chains.

    Returns
    -------
    dict
        ``transmission`` and ``coherence`` of the left lead's state: mean and standard error, each of shape
        (len(lengths),).

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.cavity import log_decay
    >>> logs = log_decay(np.random.default_rng(1), [10, 20], disorder=4.0, mirror=0.5, n_chains=20)
    >>> mean, error = logs["transmission"]
    >>> bool(mean[1] < mean[0] < 0)
    True
    """
    logs: dict[str, list[list[float]]] = {"transmission": [], "coherence": []}
    for n in lengths:
        chains = [Cavity.chain(disorder * (rng.random(n) - 0.5), mirror, mirror, hopping) for _ in range(n_chains)]
        logs["transmission"].append([float(np.log(chain.transmission(energy))) for chain in chains])
        logs["coherence"].append(
            [float(np.log(half_coherences(chain.scattering_states(energy)[0]))) for chain in chains]
        )
    means = {}
    for name, rows in logs.items():
        values = np.array(rows)
        means[name] = values.mean(axis=1), values.std(axis=1, ddof=1) / np.sqrt(n_chains)
    return means


def decay_rate(lengths: ArrayLike, mean_log: ArrayLike, error: ArrayLike) -> Power:
    """Decrease of a mean logarithm per site, from a weighted straight line.

    Examples
    --------
    >>> from anderson_ness.analysis.cavity import decay_rate
    >>> rate = decay_rate([10, 20, 30], mean_log=[-5.0, -10.1, -14.9], error=[0.1, 0.1, 0.1])
    >>> round(rate.value, 3), round(rate.error, 3)
    (0.495, 0.007)
    """
    x, y, weight = np.asarray(lengths, float), np.asarray(mean_log, float), 1 / np.asarray(error, float)
    (rate, _), covariance = np.polyfit(x, y, 1, w=weight, cov="unscaled")
    return Power(float(-rate), float(np.sqrt(covariance[0, 0])))
