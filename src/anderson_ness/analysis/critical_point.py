"""The critical point without coherences: transfer matrices and conductances; and windows beyond its neighbourhood.

Tables come from `ensembles.transfer`, `ensembles.conductance` and `ensembles.windows`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anderson_ness.analysis import estimators
from anderson_ness.analysis.finite_size import Expansion, Points, ScalingFit, fit_scaling
from anderson_ness.analysis.fits import Fit, power_law
from anderson_ness.ensembles.conductance import read_conductance
from anderson_ness.ensembles.samples import sample_seed
from anderson_ness.ensembles.table import published, read_table
from anderson_ness.model import AndersonBar
from anderson_ness.theory.warm_window import driven_levels

EXPANSION = Expansion(relevant=3, irrelevant=1, relevant_field=2, corrections=0)
"""Orders for Lambda between W = 14 and 19: cubic in Y, a curved field, one correction that does not depend on W."""

CONDUCTANCE_EXPANSION = Expansion(relevant=2, irrelevant=0, relevant_field=1)
"""Orders for the mean logarithm of the transmission between W = 14 and 20."""


def reduced_lengths(runs: pd.DataFrame) -> pd.DataFrame:
    """Lambda = 1/(gamma L) at every width, disorder strength and energy from independent runs.

    Parameters
    ----------
    runs
        Rows as `ensembles.transfer.read_transfer` gives them.

    Returns
    -------
    DataFrame, one row a point
        ``width``, ``disorder``, ``energy``; ``runs`` and their ``slices`` together; ``reduced_length`` and its
        standard ``error``, from the blocks of all runs; ``spread``, the chi^2 of the runs about their mean, which for
        honest errors is about ``runs`` - 1.

    Examples
    --------
    >>> from anderson_ness.analysis.critical_point import reduced_lengths
    >>> from anderson_ness.ensembles.transfer import read_transfer
    >>> lengths = reduced_lengths(read_transfer())
    >>> at = lengths[(lengths["disorder"] == 16.5) & (lengths["energy"] == 0)]
    >>> # At the critical point it is about 0.58 for every width.
    >>> bool(at["reduced_length"].between(0.55, 0.61).all())
    True
    """
    rows = []
    for (width, disorder, energy), some in runs.groupby(["width", "disorder", "energy"]):
        weights = some["slices"] / some["slices"].sum()
        exponent = float(weights @ some["exponent"])
        error = float(np.sqrt(np.sum((weights * some["exponent_error"]) ** 2)))
        rows.append(
            {
                "width": int(width),
                "disorder": disorder,
                "energy": energy,
                "runs": len(some),
                "slices": int(some["slices"].sum()),
                "reduced_length": 1 / (exponent * width),
                "error": error / (exponent**2 * width),
                "spread": float(np.sum(((some["exponent"] - exponent) / some["exponent_error"]) ** 2)),
            }
        )
    return pd.DataFrame(rows)


def fit_transition(lengths: pd.DataFrame, smallest: int = 4, expansion: Expansion = EXPANSION) -> ScalingFit:
    """Finite-size scaling of Lambda at E = 0, of the rows of `reduced_lengths` with ``width`` from ``smallest`` on.

    Raises
    ------
    ValueError
        If there are fewer points than parameters.

    Examples
    --------
    >>> from anderson_ness.analysis.critical_point import fit_transition, reduced_lengths
    >>> from anderson_ness.ensembles.transfer import read_transfer
    >>> best = fit_transition(reduced_lengths(read_transfer())).fit
    >>> abs(best.values["critical_disorder"] - 16.54) < 0.2
    True
    """
    return fit_scaling(transition_points(lengths).select(_centre(lengths)["width"] >= smallest), expansion)


def transition_points(lengths: pd.DataFrame) -> Points:
    """The rows of `reduced_lengths` at E = 0 as data of `finite_size`.

    Examples
    --------
    >>> from anderson_ness.analysis.critical_point import reduced_lengths, transition_points
    >>> from anderson_ness.ensembles.transfer import read_transfer
    >>> points = transition_points(reduced_lengths(read_transfer()))
    >>> bool((points.error < 0.02 * points.value).all())
    True
    """
    data = _centre(lengths)
    return Points.of(data["width"], data["disorder"], data["reduced_length"], data["error"])


def _centre(lengths: pd.DataFrame) -> pd.DataFrame:
    return lengths[lengths["energy"] == 0]


def mobility_edge(lengths: pd.DataFrame, disorder: float, narrow: int = 6, wide: int = 8) -> tuple[float, float]:
    """Energy beyond which Lambda falls with the width, from two widths.

    Parameters
    ----------
    lengths
        Rows of `reduced_lengths`.
    disorder
        Disorder strength.
    narrow, wide
        The two widths.

    Returns
    -------
    tuple of float
        The highest energy where ln Lambda_wide - ln Lambda_narrow changes its sign, on straight lines between energies,
        and its error: the statistical one and a quarter of the energies' spacing. Corrections to scaling, strong near
        the band's end, are not in it.

    Raises
    ------
    ValueError
        If the difference does not change its sign from positive to negative.

    Examples
    --------
    >>> from anderson_ness.analysis.critical_point import mobility_edge, reduced_lengths
    >>> from anderson_ness.ensembles.transfer import read_transfer
    >>> energy, error = mobility_edge(reduced_lengths(read_transfer()), disorder=10.0)
    >>> 5 < energy < 9
    True
    """
    own = lengths[lengths["disorder"] == disorder]
    logs = np.log(own.pivot(index="energy", columns="width", values="reduced_length"))
    relative = own.assign(relative=own["error"] / own["reduced_length"])
    errors = relative.pivot(index="energy", columns="width", values="relative")
    growth = (logs[wide] - logs[narrow]).dropna()
    uncertainty = np.hypot(errors[wide], errors[narrow])[growth.index].to_numpy()
    energy, slope = growth.index.to_numpy(), growth.to_numpy()
    falls = np.flatnonzero((slope[:-1] > 0) & (slope[1:] <= 0))
    if not len(falls):
        raise ValueError(f"no mobility edge at W = {disorder:g}: Lambda does not turn from growing to falling")
    at = falls[-1]
    spacing, drop = energy[at + 1] - energy[at], slope[at] - slope[at + 1]
    share = slope[at] / drop
    statistical = np.hypot((1 - share) * uncertainty[at], share * uncertainty[at + 1]) * spacing / drop
    return float(energy[at] + share * spacing), float(np.hypot(statistical, spacing / 4))


def transmissions(folder: str | Path) -> pd.DataFrame:
    """Every stored sample's transmission at E = 0 between the paper's leads, each sample once.

    Returns
    -------
    DataFrame
        ``length``, ``disorder``, ``seed`` and ``transmission``: the table of `ensembles.conductance`, and the samples
        of the ensembles that are there (``fig2a``, ``fig2b``), which add sizes.

    Raises
    ------
    TableError
        If the former table is missing, or one is damaged.

    Examples
    --------
    >>> from anderson_ness.analysis.critical_point import transmissions
    >>> samples = transmissions("data")
    >>> list(samples), bool((samples["transmission"] > 0).all())
    (['length', 'disorder', 'seed', 'transmission'], True)
    """
    own = read_conductance(folder)
    root = own.attrs["specification"]["root_seed"]
    points = zip(own["length"], own["disorder"], own["sample"], strict=True)
    tables = [own.assign(seed=[sample_seed(root, int(length), float(W), int(one)) for length, W, one in points])]
    for name in set(published(Path(folder))) & {"fig2a", "fig2b"}:
        table = read_table(name, folder)
        tables.append(table[table["t_contact"] == table["t_parallel"]])
    columns = ["length", "disorder", "seed"]
    samples = pd.concat([table[[*columns, "transmission"]] for table in tables])
    return samples.drop_duplicates(columns).sort_values(columns, ignore_index=True)


def conductances(samples: pd.DataFrame, fewest: int = 20) -> pd.DataFrame:
    """Mean transmission and mean logarithm at every size and disorder strength.

    Parameters
    ----------
    samples
        Rows with ``length``, ``disorder`` and ``transmission``.
    fewest
        Points with fewer samples are left out: their errors would be too uncertain to weigh them.

    Returns
    -------
    DataFrame, one row a point
        ``length``, ``disorder``, ``samples``; ``mean`` and ``log_mean`` (of ln T; its exponential is the typical
        transmission) with ``mean_error`` and ``log_mean_error``.

    Examples
    --------
    >>> from anderson_ness.analysis.critical_point import conductances, transmissions
    >>> found = conductances(transmissions("data"))
    >>> # The mean exceeds the typical transmission.
    >>> bool((found["log_mean"].apply("exp") < found["mean"]).all())
    True
    """
    rows: list[dict[str, Any]] = []
    for (length, disorder), some in samples.groupby(["length", "disorder"]):
        if len(some) < fewest:
            continue
        mean = estimators.mean(some["transmission"])
        logarithm = estimators.mean(np.log(some["transmission"]))
        rows.append(
            {
                "length": int(length),
                "disorder": disorder,
                "samples": len(some),
                "mean": mean.value,
                "mean_error": mean.error,
                "log_mean": logarithm.value,
                "log_mean_error": logarithm.error,
            }
        )
    return pd.DataFrame(rows)


def fit_conductance(means: pd.DataFrame, smallest: int = 6, expansion: Expansion = CONDUCTANCE_EXPANSION) -> ScalingFit:
    """Finite-size scaling of the mean logarithm of the transmission, of rows of `conductances` from W = 14 to 20.

    Raises
    ------
    ValueError
        If there are fewer points than parameters.

    Examples
    --------
    >>> from anderson_ness.analysis.critical_point import conductances, fit_conductance, transmissions
    >>> best = fit_conductance(conductances(transmissions("data"))).fit
    >>> 15.5 < best.values["critical_disorder"] < 17.5
    True
    """
    data = means[(means["length"] >= smallest) & means["disorder"].between(14, 20)]
    points = Points.of(data["length"], data["disorder"], data["log_mean"], data["log_mean_error"])
    return fit_scaling(points, expansion)


def size_exponent(means: pd.DataFrame, disorder: float) -> Fit:
    """Fit of the mean transmission at one disorder strength by a power of the size; its parameter is ``length``.

    Examples
    --------
    >>> from anderson_ness.analysis.critical_point import conductances, size_exponent, transmissions
    >>> means = conductances(transmissions("data"))
    >>> size_exponent(means, 14.0).values["length"] > size_exponent(means, 18.0).values["length"]
    True
    """
    own = means[means["disorder"] == disorder]
    return power_law(own["mean"], own["mean_error"], {"length": own["length"]})


def closed_levels(length: int, disorder: float, samples: Sequence[int], root_seed: int) -> list[NDArray[np.float64]]:
    """Levels of the samples without leads, ascending, one array a sample.

    Examples
    --------
    >>> from anderson_ness.analysis.critical_point import closed_levels
    >>> levels = closed_levels(length=4, disorder=10.0, samples=[0, 1], root_seed=2019)
    >>> len(levels), levels[0].shape
    (2, (64,))
    """
    bars = (AndersonBar.random(length, disorder, sample_seed(root_seed, length, disorder, one)) for one in samples)
    return [np.linalg.eigvalsh(bar.hamiltonian().toarray()) for bar in bars]


class Window(NamedTuple):
    """A window by its bias and temperature.

    Examples
    --------
    >>> from anderson_ness.analysis.critical_point import Window
    >>> Window(bias=2.0)
    Window(bias=2.0, temperature=0.0)
    """

    bias: float
    temperature: float = 0.0


def driven(windows: pd.DataFrame, root_seed: int) -> pd.DataFrame:
    """Rows of `ensembles.windows.read_windows` with a column ``levels``: how many levels the window drives.

    These are `theory.warm_window.driven_levels` of the sample without its leads. The volume law is
    ``C_d = (1/8) sum_j (n^d_j)^2 = levels/32``, where all of them are extended and the window is far wider than E_Th.

    Examples
    --------
    >>> from anderson_ness.analysis.critical_point import driven
    >>> from anderson_ness.ensembles.windows import read_windows
    >>> windows = read_windows()
    >>> some = windows[(windows["length"] == 6) & (windows["disorder"] == 10.0) & (windows["t_parallel"] == 6.0)]
    >>> counted = driven(some, root_seed=2019)
    >>> # Levels of 216 sites in windows up to nearly the whole band.
    >>> bool(counted["levels"].between(0, 216).all())
    True
    """
    parts = []
    for (length, disorder), some in windows.groupby(["length", "disorder"]):
        numbers = sorted(some["sample"].unique())
        closed = dict(zip(numbers, closed_levels(int(length), disorder, numbers, root_seed), strict=True))
        rows = some[["sample", "bias", "temperature"]].itertuples(index=False, name=None)
        parts.append(some.assign(levels=[driven_levels(closed[number], *window) for number, *window in rows]))
    return pd.concat(parts).sort_index()


def window_means(windows: pd.DataFrame) -> pd.DataFrame:
    """Means over samples of rows of `driven`.

    Returns
    -------
    DataFrame, one row a size, disorder strength, leads, bias and temperature with at least two samples
        Those; ``samples``; ``coherence`` and ``levels``, and ``share`` = 32 C_d/levels, the ratio of the means, each
        with its ``_error`` (jackknife for the ratio).

    Examples
    --------
    >>> from anderson_ness.analysis.critical_point import driven, window_means
    >>> from anderson_ness.ensembles.windows import read_windows
    >>> windows = read_windows()
    >>> found = window_means(driven(windows[windows["length"] == 6], root_seed=2019))
    >>> # Never more than what extended levels in a wide window would give.
    >>> bool((found["share"] < 1 + 3 * found["share_error"]).all())
    True
    """
    keys = ["length", "disorder", "t_parallel", "bias", "temperature"]
    rows: list[dict[str, Any]] = []
    for point, some in windows.groupby(keys):
        if len(some) < 2:
            continue
        both = some[["coherence", "levels"]].to_numpy(dtype=float)
        share = estimators.jackknife(lambda means: 32 * means[0] / means[1], both)
        row: dict[str, Any] = dict(zip(keys, point, strict=True)) | {"samples": len(some)}
        for name, values in zip(("coherence", "levels"), both.T, strict=True):
            estimate = estimators.mean(values)
            row |= {name: estimate.value, f"{name}_error": estimate.error}
        rows.append(row | {"share": float(share.value[0]), "share_error": float(share.error[0])})
    return pd.DataFrame(rows)


def growth_exponent(windows: pd.DataFrame, narrow: Window, wide: Window) -> estimators.Estimate | None:
    """Exponent of C_d against the number of driven levels between two windows of the same samples.

    Parameters
    ----------
    windows
        Rows of `driven` of one size, disorder strength and leads.
    narrow, wide
        The two windows.

    Returns
    -------
    Estimate or None
        None with fewer than two samples.

    Examples
    --------
    >>> from anderson_ness.analysis.critical_point import Window, driven, growth_exponent
    >>> from anderson_ness.ensembles.windows import read_windows
    >>> windows = read_windows()
    >>> some = windows[(windows["length"] == 6) & (windows["disorder"] == 10.0) & (windows["t_parallel"] == 6.0)]
    >>> found = growth_exponent(driven(some, 2019), Window(2.0), Window(8.0))
    >>> 0.8 < found.value < 1.5
    True
    """
    return _of_pairs(windows, narrow, wide, lambda means: np.log(means[2] / means[0]) / np.log(means[3] / means[1]))


def share_ratio(windows: pd.DataFrame, cold: Window, warm: Window) -> estimators.Estimate | None:
    """C_d over the number of driven levels, in one window over another of the same samples; arguments as above.

    Examples
    --------
    >>> from anderson_ness.analysis.critical_point import Window, driven, share_ratio
    >>> from anderson_ness.ensembles.windows import read_windows
    >>> windows = read_windows()
    >>> some = windows[(windows["length"] == 6) & (windows["disorder"] == 10.0) & (windows["t_parallel"] == 3.0)]
    >>> found = share_ratio(driven(some, 2019), Window(2.0), Window(2.0, temperature=0.25))
    >>> 0.7 < found.value < 1.3
    True
    """
    return _of_pairs(windows, cold, warm, lambda means: (means[2] / means[0]) / (means[3] / means[1]))


def _of_pairs(
    windows: pd.DataFrame, first: Window, second: Window, function: Callable[[NDArray[np.float64]], float]
) -> estimators.Estimate | None:
    """A function of the means of C_d and the levels in two windows, over the samples that have both."""
    tables = [
        windows[(windows["bias"] == bias) & (windows["temperature"] == temperature)].set_index("sample")
        for bias, temperature in (first, second)
    ]
    both = tables[0].merge(tables[1], left_index=True, right_index=True, suffixes=("", "_second"))
    if len(both) < 2:
        return None
    columns = ["coherence", "levels", "coherence_second", "levels_second"]
    estimate = estimators.jackknife(function, both[columns].to_numpy(dtype=float))
    return estimators.Estimate(float(estimate.value[0]), float(estimate.error[0]), len(both))
