"""Coherence between the segments into which cuts divide a bar."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from anderson_ness.model import AndersonBar

Correlations = Callable[[float], tuple[NDArray[np.complex128], bool]]


def segments(length: int, cuts: tuple[int, ...]) -> list[slice]:
    """Slices of each segment, for cuts in front of these slices, in increasing order."""
    return [slice(start, stop) for start, stop in pairwise((0, *cuts, length))]


def slice_coherence(length: int, block: NDArray) -> NDArray[np.float64]:
    """C_d of each of the bar's slices with the half that it is not part of, from G^d between the halves' sites."""
    squares = 2 * np.abs(block) ** 2
    sites = np.concatenate([squares.sum(axis=1), squares.sum(axis=0)])
    return np.asarray(sites.reshape(length, -1).sum(axis=1))


def segment_coherence(
    bar: AndersonBar, correlations: Correlations, cuts: tuple[int, ...], rtol: float
) -> tuple[NDArray[np.float64], bool]:
    """C_d between segments, (segments, segments), to a tolerance relative to the largest; and whether that was reached.

    Parameters
    ----------
    bar
        The bar.
    correlations
        From a tolerance in the Frobenius norm: the matrix G^d, and whether it was reached.
    cuts, rtol
        Where to cut, and the tolerance.
    """
    matrix, reached = correlations(rtol)
    between = _sums(bar, matrix, cuts)
    # Most of the matrix may lie within segments: what is between them then wants more of its digits.
    finest = rtol * np.sqrt(between.max() / 2) / (4 * max(float(np.linalg.norm(matrix)), np.finfo(float).tiny))
    if np.finfo(float).eps < finest < rtol:
        matrix, reached = correlations(finest)
        between = _sums(bar, matrix, cuts)
    return between, reached


def _sums(bar: AndersonBar, matrix: NDArray[np.complex128], cuts: tuple[int, ...]) -> NDArray[np.float64]:
    starts = np.array([0, *cuts]) * bar.n_slice
    squares = 2 * np.abs(matrix) ** 2
    sums = np.add.reduceat(np.add.reduceat(squares, starts, axis=0), starts, axis=1)
    np.fill_diagonal(sums, 0.0)
    return np.asarray(sums)
