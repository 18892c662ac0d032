"""Resonances: poles and residues of the open bar's Green function near a window of energies.

The Green function has simple poles ``G(E) = s_j v_j v_j^T / (E - lambda_j) + ...`` where the nonlinear eigenvalue
problem A(lambda) v = 0 has a solution; ``s = 1 / (v^T A'(lambda) v)`` since A is complex symmetric.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from anderson_ness.model import AndersonBar
from anderson_ness.states.elimination import OpenBar, SliceFactor
from anderson_ness.states.sweep import far_end_green_functions

# Ritz pairs with a smaller relative residual are polished to exact poles. The others up to _USABLE are subtracted
# as they are: what an approximate pole leaves behind is weaker by its residual, and is sampled with the remainder.
_POLISHED = 1e-2
_USABLE = 0.1
# Further off than the window is half wide, worse ones are better than none.
_FAR_OFF, _USABLE_FAR_OFF = 1.0, 0.4
# Poles closer than this, in half-widths, are one and the same if their vectors have a larger overlap, without complex
# conjugation: vectors of degenerate poles have none.
_SAME = 1e-2
_PARALLEL = 0.9
# Distance from the window, in half-widths, up to which poles have to be exact.
_CLOSE = 0.5
# The same, of those that are polished if not all are.
_NEAR = 1.0
_NEWTON_STEPS = 12
_BEND_STEPS = 12
_MOST_POLISHING = 20
# Imaginary parts of positions carry rounding errors of about 1e-16; below this width they are taken from the couplings
# to the leads instead, which is then exact to its square.
_NARROW = 1e-5
# Squared amplitudes at an end of the bar below this share of the vector are close to rounding: such tails are
# continued slice by slice from where the vector is large.
_FAINT = 1e-20
# What rounding leaves of tails.
_TAILS_ROUNDED = 1e-15


@dataclass(frozen=True)
class Window:
    """A window of energies, centre ± half_width."""

    centre: float
    half_width: float

    def energy(self, x: Any) -> Any:
        """Energy of a scaled energy x, of which the window is [-1, 1]."""
        return self.centre + self.half_width * x

    def distance(self, energies: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Distances of complex energies from the window, in half-widths."""
        outside = np.maximum(np.abs(energies.real - self.centre) - self.half_width, 0)
        return np.hypot(outside, energies.imag) / self.half_width

    def reach(self, energies: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Distances from the window's middle beyond its half-width, in half-widths: so far interpolation has to see."""
        return np.maximum(np.abs(energies - self.centre) / self.half_width - 1, 0)

    def close(self, energies: NDArray[np.complex128]) -> NDArray[np.bool_]:
        """Which poles are too close to the window for a few nodes to see what an error of theirs leaves behind."""
        return self.distance(energies) < _CLOSE


@dataclass(frozen=True)
class Poles:
    """Poles of the Green function, exact ones first.

    Attributes
    ----------
    positions
        Complex energies lambda_j, below the real axis, shape (n_poles,).
    strengths
        s_j, shape (n_poles,).
    vectors
        v_j with unit norm, shape (Lx, n_slice, n_poles).
    left, right
        Channel amplitudes of v_j on the first and last slice, shape (n_slice, n_poles).
    errors
        Estimated relative error of each vector.
    """

    positions: NDArray[np.complex128]
    strengths: NDArray[np.complex128]
    vectors: NDArray[np.complex128]
    left: NDArray[np.complex128]
    right: NDArray[np.complex128]
    errors: NDArray[np.float64]

    @property
    def widths(self) -> NDArray[np.float64]:
        """Resonance widths -2 Im lambda_j, in units of the hopping, shape (n_poles,)."""
        return -2 * self.positions.imag

    def amplitudes(self, lead: str) -> NDArray[np.complex128]:
        """Channel amplitudes at the end next to lead "L" or "R", (n_slice, n_poles)."""
        return self.left if lead == "L" else self.right

    def partial_widths(self, bar: AndersonBar) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Widths due to the left and to the right lead, each (n_poles,); together they are :attr:`widths`.

        The width is shared in the ratio of v^dag Gamma_L v to v^dag Gamma_R v at the real part of the pole.
        """
        gamma = bar.leads.linewidth(self.positions.real, *bar.shape[1:]).real.T
        left, right = (np.sum(gamma * np.abs(c) ** 2, axis=0) for c in (self.left, self.right))
        total = np.where(left + right > 0, left + right, 1.0)
        return self.widths * left / total, self.widths * right / total

    def select(self, chosen: NDArray) -> Poles:
        """The poles chosen by a mask or by indices, in that order."""
        return Poles(**{name: values[..., chosen] for name, values in vars(self).items()})


def find_poles(
    open_bar: OpenBar,
    factor: SliceFactor,
    window: Window,
    radius: float,
    block: int,
    steps: int,
    tolerance: float,
    broadest: float = np.inf,
) -> Poles:
    """Poles within ``radius`` half-widths of a window, in the sense of `Window.reach`.

    Block Arnoldi iteration with the shift-inverted operator, whose Ritz values all lie below the real axis, then
    Rayleigh-Ritz steps with the exact, energy-dependent self-energies.

    Parameters
    ----------
    open_bar, factor
        The operator and its factor at the shift z, above the middle of the window.
    window
        The window.
    radius
        How far from the window poles are wanted, in half-widths.
    block, steps
        Size of a block and number of steps of the Arnoldi iteration.
    tolerance
        Relative error of the vectors of poles in or next to the window, at which Rayleigh-Ritz steps end.
    broadest
        If finite, poles next to the window that are closer to the real axis than this, in half-widths, are
        polished, and those that this takes; the others are returned as Arnoldi's iteration finds them.

    Returns
    -------
    Poles
    """
    every = np.isinf(broadest)
    passes = 2 if every else 1
    positions, vectors, residuals = _ritz_pairs(open_bar, factor, window, radius, block, steps, passes)
    sharp = residuals < _POLISHED
    fields = vectors.reshape(open_bar.length, open_bar.n_slice, len(positions))
    if every:
        exact = _polish(open_bar, factor, window, fields[:, :, sharp].astype(complex), tolerance)
        approximate, *_ = _corrected(open_bar, factor, positions[~sharp], fields[:, :, ~sharp])
    else:
        narrow = sharp & (window.distance(positions) < _NEAR) & (-positions.imag < broadest * window.half_width)
        # Corrections with this factor bring in poles that are closer to it, unless these are polished together.
        away = np.abs(positions - factor.energy)
        sharp &= away <= np.max(away[narrow], initial=0.0)
        corrected, corrections, gain = _corrected(open_bar, factor, positions, fields)
        last = float(np.max(corrections[sharp & window.close(positions)], initial=0.0))
        exact = _polish(open_bar, factor, window, corrected.vectors[:, :, sharp], tolerance, last, gain)
        approximate = corrected.select(~sharp)
    return _without_copies(_together(exact, approximate), window)


def _corrected(
    open_bar: OpenBar, factor: SliceFactor, positions: NDArray[np.complex128], vectors: NDArray
) -> tuple[Poles, NDArray[np.float64], float]:
    """Approximate poles after a step of inverse iteration, the sizes of the corrections, and their gain.

    The step takes out of vectors what is far off in energy.
    """
    if not positions.size:
        return _as_they_are(open_bar, positions, vectors.astype(complex)), np.zeros(0), 0.0
    residual = open_bar.apply(positions, vectors)
    correction = factor.solve(residual)
    apart = np.abs(positions - factor.energy)
    gain = _gain(correction, residual, apart)
    poles = _as_they_are(open_bar, positions, (vectors - correction).astype(complex))
    residual = open_bar.apply(positions, poles.vectors.astype(factor.dtype))
    step = np.einsum("xsp,xsp->p", poles.vectors, residual) * poles.strengths
    positions = positions - step
    # A rough position may come out on the wrong side of the axis, where closed forms do not hold.
    positions = positions.real - 1j * np.abs(positions.imag)
    return (
        replace(poles, positions=positions, errors=gain / apart * _norms(residual)),
        _sizes(open_bar, correction, poles),
        gain,
    )


def _sizes(open_bar: OpenBar, correction: NDArray, poles: Poles) -> NDArray[np.float64]:
    """Relative sizes of corrections: of vectors, and of their tails at the bar's ends, which couple to the leads."""
    here, corrected = (
        [np.sum(np.abs(end) ** 2, axis=0) for end in ends]
        for ends in ((poles.left, poles.right), open_bar.end_amplitudes(correction))
    )
    beyond_rounding = np.maximum(np.sqrt(sum(corrected)) - _TAILS_ROUNDED, 0)
    relative = beyond_rounding / np.maximum(np.sqrt(sum(here)), np.finfo(float).tiny)
    return np.maximum(_norms(correction), np.where(np.minimum(*here) < _FAINT, 0.0, relative))


def _gain(correction: NDArray, residual: NDArray, apart: NDArray[np.float64]) -> float:
    """Largest ratio of a correction to the residual it is for, times its pole's distance from the factor's energy."""
    return float(np.max(apart * _norms(correction) / np.maximum(_norms(residual), np.finfo(np.float32).tiny)))


def _without_copies(poles: Poles, window: Window) -> Poles:
    """The poles without those that are others over again: an inaccurate Ritz pair may be polished to another's pole."""
    close = np.abs(poles.positions[:, None] - poles.positions) < _SAME * window.half_width
    better = poles.errors[:, None] > poles.errors
    copies = np.zeros(len(poles.positions), dtype=bool)
    for j, k in np.argwhere(close & better):
        pair = np.stack([poles.vectors[:, :, i].ravel() for i in (j, k)])
        squares = np.abs(pair @ pair.T)
        copies[j] |= squares[0, 1] > _PARALLEL * np.sqrt(squares[0, 0] * squares[1, 1])
    return poles.select(np.flatnonzero(~copies))


def _normalised(coordinates: NDArray, slope: NDArray) -> NDArray[np.complex128]:
    """Columns c with c^T slope c = 1."""
    return np.asarray(coordinates / np.sqrt(np.einsum("ij,ij->j", coordinates, slope @ coordinates)))


def _bend(open_bar: OpenBar, shift: complex) -> Callable[[NDArray], NDArray]:
    """What the self-energies add to their tangent at the shift, on both ends' channels."""
    value, slope = open_bar.self_energy(shift), open_bar.self_energy_derivative(shift)

    def bend(E: NDArray) -> NDArray:
        return np.tile((open_bar.self_energy(E) - value - (E - shift)[:, None] * slope).T, (2, 1))

    return bend


def _together(first: Poles, second: Poles) -> Poles:
    """Two sets of poles as one."""
    return Poles(
        **{name: np.concatenate([values, getattr(second, name)], axis=-1) for name, values in vars(first).items()}
    )


def _ritz_pairs(
    open_bar: OpenBar, factor: SliceFactor, window: Window, radius: float, block: int, steps: int, passes: int
) -> tuple[NDArray, NDArray, NDArray]:
    """Usable Ritz pairs of the operator A(z)^{-1} A'(z) near a window.

    One pass of orthogonalisation does for a few digits, two for all.

    Returns
    -------
    positions, vectors, residuals
        Complex energies, vectors (n_sites, n), and relative residuals.
    """
    shift, n_sites = factor.energy, open_bar.length * open_bar.n_slice
    shape = (open_bar.length, open_bar.n_slice, -1)

    def inverse(columns: NDArray) -> NDArray:
        field = open_bar.apply_derivative(shift, columns.reshape(shape))
        return factor.solve(field).reshape(n_sites, -1)

    if block * steps >= n_sites:
        values, vectors = np.linalg.eig(inverse(np.eye(n_sites, dtype=factor.dtype)).astype(complex))
        positions = np.asarray(shift - 1 / values, dtype=complex)
        wanted = window.reach(positions) < radius
        return positions[wanted], vectors[:, wanted], np.full(np.count_nonzero(wanted), np.finfo(float).eps)
    # Unlike numpy's, scipy's factorisation stays in single precision.
    orthonormal = partial(scipy.linalg.qr, mode="economic", check_finite=False)
    rng = np.random.default_rng(0)
    start = rng.standard_normal((n_sites, block)) + 1j * rng.standard_normal((n_sites, block))
    size = block * steps
    # One vector a row: parts of the basis are then contiguous.
    basis = np.empty((size + block, n_sites), dtype=factor.dtype)
    basis[:block] = orthonormal(start.astype(factor.dtype))[0].T
    hessenberg = np.zeros((size + block, size), dtype=complex)
    for step in range(steps):
        now = slice(step * block, (step + 1) * block)
        done = slice(0, (step + 1) * block)
        new, left = inverse(basis[now].T), np.eye(block)
        # Twice is enough to be orthogonal to rounding, if what is left of directions that have converged, which is
        # rounding, is normalised in between.
        for _ in range(passes):
            overlap = (basis[done] @ new.conj()).conj()
            hessenberg[done, now] += overlap @ left
            new, normed = orthonormal(new - basis[done].T @ overlap)
            left = normed @ left
        following = slice(done.stop, done.stop + block)
        basis[following], hessenberg[following, now] = new.T, left
    values, vectors = scipy.linalg.eig(hessenberg[:size].astype(factor.dtype), check_finite=False)
    residuals = np.linalg.norm(hessenberg[size:] @ vectors, axis=0) / np.abs(values)
    positions = shift - 1 / values.astype(complex)
    distance = window.distance(np.asarray(positions, dtype=complex))
    wanted = (window.reach(positions) < radius) & (residuals < np.where(distance < _FAR_OFF, _USABLE, _USABLE_FAR_OFF))
    return positions[wanted], basis[:size].T @ vectors[:, wanted], residuals[wanted]


def _polish(
    open_bar: OpenBar,
    factor: SliceFactor,
    window: Window,
    vectors: NDArray[np.complex128],
    tolerance: float,
    last_correction: float = np.inf,
    gain: float = 0.0,
) -> Poles:
    """Exact poles from good approximations of their vectors, after a correction of that size and gain if there was one.

    Corrections of poles that are close to the window count.
    """
    poles = _rayleigh_ritz(open_bar, factor.energy, window, vectors)
    if not poles.positions.size:
        return poles
    # A correction is the error before that step, and more than the error after it. A residual tells less: what mixes
    # poles that lie close together hardly makes one.
    for _ in range(_MOST_POLISHING):
        if last_correction <= tolerance:
            break
        residual = open_bar.apply(poles.positions, poles.vectors)
        correction = factor.solve(residual)
        errors = _sizes(open_bar, correction, poles)
        gain = _gain(correction, residual, np.abs(poles.positions - factor.energy))
        poles = _rayleigh_ritz(open_bar, factor.energy, window, poles.vectors - correction)
        last_correction = float(np.max(errors[window.close(poles.positions)], initial=0.0))
    gains = gain / np.abs(poles.positions - factor.energy)
    errors = gains * _norms(open_bar.apply(poles.positions, poles.vectors))
    if not last_correction <= tolerance:
        errors = np.where(window.close(poles.positions), np.maximum(errors, last_correction), errors)
    return with_exact_widths(open_bar, replace(poles, errors=errors))


def rounding_mixes(open_bar: OpenBar, poles: Poles) -> NDArray[np.float64]:
    """How much of their neighbours rounding mixes into the vectors of poles that lie close together.

    That is harmless for poles whose distance is small compared with their widths: they then act as one.
    """
    if len(poles.positions) < 2:
        return np.zeros(len(poles.positions))
    gaps = np.abs(poles.positions[:, None] - poles.positions)
    apart = np.maximum(gaps, np.minimum(poles.widths[:, None], poles.widths))
    np.fill_diagonal(apart, np.inf)
    # Size of the operator where the vector is: high walls are rounded, but hardly any of the vector is there.
    size = np.einsum("xs,xsp->p", np.abs(open_bar.onsite), np.abs(poles.vectors) ** 2) + 6
    return np.finfo(float).eps * size / apart.min(axis=1)


def _rayleigh_ritz(open_bar: OpenBar, shift: complex, window: Window, trial: NDArray[np.complex128]) -> Poles:
    """Poles of A(E) projected on the trial vectors and their transposes, with the exact self-energies."""
    n = trial.shape[-1]
    if n == 0:
        return _as_they_are(open_bar, np.empty(0, dtype=complex), trial)
    columns = trial.reshape(-1, n)
    columns = columns / np.sqrt(np.einsum("xp,xp->p", columns, columns))
    field = columns.reshape(trial.shape)
    left, right = open_bar.end_amplitudes(field)
    overlap = columns.T @ columns
    energy = columns.T @ open_bar.hamiltonian(field).reshape(-1, n)

    def projected(E: complex) -> NDArray:
        sigma = open_bar.self_energy(E)
        return E * overlap - energy - (left.T * sigma) @ left - (right.T * sigma) @ right

    def derivative(E: complex) -> NDArray:
        slope = open_bar.self_energy_derivative(E)
        return overlap - (left.T * slope) @ left - (right.T * slope) @ right

    slope = derivative(shift)
    offsets, coordinates = np.linalg.eig(np.linalg.solve(slope, -projected(shift)))
    positions = shift + offsets
    coordinates = _conjugate(positions, coordinates, lambda _: slope)
    coordinates = _normalised(coordinates, slope)
    ends = np.concatenate([left, right]) @ coordinates
    positions, mixing, settled = _follow_bend(positions, ends, _bend(open_bar, shift))
    coordinates = coordinates @ mixing
    # Poles further off may stay as they are: what an inexact one leaves behind is smooth over the window.
    for j in np.flatnonzero(~settled & window.close(positions)):
        positions[j], coordinates[:, j] = _newton(projected, derivative, positions[j], coordinates[:, j])
    coordinates = _conjugate(positions, coordinates, derivative)
    return _as_they_are(open_bar, positions, (columns @ coordinates).reshape(trial.shape))


def _follow_bend(
    straight: NDArray[np.complex128], ends: NDArray, bend: Callable[[NDArray], NDArray]
) -> tuple[NDArray[np.complex128], NDArray[np.complex128], NDArray[np.bool_]]:
    """Eigenpairs of a nonlinear problem, from those of its linearisation, all at once.

    In the coordinates of the linear eigenvectors the problem is ``(E - straight_i) y_i = sum_k ends_ki bend_k(E)
    (ends y)_k``; its right-hand side is small, and is iterated.

    Returns
    -------
    positions, mixing, settled
        Eigenvalues, eigenvectors as columns, and which of them have converged; the others are left as they were.
    """
    n, diagonal = len(straight), np.diag_indices(len(straight))
    start = np.eye(n, dtype=complex)
    positions, mixing = straight, start
    settled = np.zeros(n, dtype=bool)
    for _ in range(_BEND_STEPS):
        pull = ends.T @ (bend(positions) * (ends @ mixing))
        moved = straight + pull[diagonal]
        gaps = moved - straight[:, None]
        gaps[diagonal] = 1.0
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            mixed = pull / gaps
        mixed[diagonal] = 1.0
        change = np.linalg.norm(mixed - mixing, axis=0) + np.abs(moved - positions) / np.abs(moved)
        settled = change < 1e-14 * np.sqrt(n)
        positions, mixing = moved, mixed
        if settled.all() or not np.isfinite(mixing).all():
            break
    positions, mixing = np.where(settled, positions, straight), np.where(settled, mixing, start)
    return positions, mixing, settled


def _newton(
    projected: Callable[[complex], NDArray],
    derivative: Callable[[complex], NDArray],
    position: complex,
    vector: NDArray,
) -> tuple[complex, NDArray]:
    """One eigenpair of a small nonlinear symmetric problem, by inverse iteration with Rayleigh functionals."""
    start = position, vector
    for _ in range(_NEWTON_STEPS):
        slope = derivative(position)
        try:
            new = np.linalg.solve(projected(position), slope @ vector)
        except np.linalg.LinAlgError:
            return position, vector  # the position is exact to the last bit
        step = (vector @ slope @ vector) / (vector @ slope @ new)
        position -= step
        vector = new / np.linalg.norm(new)
        if abs(step) <= 4 * np.finfo(float).eps * abs(position):
            break
    return (position, vector) if np.isfinite(position) else start


def _conjugate(
    positions: NDArray[np.complex128], coordinates: NDArray, derivative: Callable[[complex], NDArray]
) -> NDArray:
    """Make the vectors of (nearly) equal poles conjugate to each other with respect to A'.

    Equal poles share one eigenspace, from which any basis may come; conjugate vectors have a residue each.
    """
    # Imported when called for: it brings all of scipy.sparse.linalg with it.
    from scipy.sparse import csgraph

    gaps = np.abs(positions[:, None] - positions)
    equal = gaps < 1e-7 * (1e-3 + np.abs(positions.imag))
    _, cluster = csgraph.connected_components(equal, directed=False)
    for label in np.flatnonzero(np.bincount(cluster) > 1):
        group = np.flatnonzero(cluster == label)
        chosen = coordinates[:, group]
        form = chosen.T @ derivative(positions[group].mean()) @ chosen
        coordinates[:, group] = chosen @ np.linalg.inv(scipy.linalg.sqrtm(form))
    return coordinates


def _as_they_are(open_bar: OpenBar, positions: NDArray, vectors: NDArray[np.complex128]) -> Poles:
    """Poles at given positions with given vectors: strengths, and widths of narrow poles, from the vectors."""
    vectors = vectors / np.maximum(_norms(vectors), np.finfo(float).tiny)
    left, right = open_bar.end_amplitudes(vectors)
    slopes = open_bar.self_energy_derivative(positions).T
    form = np.einsum("xsp,xsp->p", vectors, vectors) - np.sum((left**2 + right**2) * slopes, axis=0)
    return Poles(positions, 1 / form, vectors, left, right, np.zeros(len(positions)))


def with_exact_widths(open_bar: OpenBar, poles: Poles) -> Poles:
    """The same poles, the widths of narrow ones from their couplings to the leads."""
    vectors, positions = poles.vectors.copy(), poles.positions.copy()
    narrow = np.flatnonzero(np.abs(positions.imag) < _NARROW)
    for j in narrow:
        faint = min(np.linalg.norm(poles.left[:, j]), np.linalg.norm(poles.right[:, j])) ** 2 < _FAINT
        if faint:
            vectors[:, :, j] = _continue_tails(open_bar, positions[j].real, vectors[:, :, j])
    left, right = open_bar.end_amplitudes(vectors)
    for j in narrow:
        E = complex(positions[j].real)
        weights = np.abs(left[:, j]) ** 2 + np.abs(right[:, j]) ** 2
        # Im of v^dag A(lambda) v = 0, to first order in Im lambda.
        norm = np.linalg.norm(vectors[:, :, j]) ** 2 - weights @ open_bar.self_energy_derivative(E).real
        width = weights @ open_bar.linewidth(E).real / norm
        positions[j] = E - 0.5j * max(width, np.finfo(float).tiny)
    return Poles(positions, poles.strengths, vectors, left, right, poles.errors)


def _continue_tails(open_bar: OpenBar, energy: float, vector: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """An eigenvector with its tails continued from its largest slice outwards, by v_{i+1} = R_{i+1} v_i."""
    if len(vector) == 1:
        return vector
    core = int(np.argmax(np.linalg.norm(vector, axis=1)))
    out = vector.copy()
    for direction in (1, -1):
        onsite, field = open_bar.onsite[::direction], out[::direction]
        start = core if direction == 1 else len(vector) - 1 - core
        beyond = far_end_green_functions(onsite, open_bar.hopping, open_bar.end_self_energy(energy), energy, start + 1)
        for i in range(start + 1, len(vector)):
            field[i] = beyond[i] @ field[i - 1]
    return out


def _norms(field: NDArray) -> NDArray[np.float64]:
    return np.sqrt(np.einsum("xsp,xsp->p", field, field.conj()).real)
