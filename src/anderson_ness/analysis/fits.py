"""Least-squares fits with covariances: of the data, and of the parameters (lmfit)."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lmfit
import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from anderson_ness import _check


@dataclass(frozen=True)
class Fit:
    """Result of a least-squares fit.

    Attributes
    ----------
    values, errors
        Every parameter and its standard error: 0 where it was held fixed, NaN where it has no effect.
        Errors are those of the data as given, not rescaled by chi^2.
    names
        Parameters that were varied, in the order of ``covariance``.
    covariance
        Covariance of the varied parameters, shape (len(names), len(names)).
    chi_square, degrees_of_freedom
        Sum of squared deviations in units of the data's (co)variances; data and priors less varied parameters.
    converged
        Whether the minimiser says that it found a minimum. False, too, where no error can be told because some
        combination of parameters has no effect.
    at_bound
        Varied parameters that ended at a bound: their errors, and the p-value, mean little.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.fits import fit
    >>> x = np.array([1.0, 2.0, 3.0, 4.0])
    >>> line = fit(lambda a, b: a + b * x, [1.1, 1.9, 3.2, 3.9], np.full(4, 0.1), {"a": 0.0, "b": 1.0})
    >>> crossing, error = line.derived(lambda values: -values["a"] / values["b"])
    >>> line.degrees_of_freedom, round(line.reduced_chi_square, 2), round(crossing, 2), round(error, 2)
    (2, 3.15, -0.1, 0.13)
    """

    values: dict[str, float]
    errors: dict[str, float]
    names: tuple[str, ...]
    covariance: NDArray[np.float64]
    chi_square: float
    degrees_of_freedom: int
    converged: bool
    at_bound: tuple[str, ...] = ()

    @property
    def reduced_chi_square(self) -> float:
        """chi^2 per degree of freedom; NaN if there is none."""
        return self.chi_square / self.degrees_of_freedom if self.degrees_of_freedom > 0 else np.nan

    @property
    def p_value(self) -> float:
        """Probability of a larger chi^2 if model and errors are right; NaN without degrees of freedom."""
        return float(stats.chi2.sf(self.chi_square, self.degrees_of_freedom)) if self.degrees_of_freedom > 0 else np.nan

    def derived(self, function: Callable[[dict[str, float]], float]) -> tuple[float, float]:
        """A quantity computed from the varied parameters, and its standard error by linear propagation."""
        value = function(self.values)
        gradient = []
        for name in self.names:
            step = 1e-4 * (self.errors[name] or 1.0)
            up, down = (function(self.values | {name: self.values[name] + sign * step}) for sign in (1, -1))
            gradient.append((up - down) / (2 * step))
        return float(value), float(np.sqrt(np.array(gradient) @ self.covariance @ np.array(gradient)))


def whitener(uncertainty: ArrayLike, size: int) -> NDArray[np.float64]:
    """Matrix that turns deviations into independent ones of unit variance.

    Parameters
    ----------
    uncertainty
        Standard errors, shape (size,), or a covariance matrix, shape (size, size).
    size
        Number of data.

    Returns
    -------
    ndarray of shape (size, size), lower triangular

    Raises
    ------
    ValueError
        If an error is not positive, or the covariance matrix not symmetric and positive definite.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.fits import whitener
    >>> covariance = np.array([[1.0, 0.5], [0.5, 1.0]])
    >>> whiten = whitener(covariance, size=2)
    >>> (whiten @ covariance @ whiten.T).round(12)
    array([[1., 0.],
           [0., 1.]])
    """
    given = _check.real_array("uncertainty", uncertainty)
    if given.shape == (size,):
        if not np.all(given > 0):
            raise ValueError("uncertainty must hold positive standard errors")
        return np.diag(1 / given)
    if given.shape != (size, size):
        raise ValueError(f"uncertainty must have shape ({size},) or ({size}, {size}), not {given.shape}")
    # In units of the standard errors: data may differ by orders of magnitude.
    scale = np.sqrt(np.abs(np.diagonal(given)))
    scale[scale == 0] = 1
    correlation = given / np.outer(scale, scale)
    try:
        if not np.allclose(correlation, correlation.T, rtol=0, atol=1e-8):
            raise np.linalg.LinAlgError
        lower = np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError:
        raise ValueError(
            "uncertainty must be a symmetric positive definite covariance; from samples it takes more samples than data"
        ) from None
    return scipy.linalg.solve_triangular(lower, np.diag(1 / scale), lower=True)


def inverse_square(jacobian: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariance ``inv(J^T J)`` of parameters from the Jacobian of whitened deviations.

    NaN for a parameter without any effect; NaN throughout where some combination of parameters has none.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.fits import inverse_square
    >>> inverse_square(np.array([[1.0], [2.0]])).round(3)
    array([[0.2]])
    """
    norms = np.linalg.norm(jacobian, axis=0)
    live = norms > 1e-150
    covariance = np.full((len(norms), len(norms)), np.nan)
    if live.any() and live.sum() <= len(jacobian):
        triangle = np.linalg.qr(jacobian[:, live] / norms[live], mode="r")
        if np.abs(np.diagonal(triangle)).min() > 1e-10:
            inverse = scipy.linalg.solve_triangular(triangle, np.eye(len(triangle))) / norms[live][:, None]
            covariance[np.ix_(live, live)] = inverse @ inverse.T
    return covariance


