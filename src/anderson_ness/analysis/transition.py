"""C_d across the localization transition: the data of Fig. 2(b), and the fits of W_c, nu, alpha and the tail.

Everything is fitted to logarithms of means (`Points.logarithms`). The bias of the paper's figure is X = 24, in units
of W_c/L0^3. With a density of states rho(W) it is X = 24 rho(W_c)/rho(W) instead: as many levels at every W. C_d grows
about linearly with the number of levels, and rho falls by a third from W = 13 to 21; in the paper's X that is a factor
which depends on W alone, and no function of Y.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anderson_ness.analysis import tables
from anderson_ness.analysis.finite_size import (
    Expansion,
    Points,
    ScalingFit,
    fit_scaling,
    relative_covariances,
)
from anderson_ness.analysis.fits import Fit, fit
from anderson_ness.analysis.tables import Block
from anderson_ness.theory.scaling import CORRELATION_EXPONENT, CRITICAL_DISORDER, scaled_disorder

SCALED_BIASES = (18.0, 24.0, 30.0)
"""The X of every sample; the slope at the middle one is the difference of the others."""

FEWEST = 8
"""A point with fewer samples is left out."""

REACH = 0.3
"""|W/16.5 - 1| of the data that W_c and nu are fitted to."""

EXPANSION = Expansion(relevant=3, irrelevant=0, relevant_field=1, logarithmic=True)
"""Cubic in Y, no corrections to scaling."""

CORRECTED = Expansion(relevant=3, irrelevant=1, relevant_field=1, corrections=0, logarithmic=True)
"""The same with one correction L0^y that does not depend on W."""

ACCEPTABLE = 0.05
"""Fits with a smaller p-value do not describe the data."""

Quantity = Literal["coherence", "slope"]
Density = Callable[[float], Any]


def transition_blocks(
    table: pd.DataFrame, quantity: Quantity = "slope", density: Density | None = None, fewest: int = FEWEST
) -> list[Block]:
    """One number a sample at every size and disorder strength.

    Parameters
    ----------
    table
        Tidy table of samples with the paper's leads, such as that of ``fig2b``; rows at other X are not used.
    quantity
        "coherence": C_d at X = 24. "slope": dC_d/dX there, the difference between X = 30 and 18 over 12.
    density
        Density of states as a function of W. Given: the bias is the same in units of the true level spacing, equal to
        X = 24 at W = 16.5. The coherence is then read off the parabola through the three X (off a straight line
        beyond them), and the slope is by that bias.
    fewest
        Points with fewer samples that have all three X are left out.

    Returns
    -------
    list of Block
        Values of shape (samples, 1), by size and disorder strength.

    Raises
    ------
    ValueError
        If the table lacks a column, holds several kinds of leads or no row at these X, or ``quantity`` is unknown.

    Examples
    --------
    >>> from anderson_ness.analysis.transition import transition_blocks
    >>> from anderson_ness.ensembles import read_table
    >>> blocks = transition_blocks(read_table("fig2b"))
    >>> all(len(block.values) >= 8 for block in blocks), blocks[0].values.shape[1]
    (True, 1)
    """
    if quantity not in ("coherence", "slope"):
        raise ValueError(f"quantity must be 'coherence' or 'slope', not {quantity!r}")
    scaled = tables.with_scaled_bias(table)
    scaled = scaled[scaled["scaled_bias"].isin(SCALED_BIASES)]
    if not len(scaled):
        raise ValueError("table must hold samples at X = 18, 24 and 30")
    result = []
    places = set()
    for block in tables.blocks(scaled, across="scaled_bias"):
        place = block.point["length"], block.point["disorder"]
        if place in places:
            raise ValueError("table must hold samples of one kind of leads")
        places.add(place)
        if block.values.shape[1] < len(SCALED_BIASES):
            continue
        complete = np.all(np.isfinite(block.values), axis=1)
        if complete.sum() < fewest:
            continue
        stretch = 1.0 if density is None else float(density(CRITICAL_DISORDER)) / float(density(place[1]))
        values = block.values[complete] @ _weights(quantity, stretch)[:, None]
        result.append(replace(block, across=np.array([24.0]), values=values, seeds=block.seeds[complete]))
    return result


def _weights(quantity: Quantity, stretch: float) -> NDArray[np.float64]:
    """What takes C_d at the three X to the quantity at X = 24 ``stretch``."""
    low, centre, high = SCALED_BIASES
    difference = np.array([-1.0, 0.0, 1.0]) / (high - low)
    if quantity == "slope":
        return stretch * difference
    beyond = (stretch - 1) * centre / (high - centre)
    u = np.clip(beyond, -1, 1)
    return np.array([u * (u - 1) / 2, 1 - u**2, u * (u + 1) / 2]) + (beyond - u) * (high - centre) * difference


def near(points: Points, reach: float = REACH) -> Points:
    """The data with \\|W/16.5 - 1\\| up to ``reach``.

    Examples
    --------
    >>> from anderson_ness.analysis.finite_size import Points
    >>> from anderson_ness.analysis.transition import near
    >>> points = Points.of([8, 8, 8], [10.0, 16.5, 30.0], [1.0, 0.6, 0.1], [0.1, 0.1, 0.1])
    >>> near(points).disorder
    array([16.5])
    """
    return points.select(np.abs(points.disorder / CRITICAL_DISORDER - 1) <= reach)


def suffices(points: Points) -> bool:
    """Whether W_c, nu and a cubic function can be told: three sizes, four disorder strengths, twelve data.

    Examples
    --------
    >>> from anderson_ness.analysis.finite_size import Points
    >>> from anderson_ness.analysis.transition import suffices
    >>> suffices(Points.of([8, 8, 8], [10.0, 16.5, 30.0], [1.0, 0.6, 0.1], [0.1, 0.1, 0.1]))
    False
    """
    return len(set(points.length)) >= 3 and len(set(points.disorder)) >= 4 and points.value.size >= 12


class Variant(NamedTuple):
    """One way to fit: the smallest size kept, and the exponent of a correction to scaling, if there is one.

    Examples
    --------
    >>> from anderson_ness.analysis.transition import Variant
    >>> Variant(smallest=8.0)
    Variant(smallest=8.0, correction=None)
    """

    smallest: float
    correction: float | None = None

    def fit(self, points: Points, free_alpha: bool = False, fixed: Mapping[str, float] | None = None) -> ScalingFit:
        """Fit of the data near W_c (`near`); ``fixed`` as for `fit_scaling`."""
        expansion = EXPANSION if self.correction is None else CORRECTED
        held = dict(fixed or {}) | ({} if self.correction is None else {"y": self.correction})
        kept = points.select(points.length >= self.smallest)
        start = {"critical_disorder": CRITICAL_DISORDER} if "critical_disorder" not in held else {}
        return fit_scaling(kept, replace(expansion, free_alpha=free_alpha), start, held)


def variants(points: Points, corrections: Sequence[float] = (-1.0, -2.5)) -> list[Variant]:
    """The ways that data near W_c allow, the plainest first: all sizes, then fewer, then corrections for all.

    Examples
    --------
    >>> from anderson_ness.analysis.finite_size import Points
    >>> from anderson_ness.analysis.transition import near, transition_blocks, variants
    >>> from anderson_ness.ensembles import read_table
    >>> points = near(Points.logarithms(transition_blocks(read_table("fig2b"))))
    >>> # The plainest first: all sizes, no correction.
    >>> bool(variants(points)[0].smallest == points.length.min()), variants(points)[0].correction is None
    (True, True)
    """
    sizes = np.unique(points.length)
    plain = [Variant(float(one)) for one in sizes if suffices(points.select(points.length >= one))]
    return plain + [Variant(float(sizes[0]), y) for y in corrections if plain]


def best_variant(points: Points) -> Variant:
    """The first of `variants` whose fit converges with a p-value of 0.05 or more; if none does, the most probable.

    Raises
    ------
    ValueError
        If the data do not suffice for any.

    Examples
    --------
    >>> from anderson_ness.analysis.finite_size import Points
    >>> from anderson_ness.analysis.transition import best_variant, near, transition_blocks, variants
    >>> from anderson_ness.ensembles import read_table
    >>> points = near(Points.logarithms(transition_blocks(read_table("fig2b"))))
    >>> best_variant(points) in variants(points)
    True
    """
    found = [(one, one.fit(points).fit) for one in variants(points)]
    if not found:
        raise ValueError("points must hold three sizes, four disorder strengths and twelve data")
    good = [one for one, result in found if result.converged and result.p_value >= ACCEPTABLE]
    return good[0] if good else max(found, key=lambda one: (one[1].converged, one[1].p_value))[0]


def compare_variants(points: Points) -> pd.DataFrame:
    """W_c, nu and goodness of fit of all `variants`.

    Returns
    -------
    DataFrame, one row a variant
        smallest_length, correction (NaN: none), data, critical_disorder, nu, each with its _error, chi_square,
        degrees_of_freedom, p_value, converged.

    Examples
    --------
    >>> from anderson_ness.analysis.finite_size import Points
    >>> from anderson_ness.analysis.transition import compare_variants, near, transition_blocks
    >>> from anderson_ness.ensembles import read_table
    >>> points = near(Points.logarithms(transition_blocks(read_table("fig2b"))))
    >>> list(compare_variants(points))[:5]
    ['smallest_length', 'correction', 'data', 'critical_disorder', 'critical_disorder_error']
    """
    rows = []
    for one in variants(points):
        result = one.fit(points).fit
        row: dict[str, Any] = {"smallest_length": one.smallest, "correction": one.correction or np.nan}
        row["data"] = int(np.sum(points.length >= one.smallest))
        for name in ("critical_disorder", "nu"):
            row |= {name: result.values[name], f"{name}_error": result.errors[name]}
        row |= {"chi_square": result.chi_square, "degrees_of_freedom": result.degrees_of_freedom}
        rows.append(row | {"p_value": result.p_value, "converged": result.converged})
    return pd.DataFrame(rows)


def paper_collapse(
    points: Points, degree: int = 8, nu: float = CORRELATION_EXPONENT, critical: float = CRITICAL_DISORDER
) -> ScalingFit:
    """One polynomial in Y through all data, at given W_c and nu: chi^2 says how well they collapse.

    Examples
    --------
    >>> from anderson_ness.analysis.finite_size import Points
    >>> from anderson_ness.analysis.transition import paper_collapse, transition_blocks
    >>> from anderson_ness.ensembles import read_table
    >>> found = paper_collapse(Points.logarithms(transition_blocks(read_table("fig2b"))))
    >>> dict(found.fixed)
    {'critical_disorder': 16.5, 'nu': 1.57}
    """
    expansion = Expansion(relevant=degree, irrelevant=0, relevant_field=1, logarithmic=True)
    return fit_scaling(points, expansion, fixed={"critical_disorder": critical, "nu": nu})


def tail(points: Points, smallest: float = 1.5, exponent: float | None = None) -> Fit:
    """Fit of ``amplitude Y^-exponent`` on the localized side.

    Parameters
    ----------
    points
        Logarithms of the slope.
    smallest
        Smallest Y (by the paper's W_c and nu) that is used.
    exponent
        The exponent if it is not to be fitted.

    Returns
    -------
    Fit
        Parameters ``log_amplitude`` and ``exponent``.

    Examples
    --------
    >>> from anderson_ness.analysis.finite_size import Points
    >>> from anderson_ness.analysis.transition import tail, transition_blocks
    >>> from anderson_ness.ensembles import read_table
    >>> found = tail(Points.logarithms(transition_blocks(read_table("fig2b"))))
    >>> # The paper's form has the exponent nu, 1.57.
    >>> 0.5 < found.values["exponent"] < 3
    True
    """
    y = scaled_disorder(points.disorder, points.length)
    kept = points.select(y >= smallest)
    logarithm = np.log(y[y >= smallest])

    def model(log_amplitude: float, exponent: float) -> NDArray[np.float64]:
        return log_amplitude - exponent * logarithm

    power = {"value": CORRELATION_EXPONENT if exponent is None else exponent, "vary": exponent is None}
    return fit(model, kept.value, kept.covariance, {"log_amplitude": float(kept.value.mean()), "exponent": power})


def forecast(best: ScalingFit, blocks: Sequence[Block], counts: Mapping[tuple[float, float], int]) -> dict[str, float]:
    """Standard errors that a fit would have with other numbers of samples.

    Parameters
    ----------
    best
        A fit; its model is taken for the truth. Of what it held fixed only the correction's exponent stays so.
    blocks
        The samples, which tell the relative spread at every disorder strength.
    counts
        Samples at each (length, disorder).

    Returns
    -------
    dict
        Errors of the parameters that enter non-linearly. A disorder strength without samples is left out.

    Examples
    --------
    >>> from anderson_ness.analysis.finite_size import Points
    >>> from anderson_ness.analysis.transition import best_variant, forecast, near, transition_blocks
    >>> from anderson_ness.ensembles import read_table
    >>> blocks = transition_blocks(read_table("fig2b"))
    >>> points = near(Points.logarithms(blocks))
    >>> best = best_variant(points).fit(points)
    >>> plan = {(length, disorder): 1000 for length in (8, 12, 16) for disorder in (13.0, 15.0, 16.5, 18.0, 20.0)}
    >>> sorted(forecast(best, blocks, plan))[:2]
    ['critical_disorder', 'nu']
    """
    spreads: dict[float, list[float]] = {}
    for block, covariance in zip(blocks, relative_covariances(blocks), strict=True):
        spreads.setdefault(block.point["disorder"], []).append(float(covariance[0, 0]) * len(block.values))
    places = [(*place, count) for place, count in counts.items() if place[1] in spreads]
    length, disorder, count = np.array(places, dtype=float).T
    error = np.sqrt([np.mean(spreads[one]) for one in disorder] / count)
    truth = Points.of(length, disorder, np.zeros(length.size), error)
    linear = [best.fit.values[name] for name in best.expansion.coefficient_names(1)]
    predicted = best.expansion.design(best.fit.values, truth) @ np.array(linear)
    held = {name: value for name, value in best.fixed.items() if name == "y"}
    result = fit_scaling(replace(truth, value=predicted), best.expansion, best.fit.values, held)
    return {name: result.fit.errors[name] for name in best.expansion.field_names}
