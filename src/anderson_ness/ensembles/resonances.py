"""Levels of random cubes and their rates to both leads: ``python -m anderson_ness.ensembles.resonances SPECIFICATION``.

The specification, ``data/resonances.toml``, names disorder strengths, lengths and numbers of samples. The table is the
CSV file beside it, one row a level, and grows sample by sample at all points alike: stop the command at any time and
give it again. Samples that the table holds are not computed again. Seeds are those of the other ensembles of the same
root seed, so that a level's bar is theirs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from anderson_ness import _check
from anderson_ness.ensembles.csv_table import read_csv, read_specification, write_csv
from anderson_ness.ensembles.errors import SpecificationError
from anderson_ness.ensembles.samples import sample_seed
from anderson_ness.leads import Leads
from anderson_ness.model import AndersonBar
from anderson_ness.states import window_poles
from anderson_ness.theory.scaling import bias_at

SAMPLE = ("length", "disorder", "bias", "seed")
LEVEL = ("energy", "width_left", "width_right", "centre", "extent", "left_weight", "coherence_share")
COLUMNS = (*SAMPLE, *LEVEL)
Sample = tuple[int, float, float, int]
_SECONDS_BETWEEN_WRITES = 20.0


def read_resonances(folder: str | Path = "data") -> pd.DataFrame:
    """The table of levels, one row a level.

    Returns
    -------
    DataFrame
        ``length``, ``disorder``, ``bias``, ``seed``: the sample and its window. Of each level in the window: ``energy``
        and ``width_left``, ``width_right``, its rates to the leads, in units of the hopping; ``centre`` and ``extent``,
        mean and standard deviation of x_1 in its vector (slice i at i + 1/2); ``left_weight``, the share of the vector
        in the left half; ``coherence_share``, its part of C_d between the halves as `line_shares` defines it. A sample
        without a level in its window has one row, of NaN.

    Raises
    ------
    TableError
        If there is no such table or it is damaged.

    Examples
    --------
    >>> from anderson_ness.ensembles.resonances import read_resonances
    >>> levels = read_resonances().dropna(subset="energy")
    >>> bool((levels[["width_left", "width_right"]] > 0).all(axis=None))
    True
    """
    return read_csv(Path(folder) / "resonances.csv", COLUMNS)


def levels(bar: AndersonBar, bias: float, rtol: float = 1e-4) -> dict[str, NDArray[np.float64]]:
    """Levels of a bar in a bias window.

    Parameters
    ----------
    bar, bias
        The bar, and the width of the window around E = 0.
    rtol
        Tolerance of the levels' vectors.

    Returns
    -------
    dict of ndarray of shape (n_levels,)
        The columns of `read_resonances` from ``energy`` on, by increasing energy.

    Raises
    ------
    ValueError
        As `anderson_ness.states.window_poles`.
    """
    poles = window_poles(bar, bias, rtol)
    left, right = poles.partial_widths(bar)
    slices = np.sum(np.abs(poles.vectors) ** 2, axis=1)
    place, half = np.arange(bar.shape[0]) + 0.5, bar.shape[0] // 2
    centre = place @ slices
    return {
        "energy": poles.positions.real,
        "width_left": left,
        "width_right": right,
        "centre": centre,
        "extent": np.sqrt(np.sum((place[:, None] - centre) ** 2 * slices, axis=0)),
        "left_weight": slices[:half].sum(axis=0),
        "coherence_share": line_shares(left, right, poles.vectors),
    }


def line_shares(left: NDArray[np.float64], right: NDArray[np.float64], vectors: NDArray) -> NDArray[np.float64]:
    """How C_d between the halves is shared by levels, each an isolated line.

    With fillings g = (Gamma_L - Gamma_R)/(Gamma_L + Gamma_R), the driven part is ``sum_j (g_j/2) v_j v_j^dag``
    (`theory.cavity.isolated_lines`) and its coherence a double sum over levels. Level j gets its row:
    ``(g_j/2) sum_k g_k Re(<k|j>_L <j|k>_R)`` with overlaps on either half. Shares add up to C_d; they may be negative,
    because levels that overlap and are filled alike take coherence from each other.

    Parameters
    ----------
    left, right
        Partial widths, shape (n,).
    vectors
        Normalised states, shape (Lx, n_slice, n).

    Returns
    -------
    ndarray of shape (n,)
    """
    filling = (left - right) / (left + right)
    half = len(vectors) // 2
    in_left, in_right = (np.einsum("xsj,xsk->jk", part.conj(), part) for part in (vectors[:half], vectors[half:]))
    return filling / 2 * ((in_left * in_right.T).real @ filling)


def wanted(specification: dict[str, Any], name: str) -> list[Sample]:
    """Samples of a specification, in the order in which they are computed: the first of every point, then the next.

    Raises
    ------
    SpecificationError
        If an entry is not what it must be; ``name`` names the file.
    """
    try:
        root = _check.positive_integer("root_seed", specification.get("root_seed"))
        scaled_bias = _check.nonzero_number("scaled_bias", specification.get("scaled_bias"))
        points = [point for entry in specification["points"] for point in _points(entry)]
    except ValueError as error:
        raise SpecificationError(f"{name}: {error}") from error
    samples = []
    for index in range(max(count for *_, count in points)):
        for length, disorder, count in points:
            if index < count:
                bias = float(f"{float(bias_at(scaled_bias, length)):.12g}")
                samples.append((length, disorder, bias, sample_seed(root, length, disorder, index)))
    return samples


def _points(entry: dict[str, Any]) -> Iterator[tuple[int, float, int]]:
    if set(entry) != {"disorder", "length", "samples"}:
        raise ValueError("each of the points must have disorder, length and samples, nothing else")
    disorder = _check.non_negative_number("disorder", entry["disorder"])
    if len(entry["length"]) != len(entry["samples"]):
        raise ValueError("samples must hold one number for each length")
    for length, count in zip(entry["length"], entry["samples"], strict=True):
        yield _check.positive_integer("length", length), disorder, _check.positive_integer("samples", count)


def compute(sample: Sample) -> pd.DataFrame:
    """A sample's rows."""
    length, disorder, bias, seed = sample
    bar = AndersonBar.random(length=length, disorder=disorder, seed=seed, leads=Leads())
    # One thread: the matrices are small, and a library's threads would only wait for each other.
    with threadpool_limits(limits=1, user_api="blas"):
        found = pd.DataFrame(levels(bar, bias))
    if found.empty:
        found.loc[0] = np.nan
    for number, name in enumerate(SAMPLE):
        found.insert(number, name, sample[number])
    return found


