"""The stored coherence field against diffusion: density, extrapolation length and D are measured, nothing is fitted.

Table: `ensembles.coherence_field.read_coherence_field`. Theory: `theory.diffuson`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anderson_ness.analysis import estimators
from anderson_ness.analysis.estimators import Estimate, VectorEstimate
from anderson_ness.analysis.fits import Fit, power_law
from anderson_ness.analysis.profiles import SHORTEST
from anderson_ness.ensembles.coherence_field import DIFFERENCES, ENERGY_UNIT, SCALED_BIAS, binned
from anderson_ness.theory import diffuson
from anderson_ness.theory.scaling import bias_at

FEWEST = 8
"""Points with fewer samples are left out."""


@dataclass(frozen=True)
class Medium:
    """What diffusion in cubes of one size and disorder strength needs to know, all of it measured at single energies.

    Attributes
    ----------
    length, samples
        Edge, and number of samples.
    density
        Density of states rho per site, mean over all slices but the first and the last.
    extrapolation
        Distance beyond the bar at which the straight line through the inner slices' profile reaches +1 and -1.
    transmission
        Mean transmission T.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_field import Medium
    >>> metal = Medium(length=12, samples=50, density=0.085, extrapolation=0.5, transmission=8.0)
    >>> round(metal.diffusion, 3)
    1.352
    """

    length: int
    samples: int
    density: float
    extrapolation: float
    transmission: float

    @property
    def diffusion(self) -> float:
        """D from Ohm's law, ``T = 2 pi rho D L0^2/(L0 + 2 extrapolation)``, in (lattice constant)^2 hopping."""
        return diffuson.diffusion_constant(self.length, self.density, self.transmission, self.extrapolation)


def select(table: pd.DataFrame, kind: str, disorder: float, length: int | None = None) -> pd.DataFrame:
    """Rows of one kind and disorder strength, and of one length if it is given.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_field import select
    >>> from anderson_ness.ensembles.coherence_field import read_coherence_field
    >>> rows = select(read_coherence_field(), "energy", disorder=10.0, length=8)
    >>> rows["length"].unique().tolist(), rows["kind"].unique().tolist()
    ([8], ['energy'])
    """
    chosen = (table["kind"] == kind) & (table["disorder"] == disorder)
    return table[chosen if length is None else chosen & (table["length"] == length)]


def lengths(table: pd.DataFrame, kind: str, disorder: float, fewest: int = FEWEST) -> list[int]:
    """Lengths with at least ``fewest`` samples, ascending.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_field import lengths
    >>> from anderson_ness.ensembles.coherence_field import read_coherence_field
    >>> 8 in lengths(read_coherence_field(), "energy", disorder=10.0)
    True
    """
    counts = select(table, kind, disorder)["length"].value_counts()
    return sorted(int(one) for one in counts.index[counts >= fewest])


