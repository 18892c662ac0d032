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
    """A fitted power and its standard error."""

    value: float
    error: float


def power_law(x: ArrayLike, y: ArrayLike) -> Power:
    """Exponent of y ~ x^p, from the slope of the logarithms."""
    (slope, _), covariance = np.polyfit(np.log(x), np.log(y), 1, cov=True)
    return Power(float(slope), float(np.sqrt(covariance[0, 0])))


def tuned_chain(momentum: float, mirror: float, n_sites: int = 4, level: int = 1, hopping: float = HOPPING) -> Cavity:
    """A uniform chain between equal mirrors, shifted in energy so that one of its levels is at 2 cos(momentum)."""
    unshifted = Cavity.chain(np.zeros(n_sites), mirror, mirror, hopping).levels[level]
    return Cavity.chain(np.full(n_sites, 2 * np.cos(momentum) - unshifted), mirror, mirror, hopping)


def lineshape_errors(momentum: float, mirror: float, hopping: float = HOPPING) -> dict[str, float]:
    """Largest error of \\|t\\|^2 within five half widths of a line, of S27 ``corrected`` and as ``printed``."""
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
    """Powers of t fitted to `two_site_series`."""
    return {name: power_law(mirrors, values) for name, values in two_site_series(mirrors, hopping).items()}


def two_sites(t_left: float, t_right: float, hopping: float = HOPPING) -> tuple[Cavity, float, tuple[float, float]]:
    """Two sites behind mirrors, their lower level, and the energies half a hopping from it."""
    cavity = Cavity.chain(np.zeros(2), t_left, t_right, hopping)
    level = float(cavity.levels[_LEVEL])
    return cavity, level, (level - hopping / 2, level + hopping / 2)


def current_and_gradient(cavity: Cavity, energies: ArrayLike, hopping: float = HOPPING) -> tuple[NDArray, NDArray]:
    """Current and density gradient of the right lead's states of two sites, per unit of energy."""
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
    """Coherence between the halves of a chain in single states, shape (..., L0): a product of densities."""
    density = np.abs(states) ** 2
    middle = density.shape[-1] // 2
    return 2 * density[..., :middle].sum(axis=-1) * density[..., middle:].sum(axis=-1)


def off_resonance_series(mirrors: ArrayLike, length: int, hopping: float = HOPPING) -> dict[str, NDArray[np.float64]]:
    """Transmission, and coherence of the left lead's state, of a uniform chain at an energy between two levels."""
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
    """Decrease of a mean logarithm per site, from a weighted straight line."""
    x, y, weight = np.asarray(lengths, float), np.asarray(mean_log, float), 1 / np.asarray(error, float)
    (rate, _), covariance = np.polyfit(x, y, 1, w=weight, cov="unscaled")
    return Power(float(-rate), float(np.sqrt(covariance[0, 0])))
