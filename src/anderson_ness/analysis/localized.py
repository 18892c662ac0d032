"""The localized phase: bulk localization lengths from bars, and the exponent b of the coherence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

from anderson_ness import _check
from anderson_ness.analysis import tables
from anderson_ness.analysis.finite_size import relative_covariances
from anderson_ness.analysis.fits import Fit, fit, log_data
from anderson_ness.theory.scaling import CRITICAL_DISORDER, bias_at

FRACTIONS = (3e-3, 1e-2, 3e-2)
"""Biases over W_c = 16.5 of the ensemble ``deep``."""

# Label of the window at X = 24, which no bias over W_c equals.
_SCALED = 24.0


def bulk_localization_length(width: ArrayLike, exponent: ArrayLike, error: ArrayLike) -> Fit:
    """Localization length of the infinite system from Lyapunov exponents of bars of one disorder strength.

    Bars much wider than xi have ``gamma = 1/xi + surface/L``; where the p-value is small, smaller widths must go.

    Parameters
    ----------
    width, exponent, error
        Width L, smallest positive Lyapunov exponent gamma and its standard error, each of shape (n,).

    Returns
    -------
    Fit
        Parameters ``xi`` and ``surface``.

    Examples
    --------
    >>> from anderson_ness.analysis.localized import bulk_localization_length
    >>> width = [6, 8, 12]
    >>> found = bulk_localization_length(width, [0.5 + 0.3 / one for one in width], [0.01] * 3)
    >>> round(found.values["xi"], 3), round(found.values["surface"], 3)
    (2.0, 0.3)
    """
    lengths = _check.real_array("width", width)
    rates = _check.real_array("exponent", exponent)

    def model(xi: float, surface: float) -> NDArray[np.float64]:
        return 1 / xi + surface / lengths

    return fit(model, rates, error, {"xi": {"value": float(1 / rates.min()), "min": 1e-6}, "surface": 1.0})


def coherence_exponent(
    length: ArrayLike,
    disorder: ArrayLike,
    bias: ArrayLike,
    value: ArrayLike,
    uncertainty: ArrayLike,
    xi: Mapping[float, tuple[float, float]] | None = None,
    constrained: bool = True,
    free_bias: bool = False,
) -> Fit:
    """Fit ``C_d = A bias^s xi^(1 + b) L0^(2 - b)`` to means deep in the localized phase, in logarithms.

    Parameters
    ----------
    length, disorder, bias, value
        Size, disorder strength, bias and mean coherence, each of shape (n,), positive.
    uncertainty
        Standard errors of the means, or their covariance matrix (biases of the same samples are correlated).
    xi
        Localization length and its standard error for every disorder strength. None: each disorder strength has an
        amplitude of its own, and b comes from the lengths alone.
    constrained
        With ``xi`` given: whether the exponents of xi and L0 are bound to 1 + b and 2 - b; else both are free, and the
        scaling form asks for a sum of 3.
    free_bias
        Whether the exponent s of the bias is fitted; else it is 1.

    Returns
    -------
    Fit
        ``length_exponent``, ``xi_exponent`` (with ``xi``), ``b`` (where one number b is fitted), ``bias_exponent``,
        ``log_amplitude`` (or ``log_amplitude_k``), ``log_xi_k``, k counting disorder strengths upwards. Localization
        lengths are data with errors of their own.

    Raises
    ------
    ValueError
        If numbers are not positive, shapes differ, or a localization length is missing.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.localized import coherence_exponent
    >>> length = np.array([8.0, 12.0, 16.0])
    >>> value = 0.1 * length**1.8
    >>> found = coherence_exponent(length, np.full(3, 30.0), np.full(3, 0.5), value, 0.02 * value)
    >>> round(found.values["b"], 2)
    0.2
    """
    logarithm, covariance = log_data(value, uncertainty)
    names = {"length": length, "disorder": disorder, "bias": bias}
    arrays = {name: _check.real_array(name, array) for name, array in names.items()}
    if any(array.shape != logarithm.shape or not np.all(array > 0) for array in arrays.values()):
        raise ValueError(f"length, disorder and bias must hold {logarithm.size} positive numbers, one a value")
    strengths, label = np.unique(arrays["disorder"], return_inverse=True)
    log_length, log_bias = np.log(arrays["length"]), np.log(arrays["bias"])
    start: dict[str, Any] = {"bias_exponent": {"value": 1.0, "vary": free_bias}}
    priors: dict[str, tuple[float, float]] = {}
    if xi is None or constrained:
        start |= {"b": 0.0, "length_exponent": {"expr": "2 - b"}}
    else:
        start["length_exponent"] = 2.0
    if xi is None:
        start |= {f"log_amplitude_{k}": 0.0 for k in range(len(strengths))}
    else:
        lacking = [f"{one:g}" for one in strengths if one not in xi]
        if lacking:
            raise ValueError(f"xi must hold a localization length for W = {', '.join(lacking)}")
        priors = {f"log_xi_{k}": _log_with_error(*xi[float(one)]) for k, one in enumerate(strengths)}
        start |= {"log_amplitude": 0.0} | {name: mean for name, (mean, _) in priors.items()}
        start["xi_exponent"] = {"expr": "1 + b"} if constrained else 1.0

    def model(**p: float) -> NDArray[np.float64]:
        if xi is None:
            level = np.array([p[f"log_amplitude_{k}"] for k in range(len(strengths))])
        else:
            level = p["log_amplitude"] + p["xi_exponent"] * np.array([p[f"log_xi_{k}"] for k in range(len(strengths))])
        return level[label] + p["length_exponent"] * log_length + p["bias_exponent"] * log_bias

    return fit(model, logarithm, covariance, start, priors)


def _log_with_error(value: float, error: float) -> tuple[float, float]:
    if not (value > 0 and error > 0):
        raise ValueError("xi must hold positive lengths with positive errors")
    return float(np.log(value)), float(error / value)


@dataclass(frozen=True)
class LocalizedMeans:
    """Mean coherences deep in the localized phase.

    Attributes
    ----------
    data
        One row a mean: length, disorder, window ("X = 24", or the bias over W_c), bias, samples, value, error.
    covariance
        Covariance of the values, shape (n, n): windows of the same samples are correlated.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_laws import gather
    >>> from anderson_ness.analysis.localized import localized_means
    >>> means = localized_means(gather("data"))
    >>> strong = means.select(means.data["disorder"] >= 30)
    >>> len(strong.data) == len(strong.covariance) <= len(means.data)
    True
    """

    data: pd.DataFrame
    covariance: NDArray[np.float64]

    def select(self, keep: ArrayLike) -> "LocalizedMeans":
        """The rows of a mask, shape (n,)."""
        mask = np.asarray(keep, dtype=bool)
        return LocalizedMeans(self.data[mask].reset_index(drop=True), self.covariance[np.ix_(mask, mask)])

    def fit(
        self,
        xi: Mapping[float, tuple[float, float]] | None = None,
        density: Callable[[ArrayLike], ArrayLike] | None = None,
        **options: bool,
    ) -> Fit:
        """`coherence_exponent` of these means, of rho times the bias if a density of states is given."""
        drive = np.ones(len(self.data)) if density is None else np.asarray(density(self.data["disorder"]))
        columns = (self.data["length"], self.data["disorder"], self.data["bias"] * drive, self.data["value"])
        return coherence_exponent(*columns, self.covariance, xi, **options)


def localized_means(
    table: pd.DataFrame, lowest_disorder: float = 25.0, fewest: int = 8, largest_error: float = 0.25
) -> LocalizedMeans:
    """Means at the biases of ``deep`` and at X = 24, from W = 25 on.

    Parameters
    ----------
    table
        Tidy table of samples with the paper's leads, such as `coherence_laws.gather` makes of ``fig2b`` and ``deep``.
    lowest_disorder
        Smallest W that counts as deep.
    fewest
        Windows with fewer samples are left out, and those without as many that all the others have, too: how windows
        are correlated is estimated from these.
    largest_error
        Means with a larger relative error are left out: their logarithms are far from normally distributed.

    Returns
    -------
    LocalizedMeans
        By size and disorder strength. Every mean is over all samples of its window. The relative spread of a sample
        is that of `finite_size.relative_covariances`; two means have that of n_ab/(n_a n_b) samples, with n_ab those
        which they share, so that the matrix is positive definite whichever samples a window lacks.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_laws import gather
    >>> from anderson_ness.analysis.localized import localized_means
    >>> means = localized_means(gather("data"))
    >>> list(means.data)
    ['length', 'disorder', 'window', 'bias', 'samples', 'value', 'error']
    """
    deep = table[table["disorder"] >= lowest_disorder]
    deep = deep.assign(window=_windows(deep)).dropna(subset=["window"])
    blocks, complete = [], []
    for block in tables.blocks(deep, across="window"):
        kept = _complete(block.values, fewest)
        if kept is not None:
            samples, windows = kept
            blocks.append(replace(block, across=block.across[windows], values=block.values[:, windows]))
            complete.append(replace(blocks[-1], values=blocks[-1].values[samples], seeds=block.seeds[samples]))
    rows, covariances = [], []
    for block, whole, common in zip(blocks, complete, relative_covariances(complete), strict=True):
        present = np.isfinite(block.values).astype(float)
        counts = present.sum(axis=0)
        # A product, entry by entry, of a covariance and of the overlaps of normalised masks: positive definite as both.
        relative = common * len(whole.values) * (present.T @ present) / np.outer(counts, counts)
        good = np.sqrt(np.diagonal(relative)) <= largest_error
        covariances.append(relative[np.ix_(good, good)])
        rows += [_row(block, k, float(np.sqrt(relative[k, k]))) for k in np.flatnonzero(good).tolist()]
    columns = ["length", "disorder", "window", "bias", "samples", "value", "error"]
    data = pd.DataFrame(rows, columns=columns)
    values = data["value"].to_numpy(dtype=float)
    matrix = scipy.linalg.block_diag(*covariances) if covariances else np.empty((0, 0))
    return LocalizedMeans(data, matrix * np.outer(values, values))


def _row(block: tables.Block, column: int, relative_error: float) -> dict[str, Any]:
    """One window's mean as a row of `LocalizedMeans`."""
    window, values = block.across[column], block.values[:, column]
    scaled, mean = window == _SCALED, float(np.nanmean(values))
    bias = bias_at(window, block.point["length"]) if scaled else window * CRITICAL_DISORDER
    return {
        "length": block.point["length"],
        "disorder": block.point["disorder"],
        "window": "X = 24" if scaled else f"{window:g}",
        "bias": float(bias),
        "samples": int(np.isfinite(values).sum()),
        "value": mean,
        "error": mean * relative_error,
    }


