"""How C_d grows with size and bias: means of stored samples, power laws, and the crossover at the Thouless energy.

And where in the bar the coherence sits (`slice_densities`).

Ensembles of one root seed share their samples, so that one sample has a coherence at many biases, from several tables.
Means at different biases of one size are therefore correlated; means of different sizes are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

from anderson_ness.analysis import estimators, tables
from anderson_ness.analysis.fits import Fit, fit, local_exponents, power_law, whitener
from anderson_ness.ensembles import read_table
from anderson_ness.ensembles.errors import TableError
from anderson_ness.information import coherence_density
from anderson_ness.model import AndersonBar
from anderson_ness.states import nonequilibrium_correlations
from anderson_ness.theory.diffuson import halves_coherence
from anderson_ness.theory.energy_window import diffusive_coherence, thouless_ratio, window_share
from anderson_ness.theory.scaling import volume_law

ENSEMBLES = ("fig2a", "fig2b", "profiles", "bias", "deep", "contacts")
"""Ensembles of one root seed."""

FEWEST = 8
"""A point with fewer samples has no error bar worth the name."""

_COLUMNS = [*tables.SAMPLE, "bias", "coherence", "transmission", "converged"]


@dataclass(frozen=True)
class Means:
    """Mean coherences at the sizes and biases of one disorder strength and one kind of leads.

    Attributes
    ----------
    length, bias, value
        Size, bias and mean C_d of every datum, by size and bias, shape (n,).
    covariance
        Covariance of ``value``, shape (n, n): biases of one size are correlated.
    samples
        How many samples every mean rests on, shape (n,).
    transmission
        Mean transmission at E = 0 of the size's samples, shape (n,).
    transmission_covariance
        Covariances of the mean transmissions with each other, and of every value (rows) with them, shape (2, n, n).

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_laws import gather, means
    >>> data = means(gather("data"), disorder=10.0)
    >>> one = data.at_length(8)
    >>> len(one) == len(one.bias), set(one.length.tolist())
    (True, {8.0})
    """

    length: NDArray[np.float64]
    bias: NDArray[np.float64]
    value: NDArray[np.float64]
    covariance: NDArray[np.float64]
    samples: NDArray[np.intp]
    transmission: NDArray[np.float64]
    transmission_covariance: NDArray[np.float64]

    @property
    def error(self) -> NDArray[np.float64]:
        """Standard errors of ``value``, shape (n,)."""
        return np.sqrt(np.diagonal(self.covariance))

    def __len__(self) -> int:
        return len(self.value)

    def select(self, keep: ArrayLike) -> Means:
        """The data of a mask, shape (n,)."""
        mask = np.asarray(keep, dtype=bool)
        square = np.ix_(mask, mask)
        return Means(
            self.length[mask],
            self.bias[mask],
            self.value[mask],
            self.covariance[square],
            self.samples[mask],
            self.transmission[mask],
            np.stack([one[square] for one in self.transmission_covariance]),
        )

    def at_bias(self, bias: float) -> Means:
        """All sizes at one bias."""
        return self.select(np.isclose(self.bias, bias, rtol=1e-6))

    def at_length(self, low: float, high: float | None = None) -> Means:
        """The data of one size, or of the sizes from ``low`` to ``high``."""
        return self.select((self.length >= low) & (self.length <= (low if high is None else high)))

    def invertible(self) -> Means:
        """Fewer biases of every size, so that each has three samples, and a covariance to be inverted.

        The inverse of a covariance estimated from few samples is too large; the factor that makes it right on average
        is in the covariances then (Hartlap, Simon and Schneider, A&A 464, 399 (2007)).
        """
        keep = np.zeros(len(self), dtype=bool)
        root = np.ones(len(self))
        for size in np.unique(self.length):
            rows = np.flatnonzero(self.length == size)
            fewest = int(self.samples[rows].min())
            count = max(1, min(len(rows), fewest // 3))
            keep[rows[np.round(np.linspace(len(rows) - 1, 0, count)).astype(int)]] = True
            root[rows] = np.sqrt((fewest - 1) / (fewest - count - 2))
        scale = np.outer(root, root)
        inflated = replace(
            self, covariance=self.covariance * scale, transmission_covariance=self.transmission_covariance * scale
        )
        return inflated.select(keep)


def gather(folder: str | Path, names: Sequence[str] = ENSEMBLES) -> pd.DataFrame:
    """The samples of several ensembles in one table, every sample once a bias.

    Parameters
    ----------
    folder
        Where the tables lie.
    names
        Ensembles of one root seed; those without a table are left out.

    Returns
    -------
    DataFrame
        Columns of a sample and its leads, bias, coherence, transmission, converged. Equal biases that differ by
        rounding, as 24 Wc/L0^3 and a multiple of Wc may, count as equal.

    Raises
    ------
    TableError
        If none of them has a table.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_laws import gather
    >>> table = gather("data", ["fig2a", "fig2b"])
    >>> bool(table.duplicated(["length", "disorder", "seed", "t_contact", "bias"]).any())
    False
    """
    found = []
    for name in names:
        try:
            found.append(read_table(name, folder)[_COLUMNS])
        except TableError:
            continue
    if not found:
        raise TableError(f"no table of {', '.join(names)} in {folder}")
    table = pd.concat(found, ignore_index=True)
    # Nine significant digits, not decimals: however small, equal biases that were computed in two ways differ in about
    # the sixteenth, different ones long before. To be within a tolerance of each other would not be transitive.
    table["bias"] = [float(f"{one:.9g}") for one in table["bias"]]
    return table.drop_duplicates([*tables.SAMPLE, "bias"], ignore_index=True)


def means(table: pd.DataFrame, disorder: float, t_contact: float = 3.0, fewest: int = FEWEST) -> Means:
    """Mean coherences of one disorder strength, where there are enough samples.

    Parameters
    ----------
    table
        As `gather` returns it.
    disorder, t_contact
        Disorder strength, and hopping at the contacts.
    fewest
        Points with fewer samples are left out.

    Returns
    -------
    Means
        Without data if no point has enough samples.

    Raises
    ------
    ValueError
        If ``fewest`` is less than 5, which the covariance of a fit needs.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_laws import gather, means
    >>> metal = means(gather("data"), disorder=10.0)
    >>> bool((metal.value > 3 * metal.error).all()), bool((metal.samples >= 8).all())
    (True, True)
    """
    if fewest < 5:
        raise ValueError(f"fewest must be at least 5, not {fewest!r}")
    rows = table[(table["disorder"] == disorder) & np.isclose(table["t_contact"], t_contact, rtol=1e-6)]
    parts: list[tuple[NDArray, ...]] = []
    covariances = []
    for block in tables.blocks(rows) if len(rows) else []:
        enough = np.isfinite(block.values).sum(axis=0) >= fewest
        if not enough.any():
            continue
        own = rows[rows["length"] == block.point["length"]].drop_duplicates("seed").set_index("seed")
        transmission = own["transmission"].reindex(block.seeds).to_numpy(dtype=float)
        estimate = estimators.mean_vector(np.column_stack([block.values[:, enough], transmission]))
        count = int(enough.sum())
        parts.append(
            (
                np.full(count, block.point["length"]),
                block.across[enough],
                estimate.value[:-1],
                estimate.samples[:-1],
                np.full(count, estimate.value[-1]),
            )
        )
        square = estimate.covariance
        common = np.full((count, count), square[-1, -1])
        covariances.append((square[:-1, :-1], common, np.tile(square[:-1, -1:], count)))
    if not parts:
        empty = np.empty(0)
        return Means(empty, empty, empty, np.empty((0, 0)), np.empty(0, dtype=np.intp), empty, np.empty((2, 0, 0)))
    length, bias, value, samples, transmissions = (np.concatenate(column) for column in zip(*parts, strict=True))
    own_covariance, among, across = (scipy.linalg.block_diag(*column) for column in zip(*covariances, strict=True))
    return Means(length, bias, value, own_covariance, samples, transmissions, np.stack([among, across]))


def size_law(data: Means, exponent: float | None = None) -> Fit | None:
    """Power law ``C_d = exp(log_amplitude) L0^length`` at one bias.

    Parameters
    ----------
    data
        Means of one bias, at several sizes.
    exponent
        Exponent held fixed, such as 3 for the volume law; None: fitted.

    Returns
    -------
    Fit, or None if there are too few sizes: two are needed for an exponent, one for an amplitude

    Raises
    ------
    ValueError
        If a size occurs twice.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_laws import gather, means, size_law
    >>> law = size_law(means(gather("data"), disorder=10.0).at_bias(3e-3 * 16.5))
    >>> # More than the volume law's 3: the window is narrower than the Thouless energy of the smaller sizes.
    >>> 3 < law.values["length"] < 5
    True
    """
    if len(np.unique(data.length)) != len(data):
        raise ValueError("data must be of one bias: a size occurs twice")
    if len(data) < (2 if exponent is None else 1):
        return None
    fixed = None if exponent is None else {"length": exponent}
    return power_law(data.value, data.invertible().covariance, {"length": data.length}, fixed)


def size_exponents(data: Means) -> pd.DataFrame:
    """The exponent of L0 at every bias that two or more sizes share.

    Returns
    -------
    DataFrame, one row a bias
        bias, exponent, error, chi_square, degrees_of_freedom, smallest, largest (sizes), samples (the fewest a size).

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_laws import gather, means, size_exponents
    >>> found = size_exponents(means(gather("data"), disorder=10.0))
    >>> list(found)[:3]
    ['bias', 'exponent', 'error']
    """
    rows = []
    for bias in np.unique(data.bias):
        own = data.at_bias(bias)
        law = size_law(own)
        if law is None:
            continue
        rows.append(
            {
                "bias": bias,
                "exponent": law.values["length"],
                "error": law.errors["length"],
                "chi_square": law.chi_square,
                "degrees_of_freedom": law.degrees_of_freedom,
                "smallest": own.length.min(),
                "largest": own.length.max(),
                "samples": own.samples.min(),
            }
        )
    return pd.DataFrame(rows, columns=_SIZE_EXPONENTS)


_SIZE_EXPONENTS = [
    "bias",
    "exponent",
    "error",
    "chi_square",
    "degrees_of_freedom",
    "smallest",
    "largest",
    "samples",
]


def bias_exponents(data: Means) -> pd.DataFrame:
    """Local exponents d ln C_d/d ln bias between neighbouring biases of the same samples, size by size.

    Returns
    -------
    DataFrame, one row a size and pair of biases
        length, bias (geometric mean), exponent, error.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_laws import bias_exponents, gather, means
    >>> found = bias_exponents(means(gather("data"), disorder=10.0))
    >>> # From the square of the bias in a narrow window towards its first power in a wide one.
    >>> bool(found["exponent"].between(0.5, 2.5).all())
    True
    """
    rows = []
    for length in np.unique(data.length):
        own = data.at_length(length)
        if len(own) < 2:
            continue
        middle, exponents, covariance = local_exponents(own.bias, own.value, own.covariance)
        errors = np.sqrt(np.diagonal(covariance))
        rows += [
            {"length": length, "bias": at, "exponent": exponent, "error": error}
            for at, exponent, error in zip(middle, exponents, errors, strict=True)
        ]
    return pd.DataFrame(rows, columns=["length", "bias", "exponent", "error"])


def common_exponent(data: Means) -> Fit | None:
    """One exponent of the bias for all sizes, each with an amplitude of its own; None where the data do not fix it.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_laws import common_exponent, gather, means
    >>> found = common_exponent(means(gather("data"), disorder=30.0))
    >>> 0.8 < found.values["bias"] < 1.3
    True
    """
    usable = data.invertible() if len(data) else data
    counts = {length: int(np.sum(usable.length == length)) for length in np.unique(usable.length)}
    usable = usable.select([counts[length] > 1 for length in usable.length])
    if not len(usable):
        return None
    return power_law(usable.value, usable.covariance, {"bias": usable.bias}, group=usable.length.tolist())


def ratios(data: Means, density: float) -> NDArray[np.float64]:
    """Bias over Thouless energy of the data, from the density of states and the mean transmission, shape (n,).

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_laws import gather, means, ratios
    >>> data = means(gather("data"), disorder=10.0)
    >>> bool((ratios(data, density=0.08) > 0).all())
    True
    """
    return thouless_ratio(data.bias, data.length, density, data.transmission)


def per_driven_state(data: Means, density: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """C_d over the volume law without free parameter, rho bias L0^3/32, and its standard error, each of shape (n,).

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_laws import gather, means, per_driven_state
    >>> value, error = per_driven_state(means(gather("data"), disorder=10.0), density=0.08)
    >>> # It never exceeds the volume law by much.
    >>> bool((value < 1.2 + 3 * error).all())
    True
    """
    law = volume_law(data.bias, data.length, density)
    return data.value / law, data.error / law


class Prediction(NamedTuple):
    """C_d of diffusion theory, without a free parameter, at the sizes and biases of some `Means`.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_laws import Prediction
    >>> Prediction._fields
    ('value', 'covariance')
    """

    value: NDArray[np.float64]
    """The prediction, shape (n,)."""
    covariance: NDArray[np.float64]
    """Covariance of the data less the prediction, which is made of measured numbers, too, shape (n, n)."""


def predict(data: Means, density: tuple[float, float], extrapolation: tuple[float, float] | None = None) -> Prediction:
    """C_d of a metal from its density of states, its transmission and its contacts.

    Parameters
    ----------
    data
        The means; their transmissions enter.
    density
        Density of states and its standard error.
    extrapolation
        Extrapolation length of the bars' ends and its standard error (`profiles.extrapolation_length`), for the full
        formula, with the local part and the measured ends (`theory.diffuson.halves_coherence`); None: for what the
        gradient produces in a long bar (`theory.energy_window.diffusive_coherence`).

    Returns
    -------
    Prediction
        Errors of density and extrapolation are common to all data.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_laws import gather, means, predict
    >>> data = means(gather("data"), disorder=10.0)
    >>> full = predict(data, density=(0.083, 0.001), extrapolation=(-0.36, 0.02))
    >>> bool((abs(data.value / full.value - 1) < 0.3).all())
    True
    """
    rho, rho_error = density
    ends, ends_error = extrapolation if extrapolation is not None else (0.0, 0.0)

    def formula(rho: float = rho, factor: float = 1.0, ends: float = ends) -> NDArray[np.float64]:
        transmission = factor * data.transmission
        if extrapolation is None:
            return diffusive_coherence(data.bias, data.length, rho, transmission)
        return halves_coherence(data.bias, data.length, rho, transmission, ends)

    value, step = formula(), 1e-3
    slope = (formula(factor=1 + step) - formula(factor=1 - step)) / (2 * step * data.transmission)
    covariance = _less_prediction(data, slope)
    # Towards longer bars: there is no room below.
    for moved in (formula(rho=rho + rho_error) - value, formula(ends=ends + ends_error) - value):
        covariance = covariance + np.outer(moved, moved)
    return Prediction(value, covariance)


def fit_coefficient(
    data: Means, density: tuple[float, float], extrapolation: tuple[float, float] | None = None, free: bool = True
) -> Fit:
    """One factor, ``coefficient``, on the prediction of diffusion theory, which sets it to 1.

    Parameters
    ----------
    data, density, extrapolation
        As for `predict`.
    free
        Whether to fit it; if not, chi^2 is that of the prediction as it stands.

    Returns
    -------
    Fit

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_laws import fit_coefficient, gather, means
    >>> data = means(gather("data"), disorder=10.0)
    >>> gradient = fit_coefficient(data, density=(0.083, 0.001))
    >>> full = fit_coefficient(data, density=(0.083, 0.001), extrapolation=(-0.36, 0.02))
    >>> # One number is left to explain, not a number for each size and bias.
    >>> full.reduced_chi_square < gradient.reduced_chi_square
    True
    """
    usable = data.invertible()
    theory = predict(usable, density, extrapolation)
    if free:
        return fit(lambda coefficient: coefficient * theory.value, usable.value, theory.covariance, {"coefficient": 1})
    deviations = whitener(theory.covariance, len(usable)) @ (usable.value - theory.value)
    chi_square = float(deviations @ deviations)
    return Fit({"coefficient": 1.0}, {"coefficient": 0.0}, (), np.empty((0, 0)), chi_square, len(usable), True)


def growth(data: Means) -> Fit:
    """Power law ``C_d = exp(log_amplitude) L0^length bias^bias`` in sizes and biases at once.

    Sizes need not share a bias. The covariance of biases that share samples is taken into account.

    Returns
    -------
    Fit
        Exponents ``length``, at fixed bias, and ``bias``, at fixed size.

    Raises
    ------
    ValueError
        If there are fewer data than parameters.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_laws import gather, growth, means
    >>> law = growth(means(gather("data"), disorder=10.0))
    >>> sorted(law.errors)
    ['bias', 'length', 'log_amplitude']
    """
    usable = data.invertible()
    return power_law(usable.value, usable.covariance, {"length": usable.length, "bias": usable.bias})


def fit_crossover(data: Means, density: tuple[float, float], fixed: Mapping[str, float] | None = None) -> Fit:
    """Fit C_d at all sizes and biases by the diffusive form, with corrections that diffusion theory sets to 1, 1 and 0.

    ``coefficient rho bias L0^2 L/32 share(bias/(thouless E_Th))``, with L = L0 + boundary the length between the points
    where the density is that of the leads, the share of `energy_window.window_share`, and E_Th from the mean
    transmission and L.

    Parameters
    ----------
    data
        Means at several sizes and biases.
    density
        Density of states and its standard error, which goes into that of the coefficient.
    fixed
        Parameters that are not fitted, such as ``{"thouless": 1}``.

    Returns
    -------
    Fit
        Parameters ``coefficient``, ``thouless``, ``boundary``. Means of one size, at several biases and of the
        transmission, come from the same samples; their covariance is taken into account.

    Raises
    ------
    ValueError
        If there are fewer data than parameters.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_laws import fit_crossover, gather, means
    >>> data = means(gather("data"), disorder=10.0)
    >>> found = fit_crossover(data, density=(0.08, 0.001), fixed={"thouless": 1.0})
    >>> 0.5 < found.values["coefficient"] < 1.5
    True
    """
    rho, rho_error = density
    usable = data.invertible()
    ratio = ratios(usable, rho)
    law = volume_law(usable.bias, usable.length, rho)

    def model(coefficient: float, thouless: float, boundary: float) -> NDArray[np.float64]:
        longer = 1 + boundary / usable.length
        return coefficient * law * longer * window_share(ratio * longer / thouless)

    start: dict[str, Any] = {
        "coefficient": 0.8,
        "thouless": {"value": 1.0, "min": 1e-3},
        "boundary": {"value": 0.0, "min": -0.9 * usable.length.min(), "max": usable.length.min()},
    }
    for name, value in (fixed or {}).items():
        start[name] = {"value": value, "vary": False}
    step = 1e-3
    elasticity = np.log(window_share(ratio * (1 + step)) / window_share(ratio * (1 - step))) / (2 * step)
    slope = -usable.value * elasticity / usable.transmission
    result = fit(model, usable.value, _less_prediction(usable, slope), start)
    common = result.values["coefficient"] * rho_error / rho
    result.errors["coefficient"] = float(np.hypot(result.errors["coefficient"], common))
    return result


def _less_prediction(data: Means, slope: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariance of value less prediction, which grows by ``slope`` with the mean transmission of the same samples."""
    among, across = data.transmission_covariance
    mixed = across * slope
    return data.covariance - mixed - mixed.T + among * np.outer(slope, slope)


