"""Verdicts of chapter 07: W_c and nu without coherences, the critical conductance, wide and warm windows."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

from anderson_ness.analysis import critical_point as critical
from anderson_ness.analysis.estimators import Estimate
from anderson_ness.analysis.finite_size import ScalingFit
from anderson_ness.companion.verdicts.finding import Finding, compared
from anderson_ness.companion.verdicts.shortage import NotEnoughData
from anderson_ness.ensembles.transfer import read_transfer
from anderson_ness.ensembles.windows import read_windows
from anderson_ness.theory.scaling import CORRELATION_EXPONENT, CRITICAL_DISORDER

# The paper gives W_c to a digit after the point; what other orders of the expansion give differs by as much.
_W_TOLERANCE, _NU_TOLERANCE = 0.1, 0.05
_DIFFUSIVE = 10.0
_FEWEST = 8


def critical_disorder_transfer(data: Path) -> Finding:
    """W_c from the reduced localization lengths of long bars."""
    fit = _transition(data).fit
    quantity = "W_c from transfer matrices, widths 4 to 10, with a correction to scaling"
    value, error = fit.values["critical_disorder"], fit.errors["critical_disorder"]
    return compared(quantity, value, error, CRITICAL_DISORDER, resolution=0.5, tolerance=_W_TOLERANCE)


def nu_transfer(data: Path) -> Finding:
    """nu from the same fit."""
    fit = _transition(data).fit
    quantity = "nu from transfer matrices, widths 4 to 10, with a correction to scaling"
    value, error = fit.values["nu"], fit.errors["nu"]
    return compared(quantity, value, error, CORRELATION_EXPONENT, resolution=0.2, tolerance=_NU_TOLERANCE)


def critical_disorder_conductance(data: Path) -> Finding:
    """W_c from typical transmissions of cubes."""
    fit = critical.fit_conductance(_conductances(data)).fit
    quantity = "W_c from typical transmissions of cubes, L0 >= 6, no correction to scaling"
    value, error = fit.values["critical_disorder"], fit.errors["critical_disorder"]
    return compared(quantity, value, error, CRITICAL_DISORDER, resolution=0.5, tolerance=_W_TOLERANCE)


def critical_conductance(data: Path) -> Finding:
    """D ~ 1/L at the critical point: the conductance, which is D L, does not depend on the size."""
    fit = critical.size_exponent(_conductances(data), CRITICAL_DISORDER)
    quantity = "exponent of the mean transmission against L0 at W = 16.5"
    # Diffusion would give 1. Corrections to scaling and the contacts, at these sizes, may leave a tenth.
    return compared(quantity, fit.values["length"], fit.errors["length"], 0.0, resolution=0.5, tolerance=0.1)


def mobility_edge(data: Path) -> Finding:
    """The window's coherence grows with its number of states until it reaches the mobility edge."""
    edge, _ = critical.mobility_edge(_lengths(data), _DIFFUSIVE)
    windows = _windows(data, _DIFFUSIVE)
    windows = windows[(windows["t_parallel"] == 6) & (windows["temperature"] == 0) & (windows["bias"] <= 2 * edge)]
    length = _largest(windows, critical.Window(4.0))
    own = windows[windows["length"] == length]
    wide = float(own["bias"].max())
    growth = _enough(critical.growth_exponent(own, critical.Window(4.0), critical.Window(wide)))
    where = f"W = 10, L0 = {length}, bias 4 to {wide:g} (2 E_c = {2 * edge:.1f})"
    quantity = f"exponent of C_d against the states in the window, {where}"
    return compared(quantity, growth.value, growth.error, 1.0, resolution=0.5, tolerance=0.1, regime=True)


def low_temperature(data: Path) -> Finding:
    """C_d ~ L0^3 int dE (n^d)^2: warm leads cost as much coherence as this integral says."""
    windows = _windows(data, _DIFFUSIVE)
    own = windows[windows["t_parallel"] == 3]
    ratio = _enough(critical.share_ratio(own, critical.Window(2.0), critical.Window(2.0, 0.5)))
    quantity = "C_d over int dE (n^d)^2 at T = bias/4, over its value at T = 0; W = 10, bias 2, L0 = 6"
    return compared(quantity, ratio.value, ratio.error, 1.0, resolution=0.3, tolerance=0.1)


def _largest(windows: pd.DataFrame, window: critical.Window) -> int:
    """The largest size with enough samples in a window."""
    counts = windows[windows["bias"] == window.bias].groupby("length").size()
    enough = counts[counts >= _FEWEST]
    if enough.empty:
        raise NotEnoughData(f"windows.csv has fewer than {_FEWEST} samples at bias {window.bias:g}, W = 10")
    return int(enough.index.max())


def _enough(estimate: Estimate | None) -> Estimate:
    if estimate is None or estimate.samples < _FEWEST:
        raise NotEnoughData(f"windows.csv has fewer than {_FEWEST} samples in two windows of one size at W = 10")
    return estimate


@cache
def _lengths(data: Path) -> pd.DataFrame:
    return critical.reduced_lengths(read_transfer(data))


@cache
def _transition(data: Path) -> ScalingFit:
    return critical.fit_transition(_lengths(data))


@cache
def _conductances(data: Path) -> pd.DataFrame:
    return critical.conductances(critical.transmissions(data))


@cache
def _windows(data: Path, disorder: float) -> pd.DataFrame:
    table = read_windows(data)
    root = table.attrs["specification"]["root_seed"]
    return critical.driven(table[table["disorder"] == disorder], root)
