"""The coherence field: ``python -m anderson_ness.ensembles.coherence_field SPECIFICATION``.

The specification, ``data/coherence_field.toml``, names kinds of field, disorder strengths, lengths and numbers of
samples. The table is the CSV file beside it, one row a sample and kind, and grows at all points alike: stop the command
at any time and give it again. Seeds are those of the other ensembles of the same root seed.

The field is |q_E(x, y)|^2 at single energies, or |G^d_xy|^2 in a window. Its N x N numbers are kept as averages over
the translations across the bar, binned by the two slices and by distance (`binned`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anderson_ness import _check
from anderson_ness.ensembles.csv_table import read_csv
from anderson_ness.ensembles.growing import command, read_points, require_keys
from anderson_ness.ensembles.samples import sample_seed
from anderson_ness.model import AndersonBar
from anderson_ness.states import nonequilibrium_correlations, scattering_states
from anderson_ness.theory.scaling import bias_at

KINDS = ("energy", "window")
KEY = ("kind", "length", "disorder", "sample")
LISTS = ("density", "weight", "slices", "planes", "radial", "correlation")
COLUMNS = (*KEY, "transmission", "coherence", *LISTS)

MARKS = (0, 1, 4, 10, 12, 17)
"""Energies of a sample in units of `ENERGY_UNIT`/L0^3, up to a shift: a Golomb ruler, whose differences all differ."""
ENERGY_UNIT = 8.0
DIFFERENCES = np.array(sorted({b - a for a in MARKS for b in MARKS if b >= a}))
"""Differences of `MARKS`, to which the entries of ``correlation`` belong."""
SCALED_BIAS = 24.0
_FIELDS = (0, 5)
_PROBES = 24
_RTOL = 1e-2
# Digits kept: rounding stays far below the spread of single samples.
_DIGITS = dict.fromkeys(LISTS, 4) | dict.fromkeys(("slices", "planes", "radial"), 3)


class Sample(NamedTuple):
    """One row to compute; all but the root seed is its key."""

    kind: str
    length: int
    disorder: float
    sample: int
    root_seed: int

    @property
    def bar(self) -> AndersonBar:
        """The sample."""
        seed = sample_seed(self.root_seed, self.length, self.disorder, self.sample)
        return AndersonBar.random(self.length, self.disorder, seed)


def read_coherence_field(folder: str | Path = "data") -> pd.DataFrame:
    """The table of fields, one row a sample and kind.

    Returns
    -------
    DataFrame
        ``kind`` "energy": averages over two energies near 0 of |q_E(x, y)|^2, q_E the states from the left less those
        from the right, in (hopping)^-2. "window": |G^d_xy|^2 in the bias window X = 24, without unit.
        ``length``, ``disorder``, ``sample``: whose. ``coherence``: twice the sum over x left and y right of the middle.
        ``slices``, ``planes``, ``radial``: arrays as `binned` makes them. ``density``: slice means of q_E(x, x) or
        G^d_xx. Only "energy" (else NaN and empty): ``weight``, slice means of the density of states;
        ``transmission``; and ``correlation``, Re of the sum over x left, y right of q_E(x, y) conj q_E'(x, y) at the
        differences ``DIFFERENCES * ENERGY_UNIT/length^3`` of E and E'.

    Raises
    ------
    TableError
        If there is no such table or it is damaged.

    Examples
    --------
    >>> from anderson_ness.ensembles.coherence_field import read_coherence_field
    >>> table = read_coherence_field()
    >>> sorted(table["kind"].unique())
    ['energy', 'window']
    >>> row = table.iloc[0]
    >>> bool(len(row["density"]) == row["length"])
    True
    """
    table = read_csv(Path(folder) / "coherence_field.csv", COLUMNS)
    for name in LISTS:
        table[name] = [
            np.array(str(cell).split(), dtype=float) if isinstance(cell, str) else [] for cell in table[name]
        ]
    return table


def averaged(bar_shape: Sequence[int], rows: Callable[[int], NDArray]) -> NDArray[np.float64]:
    """Squares of a field on pairs of sites, averaged over the translations across the bar.

    Parameters
    ----------
    bar_shape
        Lengths (Lx, Ly, Lz).
    rows
        From a slice i to the field between its sites and those of all slices from i on, shape
        (n_slice, (Lx - i) n_slice). The field must be Hermitian.

    Returns
    -------
    ndarray of shape (Lx, Lx, Ly, Lz)
        At (i, j, d2, d3) the mean of |field(x, y)|^2 over x in slice i and y = x + (j - i, d2, d3).
    """
    length, width, height = bar_shape
    n_slice = width * height
    moved = _translations(width, height)
    opposite = _opposite(width, height)
    here = np.arange(n_slice)[:, None]
    result = np.empty((length, length, n_slice))
    for i in range(length):
        values = rows(i)
        squares = (values.real**2 + values.imag**2).reshape(n_slice, length - i, n_slice)
        for j in range(i, length):
            result[i, j] = squares[here, j - i, moved].mean(axis=0)
            result[j, i] = result[i, j][opposite]
    return result.reshape(length, length, width, height)


@lru_cache
def _translations(width: int, height: int) -> NDArray[np.intp]:
    """Site that a slice's site x (row) reaches by a displacement (column), both in C order."""
    a, b = np.divmod(np.arange(width * height), height)
    return (a[:, None] + a) % width * height + (b[:, None] + b) % height