class SliceDensities(NamedTuple):
    """Coherence densities of a bar's slices, each of shape (Lx,): means over a slice's sites, a driven state.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_laws import SliceDensities
    >>> SliceDensities._fields
    ('whole', 'half')
    """

    whole: NDArray[np.float64]
    """With all other sites of the bar."""
    half: NDArray[np.float64]
    """With the sites of the other half."""


def slice_densities(bar: AndersonBar, bias: float, density: float, rtol: float = 1e-3) -> SliceDensities:
    """Coherence density along a bar over the number of driven states a site, ``rho |bias|``.

    Parameters
    ----------
    bar
        The bar.
    bias
        The bias.
    density
        Density of states rho, per site and unit of energy.
    rtol
        Tolerance of the correlations.

    Returns
    -------
    SliceDensities
        Dimensionless. The sum of ``half`` over either half, times the sites of a slice and rho |bias|, is C_d.

    Raises
    ------
    ValueError
        If the bias is zero, or as `anderson_ness.nonequilibrium_correlations`.

    Examples
    --------
    >>> from anderson_ness import AndersonBar, window_coherence
    >>> from anderson_ness.analysis.coherence_laws import slice_densities
    >>> bar = AndersonBar.random(length=4, disorder=10.0, seed=1)
    >>> along = slice_densities(bar, bias=0.5, density=0.08)
    >>> # Over one half it adds up to the coherence of the halves.
    >>> C = 0.08 * 0.5 * bar.n_slice * along.half[2:].sum()
    >>> bool(abs(C / window_coherence(bar, bias=0.5).coherence - 1) < 1e-2)
    True
    """
    if bias == 0:
        raise ValueError("bias must not be zero: then no state is driven")
    correlations = nonequilibrium_correlations(bar, bias, rtol=rtol)
    left = bar.left_half
    with_left = coherence_density(correlations, left)
    with_right = coherence_density(correlations, ~left)
    half = np.where(left, with_right, with_left)
    per_state = [
        sites.reshape(-1, bar.n_slice).mean(axis=1) / (density * abs(bias)) for sites in (with_left + with_right, half)
    ]
    return SliceDensities(*per_state)
