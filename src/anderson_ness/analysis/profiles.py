"""Measured density profiles over the bar, and fits of the models of Fig. 1(b) to them.

Slice i = 0, 1, ... sits at x = i + 1/2 on 0 <= x <= length. The profile is the driven density over the spectral weight
of the window, which tends to +1 and -1 at the ends.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

from anderson_ness import _check
from anderson_ness.analysis import estimators
from anderson_ness.analysis.fits import Fit, fit, power_law
from anderson_ness.analysis.tables import with_scaled_bias
from anderson_ness.theory import diffusion

SHORTEST = -0.49
"""Least extrapolation length of the diffusion problem, whose response cannot vanish inside the end slices' centres."""

AVERAGES = ("ratio of means", "mean of ratios")
SHAPES: dict[str, Callable[..., NDArray[np.float64]]] = {
    "diffusive": diffusion.diffusive_profile,
    "critical": diffusion.critical_profile,
    "slowed": diffusion.slowed_profile,
    "localized": diffusion.localized_profile,
}


@dataclass(frozen=True)
class Profile:
    """A mean profile with the covariance of its slices.

    Attributes
    ----------
    x
        Positions of slices, shape (k,).
    value
        Profile dn at x, shape (k,).
    covariance
        Covariance matrix of ``value``, shape (k, k).
    length
        Length of the bar.
    samples
        Number of samples.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.profiles import Profile
    >>> measured = Profile(np.arange(4) + 0.5, np.array([0.8, 0.2, -0.3, -0.7]), np.diag([0.01] * 4), 4, samples=20)
    >>> measured.odd().value, measured.odd().error.round(3)
    (array([0.75, 0.25]), array([0.071, 0.071]))
    """

    x: NDArray[np.float64]
    value: NDArray[np.float64]
    covariance: NDArray[np.float64]
    length: int
    samples: int

    @property
    def error(self) -> NDArray[np.float64]:
        """Standard errors of the slices."""
        return np.sqrt(np.diagonal(self.covariance))

    def odd(self, skip: int = 0) -> "Profile":
        """The left half of the profile's odd part, [dn(x) - dn(length - x)]/2: on average dn is odd.

        ``skip`` slices next to the lead are left out.
        """
        half = len(self.x) // 2
        fold = (np.eye(len(self.x)) - np.eye(len(self.x))[::-1])[skip:half] / 2
        return Profile(self.x[skip:half], fold @ self.value, fold @ self.covariance @ fold.T, self.length, self.samples)


def profile(density: ArrayLike, weight: ArrayLike, average: str = "ratio of means") -> Profile:
    """Mean profile of samples of one point and bias.

    Parameters
    ----------
    density, weight
        Slice means of G^d_xx and of the spectral weight, shape (samples, length).
    average
        "ratio of means": the disorder-averaged density over the averaged weight, in which samples with many states in
        the window count more; "mean of ratios": all samples alike.

    Returns
    -------
    Profile
        With the jackknife's covariance.

    Raises
    ------
    ValueError
        If shapes differ, a number is not finite, or a weight not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.profiles import profile
    >>> profile(density=[[0.4, -0.2], [0.6, -0.8]], weight=np.ones((2, 2))).value
    array([ 0.5, -0.5])
    """
    _check.one_of("average", average, AVERAGES)
    densities, weights = _checked(density, weight)
    length = densities.shape[1]
    if average == "ratio of means":
        ratio = estimators.jackknife(lambda both: both[:length] / both[length:], np.hstack([densities, weights]))
    else:
        ratio = estimators.mean_vector(densities / weights)
    return Profile(np.arange(length, dtype=float) + 0.5, ratio.value, ratio.covariance, length, len(densities))


