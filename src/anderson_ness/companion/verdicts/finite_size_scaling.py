"""Verdicts of chapter 06: what Fig. 2(b) says about the transition, and the localized phase's exponent b."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from anderson_ness.analysis import localized, transition
from anderson_ness.analysis.coherence_laws import gather
from anderson_ness.analysis.finite_size import Points
from anderson_ness.companion.verdicts.finding import DISAGREES, IN_A_REGIME, NOT_RESOLVED, REPRODUCED, Finding, compared
from anderson_ness.companion.verdicts.shortage import NotEnoughData
from anderson_ness.theory.levels import LevelDensity, level_density
from anderson_ness.theory.scaling import CORRELATION_EXPONENT, CRITICAL_DISORDER, scaled_disorder

_DISORDERS = (8.0, 10.0, 13.0, 16.5, 19.0, 21.0, 25.0, 30.0, 36.0)
_LITERATURE = {"critical_disorder": CRITICAL_DISORDER, "nu": CORRELATION_EXPONENT}
_SYMBOLS = {"critical_disorder": "W_c", "nu": "nu"}
# Degree of the polynomial that stands for the scaling function over the whole figure.
_DEGREE = 8
# The tail: from which Y on, how many points it takes, and the W up to which xi is still long.
_TAIL = 1.5
_FEWEST_IN_TAIL = 4
_NEARER = 25.0


def alpha_zero(data: Path) -> Finding:
    """The power of L0 that is left over at given X and Y."""
    points = _near(data, "coherence")
    variant = transition.best_variant(points)
    fit = variant.fit(points, free_alpha=True, fixed=_LITERATURE).fit
    quantity = f"alpha of C_d at X = 24 by level spacing, L0 >= {variant.smallest:g}{_corrected(variant)}"
    # One quarter is the smallest power that the paper discusses; 0.02 comes from what is uncertain of W_c.
    return compared(quantity, fit.values["alpha"], fit.errors["alpha"], 0.0, resolution=0.25, tolerance=0.02)


def collapse(data: Path) -> Finding:
    """The paper's plot: one curve of Y through all sizes, by the literature's W_c and nu."""
    points = _points(data, "slope", by_level=False)
    if not transition.suffices(points) or points.value.size < _DEGREE + 8:
        raise NotEnoughData(f"fig2b has {points.value.size} points of {transition.FEWEST} samples or more; too few")
    by_level = transition.paper_collapse(_points(data, "slope"), _DEGREE).fit
    more = f"chi²/dof of one curve in Y (by level spacing {by_level.reduced_chi_square:.2g})"
    attempts = [(regime, some, transition.paper_collapse(some, _DEGREE).fit) for regime, some in _ever_fewer(points)]
    good = [number for number, (_, _, fit) in enumerate(attempts) if fit.p_value >= transition.ACCEPTABLE]
    regime, some, fit = attempts[good[0] if good else 0]
    # Without the rescaling by L0^(1/nu): data that this describes as well cannot tell.
    unscaled = transition.paper_collapse(some, _DEGREE, nu=1e6).fit
    whole = f"; all data {attempts[0][2].reduced_chi_square:.2g}" if good and good[0] else ""
    quantity = f"{more}, {regime}; without rescaling {unscaled.reduced_chi_square:.2g}{whole}"
    if not good:
        verdict = DISAGREES
    elif unscaled.p_value >= transition.ACCEPTABLE:
        verdict = NOT_RESOLVED
    else:
        verdict = IN_A_REGIME if good[0] else REPRODUCED
    return Finding(quantity, fit.reduced_chi_square, float(np.sqrt(2 / fit.degrees_of_freedom)), verdict)


def critical_disorder(data: Path) -> Finding:
    """W_c where curves of several sizes cross."""
    return _parameter(data, "critical_disorder", "W_c", tolerance=0.1)


def nu(data: Path) -> Finding:
    """nu of the same fit."""
    return _parameter(data, "nu", "nu", tolerance=0.05)


def _parameter(data: Path, name: str, symbol: str, tolerance: float) -> Finding:
    """W_c or nu with the other one free or, as long as that does not resolve it, at the literature's value."""
    points = _near(data, "coherence")
    variant = transition.best_variant(points)
    claimed = _LITERATURE[name]
    quantity = f"{symbol} from C_d at X = 24 by level spacing, L0 >= {variant.smallest:g}{_corrected(variant)}"
    others = {other: value for other, value in _LITERATURE.items() if other != name}
    for held in ({}, others):
        fit = variant.fit(points, fixed=held).fit
        value, error = (fit.values[name], fit.errors[name]) if fit.converged else (np.nan, np.nan)
        found = compared(quantity, value, error, claimed, resolution=0.5, tolerance=tolerance, regime=bool(held))
        if found.verdict != NOT_RESOLVED:
            break
        quantity += "" if held else f", {' and '.join(f'{_SYMBOLS[one]} = {at:g}' for one, at in others.items())} held"
    return found