def stacked(rows: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """A column of arrays as one array, shape (samples, k).

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_field import select, stacked
    >>> from anderson_ness.ensembles.coherence_field import read_coherence_field
    >>> rows = select(read_coherence_field(), "energy", 10.0, 8)
    >>> stacked(rows, "density").shape == (len(rows), 8)
    True
    """
    return np.stack(rows[column].to_list())


def means(rows: pd.DataFrame, column: str) -> VectorEstimate:
    """Means of a column of arrays over samples, with their covariance.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_field import means, select
    >>> from anderson_ness.ensembles.coherence_field import read_coherence_field
    >>> density = means(select(read_coherence_field(), "energy", 10.0, 8), "density")
    >>> # States from the left outweigh those from the right in the left half.
    >>> bool((density.value[:4] > 0).all() and (density.value[4:] < 0).all())
    True
    """
    return estimators.mean_vector(stacked(rows, column))


def radial(rows: pd.DataFrame) -> VectorEstimate:
    """Mean field in the middle half of the bar against the distance 0 ... L0 // 2.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_field import radial, select
    >>> from anderson_ness.ensembles.coherence_field import read_coherence_field
    >>> field = radial(select(read_coherence_field(), "energy", 10.0, 8))
    >>> len(field.value), bool((field.value[1:] < field.value[:-1]).all())
    (5, True)
    """
    return means(rows, "radial")


def planes(rows: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean field within slices against the distance 1 ... L0 // 2, with errors; mirror images are averaged.

    Returns
    -------
    values, errors : ndarray of shape (L0 // 2, L0 // 2)
        Row i: slice i and its mirror image.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_field import planes, select
    >>> from anderson_ness.ensembles.coherence_field import read_coherence_field
    >>> values, errors = planes(select(read_coherence_field(), "energy", 10.0, 8))
    >>> values.shape, bool((errors > 0).all())
    ((4, 4), True)
    """
    length = int(rows["length"].iloc[0])
    half = length // 2
    cells = stacked(rows, "planes").reshape(len(rows), length, half)
    folded = ((cells + cells[:, ::-1]) / 2)[:, :half]
    estimate = estimators.mean_vector(folded.reshape(len(rows), -1))
    return estimate.value.reshape(half, half), estimate.error.reshape(half, half)


def slice_map(rows: pd.DataFrame) -> NDArray[np.float64]:
    """Mean field between slices, symmetric, shape (L0, L0); x = y is left out.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.coherence_field import select, slice_map
    >>> from anderson_ness.ensembles.coherence_field import read_coherence_field
    >>> field = slice_map(select(read_coherence_field(), "energy", 10.0, 8))
    >>> field.shape, bool(np.allclose(field, field.T))
    ((8, 8), True)
    """
    return as_map(stacked(rows, "slices").mean(axis=0))


def as_map(triangle: NDArray[np.float64]) -> NDArray[np.float64]:
    """The symmetric matrix whose upper triangle is given in row order, averaged with its mirror image.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.coherence_field import as_map
    >>> as_map(np.array([1.0, 2.0, 3.0]))
    array([[2., 2.],
           [2., 2.]])
    """
    length = int(np.sqrt(2 * len(triangle)))
    upper = np.zeros((length, length))
    upper[np.triu_indices(length)] = triangle
    full = upper + np.triu(upper, 1).T
    return (full + full[::-1, ::-1]) / 2


def medium(rows: pd.DataFrame) -> Medium:
    """Density of states, extrapolation length and D of one point, from its "energy" rows.

    Raises
    ------
    ValueError
        If the density profile does not fall.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_field import medium, select
    >>> from anderson_ness.ensembles.coherence_field import read_coherence_field
    >>> metal = medium(select(read_coherence_field(), "energy", 10.0, 8))
    >>> metal.length, 0.05 < metal.density < 0.12, metal.diffusion > 0
    (8, True, True)
    """
    density, weight = (stacked(rows, name).mean(axis=0) for name in ("density", "weight"))
    return _medium(int(rows["length"].iloc[0]), len(rows), density, weight, float(rows["transmission"].mean()))


def _medium(length: int, samples: int, density: NDArray, weight: NDArray, transmission: float) -> Medium:
    inner = slice(1, -1)
    place = (np.arange(length) + 0.5 - length / 2)[inner]
    slope = -(place @ (density / weight)[inner]) / (place @ place)
    if slope <= 0:
        raise ValueError("rows must have a density that falls from the left to the right")
    # The end slices' local density of states is low, and the response cannot vanish inside them.
    extrapolation = max(1 / slope - length / 2, SHORTEST)
    return Medium(length, samples, float(weight[inner].mean()), float(extrapolation), transmission)


def kernel(medium: Medium, kind: str, difference: float = 0.0) -> diffuson.Kernel:
    """The diffusive kernel of a kind of field, and its prefactor is `prefactor`.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.coherence_field import Medium, kernel
    >>> metal = Medium(length=12, samples=50, density=0.085, extrapolation=0.5, transmission=8.0)
    >>> kernel(metal, "energy")(np.array([0.5, 2.0]))
    array([2. , 0.5])
    """
    if kind == "energy":
        return diffuson.at_difference(difference / medium.diffusion)
    return diffuson.in_window(float(bias_at(SCALED_BIAS, medium.length)) / medium.diffusion)


def prefactor(medium: Medium, kind: str) -> float:
    """What `theory.diffuson.coherence_field` has to be multiplied by.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_field import Medium, prefactor
    >>> metal = Medium(length=12, samples=50, density=0.085, extrapolation=0.5, transmission=8.0)
    >>> round(prefactor(metal, "energy"), 4), round(prefactor(metal, "window"), 4)
    (0.02, 0.0091)
    """
    D = medium.diffusion
    return medium.density / (np.pi * D) if kind == "energy" else medium.density * D / (4 * np.pi)


def predicted(medium: Medium, kind: str) -> dict[str, Any]:
    """The diffusive field of a kind without a free parameter, binned as the table's, and its ``coherence``.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_field import Medium, predicted
    >>> field = predicted(Medium(8, samples=50, density=0.085, extrapolation=0.5, transmission=5.0), "energy")
    >>> sorted(field), len(field["radial"])
    (['coherence', 'planes', 'radial', 'slices'], 5)
    """
    one = kernel(medium, kind)
    scale = prefactor(medium, kind)
    field = diffuson.coherence_field(medium.length, medium.length, medium.extrapolation, one)
    between = diffuson.between_halves(medium.length, medium.extrapolation, one)
    parts = {name: scale * values for name, values in binned(field).items()}
    return parts | {"coherence": 2 * medium.length**2 * scale * between}


def predicted_correlation(medium: Medium, difference: NDArray[np.float64]) -> NDArray[np.float64]:
    """The diffusive energy correlation f at energy differences in units of the hopping; 1 at 0.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.coherence_field import Medium, predicted_correlation
    >>> metal = Medium(length=8, samples=50, density=0.085, extrapolation=0.5, transmission=5.0)
    >>> f = predicted_correlation(metal, np.array([0.0, 0.1, 1.0]))
    >>> bool(f[0] == 1 and 1 > f[1] > f[2])
    True
    """
    sums = [
        diffuson.between_halves(medium.length, medium.extrapolation, kernel(medium, "energy", one))
        for one in (0.0, *difference)
    ]
    return np.array(sums[1:]) / sums[0]


def correlation(rows: pd.DataFrame) -> tuple[NDArray[np.float64], VectorEstimate]:
    """Energy correlation f of one point: ratio of means over samples, with jackknife errors.

    Returns
    -------
    difference : ndarray
        Energy differences in units of the hopping, from 0.
    f : VectorEstimate
        1 at difference 0.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_field import correlation, select
    >>> from anderson_ness.ensembles.coherence_field import read_coherence_field
    >>> difference, f = correlation(select(read_coherence_field(), "energy", 10.0, 8))
    >>> float(difference[0]), float(f.value[0]), bool(f.value[-1] < 1)
    (0.0, 1.0, True)
    """
    length = int(rows["length"].iloc[0])
    f = estimators.jackknife(lambda mean: mean / mean[0], stacked(rows, "correlation"))
    return DIFFERENCES * ENERGY_UNIT / length**3, f


def half_width(rows: pd.DataFrame) -> Estimate:
    """Energy difference at which f has fallen to 1/2, by linear interpolation: the measured Thouless energy.

    Its error is the jackknife's; NaN if f does not fall so far.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_field import half_width, select
    >>> from anderson_ness.ensembles.coherence_field import read_coherence_field
    >>> small, large = (half_width(select(read_coherence_field(), "energy", 10.0, length)) for length in (8, 12))
    >>> # The Thouless energy falls with the size.
    >>> large.value < small.value
    True
    """
    length = int(rows["length"].iloc[0])

    def crossing(mean: NDArray[np.float64]) -> float:
        return half_crossing(DIFFERENCES, mean / mean[0])

    found = estimators.jackknife(crossing, stacked(rows, "correlation"))
    unit = ENERGY_UNIT / length**3
    return Estimate(float(found.value[0]) * unit, float(found.error[0]) * unit, len(rows))


def half_crossing(difference: NDArray[Any], f: NDArray[np.float64]) -> float:
    """Where f first falls below 1/2, by linear interpolation; NaN if it does not.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.coherence_field import half_crossing
    >>> half_crossing(np.array([0.0, 0.1, 0.2]), np.array([1.0, 0.7, 0.3]))
    0.15
    """
    below = np.flatnonzero(f < 0.5)
    if not below.size or below[0] == 0:
        return np.nan
    last = below[0] - 1
    part = (f[last] - 0.5) / (f[last] - f[last + 1])
    return float(difference[last] + part * (difference[last + 1] - difference[last]))


def thouless_law(table: pd.DataFrame, disorder: float, fewest: int = FEWEST) -> tuple[pd.DataFrame, Fit | None]:
    """Half widths against L0, and their power law; None with fewer than two lengths.

    Returns
    -------
    DataFrame
        length, samples, width, error.
    Fit
        ``length``, the exponent, and ``log_amplitude``.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_field import thouless_law
    >>> from anderson_ness.ensembles.coherence_field import read_coherence_field
    >>> widths, law = thouless_law(read_coherence_field(), disorder=10.0)
    >>> list(widths), law.values["length"] < -1
    (['length', 'samples', 'width', 'error'], True)
    """
    rows = []
    for length in lengths(table, "energy", disorder, fewest):
        found = half_width(select(table, "energy", disorder, length))
        if np.isfinite(found.value) and found.error > 0:
            rows.append({"length": length, "samples": found.samples, "width": found.value, "error": found.error})
    widths = pd.DataFrame(rows, columns=["length", "samples", "width", "error"])
    if len(widths) < 2:
        return widths, None
    return widths, power_law(widths["width"], widths["error"], {"length": widths["length"]})


def decay_exponent(values: NDArray[np.float64], first: int = 2) -> float:
    """Slope -d ln c/d ln r of a field at distances ``first``, ... up to the end, by least squares in logarithms.

    Parameters
    ----------
    values
        Field at distances 0, 1, 2, ..., positive.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.coherence_field import decay_exponent
    >>> r = np.arange(8)
    >>> round(decay_exponent(np.where(r > 0, np.maximum(r, 1.0) ** -2.0, 5.0)), 6)
    2.0
    """
    r = np.log(np.arange(first, len(values)))
    return float(-np.polyfit(r, np.log(values[first:]), 1)[0])


def decay_length(values: NDArray[np.float64], first: int = 2) -> float:
    """The length l of c ~ exp(-r/l) at distances ``first``, ... up to the end, by least squares in logarithms.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.analysis.coherence_field import decay_length
    >>> round(decay_length(np.exp(-np.arange(8) / 1.5)), 6)
    1.5
    """
    return float(-1 / np.polyfit(np.arange(first, len(values)), np.log(values[first:]), 1)[0])


def radial_quantity(rows: pd.DataFrame, function: Callable[[NDArray[np.float64]], float]) -> Estimate:
    """A number read off the mean radial field, such as `decay_exponent`, with its jackknife error.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_field import decay_exponent, radial_quantity, select
    >>> from anderson_ness.ensembles.coherence_field import read_coherence_field
    >>> found = radial_quantity(select(read_coherence_field(), "energy", 10.0, 8), decay_exponent)
    >>> found.value > 0 and found.error > 0
    True
    """
    found = estimators.jackknife(function, stacked(rows, "radial"))
    return Estimate(float(found.value[0]), float(found.error[0]), len(rows))


def coherence_ratio(energy: pd.DataFrame, window: pd.DataFrame | None = None) -> Estimate:
    """Measured over predicted coherence between the halves, of one point, without a free parameter.

    Parameters
    ----------
    energy
        "energy" rows: the medium is theirs.
    window
        "window" rows of the same point, for C_d in the window X = 24; None: the coherence at one energy, which is
        4 C_d/bias^2 of a narrow window.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_field import coherence_ratio, select
    >>> from anderson_ness.ensembles.coherence_field import read_coherence_field
    >>> found = coherence_ratio(select(read_coherence_field(), "energy", 10.0, 8))
    >>> # Nothing was fitted.
    >>> 0.7 < found.value < 1.3
    True
    """
    length = int(energy["length"].iloc[0])
    columns = [stacked(energy, "density"), stacked(energy, "weight"), energy[["transmission", "coherence"]].to_numpy()]

    def ratio(mean: NDArray[np.float64], measured: NDArray[np.float64] | None = None) -> float:
        density, weight, (transmission, coherence) = mean[:length], mean[length : 2 * length], mean[2 * length :]
        own = _medium(length, len(energy), density, weight, float(transmission))
        kind = "energy" if measured is None else "window"
        sums = diffuson.between_halves(length, own.extrapolation, kernel(own, kind))
        value = coherence if measured is None else measured
        return float(value / (2 * length**2 * prefactor(own, kind) * sums))

    groups: Sequence[NDArray] = [np.concatenate(columns, axis=1)]
    if window is not None:
        groups = [*groups, window["coherence"].to_numpy()]
    found = estimators.jackknife(ratio, *groups)
    return Estimate(float(found.value[0]), float(found.error[0]), len(energy if window is None else window))


def level_widths(levels: pd.DataFrame, disorder: float, resamples: int = 400, seed: int = 0) -> pd.DataFrame:
    """Median width of localized levels, each weighted by its part of the coherence between the halves.

    The field of an isolated level is correlated over its width, and a window much wider than that adds up all of it:
    the weighted median is the energy over which the coherence is correlated.

    Parameters
    ----------
    levels
        `analysis.rates.with_rates`.
    disorder
        Disorder strength.
    resamples, seed
        For the bootstrap over samples.

    Returns
    -------
    DataFrame, one row a length
        length, samples, width, error of ln width.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_field import level_widths
    >>> from anderson_ness.analysis.rates import with_rates
    >>> from anderson_ness.ensembles.resonances import read_resonances
    >>> found = level_widths(with_rates(read_resonances()), disorder=30.0, resamples=50)
    >>> list(found), bool(found["width"].is_monotonic_decreasing)
    (['length', 'samples', 'width', 'log_error'], True)
    """
    rng = np.random.default_rng(seed)
    rows = []
    for length, group in levels[levels["disorder"] == disorder].groupby("length"):
        width = (group["width_left"] + group["width_right"]).to_numpy()
        weight = group["alone"].to_numpy()
        sample = np.unique(group["seed"], return_inverse=True)[1]
        drawn = rng.multinomial(sample.max() + 1, np.full(sample.max() + 1, 1 / (sample.max() + 1)), size=resamples)
        logs = [np.log(_weighted_median(width, weight * counts[sample])) for counts in drawn]
        rows.append(
            {
                "length": int(length),
                "samples": int(sample.max() + 1),
                "width": _weighted_median(width, weight),
                "log_error": float(np.std(logs)),
            }
        )
    return pd.DataFrame(rows)


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def identity(energy: pd.DataFrame, window: pd.DataFrame) -> Estimate:
    """C_d of the window X = 24 over the double integral of the measured energy correlations (S1 to S3), of one point.

    ``C_d = (1/2) int (b - |D|) S(D) dD`` over |D| < b for a bias b, with S the sum over x left and y right of
    ``q_{E + D/2} conj q_{E - D/2}``, averaged over samples. S is known up to a third of b, and is taken to vanish
    beyond: for bars whose Thouless energy is much smaller.

    Examples
    --------
    >>> from anderson_ness.analysis.coherence_field import identity, select
    >>> from anderson_ness.ensembles.coherence_field import read_coherence_field
    >>> table = read_coherence_field()
    >>> found = identity(select(table, "energy", 10.0, 8), select(table, "window", 10.0, 8))
    >>> abs(found.value - 1) < 0.5
    True
    """
    length = int(energy["length"].iloc[0])
    bias = float(bias_at(SCALED_BIAS, length))
    difference = DIFFERENCES * ENERGY_UNIT / length**3

    def ratio(sums: NDArray[np.float64], coherence: NDArray[np.float64]) -> float:
        return float(coherence / np.trapezoid((bias - difference) * sums, difference))

    found = estimators.jackknife(ratio, stacked(energy, "correlation"), window["coherence"].to_numpy())
    return Estimate(float(found.value[0]), float(found.error[0]), len(window))
