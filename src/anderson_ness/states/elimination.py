"""The open bar's operator A(E) = E - H - Sigma_L(E) - Sigma_R(E), and its factorisation at one complex energy.

Fields over the bar have shape (Lx, n_slice, n_columns).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import get_lapack_funcs

from anderson_ness.leads import channel_basis
from anderson_ness.model import AndersonBar

# Below this order a block is inverted by LAPACK; above, by halves, which is all matrix products and
# uses the blocks' symmetry (half the time of LAPACK's inverse at order 400).
_LAPACK_ORDER = 64
# What rounding may perturb a block, in units of the energy's height above the axis, or of its largest entry's rounding.
_PERTURBATION = 0.02
_ROUNDED = 100.0


class OpenBar:
    """The operator A(E) of a bar, applied to fields; A is complex symmetric."""

    def __init__(self, bar: AndersonBar) -> None:
        self.bar = bar
        self.length, self.n_slice = bar.shape[0], bar.n_slice
        self.basis = channel_basis(*bar.shape[1:])
        self.onsite = bar.onsite.reshape(self.length, self.n_slice)
        self.hopping = bar.transverse_hopping()
        self._sparse_hopping = sp.csr_array(self.hopping)

    def self_energy(self, energy: ArrayLike) -> NDArray[np.complex128]:
        """Self-energy of one lead, channel by channel, shape energy.shape + (n_slice,)."""
        return self.bar.leads.self_energy(energy, *self.bar.shape[1:])

    def self_energy_derivative(self, energy: ArrayLike) -> NDArray[np.complex128]:
        """Energy derivative of :meth:`self_energy`."""
        return self.bar.leads.self_energy_derivative(energy, *self.bar.shape[1:])

    def end_self_energy(self, energy: complex) -> NDArray[np.complex128]:
        """Self-energy of one lead on the sites of its slice, shape (n_slice, n_slice)."""
        return real_times(self.basis, self.self_energy(energy)[:, None] * self.basis.T)

    def linewidth(self, energy: ArrayLike) -> NDArray[np.complex128]:
        """Linewidth of one lead, analytic in the energy, of the same shape."""
        return self.bar.leads.linewidth(energy, *self.bar.shape[1:])

    def end_amplitudes(self, field: NDArray) -> tuple[NDArray, NDArray]:
        """Channel amplitudes on the first and the last slice, each (n_slice, n_columns)."""
        return real_times(self.basis.T, field[0]), real_times(self.basis.T, field[-1])

    def hamiltonian(self, field: NDArray) -> NDArray:
        """H field, without leads."""
        real = field.real.dtype
        out = self.onsite.astype(real)[:, :, None] * field
        hopping = self._sparse_hopping.astype(real)
        for x in range(self.length):
            out[x] += hopping @ field[x]
        out[1:] += field[:-1]
        out[:-1] += field[1:]
        return out

    def apply(self, energies: complex | NDArray[np.complex128], field: NDArray) -> NDArray:
        """A(E) field, at one energy or at one energy a column."""
        energies = np.asarray(energies, dtype=field.dtype)
        return energies * field - self.hamiltonian(field) - self._at_ends(self.self_energy, energies, field)

    def apply_derivative(self, energy: complex, field: NDArray) -> NDArray:
        """A'(E) field = (1 - Sigma'(E)) field."""
        return field - self._at_ends(self.self_energy_derivative, np.asarray(energy, dtype=field.dtype), field)

    def _at_ends(self, function: Any, energies: NDArray, field: NDArray) -> NDArray:
        """The leads' diagonal operator, function(E) channel by channel on both end slices."""
        values = function(energies).T if energies.ndim else function(energies)[:, None]
        values = values.astype(field.dtype)
        out = np.zeros_like(field)
        for end, amplitudes in zip((0, -1), self.end_amplitudes(field), strict=True):
            out[end] += real_times(self.basis, values * amplitudes)
        return out