def profile_arrays(table: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Densities and spectral weights, each of shape (rows, length), of a table's rows.

    Raises
    ------
    ValueError
        If rows are of different lengths, or one has no profile.

    Examples
    --------
    >>> from anderson_ness.analysis.profiles import profile_arrays
    >>> from anderson_ness.ensembles import read_table
    >>> table = read_table("profiles")
    >>> density, weight = profile_arrays(table[table["length"] == 8])
    >>> density.shape == weight.shape == (len(density), 8)
    True
    """
    names = ("density_profile", "spectral_weight")
    density, weight = (_check.real_array(name, [list(row) for row in table[name].dropna()]) for name in names)
    if not len(density) == len(weight) == len(table):
        raise ValueError("table must hold a density profile and a spectral weight in every row")
    return density, weight


def step_places(density: ArrayLike, weight: ArrayLike) -> NDArray[np.float64]:
    """Where each sample's profile steps from +1 to -1, as a distance from the middle, shape (samples,).

    A sharp step at x_s has the mean 2 x_s/length - 1 over the bar; the place is read off that mean.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.profiles import step_places
    >>> # A step behind the third of four slices is one slice right of the middle.
    >>> step_places(density=[[1.0, 1.0, 1.0, -1.0]], weight=np.ones((1, 4)))
    array([1.])
    """
    densities, weights = _checked(density, weight)
    return (densities / weights).mean(axis=1) * densities.shape[1] / 2


def place_spread(places: ArrayLike) -> estimators.Estimate:
    """Standard deviation of the `step_places` over samples, with its jackknife error.

    Examples
    --------
    >>> from anderson_ness.analysis.profiles import place_spread
    >>> spread = place_spread([-1.0, 0.5, 1.0, -0.5])
    >>> round(spread.value, 3), spread.samples
    (0.913, 4)
    """
    sample = _check.real_array("places", places)
    squares = np.column_stack([sample, sample**2])
    spread = estimators.jackknife(lambda mean: np.sqrt(mean[1] - mean[0] ** 2), squares)
    return estimators.Estimate(float(np.std(sample, ddof=1)), float(spread.error[0]), len(sample))


def profiles_at(table: pd.DataFrame, disorder: float, centre: float = 24.0) -> list[Profile]:
    """Profiles of one disorder strength at one scaled bias X, by length.

    Parameters
    ----------
    table
        Tidy table of samples with profiles, of one kind of leads.
    disorder, centre
        W and X.

    Returns
    -------
    list of Profile
        Of ascending length; those with fewer samples than length + 4 are left out, because the covariance of their
        slices is not known well enough for a fit. May be empty.

    Examples
    --------
    >>> from anderson_ness.analysis.profiles import profiles_at
    >>> from anderson_ness.ensembles import read_table
    >>> found = profiles_at(read_table("profiles"), disorder=10.0)
    >>> [one.length for one in found][:1], all(one.samples >= one.length + 4 for one in found)
    ([8], True)
    """
    scaled = with_scaled_bias(table)
    here = scaled[np.isclose(scaled["disorder"], disorder) & np.isclose(scaled["scaled_bias"], centre, rtol=1e-6)]
    groups = [(int(length), group) for length, group in here.groupby("length")]
    return [profile(*profile_arrays(group)) for length, group in groups if len(group) >= length + 4]


def fit_profile(
    measured: Profile,
    model: str,
    extrapolate: bool = True,
    start: float | None = None,
    skip: int = 0,
    model_error: float = 0.0,
) -> Fit:
    """Fit one of the models of Fig. 1(b) to the odd part of a measured profile.

    Parameters
    ----------
    measured
        The profile.
    model
        "diffusive" (no parameter), "critical" (``x_c``), "slowed" (the same shape by its ``slowing``, which is 0 where
        D is constant) or "localized" (``width`` of the step).
    extrapolate
        Whether the model's ends lie a fitted distance ``extrapolation``, -1/2 - skip to length/2, beyond the bar's.
        Leads that couple weakly leave the outermost slices short of +1 and -1 (positive); strong contacts make those
        slices nearly a part of the leads (negative, -1/2 at their centres). A step far from the ends says nothing of
        it: it ends at a bound then, or without an error.
    start
        Start value of x_c, slowing or width; None: a tenth of the length, 0.1, or a third of the length.
    skip
        How many slices next to each lead to leave out: a diffusion equation does not hold down to a lattice constant.
    model_error
        Standard error of the model itself, independent from slice to slice. In the localized phase the slices next to
        the leads stand at 1 to many digits, with errors from rare samples, and would decide the fit.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If the model is unknown, or there are too few samples for the covariance of the slices.

    Examples
    --------
    >>> from anderson_ness.analysis.profiles import fit_profile, profiles_at
    >>> from anderson_ness.ensembles import read_table
    >>> measured = profiles_at(read_table("profiles"), disorder=10.0)[0]
    >>> fit_profile(measured, "diffusive").names
    ('extrapolation',)
    """
    return _joint([measured], model, extrapolate, start, skip, model_error)


def curve(x: ArrayLike, length: int, model: str, fitted: Fit) -> NDArray[np.float64]:
    """A fitted model at positions x along a bar of this length, as `fit_profile` and `fit_critical` compare it.

    Examples
    --------
    >>> from anderson_ness.analysis.profiles import curve, fit_profile, profiles_at
    >>> from anderson_ness.ensembles import read_table
    >>> measured = profiles_at(read_table("profiles"), disorder=10.0)[0]
    >>> found = fit_profile(measured, "diffusive")
    >>> bool(abs(curve(measured.x, measured.length, "diffusive", found) - measured.value).max() < 0.2)
    True
    """
    _check.one_of("model", model, tuple(SHAPES))
    shape = {name: value for name, value in fitted.values.items() if name != "extrapolation"}
    gap = fitted.values.get("extrapolation", 0.0)
    # Strong contacts put the model's ends inside the bar; what lies beyond them is lead.
    inside = np.clip(np.asarray(x, dtype=float) + gap, 0, length + 2 * gap)
    return SHAPES[model](inside, length + 2 * gap, **shape)


def fit_critical(profiles: Sequence[Profile], extrapolate: bool = True, skip: int = 0, model_error: float = 0.0) -> Fit:
    """Fit one length x_c to the critical profiles of several lengths: D(x) then belongs to the material.

    Arguments as for `fit_profile`; one extrapolation for all lengths.

    Examples
    --------
    >>> from anderson_ness.analysis.profiles import fit_critical, profiles_at
    >>> from anderson_ness.ensembles import read_table
    >>> found = fit_critical(profiles_at(read_table("profiles"), disorder=16.5))
    >>> sorted(found.values), found.values["x_c"] > 0
    (['extrapolation', 'x_c'], True)
    """
    return _joint(profiles, "critical", extrapolate, 1.0, skip, model_error)


def extrapolation_length(profiles: Sequence[Profile], skip: int = 1) -> estimators.Estimate:
    """How far beyond the bar the straight line through the profiles of a metal reaches +1 and -1; one for all lengths.

    Parameters
    ----------
    profiles
        Profiles of one disorder strength and one kind of contact.
    skip
        How many slices next to each lead to leave out: those within a mean free path of the lead are not on the line.

    Returns
    -------
    Estimate
        At least -0.49: the response of diffusion cannot vanish inside the bar. The error counts what the profiles
        deviate from the line beyond their own errors.

    Examples
    --------
    >>> from anderson_ness.analysis.profiles import extrapolation_length, profiles_at
    >>> from anderson_ness.ensembles import read_table
    >>> found = extrapolation_length(profiles_at(read_table("profiles"), disorder=10.0))
    >>> # Strong contacts: the density is that of the lead already inside the bar.
    >>> -0.49 <= found.value < -0.2
    True
    """
    line = _joint(profiles, "diffusive", True, None, skip, 0.0)
    scatter = max(1.0, float(np.sqrt(np.nan_to_num(line.reduced_chi_square))))
    error = line.errors["extrapolation"] * scatter
    samples = sum(one.samples for one in profiles)
    return estimators.Estimate(max(line.values["extrapolation"], SHORTEST), error, samples)


def _joint(
    profiles: Sequence[Profile], model: str, extrapolate: bool, start: float | None, skip: int, model_error: float
) -> Fit:
    """Fit one set of parameters to profiles of any lengths."""
    _check.one_of("model", model, tuple(SHAPES))
    halves, shape = [one.odd(skip) for one in profiles], SHAPES[model]
    length = max(one.length for one in halves)
    name, first, least = {
        "diffusive": ("", 0.0, 0.0),
        "critical": ("x_c", 0.1 * length, 1e-6 * length),
        "slowed": ("slowing", 0.1, -0.9),
        "localized": ("width", length / 3, 1e-6 * length),
    }[model]
    parameters: dict[str, Any] = {name: {"value": start or first, "min": least}} if name else {}
    if extrapolate or not parameters:
        bounds = {"min": -0.5 - skip, "max": length / 2} if extrapolate else {"vary": False}
        parameters["extrapolation"] = {"value": 0.0, **bounds}

    def predicted(extrapolation: float = 0.0, **shape_parameters: float) -> NDArray[np.float64]:
        curves = [shape(one.x + extrapolation, one.length + 2 * extrapolation, **shape_parameters) for one in halves]
        return np.concatenate(curves)

    return fit(
        predicted, np.concatenate([one.value for one in halves]), _block_covariance(halves, model_error), parameters
    )


def fit_localized(
    profiles: Sequence[Profile],
    extrapolate: bool = True,
    start: Mapping[str, float] | None = None,
    skip: int = 0,
    model_error: float = 0.0,
) -> Fit:
    """Fit xi and a of the localized profile, step width xi^(1 - a) length^a, to profiles of several lengths at once.

    Parameters
    ----------
    profiles
        Profiles of one disorder strength and at least two lengths; one length alone gives only the width.
    extrapolate, skip, model_error
        As for `fit_profile`, one distance for all lengths.
    start
        Start values of ``xi`` and ``a``; None: 3 and 0.25.

    Returns
    -------
    Fit
        Parameters ``xi``, ``a`` and ``extrapolation``.

    Examples
    --------
    >>> from anderson_ness.analysis.profiles import fit_localized, profiles_at
    >>> from anderson_ness.ensembles import read_table
    >>> found = fit_localized(profiles_at(read_table("profiles"), disorder=30.0))
    >>> sorted(found.values)
    ['a', 'extrapolation', 'xi']
    """
    halves = [one.odd(skip) for one in profiles]
    if len({one.length for one in halves}) < 2:
        raise ValueError("profiles must be of at least two lengths: one alone gives only the width of the step")

    def predicted(xi: float, a: float, extrapolation: float) -> NDArray[np.float64]:
        curves = [
            diffusion.localized_profile(
                one.x + extrapolation, one.length + 2 * extrapolation, float(diffusion.step_width(one.length, xi, a))
            )
            for one in halves
        ]
        return np.concatenate(curves)

    first = {"xi": 3.0, "a": 0.25} | dict(start or {})
    parameters = {
        "xi": {"value": first["xi"], "min": 1e-3},
        "a": first["a"],
        "extrapolation": {"value": 0.0, "min": -0.5 - skip, "max": halves[0].length / 2, "vary": extrapolate},
    }
    return fit(
        predicted, np.concatenate([one.value for one in halves]), _block_covariance(halves, model_error), parameters
    )


def step_growth(length: ArrayLike, width: ArrayLike, error: ArrayLike) -> tuple[Fit, dict[str, tuple[float, float]]]:
    """Power law of the step's width, ``width = xi^(1 - a) length^a``.

    Returns
    -------
    fit : Fit
        Parameters ``log_amplitude`` = (1 - a) ln xi, and ``length`` = a.
    derived : dict
        ``a`` and ``xi``, each with its error.

    Examples
    --------
    >>> from anderson_ness.analysis.profiles import step_growth
    >>> law, derived = step_growth(length=[8, 16], width=[2.0, 2.4], error=[0.1, 0.1])
    >>> round(derived["a"][0], 3), round(derived["xi"][0], 3)
    (0.262, 1.223)
    """
    growth = power_law(width, error, {"length": length})
    xi = growth.derived(lambda values: np.exp(values["log_amplitude"] / (1 - values["length"])))
    return growth, {"a": (growth.values["length"], growth.errors["length"]), "xi": xi}


def _block_covariance(profiles: Sequence[Profile], model_error: float) -> NDArray[np.float64]:
    covariance = scipy.linalg.block_diag(*[_inflated(one) for one in profiles])
    return covariance + model_error**2 * np.eye(len(covariance))


def _inflated(measured: Profile) -> NDArray[np.float64]:
    """Covariance whose inverse is right on average (Hartlap, Simon and Schneider, A&A 464, 399 (2007)).

    The inverse of a covariance estimated from few samples is too large.
    """
    spare = measured.samples - len(measured.x) - 2
    if spare < 1:
        raise ValueError(f"a fit to {len(measured.x)} slices needs more samples than {measured.samples}")
    return measured.covariance * (measured.samples - 1) / spare


def _checked(density: ArrayLike, weight: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    densities, weights = _check.real_array("density", density), _check.real_array("weight", weight)
    if densities.ndim != 2 or densities.shape != weights.shape:
        raise ValueError(
            f"density and weight must have one shape (samples, length), not {densities.shape} and {weights.shape}"
        )
    if not np.all(weights > 0):
        raise ValueError("weight must be positive")
    return densities, weights
