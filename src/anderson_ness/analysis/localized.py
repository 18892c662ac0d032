"""The localized phase: bulk localization lengths from bars, and the exponent b of the coherence."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anderson_ness import _check
from anderson_ness.analysis.fits import Fit, fit, log_data


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
