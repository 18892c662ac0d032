"""Green function of the open bar by block recursion over slices.

``A(E) = E - H - Sigma_L(E) - Sigma_R(E)`` is block tridiagonal in the slices, with -1 off the diagonal. Eliminating
slices from the far end gives the Green functions ``R_i = (A_ii - R_{i+1})^{-1}`` of slice i with everything beyond
it, and from these every column of ``A^{-1}`` at the near end: ``G_11 = R_1``, ``G_{i+1,1} = R_{i+1} G_{i,1}``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import zgetrf, zgetri

from anderson_ness.leads import channel_basis
from anderson_ness.model import AndersonBar

# Columns are solved again for their residual when that exceeds this share of the source. Random combinations of
# columns tell, at a small part of the cost of the residual of all.
_RESIDUAL_LIMIT = 1e-12
_BACKWARD_ERROR_LIMIT = 1e-13
_MAX_REFINEMENTS = 3
_PROBES = 4


@dataclass(frozen=True)
class EndColumns:
    """Columns of the Green function on the two end slices' channels, at one energy.

    ``left`` and ``right`` are G^r U, shape (n_sites, n_slice), with U the channel basis on the first and on the last
    slice; both have all channels, open and closed.
    """

    left: NDArray[np.complex128]
    right: NDArray[np.complex128]


def end_columns(bar: AndersonBar, energy: complex, channels: NDArray[np.bool_] | None = None) -> EndColumns:
    """Solve A(E) X = U on the first slice and on the last slice.

    Parameters
    ----------
    bar
        The bar.
    energy
        Real (taken as E + i0) or complex energy, in units of the hopping.
    channels
        Mask of the channels wanted, shape (n_slice,); None: all.

    Returns
    -------
    EndColumns

    Raises
    ------
    ZeroDivisionError
        If the energy is, to rounding, that of a bound state.
    """
    _, ly, lz = bar.shape
    basis = channel_basis(ly, lz)
    self_energy = basis * bar.leads.self_energy(energy, ly, lz) @ basis.T
    source = (basis if channels is None else basis[:, channels]).astype(complex)
    onsite = bar.onsite.reshape(bar.shape[0], -1)
    hopping = bar.transverse_hopping()
    left = _near_end_columns(onsite, hopping, self_energy, energy, source)
    right = _near_end_columns(onsite[::-1], hopping, self_energy, energy, source)[::-1]
    flat = (bar.n_sites, source.shape[1])
    return EndColumns(left.reshape(flat), right.reshape(flat))


def _near_end_columns(
    onsite: NDArray[np.float64],
    hopping: NDArray[np.float64],
    self_energy: NDArray[np.complex128],
    energy: complex,
    source: NDArray[np.complex128],
) -> NDArray[np.complex128]:
    """Columns of A^{-1} for a source on the first slice, shape (Lx, n_slice, n_columns)."""
    try:
        beyond = far_end_green_functions(onsite, hopping, self_energy, energy)
    except ZeroDivisionError:
        return _pivoted_columns(onsite, hopping, self_energy, energy, source)
    columns = np.empty((len(onsite), *source.shape), dtype=complex)
    _propagate(beyond, source, columns)
    probes = np.random.default_rng(0).standard_normal((source.shape[1], _PROBES))
    for _ in range(_MAX_REFINEMENTS):
        probed = _residual(onsite, hopping, self_energy, energy, source @ probes, columns @ probes)
        error = np.linalg.norm(probed) / np.linalg.norm(source @ probes)
        if error <= _RESIDUAL_LIMIT:
            return columns
        columns += _solve(beyond, _residual(onsite, hopping, self_energy, energy, source, columns))
    # Near a narrow resonance the residual of large columns is large. Otherwise a slice alone with all beyond it has
    # a bound state near this energy (clean bars at simple energies do), where only pivoting across slices helps.
    probed = _residual(onsite, hopping, self_energy, energy, source @ probes, columns @ probes)
    norm = sum(np.abs(part).max() for part in (onsite - energy, 4 * hopping, 2 * self_energy)) + 2
    if np.linalg.norm(probed) <= _BACKWARD_ERROR_LIMIT * norm * np.linalg.norm(columns @ probes):
        return columns
    return _pivoted_columns(onsite, hopping, self_energy, energy, source)


def _pivoted_columns(
    onsite: NDArray[np.float64],
    hopping: NDArray[np.float64],
    self_energy: NDArray[np.complex128],
    energy: complex,
    source: NDArray[np.complex128],
) -> NDArray[np.complex128]:
    """The same columns by LU factors of the whole sparse matrix, slower and safe for every regular matrix."""
    import scipy.sparse as sp
    from scipy.sparse.linalg import splu

    length, n_slice = onsite.shape
    blocks = [sp.csc_array(np.diag(energy - slice_onsite) - hopping) for slice_onsite in onsite]
    for end in (0, -1):
        blocks[end] = blocks[end] - self_energy
    ones = np.ones((length - 1) * n_slice)
    matrix = sp.block_diag([sp.csc_array(block) for block in blocks])
    if length > 1:
        matrix = matrix - sp.diags_array([ones, ones], offsets=[-n_slice, n_slice])
    rhs = np.zeros((length * n_slice, source.shape[1]), dtype=complex)
    rhs[:n_slice] = source
    try:
        columns = splu(sp.csc_array(matrix)).solve(rhs)
    except RuntimeError:
        columns = np.full_like(rhs, np.nan)
    if not np.all(np.isfinite(columns)):
        raise ZeroDivisionError(f"no Green function at energy {energy}: a bound state lies there")
    return columns.reshape(length, n_slice, -1)


def far_end_green_functions(
    onsite: NDArray[np.float64],
    hopping: NDArray[np.float64],
    self_energy: NDArray[np.complex128],
    energy: complex,
    first: int = 0,
) -> NDArray[np.complex128]:
    """Green functions R_i of slice i with all beyond it, for every slice i >= ``first``.

    Returns
    -------
    ndarray of shape (Lx, n_slice, n_slice)
        Zero for slices before ``first``.

    Raises
    ------
    ZeroDivisionError
        If a slice with all beyond it has a bound state at this energy.
    """
    length, n_slice = onsite.shape
    beyond = np.zeros((length, n_slice, n_slice), dtype=complex)
    diagonal = np.arange(n_slice)
    for i in reversed(range(first, length)):
        # Fortran order lets LAPACK factor and invert in place; every block is symmetric, so no transpose shows.
        block = np.array(-hopping, dtype=complex, order="F")
        block[diagonal, diagonal] += energy - onsite[i]
        if i == length - 1:
            block -= self_energy
        else:
            block -= beyond[i + 1]
        if i == 0:
            block -= self_energy
        beyond[i] = _inverse(block, energy)
    return beyond


def _inverse(block: NDArray[np.complex128], energy: complex) -> NDArray[np.complex128]:
    factors, pivots, failed = zgetrf(block, overwrite_a=True)
    if not failed:
        inverse, failed = zgetri(factors, pivots, lwork=64 * len(block), overwrite_lu=True)
    if failed:
        raise ZeroDivisionError(f"a slice with all beyond it has a bound state at energy {energy}")
    return inverse


def _propagate(beyond: NDArray[np.complex128], source: NDArray[np.complex128], columns: NDArray[np.complex128]) -> None:
    np.matmul(beyond[0], source, out=columns[0])
    for i in range(1, len(beyond)):
        np.matmul(beyond[i], columns[i - 1], out=columns[i])


def _solve(beyond: NDArray[np.complex128], rhs: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Solve A X = rhs for a source on all slices, from the far end's Green functions."""
    eliminated = rhs.copy()
    for i in reversed(range(len(rhs) - 1)):
        eliminated[i] += beyond[i + 1] @ eliminated[i + 1]
    solution = np.empty_like(rhs)
    solution[0] = beyond[0] @ eliminated[0]
    for i in range(1, len(rhs)):
        solution[i] = beyond[i] @ (eliminated[i] + solution[i - 1])
    return solution


def _residual(
    onsite: NDArray[np.float64],
    hopping: NDArray[np.float64],
    self_energy: NDArray[np.complex128],
    energy: complex,
    source: NDArray,
    columns: NDArray,
) -> NDArray[np.complex128]:
    """source - A columns, with the source on the first slice."""
    residual = (onsite - energy)[:, :, None] * columns
    residual += hopping @ columns
    residual[1:] += columns[:-1]
    residual[:-1] += columns[1:]
    residual[0] += source + self_energy @ columns[0]
    residual[-1] += self_energy @ columns[-1]
    return residual