def fit(
    model: Callable[..., ArrayLike],
    value: ArrayLike,
    uncertainty: ArrayLike,
    start: Mapping[str, Any],
    priors: Mapping[str, tuple[float, float]] | None = None,
) -> Fit:
    """Least-squares fit of a model to correlated data.

    Parameters
    ----------
    model
        Called with the parameters by name; returns what it predicts for the data, shape (n,).
    value
        Data, shape (n,).
    uncertainty
        Standard errors, shape (n,), or covariance matrix, shape (n, n).
    start
        Start value of each parameter, or what `lmfit.create_params` takes: ``dict(value=1, min=0, vary=False)``, or
        ``dict(expr="2 - b")`` for one that depends on others.
    priors
        Parameters known from elsewhere, with their standard errors: they count as data.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If the data are not finite, their covariance is not positive definite, or there are fewer than parameters.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.fits import fit
    >>> x = np.array([0.0, 1.0, 2.0])
    >>> decay = fit(lambda a, rate: a * np.exp(-rate * x), [1.0, 0.36, 0.14], [0.01] * 3, {"a": 1.0, "rate": 0.5})
    >>> round(decay.values["rate"], 2), round(decay.errors["rate"], 2), decay.converged
    (1.01, 0.02, True)
    """
    data = _check.real_array("value", value)
    if data.ndim != 1:
        raise ValueError(f"value must be a one-dimensional array, not of shape {data.shape}")
    whiten = whitener(uncertainty, data.size)
    known = dict(priors or {})

    def deviations(parameters: lmfit.Parameters) -> NDArray[np.float64]:
        names = parameters.valuesdict()
        predicted = np.asarray(model(**names), dtype=float)
        return np.concatenate(
            [whiten @ (predicted - data), [(names[name] - mean) / error for name, (mean, error) in known.items()]]
        )

    parameters = lmfit.create_params(**start)
    varied = sum(parameter.vary and not parameter.expr for parameter in parameters.values())
    if varied > data.size + len(known):
        raise ValueError(f"value must hold at least as many data as there are parameters to fit, {varied}")
    # MINPACK's step would vanish with a parameter, and its covariance with it; scipy's does not.
    result = lmfit.minimize(
        deviations, parameters, method="least_squares", scale_covar=False, jac="3-point", x_scale="jac", xtol=1e-10
    )
    names = tuple(result.var_names)
    covariance = inverse_square(np.asarray(result.jac)) if names else np.empty((0, 0))
    return Fit(
        values={name: float(parameter.value) for name, parameter in result.params.items()},
        errors={name: _error(result.params, name, names, covariance) for name in result.params},
        names=names,
        covariance=covariance,
        chi_square=float(result.chisqr),
        degrees_of_freedom=data.size + len(known) - varied,
        converged=bool(result.success) and (not names or bool(np.any(np.isfinite(covariance)))),
        at_bound=tuple(name for name in names if _is_at_bound(result.params[name])),
    )


def power_law(
    value: ArrayLike,
    uncertainty: ArrayLike,
    variables: Mapping[str, ArrayLike],
    fixed: Mapping[str, float] | None = None,
    group: Sequence[Any] | None = None,
) -> Fit:
    """Fit ``value = amplitude * product of variable^exponent``, as a straight line in logarithms.

    Parameters
    ----------
    value
        Positive means, shape (n,).
    uncertainty
        Their standard errors or covariance matrix.
    variables
        The variables by name, each of shape (n,), positive. The exponent has the variable's name.
    fixed
        Exponents that are not fitted, such as ``{"length": 3}`` for a volume law.
    group
        A label a datum; data of one label share an amplitude. None: all do.

    Returns
    -------
    Fit
        Parameters ``log_amplitude`` (``log_amplitude_0``, ... in the order of sorted labels) and the exponents.

    Notes
    -----
    The logarithm of a noisy mean is too small by half its relative variance on average; that is put back.

    Examples
    --------
    >>> from anderson_ness.analysis.fits import power_law
    >>> length = [8, 10, 12, 16]
    >>> law = power_law([size**2.9 for size in length], [0.05 * size**2.9 for size in length], {"length": length})
    >>> round(law.values["length"], 3), round(law.errors["length"], 3)
    (2.9, 0.098)
    """
    logarithm, covariance = log_data(value, uncertainty)
    factors = {name: np.log(_positive(name, variable, logarithm.size)) for name, variable in variables.items()}
    labels = np.unique(group, return_inverse=True)[1] if group is not None else np.zeros(logarithm.size, dtype=int)
    if labels.shape != logarithm.shape:
        raise ValueError("group must have one label a datum")
    amplitudes = ["log_amplitude"] if group is None else [f"log_amplitude_{one}" for one in range(labels.max() + 1)]

    def model(**parameters: float) -> NDArray[np.float64]:
        level = np.array([parameters[name] for name in amplitudes])[labels]
        return level + sum(parameters[name] * factor for name, factor in factors.items())

    start: dict[str, Any] = dict.fromkeys([*amplitudes, *factors], 0.0)
    for name, exponent in (fixed or {}).items():
        if name not in factors:
            raise ValueError(f"fixed must name variables, {', '.join(factors)}, not {name!r}")
        start[name] = {"value": exponent, "vary": False}
    return fit(model, logarithm, covariance, start)


