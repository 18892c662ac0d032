"""Localization lengths of long bars by the transfer-matrix method (MacKinnon and Kramer, Z. Phys. B 53, 1 (1983)).

A bar of cross-section L x L, periodic across and endless along, obeys ``psi_{n+1} = (E - H_n) psi_n - psi_{n-1}``
slice by slice. Half of its 2 L^2 Lyapunov exponents are positive; the smallest of these, gamma, is the inverse of the
bar's localization length, and ``Lambda = 1/(gamma L)`` scales as a function of Y alone. L^2 solutions are carried along
and made orthonormal again every few slices (QR); the last diagonal entry of R is the growth of the slowest.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

# Numbers that a batch of bars keeps at a time: so many stay in a processor's cache.
_BATCH_SIZE = 16_384
# Between two QR steps the fastest solution outgrows the slowest by about so much: rounding stays below 1e-5.
_GROWTH = 1e10


@dataclass(frozen=True)
class TransferRun:
    """One run; ``dataclasses.asdict`` makes it a row of a table.

    Attributes
    ----------
    width
        Edge L of the cross-section.
    disorder, energy
        Disorder strength W (box distribution on [-W/2, W/2)) and energy E, in units of the hopping.
    seed
        Seed of the run's random stream: the potentials are W (default_rng(seed).random - 0.5), slice by slice, those
        of the warm-up first.
    warmup, slices
        Slices before measuring, and measured.
    qr_interval, blocks
        Slices between two QR steps; blocks of equal length whose spread gives the errors.
    exponent, exponent_error
        Smallest positive Lyapunov exponent gamma, per lattice constant, and its standard error.
    reduced_length, reduced_length_error
        Lambda = 1/(gamma L) and its standard error.

    Examples
    --------
    >>> from anderson_ness.theory.transfer import transfer_runs
    >>> [run] = transfer_runs(2, [16.5], [3], slices=2000)
    >>> run.width, run.disorder, run.exponent_error < 0.1 * run.exponent
    (2, 16.5, True)
    """

    width: int
    disorder: float
    energy: float
    seed: int
    warmup: int
    slices: int
    qr_interval: int
    blocks: int
    exponent: float
    exponent_error: float
    reduced_length: float
    reduced_length_error: float


def transfer_runs(
    width: int,
    disorder: Sequence[float],
    seeds: Sequence[int],
    slices: int,
    energy: float = 0.0,
    blocks: int = 50,
    warmup: int | None = None,
    qr_interval: int | None = None,
) -> list[TransferRun]:
    """Smallest positive Lyapunov exponents of independent bars of one width, each run of a fixed length.

    Bars go through the computer in batches; a run's numbers do not depend on what it was batched with.

    Parameters
    ----------
    width
        Edge L of the cross-section. Rings of 1 and 2 sites have no bond and one bond, as in `AndersonBar`.
    disorder, seeds
        Disorder strength and seed of each run.
    slices
        Slices to measure, at least one QR interval a block; rounded up to whole blocks. A stopping rule that looks at
        the error would bias the mean: fix it in advance.
    energy
        Energy E.
    blocks
        Number of blocks, >= 2. A block should be much longer than the localization length, else errors come out small.
    warmup
        Slices to discard first; None: 50 L, rounded up to whole QR intervals.
    qr_interval
        Slices between two QR steps; None: as many as keep the fastest growth between them near 1e10.

    Returns
    -------
    list of TransferRun, in the order of ``disorder``

    Raises
    ------
    ValueError
        If an argument is out of range, or there are not as many seeds as disorder strengths.

    Examples
    --------
    >>> from anderson_ness.theory.transfer import transfer_runs
    >>> weak, strong = transfer_runs(3, disorder=[10.0, 25.0], seeds=[1, 2], slices=2000)
    >>> weak.reduced_length > strong.reduced_length
    True
    """
    _require(isinstance(width, (int, np.integer)) and width >= 1, "width must be a positive integer")
    _require(slices >= 1, "slices must be positive")
    _require(blocks >= 2, "blocks must be at least 2")
    _require(len(disorder) == len(seeds), "disorder and seeds must have one entry a run")
    _require(all(0 <= one < np.inf for one in disorder), "disorder must hold finite numbers >= 0")
    _require(bool(np.isfinite(energy)), "energy must be a finite number")
    _require(qr_interval is None or qr_interval >= 1, "qr_interval must be positive")
    runs: dict[int, TransferRun] = {}
    for batch in _batches(width, disorder, energy, qr_interval):
        interval = qr_interval or _qr_interval(width, disorder[batch[0]], energy)
        periods = -(-slices // (blocks * interval))
        discarded = -(-(50 * width if warmup is None else warmup) // interval)
        strengths = np.array([disorder[run] for run in batch], dtype=float)
        streams = [np.random.default_rng(seeds[run]) for run in batch]
        growth = _growth(width, strengths, streams, energy, interval, discarded + blocks * periods)
        rates = growth[discarded:].reshape(blocks, periods, len(batch)).mean(axis=1) / interval
        for run, rate in zip(batch, rates.T, strict=True):
            gamma, error = rate.mean(), rate.std(ddof=1) / np.sqrt(blocks)
            runs[run] = TransferRun(
                width=int(width),
                disorder=float(disorder[run]),
                energy=float(energy),
                seed=int(seeds[run]),
                warmup=discarded * interval,
                slices=blocks * periods * interval,
                qr_interval=interval,
                blocks=blocks,
                exponent=float(gamma),
                exponent_error=float(error),
                reduced_length=float(1 / (gamma * width)),
                reduced_length_error=float(error / (gamma**2 * width)),
            )
    return [runs[run] for run in range(len(disorder))]


def _growth(
    width: int,
    disorder: NDArray[np.float64],
    streams: list[np.random.Generator],
    energy: float,
    interval: int,
    periods: int,
) -> NDArray[np.float64]:
    """Logarithmic growth of the slowest solution of every bar in every QR interval, shape (periods, bars)."""
    bars, sites = len(streams), width**2
    minus_hop = -sp.kron(sp.eye_array(bars), _transverse_hopping(width))
    step = sp.csr_array(minus_hop + sp.eye_array(bars * sites))
    step.sort_indices()
    diagonal = np.flatnonzero(step.indices == np.repeat(np.arange(bars * sites), np.diff(step.indptr)))
    # Solutions that start as unit vectors on one slice and vanish on the slice before.
    now = np.tile(np.eye(sites), (bars, 1))
    before = np.zeros_like(now)
    growth = np.empty((periods, bars))
    for period in range(periods):
        potential = np.stack([stream.random((interval, sites)) for stream in streams], axis=1) - 0.5
        levels = energy - disorder[:, None] * potential
        for level in levels:
            step.data[diagonal] = level.ravel()
            after = step @ now
            after -= before
            before, now = now, after
        pairs = np.concatenate([now.reshape(bars, sites, sites), before.reshape(bars, sites, sites)], axis=1)
        basis, triangle = np.linalg.qr(pairs)
        now, before = (np.ascontiguousarray(half).reshape(-1, sites) for half in np.split(basis, 2, axis=1))
        growth[period] = np.log(np.abs(triangle[:, -1, -1]))
    return growth


def _batches(width: int, disorder: Sequence[float], energy: float, qr_interval: int | None) -> Iterator[list[int]]:
    """Runs that go together: one QR interval, and few enough bars."""
    most = max(1, _BATCH_SIZE // width**4)
    groups: dict[int, list[int]] = {}
    for run, strength in enumerate(disorder):
        groups.setdefault(qr_interval or _qr_interval(width, strength, energy), []).append(run)
    for runs in groups.values():
        yield from (runs[start : start + most] for start in range(0, len(runs), most))


def _qr_interval(width: int, disorder: float, energy: float) -> int:
    """Slices in which the fastest solution outgrows the slowest about 1e10-fold, at most 20.

    The fastest solution sits at the edge of the transverse band, at distance |V| + |E| + 4 on average from the middle.
    """
    distance = disorder / 4 + abs(energy) + 2 * min(width - 1, 2)
    rate = np.arccosh(max(distance / 2, 1.0))
    return int(np.clip(np.log(_GROWTH) / max(rate, 1e-3), 1, 20))


def _transverse_hopping(width: int) -> sp.csr_array:
    """Hopping within a slice, every pair of neighbours once: a ring of two sites has a single bond, of one none."""
    one = np.eye(width)
    shifts = [np.roll(one, shift, axis=0) for shift in ((), (1,), (1, -1))[min(width - 1, 2)]]
    ring = sp.csr_array(sum(shifts, np.zeros((width, width))))
    identity = sp.eye_array(width)
    return sp.csr_array(sp.kron(ring, identity) + sp.kron(identity, ring))


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise ValueError(sentence)
