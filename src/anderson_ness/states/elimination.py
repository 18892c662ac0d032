"""The open bar's operator A(E) = E - H - Sigma_L(E) - Sigma_R(E), and its factorisation at one complex energy.

Fields over the bar have shape (Lx, n_slice, n_columns).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from anderson_ness.leads import channel_basis
from anderson_ness.model import AndersonBar

# Below this order a block is inverted by LAPACK; above, by halves, which is all matrix products and
# uses the blocks' symmetry (half the time of LAPACK's inverse at order 400).
_LAPACK_ORDER = 96
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
        return (self.basis * self.self_energy(energy)) @ self.basis.T

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
        end = open_bar.end_self_energy(energy)
        for x, sources in self._order():
            block = -open_bar.hopping.astype(self.dtype)
            block[np.diag_indices(open_bar.n_slice)] += (energy - open_bar.onsite[x]).astype(self.dtype)
            for border in (0, length - 1):
                if x == border:
                    block -= end.astype(self.dtype)
            for source in sources:
                block -= self.green[source]
            self.green[x] = symmetric_inverse(block, energy.imag)
        if not np.isfinite(self.green[self.middle]).all():
            raise np.linalg.LinAlgError(f"a block of the bar is singular in {self.dtype.name}")

    def _order(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Slices in the order of elimination, with the eliminated neighbours of each."""
        last = self.open_bar.length - 1
        for x in range(self.middle):
            yield x, (x - 1,) if x > 0 else ()
        for x in range(last, self.middle, -1):
            yield x, (x + 1,) if x < last else ()
        yield self.middle, tuple(x for x in (self.middle - 1, self.middle + 1) if 0 <= x <= last)

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

    def solve_from_end(
        self, end: int, source: NDArray, n_far: int, everywhere: bool = False
    ) -> tuple[NDArray, NDArray]:
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
        first_near = 0 if everywhere else n_far
        near, far = {middle: at_middle[:, first_near:]}, {middle: at_middle[:, :n_far]}
        previous = near[middle]
        for x in reversed(towards):
            previous = near[x] = fields[x][:, first_near:] + green[x] @ previous
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

    def slice_traces(self) -> NDArray[np.complex128]:
        """Trace of the Green function A(z)^{-1} over each slice, shape (Lx,)."""
        green, middle, last = self.green, self.middle, self.open_bar.length - 1
        traces = np.empty(last + 1, dtype=complex)
        traces[middle] = np.trace(green[middle])
        for part in (range(middle - 1, -1, -1), range(middle + 1, last + 1)):
            diagonal = green[middle]
            for x in part:
                dressed = green[x] @ diagonal
                # The last slice of a chain needs its trace only, not the matrix.
                if x in (0, last):
                    traces[x] = np.trace(green[x]) + np.vdot(green[x].conj(), dressed.T)
                else:
                    diagonal = green[x] + dressed @ green[x]
                    traces[x] = np.trace(diagonal)
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


def symmetric_inverse(matrix: NDArray, height: float = 0.0) -> NDArray:
    """Inverse of a complex symmetric matrix.

    Parameters
    ----------
    matrix
        Of complex64 or complex128.
    height
        Least imaginary part of the matrix, as a quadratic form. Rounding may be worth a perturbation of the matrix that
        is small against it.
    """
    order = len(matrix)
    if order <= _LAPACK_ORDER:
        return np.linalg.inv(matrix)
    half = order // 2
    first = symmetric_inverse(matrix[:half, :half], height)
    coupling = matrix[:half, half:]
    dressed = first @ coupling
    second = symmetric_inverse(matrix[half:, half:] - coupling.T @ dressed, height)
    across = dressed @ second
    inverse = np.empty_like(matrix)
    inverse[:half, :half] = first + across @ dressed.T
    inverse[:half, half:] = -across
    inverse[half:, :half] = -across.T
    inverse[half:, half:] = second
    # Halves are taken without pivoting: where one has a level next to the energy, digits are lost.
    return inverse if _perturbation(matrix, inverse) <= _allowed(matrix, height) else np.linalg.inv(matrix)


def singular_values(matrix: NDArray, full_matrices: bool = False) -> tuple[NDArray, NDArray, NDArray]:
    """Singular value decomposition; by QR iterations where LAPACK's divide and conquer gives up, as it rarely does."""
    try:
        return tuple(np.linalg.svd(matrix, full_matrices=full_matrices))  # type: ignore[return-value]
    except np.linalg.LinAlgError:
        return tuple(scipy.linalg.svd(matrix, full_matrices=full_matrices, lapack_driver="gesvd"))


def _perturbation(matrix: NDArray, inverse: NDArray) -> float:
    """Size of the perturbation of a matrix of which a rounded inverse is the exact one, seen by one vector."""
    probe = np.random.default_rng(0).standard_normal(len(matrix)).astype(matrix.real.dtype)
    solution = inverse @ probe
    return float(np.linalg.norm(matrix @ solution - probe) / np.linalg.norm(solution))


def _allowed(matrix: NDArray, height: float) -> float:
    rounding = float(np.finfo(matrix.dtype).eps) * np.abs(matrix.diagonal()).max()
    return max(_PERTURBATION * height, _ROUNDED * rounding)
