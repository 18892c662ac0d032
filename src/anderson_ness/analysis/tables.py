"""From a tidy table of samples, one row a sample and bias, to estimates.

A sample is a row's (length, disorder, seed, leads); a point is that without the seed. Rows that did not converge are
kept and counted; rows without a finite value cannot be averaged and are counted as missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anderson_ness.analysis import estimators
from anderson_ness.theory import scaling

SAMPLE = ("length", "disorder", "seed", "t_parallel", "t_perp", "t_contact")
"""Columns that say which sample a row belongs to; a table may lack those of the leads."""


@dataclass(frozen=True)
class Block:
    """One point's samples at several biases.

    Attributes
    ----------
    point
        Length, disorder and leads.
    across
        Biases, or another column's values, ascending, shape (k,).
    values
        Shape (samples, k), NaN where there is no value.
    seeds
        Seeds of the rows of ``values``.
    unconverged
        How many rows did not converge, shape (k,); they are among the values.
    missing
        How many rows have no finite value, shape (k,).

    Examples
    --------
    >>> from anderson_ness.analysis.tables import blocks
    >>> from anderson_ness.ensembles import read_table
    >>> block = blocks(read_table("fig2a"))[0]
    >>> block.values.shape == (len(block.seeds), len(block.across))
    True
    """

    point: dict[str, float]
    across: NDArray[np.float64]
    values: NDArray[np.float64]
    seeds: NDArray[np.int64]
    unconverged: NDArray[np.intp]
    missing: NDArray[np.intp]


def point_columns(table: pd.DataFrame) -> list[str]:
    """The table's columns that say which point a row belongs to.

    Examples
    --------
    >>> from anderson_ness.analysis.tables import point_columns
    >>> from anderson_ness.ensembles import read_table
    >>> point_columns(read_table("fig2a"))
    ['length', 'disorder', 't_parallel', 't_perp', 't_contact']
    """
    _require(table, "length", "disorder", "seed")
    return [name for name in SAMPLE if name != "seed" and name in table]


def summary(
    table: pd.DataFrame, column: str = "coherence", by: Sequence[str] | None = None, resamples: int = 400, seed: int = 0
) -> pd.DataFrame:
    """Mean, median and typical value of a column at every point and bias, with standard errors and counts.

    Parameters
    ----------
    table
        Tidy table of samples.
    column
        Which quantity.
    by
        Columns that tell groups apart; None: the point's and the bias.
    resamples, seed
        For the median's bootstrap.

    Returns
    -------
    DataFrame, one row a group
        The columns ``by``; samples (rows with a value), unconverged (among them), missing (rows without one);
        mean, median, typical, each with its _error. NaN where it cannot be had: fewer than two samples, or a typical
        value of numbers that are not all positive.

    Raises
    ------
    ValueError
        If a column is missing, or a sample appears twice in a group.

    Examples
    --------
    >>> from anderson_ness.analysis.tables import summary
    >>> from anderson_ness.ensembles import read_table
    >>> means = summary(read_table("fig2a"))
    >>> list(means)[:8]
    ['length', 'disorder', 't_parallel', 't_perp', 't_contact', 'bias', 'samples', 'unconverged']
    >>> bool((means["mean_error"].dropna() > 0).all())
    True
    """
    groups = list(by) if by is not None else [*point_columns(table), "bias"]
    _require(table, column, "seed", *groups)
    _refuse_duplicates(table, [*dict.fromkeys([*point_columns(table), "seed", *groups])])
    rows = []
    for key, group in table.groupby(groups, dropna=False):
        values = _floats(group[column])
        finite = np.isfinite(values)
        rows.append(
            dict(zip(groups, key, strict=True))
            | {
                "samples": int(finite.sum()),
                "unconverged": int(np.sum(~_converged(group) & finite)),
                "missing": int(np.sum(~finite)),
            }
            | _estimates(values[finite], resamples, seed)
        )
    return pd.DataFrame(rows)


def blocks(table: pd.DataFrame, column: str = "coherence", across: str = "bias") -> list[Block]:
    """The table's values sorted into points, samples and biases, so that what one sample gave stays together.

    Parameters
    ----------
    table
        Tidy table of samples.
    column
        Which quantity.
    across
        The column that tells a sample's rows apart.

    Returns
    -------
    list of Block, by point

    Raises
    ------
    ValueError
        If a column is missing, or a sample appears twice at one bias.

    Examples
    --------
    >>> from anderson_ness.analysis.tables import blocks
    >>> from anderson_ness.ensembles import read_table
    >>> found = blocks(read_table("fig2b"))
    >>> sorted(found[0].point)
    ['disorder', 'length', 't_contact', 't_parallel', 't_perp']
    >>> bool((found[0].across[1:] > found[0].across[:-1]).all())
    True
    """
    point = point_columns(table)
    _require(table, column, across)
    _refuse_duplicates(table, [*point, "seed", across])
    result = []
    for key, group in table.groupby(point, dropna=False):
        value = _floats(group[column])
        finite = np.isfinite(value)
        flagged = group.assign(
            _value=np.where(finite, value, np.nan), _unconverged=~_converged(group) & finite, _missing=~finite
        )
        values = flagged.pivot(index="seed", columns=across, values="_value")
        counts = flagged.groupby(across)[["_unconverged", "_missing"]].sum()
        result.append(
            Block(
                point={name: float(value) for name, value in zip(point, key, strict=True)},
                across=values.columns.to_numpy(dtype=float),
                values=values.to_numpy(dtype=float),
                seeds=values.index.to_numpy(dtype=np.int64),
                unconverged=counts["_unconverged"].to_numpy(dtype=np.intp),
                missing=counts["_missing"].to_numpy(dtype=np.intp),
            )
        )
    return result


def with_scaled_bias(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a column ``scaled_bias``, X = bias length^3/16.5, rounded to six digits so that it groups.

    Examples
    --------
    >>> import pandas as pd
    >>> from anderson_ness.analysis.tables import with_scaled_bias
    >>> with_scaled_bias(pd.DataFrame({"bias": [0.7734375], "length": [8]}))["scaled_bias"].tolist()
    [24.0]
    """
    _require(table, "bias", "length")
    scaled = scaling.scaled_bias(table["bias"].to_numpy(), table["length"].to_numpy())
    return table.assign(scaled_bias=[float(f"{one:.5e}") for one in scaled])


