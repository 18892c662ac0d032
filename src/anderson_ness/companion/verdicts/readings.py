"""Two readings of a formula, as printed and as corrected: which one do the numbers follow?"""

from __future__ import annotations

from anderson_ness.companion.verdicts.finding import DISAGREES, ERRATUM, REPRODUCED, Finding


def by_number(
    quantity: str, value: float, error: float, *, printed: float, corrected: float, tolerance: float
) -> Finding:
    """The verdict on a number which the formula as printed and the corrected one predict differently.

    Returns
    -------
    Finding
        An erratum if the number is within ``tolerance`` and two standard errors of ``corrected`` and not of
        ``printed``; reproduced if it is the other way round or both fit; else it disagrees.
    """
    off_printed, off_corrected = (abs(value - one) > tolerance + 2 * error for one in (printed, corrected))
    return Finding(quantity, value, error, _verdict(off_printed, off_corrected))


def by_misfit(quantity: str, *, printed: float, corrected: float, tolerance: float) -> Finding:
    """The verdict on how far the formula as printed and the corrected one are off; the value is that of the former.

    Returns
    -------
    Finding
        An erratum if only ``printed`` exceeds ``tolerance``, reproduced if it does not; else both are wrong.
    """
    verdict = _verdict(abs(printed) > tolerance, abs(corrected) > tolerance)
    return Finding(f"{quantity} (corrected: {abs(corrected):.1g})", printed, 0.0, verdict)


def _verdict(off_printed: bool, off_corrected: bool) -> str:
    if not off_printed:
        return REPRODUCED
    return DISAGREES if off_corrected else ERRATUM
