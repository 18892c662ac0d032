"""Tunnelling rates of localized levels to both leads, and what they say of the density's step, current and coherence.

A level with rates Gamma_L and Gamma_R is filled ``g = (Gamma_L - Gamma_R)/(Gamma_L + Gamma_R) = tanh(R/2)`` with the
log ratio ``R = ln(Gamma_L/Gamma_R)``. It falls with the offset u from the middle, ``R = -gradient u + noise``, and
noise of standard deviation ``spread`` smears the step of the density.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from anderson_ness import _check
from anderson_ness.analysis import estimators

# Standard deviation of the logistic distribution, whose integral is (1 + tanh(R/2))/2.
_LOGISTIC = np.pi / np.sqrt(3)
_PARTS = ("fluctuations", "sharing", "extent")


@dataclass(frozen=True)
class Tunnelling:
    """How the rates of one point's levels depend on their place.

    Attributes
    ----------
    length, samples, levels
        Length of the bars; how many bars, and how many of their levels were used.
    values, errors
        ``gradient`` of the log ratio per lattice constant, and its ``spread`` about the straight line; ``correlation``
        of this noise between two levels of one bar; the step's ``width`` in the sense of erf(u/width), and the parts
        whose squares add up to its square: ``fluctuations`` of the rates, ``sharing`` of a level by both leads, and
        the ``extent`` of the levels themselves; ``share`` of the first in that square. Errors by the jackknife over
        bars.

    Examples
    --------
    >>> from anderson_ness.analysis.rates import Tunnelling
    >>> found = Tunnelling(12, samples=80, levels=900, values={"gradient": 0.8}, errors={"gradient": 0.05})
    >>> found.values["gradient"] / found.errors["gradient"]
    16.0
    """

    length: int
    samples: int
    levels: int
    values: dict[str, float]
    errors: dict[str, float]


def with_rates(levels: pd.DataFrame) -> pd.DataFrame:
    """The levels (`ensembles.resonances.read_resonances`; rows without a level dropped) with more columns.

    Returns
    -------
    DataFrame
        Added: ``offset`` of the centre from the middle; ``log_ratio`` and ``filling``; ``current``, the level's part of
        the current as an isolated line, Gamma_L Gamma_R/(Gamma_L + Gamma_R); and ``alone``, the coherence between the
        halves if the level were the only one, g^2 p_L p_R/2 with its weights in the halves.

    Examples
    --------
    >>> from anderson_ness.analysis.rates import with_rates
    >>> from anderson_ness.ensembles.resonances import read_resonances
    >>> levels = with_rates(read_resonances())
    >>> bool(levels["filling"].between(-1, 1).all()), bool((levels["alone"] <= 1 / 8).all())
    (True, True)
    """
    found = levels[levels["energy"].notna()]
    left, right = found["width_left"], found["width_right"]
    filling = (left - right) / (left + right)
    return found.assign(
        offset=found["centre"] - found["length"] / 2,
        log_ratio=np.log(left) - np.log(right),
        filling=filling,
        current=left * right / (left + right),
        alone=filling**2 * found["left_weight"] * (1 - found["left_weight"]) / 2,
    )


def tunnelling(levels: pd.DataFrame, part: float = 0.25) -> Tunnelling:
    """Dependence of the rates on the place of the levels, for one size and disorder strength.

    Parameters
    ----------
    levels
        Levels of `with_rates`, of one length and disorder strength.
    part
        Levels count up to this share of the length from the middle; those at the ends see one lead alone.

    Returns
    -------
    Tunnelling

    Raises
    ------
    ValueError
        If the levels are of several lengths, or of fewer than three bars.

    Examples
    --------
    >>> from anderson_ness.analysis.rates import tunnelling, with_rates
    >>> from anderson_ness.ensembles.resonances import read_resonances
    >>> levels = with_rates(read_resonances())
    >>> small, large = (
    ...     tunnelling(levels[(levels["disorder"] == 45) & (levels["length"] == length)]) for length in (8, 16)
    ... )
    >>> # The rates' fluctuations grow with the length, and so does the step of the density.
    >>> large.values["spread"] > small.values["spread"], large.values["width"] > small.values["width"]
    (True, True)
    """
    lengths = np.unique(levels["length"])
    if len(lengths) != 1:
        raise ValueError(f"levels must be of one length, not of {len(lengths)}")
    length = int(lengths[0])
    inner = levels[levels["offset"].abs() <= part * length]
    u, r = inner["offset"], inner["log_ratio"]
    terms = pd.DataFrame({"n": 1.0, "u": u, "r": r, "uu": u * u, "ur": u * r, "rr": r * r, "ee": inner["extent"] ** 2})
    sums = terms.groupby(inner["seed"]).sum()
    pairs = [_pair_sums(bar) for _, bar in terms.groupby(inner["seed"])]
    if len(sums) < 3:
        raise ValueError("levels must be of three bars at least")
    estimate = estimators.jackknife(_from_moments, np.hstack([sums.to_numpy(), pairs]))
    names = ("gradient", "spread", "correlation", "width", *_PARTS, "share")
    return Tunnelling(
        length,
        len(sums),
        len(inner),
        dict(zip(names, map(float, estimate.value), strict=True)),
        dict(zip(names, map(float, estimate.error), strict=True)),
    )


def _pair_sums(bar: pd.DataFrame) -> list[float]:
    """Sums over pairs of different levels of one bar of 1, (u + u'), (r + r'), u u', u r' + u' r, r r'."""
    n, u, r = len(bar), bar["u"].sum(), bar["r"].sum()
    return [
        n * (n - 1),
        2 * (n - 1) * u,
        2 * (n - 1) * r,
        u * u - bar["uu"].sum(),
        2 * (u * r - bar["ur"].sum()),
        r * r - bar["rr"].sum(),
    ]


def _from_moments(moments: NDArray[np.float64]) -> NDArray[np.float64]:
    n, u, r, uu, ur, rr, ee, *pairs = moments
    slope = (n * ur - u * r) / (n * uu - u * u)
    level = (r - slope * u) / n
    variance = (rr - 2 * slope * ur - 2 * level * r + slope**2 * uu + 2 * slope * level * u) / n + level**2
    count, u2, r2, uu2, ur2, rr2 = pairs
    covariance = (rr2 - slope * ur2 - level * r2 + slope**2 * uu2 + slope * level * u2) / count + level**2
    parts = np.sqrt(2 * np.array([variance, _LOGISTIC**2, slope**2 * ee / n])) / abs(slope)
    width = np.linalg.norm(parts)
    return np.array([-slope, np.sqrt(variance), covariance / variance, width, *parts, (parts[0] / width) ** 2])


def shares(levels: pd.DataFrame, weight: str, within: ArrayLike, of: str = "log_ratio") -> estimators.VectorEstimate:
    """Share of a weight that belongs to levels with ``|of|`` up to each of some bounds.

    Parameters
    ----------
    levels
        Levels of `with_rates`, of one point.
    weight
        "levels" (each counts as one), "coherence_share" (all bars' coherence together) or "current". Rates span many
        decades, so that one bar would outweigh the others: of the current, each bar counts alike.
    within
        Bounds, shape (k,).
    of
        Column, such as "log_ratio" or "offset".

    Returns
    -------
    VectorEstimate
        Shares, shape (k,); errors by the jackknife over bars.

    Examples
    --------
    >>> from anderson_ness.analysis.rates import shares, with_rates
    >>> from anderson_ness.ensembles.resonances import read_resonances
    >>> levels = with_rates(read_resonances())
    >>> some = levels[(levels["disorder"] == 30) & (levels["length"] == 12)]
    >>> found = shares(some, "coherence_share", within=[2.0, 5.0, 50.0])
    >>> bool((found.value[1:] >= found.value[:-1]).all())
    True
    """
    _check.one_of("weight", weight, ("levels", "coherence_share", "current"))
    bounds = _check.real_array("within", within)
    amount = pd.Series(1.0, levels.index) if weight == "levels" else levels[weight]
    if weight == "current":
        amount = amount / amount.groupby(levels["seed"]).transform("sum")
    inside = levels[of].abs().to_numpy()[:, None] <= np.append(bounds, np.inf)
    sums = pd.DataFrame(inside * amount.to_numpy()[:, None]).groupby(levels["seed"].to_numpy()).sum()
    return estimators.jackknife(lambda mean: mean[:-1] / mean[-1], sums.to_numpy())


def carriers(levels: pd.DataFrame, weight: str) -> estimators.Estimate:
    """Effective number of levels of a bar that carry a weight, ``(sum w)^2 / sum w^2``, averaged over bars.

    Examples
    --------
    >>> from anderson_ness.analysis.rates import carriers, with_rates
    >>> from anderson_ness.ensembles.resonances import read_resonances
    >>> levels = with_rates(read_resonances())
    >>> some = levels[(levels["disorder"] == 30) & (levels["length"] == 12)]
    >>> # One level carries nearly all of the current of a bar, several its coherence.
    >>> 1 < carriers(some, "current").value < carriers(some, "coherence_share").value
    True
    """
    numbers = levels.groupby("seed")[weight].agg(lambda w: w.sum() ** 2 / (w**2).sum())
    return estimators.mean(numbers.to_numpy())
