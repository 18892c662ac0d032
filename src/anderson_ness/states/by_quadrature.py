"""Window integrals by adaptive quadrature over scattering states: the reference way."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from anderson_ness import _kwant
from anderson_ness.model import AndersonBar
from anderson_ness.states.drive import Drive
from anderson_ness.states.quadrature import Integral, Values, integrate
from anderson_ness.states.result import WindowCoherence
from anderson_ness.states.scattering import scattering_states, transmission
from anderson_ness.states.segments import segment_coherence, slice_coherence

# Share of the spectral weight below which a difference of left and right is rounding.
_ROUNDING = 64 * np.finfo(float).eps

States = Callable[[float], tuple[NDArray[np.complex128], NDArray[np.complex128]]]


def correlations(
    bar: AndersonBar, drive: Drive, states: str, rtol: float, max_energies: int
) -> tuple[NDArray[np.complex128], bool]:
    """G^d to ``rtol`` in the Frobenius norm, and whether that was reached."""
    at = _state_source(bar, states)

    def integrand(energy: float) -> Values:
        left, right = at(energy)
        occupation = drive.difference(energy)
        trace = np.linalg.norm(left) ** 2 + np.linalg.norm(right) ** 2
        return [occupation * _driven_block(left, right, slice(None), slice(None)), np.array(abs(occupation) * trace)]

    def targets(values: Values) -> list[float]:
        # Left and right cancel where G^d vanishes; what is left is rounding, and no tolerance can resolve it.
        return [max(rtol * _frobenius(values[0]), _ROUNDING * _largest(values[1])), np.inf]

    integral = integrate(integrand, drive.breakpoints(bar).tolist(), targets, [_frobenius, _largest], max_energies)
    return integral.values[0], integral.converged


def coherence(
    bar: AndersonBar, drive: Drive, states: str, rtol: float, max_energies: int, cuts: tuple[int, ...] = ()
) -> WindowCoherence:
    """Everything of a `WindowCoherence`, to ``rtol``."""
    at = _state_source(bar, states)
    n_left = bar.shape[0] // 2 * bar.n_slice
    left_half, right_half = slice(None, n_left), slice(n_left, None)

    def driven(energy: float) -> NDArray[np.complex128]:
        return _driven_block(*at(energy), left_half, right_half)

    def integrand(energy: float) -> Values:
        left, right = at(energy)
        occupation = drive.difference(energy)
        block = _driven_block(left, right, left_half, right_half)
        densities = [_slice_means(bar, side) for side in (left, right)]
        values = [
            occupation * block,
            occupation * (densities[0] - densities[1]),
            abs(occupation) * (densities[0] + densities[1]),
        ]
        return values if drive.temperature == 0 else [*values, drive.difference_slope(energy) * block]

    slope_block = None
    if drive.temperature == 0:
        slope_block = (driven(drive.bias / 2) + driven(-drive.bias / 2)) / 4

    def scales(values: Values) -> list[float]:
        """What each quantity's error is relative to, as an absolute size of the integrated arrays."""
        block, derivative = values[0], values[3] if slope_block is None else slope_block
        norm, steepness = _frobenius(block), _frobenius(derivative)
        slope = max(4 * abs(np.vdot(block, derivative).real), 2 * norm**2 / abs(drive.bias))
        # C = 2 |block|^2 and dC = 4 Re <block, derivative>: an error of the block counts in both, and in every slice.
        block_scale = min(
            np.sqrt(slice_coherence(bar.shape[0], block).max() / 8), slope / (4 * steepness) if steepness else np.inf
        )
        # Left and right cancel where the profile vanishes; what is left is rounding, and no tolerance can resolve it.
        profile_scale = max(_largest(values[1]), _ROUNDING * _largest(values[2]) / rtol)
        sizes = [block_scale, profile_scale, _largest(values[2])]
        return sizes if slope_block is not None else [block_scale / 2, *sizes[1:], slope / (8 * norm) if norm else 0.0]

    def targets(values: Values) -> list[float]:
        return [rtol * scale for scale in scales(values)]

    norms = [_frobenius, _largest, _largest] + ([] if slope_block is not None else [_frobenius])
    integral = integrate(integrand, drive.breakpoints(bar).tolist(), targets, norms, max_energies)
    block, profile, weight = integral.values[:3]
    derivative = integral.values[3] if slope_block is None else slope_block
    between, reached = None, True
    if cuts:
        matrix = partial(correlations, bar, drive, states, max_energies=max_energies)
        between, reached = segment_coherence(bar, matrix, cuts, rtol)
    return WindowCoherence(
        bias=drive.bias,
        temperature=drive.temperature,
        coherence=2 * _frobenius(block) ** 2,
        coherence_slope=4 * float(np.vdot(block, derivative).real),
        density_profile=profile,
        spectral_weight=weight,
        transmission=transmission(bar),
        relative_error=_relative_error(integral, scales(integral.values)),
        converged=integral.converged and reached,
        n_energies=integral.n_energies,
        coherence_profile=slice_coherence(bar.shape[0], block) if cuts else None,
        segment_coherence=between,
    )


def _relative_error(integral: Integral, scales: list[float]) -> float:
    ratios = [error / scale if scale else error for error, scale in zip(integral.errors, scales, strict=True)]
    return float(max(ratios))


def _state_source(bar: AndersonBar, states: str) -> States:
    """Scattering states of both leads as a function of energy; none where no channel is open."""
    system = bar.to_kwant() if states == "kwant" else None

    def at(energy: float) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
        if not bar.leads.open_channels(energy, *bar.shape[1:]).any():
            none = np.zeros((0, bar.n_sites), dtype=complex)
            return none, none
        if system is not None:
            return _kwant.scattering_states(system, energy, bar.shape)
        return scattering_states(bar, energy)

    return at


def _driven_block(left: NDArray, right: NDArray, rows: slice, columns: slice) -> NDArray[np.complex128]:
    """q(x, y) = sum_n phi^L phi^L* - phi^R phi^R* for x in rows and y in columns."""
    both = np.concatenate([left, right])
    signed = np.concatenate([left, -right])
    return both[:, rows].T @ signed[:, columns].conj()


def _slice_means(bar: AndersonBar, states: NDArray[np.complex128]) -> NDArray[np.float64]:
    density = np.einsum("nx,nx->x", states, states.conj()).real
    return density.reshape(bar.shape[0], -1).mean(axis=1)


def _frobenius(array: NDArray) -> float:
    return float(np.linalg.norm(array))


def _largest(array: NDArray) -> float:
    return float(np.abs(array).max(initial=0.0))