@lru_cache
def _opposite(width: int, height: int) -> NDArray[np.intp]:
    a, b = np.divmod(np.arange(width * height), height)
    return -a % width * height + -b % height


def binned(field: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Averages of a field on pairs of sites, as the table keeps them.

    Parameters
    ----------
    field
        As `averaged` returns it, or a theory's prediction in that form; shape (L, L, L, L).

    Returns
    -------
    dict
        ``slices``: means over pairs x != y, x in slice i and y in slice j, for i <= j in row order. ``planes``: for
        each slice, means over pairs within it at transverse distance r = 1 ... L // 2. ``radial``: means over pairs in
        the middle half of the bar at distance 0 ... L // 2. Distances across are those of the ring, rounded to
        integers.
    """
    length = len(field)
    ring = np.minimum(np.arange(length), length - np.arange(length)) ** 2
    across = ring[:, None] + ring
    most = length // 2
    counts = np.full((length, length), length**2)
    sums = field.sum(axis=(2, 3))
    diagonal = np.arange(length)
    counts[diagonal, diagonal] -= 1
    sums[diagonal, diagonal] -= field[diagonal, diagonal, 0, 0]
    planes = np.array([_by_distance(np.sqrt(across), field[i, i], most)[1:] for i in range(length)])
    middle = np.arange(length // 4, length - length // 4)
    apart = (middle[:, None] - middle) ** 2
    distance = np.sqrt(apart[:, :, None, None] + across)
    return {
        "slices": (sums / counts)[np.triu_indices(length)],
        "planes": planes.ravel(),
        "radial": _by_distance(distance, field[np.ix_(middle, middle)], most),
    }


def _by_distance(distance: NDArray, values: NDArray, most: int) -> NDArray[np.float64]:
    label = np.rint(distance).astype(int).ravel()
    sums, counts = np.bincount(label, values.ravel()), np.bincount(label)
    return (sums / np.maximum(counts, 1))[: most + 1]


def energy_field(bar: AndersonBar) -> dict[str, Any]:
    """Fields of a cube at single energies and their correlation in energy, the columns of an "energy" row."""
    length, n_half = bar.shape[0], np.count_nonzero(bar.left_half)
    unit = ENERGY_UNIT / length**3
    energies = unit * (np.array(MARKS) - MARKS[-1] / 2)
    probes = np.random.default_rng(0).choice([-1.0, 1.0], size=(bar.n_sites - n_half, _PROBES))
    responses, found = [], []
    for number, energy in enumerate(energies):
        left, right = scattering_states(bar, energy)
        states = np.concatenate([left, right]).T.astype(np.complex64)
        signed = states * np.repeat(np.array([1, -1], dtype=np.float32), [len(left), len(right)])
        responses.append(signed[:n_half] @ (states[n_half:].conj().T @ probes))
        if number in _FIELDS:
            found.append(_one_energy(bar, states, signed))
    columns = {name: np.mean([one[name] for one in found], axis=0) for name in found[0]}
    stacked = np.array(responses).reshape(len(energies), -1)
    products = (stacked @ stacked.conj().T).real / _PROBES
    apart = np.array(MARKS) - np.array(MARKS)[:, None]
    return columns | {"correlation": np.array([products[apart == one].mean() for one in DIFFERENCES])}


def _one_energy(bar: AndersonBar, states: NDArray, signed: NDArray) -> dict[str, Any]:
    length, n_slice = bar.shape[0], bar.n_slice

    def rows(i: int) -> NDArray:
        return signed[i * n_slice : (i + 1) * n_slice] @ states[i * n_slice :].conj().T

    field = averaged(bar.shape, rows)
    current = np.einsum("xn,xn->x", signed[n_slice:], states[:-n_slice].conj()).imag.sum() / (length - 1)
    return binned(field) | {
        "density": np.einsum("xn,xn->x", signed, states.conj()).real.reshape(length, -1).mean(axis=1),
        "weight": np.sum(np.abs(states) ** 2, axis=1).reshape(length, -1).mean(axis=1),
        # A state from the left carries the current T/(2 pi), one from the right its opposite; the current is -2 Im q.
        "transmission": 2 * np.pi * abs(current),
        "coherence": _between_halves(field),
    }


def window_field(bar: AndersonBar) -> dict[str, Any]:
    """Field of a cube in the bias window X = 24, the columns of a "window" row."""
    length, n_slice = bar.shape[0], bar.n_slice
    G = nonequilibrium_correlations(bar, float(bias_at(SCALED_BIAS, length)), rtol=_RTOL)
    field = averaged(bar.shape, lambda i: G[i * n_slice : (i + 1) * n_slice, i * n_slice :])
    density = np.diagonal(G).real.reshape(length, -1).mean(axis=1)
    return binned(field) | {"density": density, "coherence": _between_halves(field)}


def _between_halves(field: NDArray[np.float64]) -> float:
    """Twice the sum of the field over pairs in different halves, of a cube."""
    half = len(field) // 2
    return 2 * float(field[:half, half:].sum()) * field[0, 0].size


def wanted(specification: Path) -> tuple[dict[str, Any], list[Sample]]:
    """What a specification says, and its samples in such an order that all points grow evenly.

    Raises
    ------
    SpecificationError
        If the file cannot be read or an entry is not what it must be.
    """
    described, entries = read_points(specification, _point)
    samples = [
        ((index + 0.5) / entry["samples"], Sample(entry["kind"], length, disorder, index, described["root_seed"]))
        for entry in entries
        for length in entry["length"]
        for disorder in entry["disorder"]
        for index in range(entry["samples"])
    ]
    return described, [sample for _, sample in sorted(samples, key=lambda one: one[0])]


def compute(sample: Sample, present: set[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """The row of a sample, unless it is present; keys as in `KEY`."""
    key = sample[: len(KEY)]
    if key in present:
        return []
    found = energy_field(sample.bar) if sample.kind == "energy" else window_field(sample.bar)
    row: dict[str, Any] = dict(zip(KEY, key, strict=True))
    for name in COLUMNS[len(KEY) :]:
        value = found.get(name, np.nan)
        row[name] = float(value) if np.ndim(value) == 0 else " ".join(f"{one:.{_DIGITS[name]}g}" for one in value)
    return [row]


def _point(entry: dict[str, Any]) -> dict[str, Any]:
    require_keys(entry, ("kind", "length", "disorder", "samples"))
    lengths = [_check.positive_integer("length", one) for one in entry["length"]]
    if any(one < 4 or one % 2 for one in lengths):
        raise ValueError("length must hold even numbers >= 4")
    return {
        "kind": _check.one_of("kind", entry["kind"], KINDS),
        "length": lengths,
        "disorder": [_check.non_negative_number("disorder", one) for one in entry["disorder"]],
        "samples": _check.positive_integer("samples", entry["samples"]),
    }


main = command("fields", wanted, compute, COLUMNS, KEY)

if __name__ == "__main__":
    main()
