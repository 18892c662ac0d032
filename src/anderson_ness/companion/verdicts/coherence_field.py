"""Verdicts of chapter 08: how the coherence field falls with the distance, and over which energies it is correlated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from anderson_ness.analysis import coherence_field, rates
from anderson_ness.analysis.fits import power_law
from anderson_ness.companion.verdicts.finding import DISAGREES, NOT_RESOLVED, REPRODUCED, Finding, compared
from anderson_ness.companion.verdicts.shortage import NotEnoughData
from anderson_ness.ensembles.coherence_field import read_coherence_field
from anderson_ness.ensembles.resonances import read_resonances
from anderson_ness.theory import diffuson
from anderson_ness.theory.levels import density_of_states

_KINDS = ("energy", "window")
# Between falling as 1/r and being flat, and between the Thouless exponents 2 and 3.
_RESOLUTION = 0.5
# A mean free path of one site and half a bar of eight leave little room for a power of the distance.
_SHORT_RANGE = 0.2


def field_identity(data: Path) -> Finding:
    """C_d of a window is the integral of the measured energy correlations."""
    table = read_coherence_field(data)
    length = _lengths(table, ("energy", "window"), 10.0)[0]
    found = coherence_field.identity(*(coherence_field.select(table, kind, 10.0, length) for kind in _KINDS))
    quantity = f"C_d over 2 sum c_E times the integral of f, W = 10, L0 = {length}, X = 24"
    return compared(quantity, found.value, found.error, 1.0, resolution=0.5, tolerance=0.1)


def field_diffusive(data: Path) -> Finding:
    """The field at one energy falls with the distance as the solution of the diffusion problem does."""
    table = read_coherence_field(data)
    length = _lengths(table, ("energy",), 10.0)[-1]
    rows = coherence_field.select(table, "energy", 10.0, length)
    model = coherence_field.predicted(coherence_field.medium(rows), "energy")
    found = coherence_field.radial_quantity(rows, coherence_field.decay_exponent)
    difference = found.value - coherence_field.decay_exponent(model["radial"])
    quantity = f"power of r in c_E less that of the diffusion problem in this bar, W = 10, L0 = {length}"
    return compared(quantity, difference, found.error, 0.0, resolution=_RESOLUTION, tolerance=_SHORT_RANGE, regime=True)


def field_critical(data: Path) -> Finding:
    """How much faster the critical field falls than the logarithm that D ~ 1/r gives in a bar of this size."""
    table = read_coherence_field(data)
    length = _lengths(table, ("window",), 16.5)[-1]
    rows = coherence_field.select(table, "window", 16.5, length)
    found = coherence_field.radial_quantity(rows, coherence_field.decay_exponent)
    logarithm = coherence_field.decay_exponent(_logarithm(length))
    quantity = f"power of r in |G^d|^2 less that of the logarithm (S10), W = 16.5, L0 = {length}, X = 24"
    return compared(quantity, found.value - logarithm, found.error, 0.0, resolution=1.0, tolerance=_SHORT_RANGE)


def field_localized(data: Path) -> Finding:
    """The range of the localized field does not grow with the bar."""
    table = read_coherence_field(data)
    lengths = _lengths(table, ("window",), 30.0, least=2)
    # Distances that all bars have, so that the same law gives the same number.
    most = lengths[0] // 2 + 1
    found = [
        coherence_field.radial_quantity(
            coherence_field.select(table, "window", 30.0, length),
            lambda values: coherence_field.decay_length(values[:most]),
        )
        for length in lengths
    ]
    law = power_law([one.value for one in found], [one.error for one in found], {"length": lengths})
    quantity = f"power of L0 in the range of |G^d|^2, W = 30, L0 = {lengths[0]} to {lengths[-1]}, X = 24"
    return compared(quantity, law.values["length"], law.errors["length"], 0.0, resolution=1.0, tolerance=0.2)


def thouless_diffusive(data: Path) -> Finding:
    """The energy correlation narrows as L0^-2 at W = 10."""
    return _thouless(data, 10.0, 2.0)


def thouless_critical(data: Path) -> Finding:
    """The energy correlation narrows as L0^-3 at W = 16.5."""
    return _thouless(data, 16.5, 3.0)


def thouless_localized(data: Path) -> Finding:
    """The energy over which localized coherence is correlated, over the level spacing of a localization volume."""
    widths = coherence_field.level_widths(rates.with_rates(read_resonances(data)), 30.0)
    if widths.empty:
        raise NotEnoughData("resonances has no levels at W = 30")
    last = widths.iloc[-1]
    spacing = 1 / (density_of_states(30.0, length=6, samples=8)[0] * _range(data) ** 3)
    ratio = float(last["width"] / spacing)
    error = ratio * float(last["log_error"])
    quantity = f"width of the levels behind C_d over 1/(rho xi^3), at most 1, W = 30, L0 = {int(last['length'])}"
    if not np.isfinite(error):
        return Finding(quantity, ratio, error, NOT_RESOLVED)
    return Finding(quantity, ratio, error, REPRODUCED if ratio + 2 * error < 1 else DISAGREES)


def _range(data: Path) -> float:
    """xi at W = 30 from the field itself, |G^d|^2 ~ exp(-2 r/xi), in the largest bar."""
    table = read_coherence_field(data)
    length = _lengths(table, ("window",), 30.0)[-1]
    rows = coherence_field.select(table, "window", 30.0, length)
    return 2 * coherence_field.decay_length(coherence_field.radial(rows).value)


def _logarithm(length: int) -> np.ndarray:
    """Solution of S9, D ~ 1/r, around the middle of a bar, at distances 0 ... L0 // 2 along the slice."""
    middle = length // 2
    response = diffuson.propagator((length,) * 3, (middle,) * 3, 0.0, diffusion=lambda r: 1 / np.maximum(r, 0.5))
    values = response[middle, middle, (middle + np.arange(middle + 1)) % length].real
    return np.asarray(values)


def _thouless(data: Path, disorder: float, claimed: float) -> Finding:
    table = read_coherence_field(data)
    widths, law = coherence_field.thouless_law(table, disorder)
    if law is None:
        raise NotEnoughData(f"coherence_field has {len(widths)} lengths with enough samples at W = {disorder:g}")
    quantity = (
        f"minus the power of L0 in the half width of f, W = {disorder:g},"
        f" L0 = {int(widths['length'].min())} to {int(widths['length'].max())}"
    )
    exponent, error = -law.values["length"], law.errors["length"]
    return compared(quantity, exponent, error, claimed, resolution=_RESOLUTION, tolerance=_SHORT_RANGE)


def _lengths(table: pd.DataFrame, kinds: tuple[str, ...], disorder: float, least: int = 1) -> list[int]:
    """Lengths at which every kind has enough samples."""
    common = set.intersection(*(set(coherence_field.lengths(table, kind, disorder)) for kind in kinds))
    if len(common) < least:
        raise NotEnoughData(
            f"coherence_field has {len(common)} lengths with {coherence_field.FEWEST} samples of each kind"
            f" ({', '.join(kinds)}) at W = {disorder:g}; {least} are needed"
        )
    return sorted(common)