def localized_tail(data: Path) -> Finding:
    """Whether the slope falls as Y^-nu, which is xi/L0, far on the localized side."""
    points = _points(data, "slope", by_level=False)
    found = _tail(points, "W up to 36")
    # Where xi is a few lattice constants it is no power of W - W_c, whatever the scaling: data nearer to W_c decide.
    nearer = points.select(points.disorder <= _NEARER)
    if found.verdict == DISAGREES and _in_tail(nearer) >= _FEWEST_IN_TAIL:
        restricted = _tail(nearer, f"W up to {_NEARER:g}", regime=True)
        return restricted if restricted.verdict == IN_A_REGIME else found
    return found


def _in_tail(points: Points) -> int:
    return int(np.sum(scaled_disorder(points.disorder, points.length) >= _TAIL))


def _tail(points: Points, where: str, regime: bool = False) -> Finding:
    if _in_tail(points) < _FEWEST_IN_TAIL:
        there = f"{_in_tail(points)} points of {transition.FEWEST} samples or more at Y >= {_TAIL}"
        raise NotEnoughData(f"fig2b has {there}; {_FEWEST_IN_TAIL} are needed")
    fit = transition.tail(points, _TAIL)
    quantity = f"exponent of 1/Y in dC_d/dX, Y >= {_TAIL}, {where} (chi²/dof {fit.reduced_chi_square:.2g})"
    value, error = fit.values["exponent"], fit.errors["exponent"]
    return compared(quantity, value, error, CORRELATION_EXPONENT, resolution=0.5, tolerance=0.1, regime=regime)


def exponent_b(data: Path) -> Finding:
    """The area law's exponent, from sizes alone, W >= 25."""
    means = localized.localized_means(gather(data, ("fig2b", "deep")))
    table = localized.area_law_exponents(means)
    if table.empty:
        raise NotEnoughData("deep and fig2b have fewer than three sizes with enough samples at every W >= 25")
    good = table[table["p_value"] >= transition.ACCEPTABLE]
    row = (good if len(good) else table.sort_values("p_value", ascending=False)).iloc[0]
    quantity = f"b of C_d ~ L0^(2 - b), W >= 25, L0 >= {row['smallest_length']:g}"
    # The paper's argument for b > 0 gives b ~ a = 1/4.
    return compared(quantity, float(row["b"]), float(row["error"]), 0.0, resolution=0.25)


def _ever_fewer(points: Points) -> Iterator[tuple[str, Points]]:
    """All data, then without small sizes, then without the metal as well."""
    for without_metal in (False, True):
        some = points.select(points.disorder >= 15) if without_metal else points
        for smallest in np.unique(points.length):
            kept = some.select(some.length >= smallest)
            if transition.suffices(kept) and kept.value.size >= _DEGREE + 8:
                yield f"L0 >= {smallest:g}" + (", W >= 15" if without_metal else ""), kept


@cache
def _density() -> LevelDensity:
    return level_density(_DISORDERS)


@cache
def _points(data: Path, quantity: transition.Quantity, by_level: bool = True) -> Points:
    table = gather(data, ("fig2b",))
    blocks = transition.transition_blocks(table, quantity, _density() if by_level else None)
    if not blocks:
        raise NotEnoughData(f"fig2b has no point of {transition.FEWEST} samples")
    return Points.logarithms(blocks)


def _near(data: Path, quantity: transition.Quantity) -> Points:
    points = transition.near(_points(data, quantity))
    if not transition.variants(points):
        raise NotEnoughData(
            f"fig2b has {points.value.size} points of {transition.FEWEST} samples or more near W_c; three sizes, four "
            "disorder strengths and twelve points are needed"
        )
    return points


def _corrected(variant: transition.Variant) -> str:
    return "" if variant.correction is None else f", correction L0^{variant.correction:g}"
