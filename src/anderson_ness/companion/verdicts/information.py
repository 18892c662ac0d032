"""Verdicts of chapter 11 that rest on the stored ensemble: how the information grows, and the linear bound of it."""

from __future__ import annotations

from pathlib import Path

from anderson_ness.analysis import information_laws
from anderson_ness.companion.verdicts.finding import (
    DISAGREES,
    IN_A_REGIME,
    NOT_RESOLVED,
    REPRODUCED,
    Finding,
    compared,
)
from anderson_ness.companion.verdicts.shortage import NotEnoughData

_BIAS = 1.0  # the widest window that all sizes share: most levels in it
_LAWS = {10.0: 3.0, 16.5: 3.0, 33.0: 2.0}  # by disorder strength; at W = 21 the localization length is L0 itself
_FEWEST_SIZES = 3
# Between integer exponents; corrections of order E_Th/bias and 1/L0 at reachable sizes take half of it.
_RESOLUTION, _CORRECTIONS = 0.5, 0.25
_WORST_FIRST = (DISAGREES, NOT_RESOLVED, IN_A_REGIME, REPRODUCED)
_ROUNDING = 1e-9


def information_scaling(data: Path) -> Finding:
    """The driven part of the mutual information grows as L0^3 up to the transition and as L0^2 beyond."""
    table = information_laws.gather(data)
    findings = []
    for disorder, claimed in _LAWS.items():
        means = information_laws.sizes(table, "driven_mutual_information", disorder, bias=_BIAS)
        if len(means) < _FEWEST_SIZES:
            raise NotEnoughData(
                f"information has {len(means)} sizes with {information_laws.FEWEST} samples at W = {disorder:g}, "
                f"bias {_BIAS:g}; {_FEWEST_SIZES} are needed"
            )
        if not (means.value > 0).all():
            raise NotEnoughData(f"a mean of I^d in information is not positive yet at W = {disorder:g}")
        findings.append((disorder, claimed, *information_laws.exponent(means), means.length))
    several = ", ".join(f"{value:.2f} ± {error:.2f} at W = {W:g}" for W, _, value, error, _ in findings)
    return min((_law(*one, several=several) for one in findings), key=_severity)


def _law(disorder: float, claimed: float, value: float, error: float, lengths: object, several: str) -> Finding:
    low, high = min(lengths), max(lengths)  # type: ignore[call-overload]
    quantity = f"exponents of I^d, bias {_BIAS:g}, L0 = {low:g} to {high:g}, are {several}; at W = {disorder:g}"
    return compared(quantity, value, error, claimed, resolution=_RESOLUTION, tolerance=_CORRECTIONS, regime=True)


def _severity(finding: Finding) -> int:
    return _WORST_FIRST.index(finding.verdict)


def linear_bound(data: Path) -> Finding:
    """Ours: I_1 >= 2 C, and S38 <= C/2, in every stored state."""
    table = information_laws.gather(data)
    largest, paper = 0.0, 0.0
    for state in information_laws.STATES:
        information, coherence, bound = (
            table[state + name] for name in ("mutual_information", "coherence", "coherence_bound")
        )
        largest = max(largest, float((2 * coherence / information).max()))
        paper = max(paper, float((2 * bound / coherence).max()))
    count = len(information_laws.STATES) * len(table)
    quantity = f"largest 2C/I of {count} stored states; at most 1 (S38 is at most {paper:.2g} of C/2)"
    holds = max(largest, paper) <= 1 + _ROUNDING
    return Finding(quantity, largest, 0.0, REPRODUCED if holds else DISAGREES)
