"""Transmission of a bar at one energy, by the few channels that get through it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anderson_ness.states.elimination import OpenBar, SliceFactor, singular_values

# Random sources at an end with which the channels are found that get through: as many of these as it takes.
_END_PROBES = 20, 80
# Directions weaker than this share of the strongest carry no transmission to speak of.
_FAINT_DIRECTION = 3e-4
_MOST_REFINEMENTS = 8


def refined_transmission(open_bar: OpenBar, energy: float, dtype: type, rtol: float) -> float:
    """Tr t t^dag at a real energy, from a factor of some precision; NaN where refinement fails in double precision.

    At a real energy single precision has no height above the axis to round in: its fields are refined, until what gets
    through is expected to change by less than the tolerance.
    """
    for precision in dict.fromkeys((dtype, np.complex128)):
        through = _through(SliceFactor(open_bar, complex(energy), precision), rtol)
        if through is not None:
            return float(np.linalg.norm(through) ** 2)
    return float("nan")


def _through(factor: SliceFactor, rtol: float) -> NDArray[np.complex128] | None:
    """Amplitudes at the right end of what gets through the bar from the left; None if refinement fails."""
    bar, n_slice = factor.open_bar, factor.open_bar.n_slice
    amplitude = np.sqrt(bar.linewidth(factor.energy).real)[:, None]
    channels = _channels_through(factor, amplitude)
    if channels is None:
        return None
    residual = np.zeros((bar.length, n_slice, channels.shape[1]), dtype=complex)
    residual[0] = bar.basis @ (amplitude * channels)
    end, change = np.zeros_like(residual[0]), float("inf")
    for _ in range(_MOST_REFINEMENTS):
        correction = factor.solve(residual)
        end += correction[-1]
        previous, change = change, float(np.linalg.norm(correction[-1]))
        # What is left falls by the same factor again.
        if np.isfinite(previous) and change * min(1.0, change / previous) <= rtol * np.linalg.norm(end):
            return np.asarray(amplitude * (bar.basis.T @ end))
        residual -= bar.apply(factor.energy, correction.astype(complex))
    return None


def _channels_through(factor: SliceFactor, amplitude: NDArray[np.float64]) -> NDArray[np.complex128] | None:
    """Orthonormal channels of the left lead from which anything gets through; None if nothing does."""
    bar, n_slice = factor.open_bar, factor.open_bar.n_slice
    for number in (min(number, n_slice) for number in _END_PROBES):
        probes = np.random.default_rng(0).standard_normal((n_slice, number))
        far, _ = factor.solve_from_end(-1, bar.basis @ (amplitude * probes), number)
        reached, sizes, _ = singular_values((amplitude * (bar.basis.T @ far[0])).astype(complex))
        if not sizes[0] > 0:
            return None
        counts = sizes > _FAINT_DIRECTION * sizes[0]
        if not counts[-1]:
            break
    return np.asarray(reached[:, counts].conj())
