"""Density profiles (Fig. 1b), and the levels behind the localized one."""

from pathlib import Path

import numpy as np
import pandas as pd

from anderson_ness.analysis import profiles, rates
from anderson_ness.analysis.fits import Fit, power_law
from anderson_ness.companion.verdicts.finding import NOT_RESOLVED, Finding, compared
from anderson_ness.companion.verdicts.shortage import NotEnoughData
from anderson_ness.ensembles import read_table
from anderson_ness.ensembles.resonances import read_resonances

# A continuum equation is not claimed to hold to more than this share of the profile's end value.
_MODEL_ERROR = 0.003
# Up to which p-value a model counts as ruled out.
_RULED_OUT = 0.01


def profile_diffusive(data: Path) -> Finding:
    """How much slower diffusion is in the middle than at the ends: not at all, if the profile is a straight line."""
    measured = _profiles(data, 10.0)[-1]
    fitted = profiles.fit_profile(measured, "slowed", model_error=_MODEL_ERROR)
    return compared(
        f"D(ends)/D(middle) - 1 at W = 10, L0 = {measured.length}, X = 24",
        fitted.values["slowing"],
        fitted.errors["slowing"],
        0.0,
        resolution=0.5,
        tolerance=0.2,
    )


def profile_critical(data: Path) -> Finding:
    """Whether D(ends)/D(middle) - 1 = L0/(2 x_c) grows with the length, as D ~ 1/distance has it."""
    measured = _profiles(data, 16.5, least=2)
    found = [profiles.fit_profile(one, "slowed", model_error=_MODEL_ERROR) for one in measured]
    slowing, error = (np.array([getattr(one, kind)["slowing"] for one in found]) for kind in ("values", "errors"))
    lengths = [one.length for one in measured]
    quantity = f"power of L0 in D(ends)/D(middle) - 1 at W = 16.5, L0 = {lengths[0]} to {lengths[-1]}, X = 24"
    if not np.all(slowing > 2 * error):
        return Finding(quantity, np.nan, np.nan, NOT_RESOLVED)
    power = power_law(slowing, error, {"length": lengths})
    return compared(quantity, power.values["length"], power.errors["length"], 1.0, resolution=1.0, tolerance=0.1)


def profile_localized(data: Path) -> Finding:
    """The largest deviation of the measured profile from the fitted step."""
    measured = _profiles(data, 30.0)[-1]
    step, slowed = (
        profiles.fit_profile(measured, model, model_error=_MODEL_ERROR) for model in ("localized", "slowed")
    )
    deviation, error = _largest_deviation(measured, "localized", step)
    quantity = f"largest deviation from the step at W = 30, L0 = {measured.length}, X = 24"
    if slowed.p_value > _RULED_OUT:
        return Finding(quantity, deviation, error, NOT_RESOLVED)
    return compared(quantity, deviation, error, 0.0, resolution=0.1, tolerance=0.03)


def step_width(data: Path) -> Finding:
    """The exponent a of the step's width xi^(1 - a) L0^a in measured profiles."""
    measured = _profiles(data, 30.0, least=2)
    fitted = profiles.fit_localized(measured, model_error=_MODEL_ERROR)
    quantity = f"a in the step's width at W = 30, L0 = {measured[0].length} to {measured[-1].length}, X = 24"
    return compared(quantity, fitted.values["a"], fitted.errors["a"], 0.25, resolution=0.25, tolerance=0.05)


def step_from_rates(data: Path) -> Finding:
    """How much of the step's squared width comes from fluctuations of the rates."""
    found = rates.tunnelling(_longest(_levels(data, 45.0)))
    share, error = found.values["share"], found.errors["share"]
    quantity = f"share of rate fluctuations in the step's squared width at W = 45, L0 = {found.length}, X = 24"
    return compared(quantity, share, error, 1.0, resolution=0.5, tolerance=0.3, regime=True)


def rate_fluctuations(data: Path) -> Finding:
    """The power of L0 with which the log ratio of the rates fluctuates."""
    found = [rates.tunnelling(one) for _, one in _levels(data, 45.0).groupby("length")]
    lengths = [one.length for one in found]
    if len(found) < 2:
        raise NotEnoughData(f"resonances has {len(found)} length at W = 45; 2 are needed")
    spread, error = ([getattr(one, kind)["spread"] for one in found] for kind in ("values", "errors"))
    power = power_law(spread, error, {"length": lengths})
    quantity = f"power of L0 in the spread of ln(Gamma_L/Gamma_R) at W = 45, L0 = {lengths[0]} to {lengths[-1]}"
    return compared(quantity, power.values["length"], power.errors["length"], 0.25, resolution=0.25, tolerance=0.05)


def localized_current(data: Path) -> Finding:
    """The share of the current that levels in the middle half of the bar carry."""
    levels = _longest(_levels(data, 30.0))
    length = int(levels["length"].iloc[0])
    share = rates.shares(levels, "current", [length / 4], of="offset")
    quantity = f"share of the current in levels of the middle half at W = 30, L0 = {length}, X = 24"
    return compared(quantity, float(share.value[0]), float(share.error[0]), 1.0, resolution=0.2, tolerance=0.1)


def localized_carriers(data: Path) -> Finding:
    """The share of the coherence that belongs to levels with rates equal within a factor of ten."""
    levels = _longest(_levels(data, 30.0))
    share = rates.shares(levels, "coherence_share", [np.log(10)])
    quantity = (
        "share of C_d in levels whose rates agree within a factor of 10 at W = 30,"
        f" L0 = {int(levels['length'].iloc[0])}, X = 24"
    )
    return compared(quantity, float(share.value[0]), float(share.error[0]), 1.0, resolution=0.5, tolerance=0.25)


def _profiles(data: Path, disorder: float, least: int = 1) -> list[profiles.Profile]:
    measured = profiles.profiles_at(read_table("profiles", data), disorder)
    if len(measured) < least:
        raise NotEnoughData(f"profiles has {len(measured)} lengths with enough samples at W = {disorder:g}, X = 24")
    return measured


def _levels(data: Path, disorder: float) -> pd.DataFrame:
    found = rates.with_rates(read_resonances(data))
    here = found[found["disorder"] == disorder]
    if here.empty:
        raise NotEnoughData(f"resonances has no levels at W = {disorder:g}")
    return here


def _longest(levels: pd.DataFrame) -> pd.DataFrame:
    return levels[levels["length"] == levels["length"].max()]


def _largest_deviation(measured: profiles.Profile, model: str, fitted: Fit) -> tuple[float, float]:
    half = measured.odd()
    deviation = np.abs(half.value - profiles.curve(half.x, measured.length, model, fitted))
    worst = int(np.argmax(deviation))
    return float(deviation[worst]), float(half.error[worst])