@click.command()
@click.argument("specification", type=click.Path(path_type=Path))
def main(specification: Path) -> None:
    """Compute the samples that a SPECIFICATION names and its table lacks; the table is the CSV file beside it."""
    target = specification.with_suffix(".csv")
    try:
        described = read_specification(specification)
        samples = wanted(described, specification.name)
        parts = [read_csv(target, COLUMNS)] if target.exists() else []
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    present = set(parts[0][list(SAMPLE)].itertuples(index=False, name=None)) if parts else set()
    start = last = time.perf_counter()
    try:
        for number, sample in enumerate(samples, start=1):
            if sample not in present:
                parts.append(compute(sample))
            if parts and time.perf_counter() - last > _SECONDS_BETWEEN_WRITES:
                _write(target, described, parts)
                last = time.perf_counter()
                minutes = (last - start) / 60
                print(f"{number}/{len(samples)} samples  {minutes:.1f} min", file=sys.stderr, flush=True)
    finally:
        if parts:
            _write(target, described, parts)


def _write(target: Path, described: dict[str, Any], parts: list[pd.DataFrame]) -> None:
    table = pd.concat(parts).sort_values([*SAMPLE, "energy"])
    # Rates span many decades; six digits are what the poles' tolerance is good for.
    for name in LEVEL:
        table[name] = table[name].map(lambda value: float(f"{value:.6g}"))
    write_csv(target, described, table, float_format="%.12g")


if __name__ == "__main__":
    main()