def local_exponents(
    length: ArrayLike, value: ArrayLike, uncertainty: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Local exponents d ln C/d ln L between neighbouring lengths.

    Parameters
    ----------
    length
        Ascending, shape (n,).
    value, uncertainty
        Positive means and their standard errors or covariance matrix.

    Returns
    -------
    lengths : ndarray of shape (n - 1,)
        Geometric means of neighbours.
    exponents : ndarray of shape (n - 1,)
    covariance : ndarray of shape (n - 1, n - 1)
        Neighbouring exponents share a mean and are anticorrelated.

    Examples
    --------
    >>> from anderson_ness.analysis.fits import local_exponents
    >>> middle, exponents, covariance = local_exponents([1.0, 2.0, 4.0], [1.0, 4.0, 32.0], [0.01, 0.04, 0.32])
    >>> middle.round(2), exponents.round(2)
    (array([1.41, 2.83]), array([2., 3.]))
    """
    logarithm, covariance = log_data(value, uncertainty)
    position = np.log(_positive("length", length, logarithm.size))
    if not np.all(np.diff(position) > 0):
        raise ValueError("length must be ascending")
    differences = np.diff(np.eye(position.size), axis=0) / np.diff(position)[:, None]
    middle = np.exp((position[1:] + position[:-1]) / 2)
    return middle, differences @ logarithm, differences @ covariance @ differences.T


def log_data(value: ArrayLike, uncertainty: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Logarithms of positive means, corrected for their noise, and their covariance matrix.

    Examples
    --------
    >>> from anderson_ness.analysis.fits import log_data
    >>> logarithm, covariance = log_data([1.0, 10.0], [0.1, 1.0])
    >>> logarithm.round(3), covariance.diagonal().round(3)
    (array([0.005, 2.308]), array([0.01, 0.01]))
    """
    data = _check.real_array("value", value)
    data = _positive("value", data, data.size)
    error = _check.real_array("uncertainty", uncertainty)
    covariance = np.diag(error**2) if error.ndim == 1 else error
    if covariance.shape != (data.size, data.size):
        raise ValueError(f"uncertainty must have shape ({data.size},) or ({data.size}, {data.size})")
    relative = covariance / np.outer(data, data)
    return np.log(data) + np.diagonal(relative) / 2, relative


def _is_at_bound(parameter: lmfit.Parameter) -> bool:
    reach = 1e-6 * max(1.0, abs(parameter.value))
    return bool(parameter.value - parameter.min < reach or parameter.max - parameter.value < reach)


def _error(parameters: lmfit.Parameters, name: str, names: tuple[str, ...], covariance: NDArray[np.float64]) -> float:
    """Standard error of any parameter: varied, fixed, or depending on others."""
    if name in names:
        return float(np.sqrt(covariance[names.index(name), names.index(name)]))
    if not parameters[name].expr:
        return 0.0
    gradient = np.array([_slope(parameters, name, one) for one in names])
    matter = gradient != 0
    return float(np.sqrt(gradient[matter] @ covariance[np.ix_(matter, matter)] @ gradient[matter]))


def _slope(parameters: lmfit.Parameters, name: str, by: str) -> float:
    """Derivative of a dependent parameter."""
    step = 1e-5 * max(1.0, abs(parameters[by].value))
    values = []
    for sign in (1, -1):
        moved = copy.deepcopy(parameters)
        moved[by].set(value=parameters[by].value + sign * step, min=-np.inf, max=np.inf)
        values.append(moved[name].value)
    return (values[0] - values[1]) / (2 * step)


def _positive(name: str, value: ArrayLike, size: int) -> NDArray[np.float64]:
    array = _check.real_array(name, value)
    if array.shape != (size,) or not np.all(array > 0):
        raise ValueError(f"{name} must hold {size} positive numbers")
    return array
