"""Verdicts of chapter 05: volume and area laws, their coefficient, and the linear growth with the bias."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from anderson_ness import AndersonBar, transmission
from anderson_ness.analysis import coherence_laws
from anderson_ness.analysis.coherence_laws import Means
from anderson_ness.analysis.estimators import mean
from anderson_ness.companion.verdicts.finding import DISAGREES, Finding, compared
from anderson_ness.companion.verdicts.shortage import NotEnoughData
from anderson_ness.theory.energy_window import thouless_ratio, whole_density
from anderson_ness.theory.levels import density_of_states
from anderson_ness.theory.scaling import bias_at

_DIFFUSIVE, _CRITICAL, _LOCALIZED, _DEEP = 10.0, 16.5, 21.0, 30.0
_WINDOW = 3e-3 * 16.5  # bias of Fig. 2(a)
_SIZES = (12.0, 20.0)  # of Fig. 2(a)
_WIDE = 100.0  # biases so many times the Thouless energy count as much larger
_MANY_LEVELS = 10.0  # deep in the localized phase E_Th means little: at least so many levels in the window
# Between integer exponents; corrections of order E_Th/bias and 1/L0 take up to a third at L0 = 8 to 16.
_RESOLUTION, _CORRECTIONS = 0.5, 0.35


def volume_law_diffusive(data: Path) -> Finding:
    """C_d grows as L0^3 at W = 10 once the bias is much larger than the Thouless energy."""
    return _law(_wide(data, _DIFFUSIVE), 3.0, f"exponent of L0, W = 10, bias above {_WIDE:g} E_Th")


def volume_law_critical(data: Path) -> Finding:
    """C_d grows as L0^3 at W = 16.5 once the bias is much larger than the Thouless energy."""
    return _law(_wide(data, _CRITICAL), 3.0, f"exponent of L0, W = 16.5, bias above {_WIDE:g} E_Th")


def area_law_localized(data: Path) -> Finding:
    """C_d grows as L0^2 deep in the localized phase, at W = 30."""
    means = _means(data, _DEEP)
    levels = _density(_DEEP)[0] * means.bias * means.length**3
    quantity = f"exponent of L0, W = 30, {_MANY_LEVELS:g} levels in the window or more"
    return _law(means.select(levels > _MANY_LEVELS), 2.0, quantity)


def fixed_window_diffusive(data: Path) -> Finding:
    """The points of Fig. 2(a) at W = 10 follow L0^3."""
    return _figure(data, _DIFFUSIVE, 3.0)


def fixed_window_critical(data: Path) -> Finding:
    """The points of Fig. 2(a) at W = 16.5 follow L0^3."""
    return _figure(data, _CRITICAL, 3.0)


def fixed_window_localized(data: Path) -> Finding:
    """The points of Fig. 2(a) at W = 21 follow L0^2."""
    return _figure(data, _LOCALIZED, 2.0)


def volume_coefficient(data: Path) -> Finding:
    """The volume law's coefficient at W = 10 is that of diffusion theory."""
    density = _density(_DIFFUSIVE)
    means = _means(data, _DIFFUSIVE)
    means = means.select(coherence_laws.ratios(means, density[0]) > _WIDE / 2)
    if not len(means):
        raise NotEnoughData(f"no bias above {_WIDE / 2:g} E_Th at W = 10")
    # What sizes scatter beyond the samples' errors, corrections of order 1/L0 and 1/T, goes into the error.
    fit = coherence_laws.fit_crossover(means, density, {"thouless": 1.0, "boundary": 0.0})
    error = fit.errors["coefficient"] * max(1.0, float(np.sqrt(np.nan_to_num(fit.reduced_chi_square))))
    quantity = f"C_d over diffusion theory without free parameter, W = 10, bias above {_WIDE / 2:g} E_Th"
    return compared(quantity, fit.values["coefficient"], error, 1.0, resolution=0.3, tolerance=0.1)