def difference_slope(
    table: pd.DataFrame, centre: float = 24.0, spread: float = 0.25, column: str = "coherence"
) -> pd.DataFrame:
    """Slope dC/dX of every sample from two biases of it: [C((1 + s) X) - C((1 - s) X)]/(2 s X), s the spread.

    Localized samples have a heavy-tailed derivative at a point, where a resonance may cross the window's edge; the
    difference averages over the edges between the two biases.

    Parameters
    ----------
    table
        Tidy table of samples.
    centre, spread
        X and s; the paper's figure is at X = 24, here from X = 18 and 30.
    column
        Which quantity.

    Returns
    -------
    DataFrame, one row a sample that has a row at either bias
        The sample's columns; scaled_bias (the centre), slope (NaN if one bias is missing, so that it is counted),
        converged (both were).

    Raises
    ------
    ValueError
        If a column is missing, a sample appears twice at one bias, or no sample has either bias.

    Examples
    --------
    >>> from anderson_ness.analysis.tables import difference_slope, summary
    >>> from anderson_ness.ensembles import read_table
    >>> slopes = difference_slope(read_table("fig2b"))
    >>> means = summary(slopes, "slope", by=["length", "disorder"])
    >>> # A metal gains more from each further state than a localized bar.
    >>> shared = means[means["length"] == 8].set_index("disorder")["mean"]
    >>> bool(shared.loc[13.0] > shared.loc[21.0])
    True
    """
    _require(table, column)
    scaled = with_scaled_bias(table)
    ends = []
    for sign in (-1, 1):
        wanted = (1 + sign * spread) * centre
        rows = scaled[np.isclose(scaled["scaled_bias"], wanted, rtol=1e-6)]
        sample = [*point_columns(rows), "seed"]
        _refuse_duplicates(rows, sample)
        ends.append(rows.assign(converged=_converged(rows))[[*sample, column, "converged"]])
    if not len(ends[0]) and not len(ends[1]):
        raise ValueError(f"table must hold samples at X = {(1 - spread) * centre:g} and {(1 + spread) * centre:g}")
    both = ends[0].merge(ends[1], on=sample, how="outer", suffixes=("_low", "_high"))
    slope = (both[f"{column}_high"] - both[f"{column}_low"]) / (2 * spread * centre)
    converged = (both["converged_low"] == True) & (both["converged_high"] == True)  # noqa: E712 (NaN is not True)
    return both[sample].assign(scaled_bias=float(centre), slope=slope, converged=converged)


def _estimates(values: NDArray[np.float64], resamples: int, seed: int) -> dict[str, float]:
    wanted: dict[str, Any] = {"mean": estimators.mean, "median": estimators.median, "typical": estimators.typical}
    result: dict[str, float] = {}
    for name, estimator in wanted.items():
        options = {"resamples": resamples, "seed": seed} if name == "median" else {}
        possible = len(values) > 1 and (name != "typical" or bool(np.all(values > 0)))
        estimate = estimator(values, **options) if possible else estimators.Estimate(np.nan, np.nan, len(values))
        result |= {name: estimate.value, f"{name}_error": estimate.error}
    return result


def _converged(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows converged; all, in a table that does not say."""
    if "converged" not in table:
        return np.ones(len(table), dtype=bool)
    return table["converged"].to_numpy(dtype=bool)


def _floats(column: pd.Series) -> NDArray[np.float64]:
    return column.to_numpy(dtype=float, na_value=np.nan)


def _require(table: pd.DataFrame, *columns: str) -> None:
    lacking = [name for name in columns if name not in table]
    if lacking:
        raise ValueError(f"table must have the columns {', '.join(columns)}; it lacks {', '.join(lacking)}")


def _refuse_duplicates(table: pd.DataFrame, columns: list[str]) -> None:
    twice = table.duplicated(columns)
    if twice.any():
        first = table.loc[twice, columns].iloc[0].to_dict()
        raise ValueError(f"table must hold every sample once a bias; this one appears twice: {first}")
