"""The cavity model of a localized state (Supplement S2)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anderson_ness.analysis import cavity
from anderson_ness.companion.verdicts import readings
from anderson_ness.companion.verdicts.finding import DISAGREES, IN_A_REGIME, REPRODUCED, Finding

_POWER = 0.02  # how far a fitted power may be from an integer


def cavity_lineshape(data: Path) -> Finding:
    """S27 against the exact solution of S19 to S26."""
    errors = cavity.lineshape_errors(momentum=0.92, mirror=0.01)
    return readings.by_misfit("largest error of |t|² at k = 0.92 as printed", **errors, tolerance=1e-3)


def cavity_width(data: Path) -> Finding:
    """S28 against widths fitted to exact lines."""
    momenta = np.linspace(0.35, np.pi - 0.35, 12)
    power = cavity.power_law(np.sin(momenta), cavity.fitted_lines(momenta)[0])
    quantity = "power of sin k in the half width (golden rule: 1)"
    return readings.by_number(quantity, *power, printed=2, corrected=1, tolerance=_POWER)


def cavity_current(data: Path) -> Finding:
    """S29 and S30: current and gradient on resonance, and the source integrated over the line."""
    powers = cavity.two_site_powers()
    at_level = [powers["one lead, at the level", name].value for name in ("current", "gradient")]
    equal = powers["one lead, whole line", "source"]
    unequal = powers["one lead, whole line, unequal mirrors", "source"]
    quantity = f"power of t in the source of a line, t_L = 2 t_R (t_L = t_R: {equal.value:.2f})"
    if max(map(abs, at_level)) > _POWER:
        return Finding(quantity, *unequal, DISAGREES)
    return Finding(quantity, *unequal, _in_which_cavities(unequal.value, equal.value, 2))


def cavity_coherence(data: Path) -> Finding:
    """S31, and what it is to explain: a coherence of order one in the driven part."""
    powers = cavity.two_site_powers()
    one_lead = {"one lead, at the level": -2, "one lead, whole line": 0}
    equal, unequal = (powers[f"driven, {mirrors} mirrors", "coherence"] for mirrors in ("equal", "unequal"))
    quantity = f"power of t in a line's driven coherence, t_L = 2 t_R (t_L = t_R: {equal.value:.2f})"
    if any(abs(powers[kind, "coherence"].value - power) > _POWER for kind, power in one_lead.items()):
        return Finding(quantity, *unequal, DISAGREES)
    return Finding(quantity, *unequal, _in_which_cavities(unequal.value, equal.value, 0))


def _in_which_cavities(unequal: float, equal: float, claimed: float) -> str:
    """Whether a power holds for any mirrors, or only for unequal ones."""
    if abs(unequal - claimed) > _POWER:
        return DISAGREES
    return REPRODUCED if abs(equal - claimed) <= _POWER else IN_A_REGIME


def cavity_off_resonance(data: Path) -> Finding:
    """Between two levels, by the mirrors' strength; and at one energy, by the length of disordered chains."""
    mirrors = np.geomspace(1e-3, 0.1, 9)
    series = cavity.off_resonance_series(mirrors, length=6)
    powers = {name: cavity.power_law(mirrors, values).value for name, values in series.items()}
    lengths = [4, 8, 12, 16, 24, 32]
    logs = cavity.log_decay(np.random.default_rng(3), lengths, disorder=4.0, mirror=0.3)
    rates = {name: cavity.decay_rate(lengths, *means) for name, means in logs.items()}
    slowest = min(rates.values(), key=lambda rate: rate.value)
    suppressed = slowest.value > 4 * slowest.error and min(powers.values()) > 2
    text = ", ".join(f"{name}: t^{power:.2f}" for name, power in powers.items())
    quantity = f"decay of the mean ln C a site, disordered chains (between levels {text})"
    return Finding(quantity, *rates["coherence"], REPRODUCED if suppressed else DISAGREES)