def linear_in_bias(data: Path) -> Finding:
    """C_d is linear in X at large X for W <= W_c."""
    exponents, errors = [], []
    for disorder in (8.0, 10.0, 13.0, 15.0, _CRITICAL):
        fit = coherence_laws.common_exponent(_wide(data, disorder, fewest=0))
        if fit is not None and np.isfinite(fit.errors["bias"]):
            exponents.append(fit.values["bias"])
            errors.append(fit.errors["bias"])
    if not exponents:
        raise NotEnoughData(f"no size up to W = 16.5 has two biases above {_WIDE:g} E_Th")
    weights = np.array(errors) ** -2.0
    quantity = f"exponent of the bias, W <= 16.5, bias above {_WIDE:g} E_Th"
    value, error = np.average(exponents, weights=weights), weights.sum() ** -0.5
    return compared(quantity, float(value), float(error), 1.0, resolution=_RESOLUTION, tolerance=0.15)


def coherence_density(data: Path) -> Finding:
    """Sites in the bulk of a diffusive bar have a coherence density of order one, and alike; computed, not stored."""
    length, samples, density = 8, 6, _density(_DIFFUSIVE)[0]
    bias = float(bias_at(24.0, length))
    bars = [AndersonBar.random(length, _DIFFUSIVE, seed) for seed in range(samples)]
    slices = np.array([coherence_laws.slice_densities(bar, bias, density).whole for bar in bars])
    ratio = thouless_ratio(bias, length, density, np.mean([transmission(bar, 0.0) for bar in bars]))
    bulk = slice(length // 4, length - length // 4)
    expected = whole_density((np.arange(length) + 0.5) / length, float(ratio))[bulk].mean()
    measured = mean(slices[:, bulk].mean(axis=1) / expected)
    quantity = "coherence density of the bulk per driven state over diffusion theory's 0.2, W = 10, L0 = 8"
    finding = compared(quantity, measured.value, measured.error, 1.0, resolution=0.5, tolerance=0.25)
    along = slices[:, bulk].mean(axis=0)
    uniform = along.min() > 0.75 * along.max()  # as uniform as x (1 - x) is there
    return finding if uniform else finding._replace(verdict=DISAGREES)


def _wide(data: Path, disorder: float, fewest: int = 1) -> Means:
    """The means at biases much larger than the Thouless energy."""
    means = _means(data, disorder)
    wide = means.select(coherence_laws.ratios(means, _density(disorder)[0]) > _WIDE) if len(means) else means
    if len(wide) < fewest:
        raise NotEnoughData(f"no bias above {_WIDE:g} E_Th at W = {disorder:g}")
    return wide


def _means(data: Path, disorder: float) -> Means:
    return coherence_laws.means(coherence_laws.gather(data), disorder)


@cache
def _density(disorder: float) -> tuple[float, float]:
    return density_of_states(disorder, length=6, samples=200, half_width=0.5)


def _law(means: Means, claimed: float, quantity: str) -> Finding:
    """The exponent of L0 at fixed bias from all sizes and biases given."""
    sizes = np.unique(means.length)
    if len(sizes) < 2 or len(means) < 4:
        raise NotEnoughData(f"{quantity}: there are only {len(means)} points at {len(sizes)} sizes")
    fit = coherence_laws.growth(means)
    quantity += f", L0 = {sizes[0]:g} to {sizes[-1]:g}"
    value, error = fit.values["length"], fit.errors["length"]
    return compared(quantity, value, error, claimed, resolution=_RESOLUTION, tolerance=_CORRECTIONS, regime=True)


def _figure(data: Path, disorder: float, claimed: float) -> Finding:
    """The exponent of L0 in the window of Fig. 2(a)."""
    means = _means(data, disorder).at_bias(_WINDOW).at_length(*_SIZES)
    fit = coherence_laws.size_law(means)
    if fit is None or len(means) < 3:
        raise NotEnoughData(f"fewer than three sizes from 12 to 20 at W = {disorder:g}, bias 3e-3 Wc")
    quantity = f"exponent of L0, W = {disorder:g}, bias 3e-3 Wc, L0 = {means.length.min():g} to {means.length.max():g}"
    return compared(
        quantity, fit.values["length"], fit.errors["length"], claimed, resolution=_RESOLUTION, tolerance=0.1
    )