def area_law_exponents(means: LocalizedMeans) -> pd.DataFrame:
    """b from the sizes alone, with an amplitude of its own for every disorder strength, by the smallest size kept.

    Returns
    -------
    DataFrame, one row a smallest size with at least three sizes of some disorder strength
        smallest_length, data, b, error, bias_exponent and bias_exponent_error (1 and 0 where there is one window),
        chi_square, degrees_of_freedom, p_value.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_laws import gather
    >>> from anderson_ness.analysis.localized import area_law_exponents, localized_means
    >>> found = area_law_exponents(localized_means(gather("data")))
    >>> list(found)[:4]
    ['smallest_length', 'data', 'b', 'error']
    """
    rows: list[dict[str, float]] = []
    for smallest in np.unique(means.data["length"]):
        kept = means.select(means.data["length"] >= smallest)
        sizes = kept.data.groupby("disorder")["length"].nunique()
        if sizes.max() < 3:
            break
        free = bool((kept.data.groupby(["disorder", "length"])["bias"].nunique() > 1).any())
        found = kept.fit(free_bias=free)
        rows.append(
            {
                "smallest_length": float(smallest),
                "data": len(kept.data),
                "b": found.values["b"],
                "error": found.errors["b"],
                "bias_exponent": found.values["bias_exponent"],
                "bias_exponent_error": found.errors["bias_exponent"],
                "chi_square": found.chi_square,
                "degrees_of_freedom": found.degrees_of_freedom,
                "p_value": found.p_value,
            }
        )
    names = ["b", "error", "bias_exponent", "bias_exponent_error", "chi_square", "degrees_of_freedom", "p_value"]
    return pd.DataFrame(rows, columns=["smallest_length", "data", *names])


def _complete(values: NDArray[np.float64], fewest: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Samples and windows, as masks, with a value everywhere; windows that most samples lack go first."""
    present = np.isfinite(values)
    windows = present.sum(axis=0) >= fewest
    while windows.any():
        samples = np.asarray(present[:, windows].all(axis=1))
        if samples.sum() >= fewest:
            return samples, windows
        windows[np.flatnonzero(windows)[np.argmin(present[:, windows].sum(axis=0))]] = False
    return None


def _windows(table: pd.DataFrame) -> NDArray[np.float64]:
    """The label of each row's window; NaN if it is none of them."""
    bias, length = table["bias"].to_numpy(dtype=float), table["length"].to_numpy(dtype=float)
    labels = np.full(len(table), np.nan)
    labels[np.isclose(bias, bias_at(_SCALED, length), rtol=1e-6)] = _SCALED
    for fraction in FRACTIONS:
        labels[np.isclose(bias, fraction * CRITICAL_DISORDER, rtol=1e-6)] = fraction
    return labels
