"""A finding: the measured number behind a claim, its error, and the verdict that follows from both."""

from __future__ import annotations

import math
from typing import NamedTuple

REPRODUCED = "reproduced"
IN_A_REGIME = "reproduced in a stated regime"
NOT_RESOLVED = "not resolved"
DISAGREES = "disagrees"
ERRATUM = "erratum"
NOT_EVALUATED = "not yet evaluated"
VERDICTS = (REPRODUCED, IN_A_REGIME, NOT_RESOLVED, DISAGREES, ERRATUM, NOT_EVALUATED)


class Finding(NamedTuple):
    """What was measured about a claim.

    Attributes
    ----------
    quantity
        What ``value`` is, in a few words, with its regime if it has one: "exponent of C_d against L0, X = 24".
    value, error
        The number that decides and its standard error (0 where it has none, as for a count or a bound on rounding).
    verdict
        One of `VERDICTS`.
    """

    quantity: str
    value: float
    error: float
    verdict: str


def compared(
    quantity: str,
    value: float,
    error: float,
    claimed: float,
    *,
    resolution: float,
    tolerance: float = 0.0,
    regime: bool = False,
) -> Finding:
    """Compare a number with what is claimed of it.

    Parameters
    ----------
    quantity, value, error
        As in `Finding`.
    claimed
        The number claimed.
    resolution
        Distance from which on another answer would be a different statement (1/2 between exponents 2 and 3): where two
        standard errors exceed it, the claim is not resolved.
    tolerance
        How far the number may lie from the claim beside its statistical error: a systematic error, or the claim's own.
    regime
        Whether ``quantity`` restricts the claim to a regime.

    Returns
    -------
    Finding
        Reproduced if the number lies within ``tolerance`` and two standard errors of the claim.
    """
    return Finding(quantity, value, error, _verdict(abs(value - claimed), error, resolution, tolerance, regime))


def _verdict(distance: float, error: float, resolution: float, tolerance: float, regime: bool) -> str:
    if not math.isfinite(distance + error) or 2 * error > resolution:
        return NOT_RESOLVED
    if distance > tolerance + 2 * error:
        return DISAGREES
    return IN_A_REGIME if regime else REPRODUCED