class SliceFactor:
    """A(z) at one complex energy, factorised by eliminating slices from both ends towards the middle.

    Parameters
    ----------
    open_bar
        The operator.
    energy
        Complex energy z with Im z > 0, where A(z) and each of its blocks are invertible.
    dtype
        complex64 or complex128.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a block is singular in this precision.
    """

    def __init__(self, open_bar: OpenBar, energy: complex, dtype: Any = np.complex128) -> None:
        self.open_bar, self.energy, self.dtype = open_bar, energy, np.dtype(dtype)
        length = open_bar.length
        # The middle slice is eliminated last; slices before it hold the Green function of the bar's part up to
        # them, slices behind it that of the part from them on.
        self.middle = max(length // 2 - 1, 0)
        shape = (length, open_bar.n_slice, open_bar.n_slice)
        self.green = np.empty(shape, dtype=self.dtype)
        self._end = open_bar.end_self_energy(energy).astype(self.dtype)
        self._bare = (-open_bar.hopping).astype(self.dtype)
        self._block = np.empty_like(self._bare)
        for x, sources in self._order():
            self._invert(x, [self.green[source] for source in sources], self.green[x])
        if not np.isfinite(self.green[self.middle]).all():
            raise np.linalg.LinAlgError(f"a block of the bar is singular in {self.dtype.name}")

    def _invert(self, x: int, beyond: list[NDArray], out: NDArray) -> NDArray:
        """Green function of a slice with what lies beyond, given by the Green functions of the neighbours."""
        return symmetric_inverse(self._dressed(x, beyond), self.energy.imag, out)

    def _dressed(self, x: int, beyond: list[NDArray]) -> NDArray:
        """The operator's block of a slice less what lies beyond; overwritten by the next call."""
        block, before = self._block, self._bare
        for part in [*beyond, *(self._end for border in (0, self.open_bar.length - 1) if x == border)]:
            before = np.subtract(before, part, out=block)
        if before is not block:
            block[:] = before
        block.ravel()[:: self.open_bar.n_slice + 1] += (self.energy - self.open_bar.onsite[x]).astype(self.dtype)
        return block

    def _order(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Slices in the order of elimination, with the eliminated neighbours of each."""
        last = self.open_bar.length - 1
        for x in range(self.middle):
            yield x, (x - 1,) if x > 0 else ()
        for x in range(last, self.middle, -1):
            yield x, (x + 1,) if x < last else ()
        yield self.middle, tuple(x for x in (self.middle - 1, self.middle + 1) if 0 <= x <= last)

    def rounded(self) -> SliceFactor:
        """The same factor in single precision."""
        if self.dtype == np.complex64:
            return self
        other = copy.copy(self)
        other.green, other.dtype = self.green.astype(np.complex64), np.dtype(np.complex64)
        return other

    def solve(self, source: NDArray) -> NDArray:
        """A(z)^{-1} source, shape (Lx, n_slice, n_columns), in the factor's precision."""
        green, middle, last = self.green, self.middle, self.open_bar.length - 1
        field = np.empty(source.shape, dtype=self.dtype)
        total = source[middle].astype(self.dtype)
        for part in (range(middle), range(last, middle, -1)):
            carried = None
            for x in part:
                here = source[x] if carried is None else source[x] + carried
                carried = np.matmul(green[x], here.astype(self.dtype, copy=False), out=field[x])
            if carried is not None:
                total += carried
        np.matmul(green[middle], total, out=field[middle])
        for x in range(middle - 1, -1, -1):
            field[x] += green[x] @ field[x + 1]
        for x in range(middle + 1, last + 1):
            field[x] += green[x] @ field[x - 1]
        return field

    def solve_from_end(self, end: int, source: NDArray, n_far: int) -> tuple[NDArray, NDArray]:
        """A(z)^{-1} applied to sources on an end slice, where it is wanted: half the work of :meth:`solve`.

        Parameters
        ----------
        end
            0 or -1, the first or the last slice.
        source
            Shape (n_slice, n_columns).
        n_far
            The first ``n_far`` columns are wanted in the half of the bar far from the end, the others in the near one.

        Returns
        -------
        far, near : ndarray
            Shapes (slices of the half, n_slice, columns); the left half has Lx // 2 slices.
        """
        green, middle, last = self.green, self.middle, self.open_bar.length - 1
        towards = range(middle) if end == 0 else range(last, middle, -1)
        beyond = range(middle + 1, last + 1) if end == 0 else range(middle - 1, -1, -1)
        carried = source.astype(self.dtype)
        fields = {}
        for x in towards:
            carried = fields[x] = green[x] @ carried
        at_middle = green[middle] @ carried
        near, far = {middle: at_middle[:, n_far:]}, {middle: at_middle[:, :n_far]}
        previous = near[middle]
        for x in reversed(towards):
            previous = near[x] = fields[x][:, n_far:] + green[x] @ previous
        previous = far[middle]
        for x in beyond:
            previous = far[x] = green[x] @ previous
        left, right = range((last + 1) // 2), range((last + 1) // 2, last + 1)
        halves = (right, left) if end == 0 else (left, right)
        n_slice = self.open_bar.n_slice
        return tuple(  # type: ignore[return-value]
            np.array([part[x] for x in half], dtype=self.dtype).reshape(len(half), n_slice, part[middle].shape[1])
            for part, half in zip((far, near), halves, strict=True)
        )

    def solve_to_ends(self, source: NDArray, first: int) -> tuple[NDArray, NDArray]:
        """A(z)^{-1} of sources on some slices, on the two end slices.

        Parameters
        ----------
        source
            On the slices from ``first`` on, shape (slices, n_slice, n_columns).
        first
            The first slice with a source.

        Returns
        -------
        left, right : ndarray
            Each of shape (n_slice, n_columns).
        """
        green, middle, last = self.green, self.middle, self.open_bar.length - 1
        at = {first + i: part for i, part in enumerate(source)}
        total = at.get(middle, np.zeros_like(source[0]))
        fields = {}
        for part in (range(middle), range(last, middle, -1)):
            carried = None
            for x in part:
                if carried is not None or x in at:
                    here = at[x] if carried is None else carried + at[x] if x in at else carried
                    carried = fields[x] = green[x] @ here
            if carried is not None:
                total = total + carried
        ends = []
        for part in (range(middle - 1, -1, -1), range(middle + 1, last + 1)):
            field = green[middle] @ total
            for x in part:
                field = green[x] @ field
                if x in fields:
                    field += fields[x]
            ends.append(field)
        return ends[0], ends[1]

    def solve_from_ends(self, left: NDArray, right: NDArray, part: slice) -> NDArray:
        """A(z)^{-1} of sources on the two end slices, on some slices of the bar.

        Parameters
        ----------
        left, right
            Sources on the first and on the last slice, each (n_slice, n_columns).
        part
            The slices.

        Returns
        -------
        ndarray of shape (slices, n_slice, n_columns)
        """
        green, middle, last = self.green, self.middle, self.open_bar.length - 1
        total, fields = np.zeros(left.shape, dtype=self.dtype), {}
        for source, towards in ((left, range(middle)), (right, range(last, middle, -1))):
            carried = source.astype(self.dtype, copy=False)
            for x in towards:
                carried = fields[x] = green[x] @ carried
            total += carried
        fields[middle] = green[middle] @ total
        for x in range(middle - 1, part.start - 1, -1):
            fields[x] += green[x] @ fields[x + 1]
        for x in range(middle + 1, part.stop):
            fields[x] += green[x] @ fields[x - 1]
        return np.array([fields[x] for x in range(part.start, part.stop)])

    def slice_traces(self) -> NDArray[np.complex128]:
        """Trace of the Green function A(z)^{-1} over each slice, shape (Lx,).

        Each from the Green functions of what lies on its two sides. A recursion from the middle outwards costs as much
        and loses digits where a level of a part of the bar lies next to the energy.
        """
        middle, last = self.middle, self.open_bar.length - 1
        traces = np.empty(last + 1, dtype=complex)
        traces[middle] = np.trace(self.green[middle])
        part, spare = (np.empty_like(self._bare) for _ in range(2))
        for step in (-1, 1):
            end = 0 if step < 0 else last
            beyond: list[NDArray] = [self.green[middle - step]] if 0 <= middle - step <= last else []
            for x in range(middle, end, step):
                part, spare = spare, part
                beyond = [self._invert(x, beyond, part)]
                near = [self.green[x + 2 * step]] if x + step != end else []
                block = self._dressed(x + step, [*beyond, *near])
                traces[x + step] = symmetric_inverse_trace(block, self.energy.imag)
        return traces


def flat(field: NDArray) -> NDArray:
    """A field over slices and their sites as a matrix over sites."""
    return field.reshape(field.shape[0] * field.shape[1], field.shape[2])


def real_times(matrix: NDArray, field: NDArray) -> NDArray:
    """A real matrix times a field, in the field's precision: half the work of a complex product."""
    real = field.real.dtype
    if not np.iscomplexobj(field):
        return np.asarray(matrix.astype(real, copy=False) @ field)
    columns = np.ascontiguousarray(field).view(real)
    return np.ascontiguousarray(matrix.astype(real, copy=False) @ columns).view(field.dtype)


def sandwiched(left: NDArray, matrix: NDArray, right: NDArray) -> NDArray:
    """left matrix right in the precision of the outer ones, and in real arithmetic if they are real."""
    if np.iscomplexobj(left):
        return np.asarray(left @ matrix.astype(left.dtype) @ right)
    return left @ matrix.real @ right + 1j * (left @ matrix.imag @ right)


def _symmetric_product(first: NDArray, second: NDArray) -> NDArray:
    """first second, of which it is known that it is symmetric: three quarters of the work."""
    half = len(first) // 2
    if half < _LAPACK_ORDER:
        return np.asarray(first @ second)
    product = np.empty_like(first, shape=(len(first), len(first)))
    np.matmul(first[:half], second, out=product[:half])
    product[half:, :half] = product[:half, half:].T
    np.matmul(first[half:], second[:, half:], out=product[half:, half:])
    return product


def symmetric_inverse(matrix: NDArray, height: float = 0.0, out: NDArray | None = None) -> NDArray:
    """Inverse of a complex symmetric matrix.

    Parameters
    ----------
    matrix
        Of complex64 or complex128.
    height
        Least imaginary part of the matrix, as a quadratic form. Rounding may be worth a perturbation of the matrix that
        is small against it.
    out
        Where the inverse is written to; a new matrix if None.
    """
    inverse = np.empty_like(matrix) if out is None else out
    if len(matrix) <= _LAPACK_ORDER:
        inverse[:] = _symmetrised(_lapack_inverse(matrix))
        return inverse
    _inverse_by_halves(matrix, inverse)
    # What rounding adds to the antisymmetric part would grow from slice to slice. Across these blocks there is none.
    half = len(matrix) // 2
    for start, stop in pairwise((0, half // 2, half, half + (len(matrix) - half) // 2, len(matrix))):
        inverse[start:stop, start:stop] = _symmetrised(inverse[start:stop, start:stop])
    # Halves are taken without pivoting: where one has a level next to the energy, digits are lost.
    probe = _probe(matrix)
    if not _perturbation(matrix, probe, inverse @ probe) <= _allowed(matrix, height):
        inverse[:] = _symmetrised(_lapack_inverse(matrix))
    return inverse


def _symmetrised(matrix: NDArray) -> NDArray:
    return np.asarray((matrix + matrix.T) / 2)


def symmetric_inverse_trace(matrix: NDArray, height: float = 0.0) -> complex:
    """Trace of the inverse of a complex symmetric matrix; parameters as in :func:`symmetric_inverse`."""
    if len(matrix) > _LAPACK_ORDER:
        half, probe = len(matrix) // 2, _probe(matrix)
        first, dressed, second = _by_halves(matrix)
        below = second @ (probe[half:] - dressed.T @ probe[:half])
        solution = np.concatenate([first @ probe[:half] - dressed @ below, below])
        if _perturbation(matrix, probe, solution) <= _allowed(matrix, height):
            return complex(np.trace(first) + np.trace(second) + np.sum(_symmetric_product(dressed.T, dressed) * second))
    return complex(np.trace(_lapack_inverse(matrix)))


def _by_halves(matrix: NDArray, inverse: NDArray | None = None) -> tuple[NDArray, NDArray, NDArray]:
    """Inverse of a symmetric matrix's first half, that times the halves' coupling, and the other half's inverse.

    These are written to the diagonal blocks of ``inverse``, if there is one.
    """
    half = len(matrix) // 2
    inverse = np.empty_like(matrix) if inverse is None else inverse
    first, second = inverse[:half, :half], inverse[half:, half:]
    coupling = matrix[:half, half:]
    _inverse_by_halves(matrix[:half, :half], first)
    dressed = first @ coupling
    _inverse_by_halves(matrix[half:, half:] - _symmetric_product(coupling.T, dressed), second)
    return first, dressed, second


def _inverse_by_halves(matrix: NDArray, inverse: NDArray) -> None:
    """Inverse of a symmetric matrix, written to ``inverse``."""
    if len(matrix) <= _LAPACK_ORDER:
        inverse[:] = _lapack_inverse(matrix)
        return
    first, dressed, second = _by_halves(matrix, inverse)
    half = len(first)
    across = inverse[:half, half:]
    np.matmul(dressed, second, out=across)
    first += _symmetric_product(across, dressed.T)
    np.multiply(across, -1, out=across)
    inverse[half:, :half] = across.T


def _lapack_inverse(matrix: NDArray) -> NDArray:
    """Inverse of a symmetric matrix by LAPACK's factors with pivoting; NaN if it has none."""
    factorise, invert = get_lapack_funcs(("getrf", "getri"), (matrix,))
    # The transpose, which is the same matrix, is in Fortran's order.
    factors, pivots, failed = factorise(matrix.T)
    if not failed:
        inverse, failed = invert(factors, pivots, lwork=64 * len(matrix), overwrite_lu=True)
    return np.full_like(matrix, np.nan) if failed else inverse.T


def singular_values(matrix: NDArray, full_matrices: bool = False) -> tuple[NDArray, NDArray, NDArray]:
    """Singular value decomposition; by QR iterations where LAPACK's divide and conquer gives up, as it rarely does."""
    try:
        return tuple(np.linalg.svd(matrix, full_matrices=full_matrices))  # type: ignore[return-value]
    except np.linalg.LinAlgError:
        return tuple(scipy.linalg.svd(matrix, full_matrices=full_matrices, lapack_driver="gesvd"))


def _probe(matrix: NDArray) -> NDArray:
    """A random vector."""
    return np.random.default_rng(0).standard_normal(len(matrix)).astype(matrix.real.dtype)


def _perturbation(matrix: NDArray, probe: NDArray, solution: NDArray) -> float:
    """Size of the perturbation of a matrix with which a rounded solution is exact."""
    return float(np.linalg.norm(matrix @ solution - probe) / np.linalg.norm(solution))


def _allowed(matrix: NDArray, height: float) -> float:
    rounding = float(np.finfo(matrix.dtype).eps) * np.abs(matrix.diagonal()).max()
    return max(_PERTURBATION * height, _ROUNDED * rounding)
