"""The diffusion problem of the coherence field in a bar with absorbing leads and periodic sides (supplement S1).

``(-i w - div D grad) Y(x, x') = delta(x - x')`` on sites, with Y = 0 a distance ``extrapolation`` beyond the ends of
the bar, slice i at i + 1/2 (S5, with the sign that makes Y positive). Two ways: `propagator`, sparse finite differences
for any D, also one that depends on the distance from the source (S9); and for constant D `modes`, closed in the
eigenmodes of the bar.

**From Y to the field.** With D = 1, n the profile from +1 to -1 and rho the density of states per site, the disorder
average of ``q_{E + w/2}(x, y) conj q_{E - w/2}(x, y)``, beyond a mean free path, is

    rho/(pi D) Re { (grad n)^2 sum_r Y_w(x, r) conj Y_w(y, r) + [n(x)^2 + n(y)^2]/2 Y_w(x, y) },   w in units of D.

Two sum rules fix it. Where both leads are filled alike (n = 1), q is the spectral function over 2 pi, whose mean square
is rho Y/(pi D). And integrated over w the second term is local and the first must be the coherence that the bulk
produces from the local density at the rate 2 D (grad n)^2, which then spreads from both of its ends: that of the
boundary-driven random circuit (Bernard and Jin, PRL 123, 080601 (2019)). In modes u_a with eigenvalues L_a

    rho/(pi D) sum_a u_a(x) u_a(y) K(L_a) {(grad n)^2/L_a + [n(x)^2 + n(y)^2]/2},

where the kernel K says at which energies: `at_difference`, or in a whole window `in_window`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anderson_ness.theory.scaling import bias_crossover

Kernel = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def propagator(
    shape: Sequence[int],
    source: Sequence[int],
    extrapolation: float,
    frequency: float = 0.0,
    diffusion: Callable[[NDArray[np.float64]], ArrayLike] | None = None,
) -> NDArray:
    """Response Y(x, x') to a source on one site, by sparse finite differences.

    Parameters
    ----------
    shape
        Lengths (Lx, Ly, Lz); the leads are at the ends of the first.
    source
        Site x' = (x1, x2, x3).
    extrapolation
        Distance beyond either end of the bar where Y vanishes, > -1/2.
    frequency
        w.
    diffusion
        D as a function of the distance from the source, taken at the middle of each bond (S9); None: 1.

    Returns
    -------
    ndarray of the given shape
        Complex; real at w = 0. The sum over sites of -i w Y, plus what flows into the leads, is 1.

    Raises
    ------
    ValueError
        If the source lies outside, or the extrapolation length is too short.

    Examples
    --------
    >>> from anderson_ness.theory.diffuson import propagator
    >>> response = propagator((8, 4, 4), source=(2, 1, 1), extrapolation=0.7)
    >>> response.shape, bool(response.argmax() == 2 * 16 + 4 + 1)
    ((8, 4, 4), True)
    >>> # All that the source emits flows into the leads, three tenths of it to the far one.
    >>> leaving = response[[0, -1]].sum(axis=(1, 2)) / (0.7 + 0.5)
    >>> leaving.round(3)
    array([0.66, 0.34])
    """
    import scipy.sparse as sp
    from scipy.sparse.linalg import splu

    lengths, place = tuple(shape), tuple(source)
    if len(lengths) != 3 or len(place) != 3 or not all(0 <= x < n for x, n in zip(place, lengths, strict=True)):
        raise ValueError(f"source must be a site of a bar of shape {lengths}, not {place}")
    ends = 1 / _beyond(extrapolation)
    sites = np.arange(np.prod(lengths)).reshape(lengths)
    D = diffusion if diffusion is not None else np.ones_like
    rows, columns, entries = [], [], []
    for axis in range(3):
        for first, second in _bonds(sites, axis):
            weight = np.asarray(D(_distance(first, place, lengths, axis)), dtype=float)
            rows += [first, second, first, second]
            columns += [first, second, second, first]
            entries += [weight, weight, -weight, -weight]
    for end in (0, -1):
        last = sites[end].ravel()
        rows.append(last)
        columns.append(last)
        entries.append(np.asarray(D(_distance(last, place, lengths, None)), dtype=float) * ends)
    positions = (np.concatenate(rows), np.concatenate(columns))
    matrix = sp.csc_array((np.concatenate(entries), positions), shape=(sites.size, sites.size))
    rhs = np.zeros(sites.size)
    rhs[sites[place]] = 1
    shifted = matrix - 1j * frequency * sp.eye_array(sites.size) if frequency else matrix
    factors = splu(sp.csc_array(shifted), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    return np.asarray(factors.solve(rhs.astype(shifted.dtype))).reshape(lengths)


def modes(length: int, extrapolation: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues and orthonormal eigenvectors (columns) of -d^2/dx^2 along the bar, ascending; D = 1.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.diffuson import modes
    >>> values, vectors = modes(20, extrapolation=0.7)
    >>> # The slowest mode is a half wave between the points where the response vanishes.
    >>> round(float(values[0] * (20 + 2 * 0.7) ** 2 / np.pi**2), 2)
    1.0
    """
    matrix = 2 * np.eye(length) - np.eye(length, k=1) - np.eye(length, k=-1)
    # One bond to the next slice, and a longer or shorter one to where the response vanishes.
    matrix[[0, -1], [0, -1]] += 1 / _beyond(extrapolation) - 1
    values, vectors = np.linalg.eigh(matrix)
    return values.astype(float), vectors.astype(float)


def propagator_by_modes(
    length: int, width: int, extrapolation: float, frequency: float = 0.0
) -> NDArray[np.complex128]:
    """The same response for D = 1 and every source, by eigenmodes along the bar and plane waves across.

    Returns
    -------
    ndarray of shape (length, length, width, width)
        At (i, j, d2, d3): from a source in slice i to slice j, displaced by (d2, d3).

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.diffuson import propagator, propagator_by_modes
    >>> everywhere = propagator_by_modes(6, 4, extrapolation=0.7)
    >>> one = propagator((6, 4, 4), source=(2, 0, 0), extrapolation=0.7)
    >>> bool(np.allclose(everywhere[2], one))
    True
    """
    values, vectors = modes(length, extrapolation)
    eigenvalues = values + _across(width)[..., None]
    waves = np.einsum("ia,ja,kla->ijkl", vectors, vectors, 1 / (eigenvalues - 1j * frequency), optimize=True)
    return np.fft.ifft2(waves)


def profile(length: int, extrapolation: float) -> NDArray[np.float64]:
    """Steady profile n on the slices: straight, +1 and -1 where the response vanishes, shape (length,).

    Examples
    --------
    >>> from anderson_ness.theory.diffuson import profile
    >>> profile(4, extrapolation=0.0)
    array([ 0.75,  0.25, -0.25, -0.75])
    """
    beyond = _beyond(extrapolation)
    place = np.arange(length, dtype=float) + beyond
    return np.asarray(1 - 2 * place / (length + 2 * beyond - 1))


def at_difference(difference: float) -> Kernel:
    """Kernel of the energy difference w: ``L/(L^2 + w^2)``; at w = 0 the field |q_E|^2 itself.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.diffuson import at_difference
    >>> kernel = at_difference(2.0)
    >>> kernel(np.array([1.0, 2.0, 4.0]))
    array([0.2 , 0.25, 0.2 ])
    """
    return lambda value: value / (value**2 + difference**2)


def in_window(bias: float) -> Kernel:
    """Kernel of a window: ``int (b - |w|) L/(L^2 + w^2) dw`` over |w| < b, the bias in units of D.

    With it ``rho D/(4 pi)`` times the sum over modes is the average of |G^d_xy|^2 (n^d = 1/2 in the window).

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.diffuson import in_window
    >>> # Modes that decay much more slowly than the window is wide count fully: pi times the bias.
    >>> (in_window(100.0)(np.array([1e-3, 1e2])) / (100 * np.pi)).round(2)
    array([1.  , 0.28])
    """
    return lambda value: np.array([bias_crossover(bias, one) / one for one in value.ravel()]).reshape(value.shape)


def coherence_field(length: int, width: int, extrapolation: float, kernel: Kernel) -> NDArray[np.float64]:
    """The diffusive coherence field between all sites, in units of rho/(pi D) (of rho D/(4 pi) for a window).

    It holds beyond a mean free path: not at x = y, where the local field is larger.

    Parameters
    ----------
    length, width
        Length of the bar, and edge of its cross-section.
    extrapolation
        As for `propagator`.
    kernel
        `at_difference` or `in_window`.

    Returns
    -------
    ndarray of shape (length, length, width, width)
        At (i, j, d2, d3): x in slice i, y in slice j, displaced by (d2, d3).

    Examples
    --------
    >>> from anderson_ness.theory.diffuson import at_difference, coherence_field
    >>> field = coherence_field(8, 4, extrapolation=0.7, kernel=at_difference(0.0))
    >>> field.shape
    (8, 8, 4, 4)
    >>> # It is symmetric, and falls with the distance across the bar.
    >>> float(abs(field[2, 5] - field[5, 2]).max()) < 1e-12, bool(field[3, 3, 0, 1] > field[3, 3, 0, 2])
    (True, True)
    """
    values, vectors = modes(length, extrapolation)
    eigenvalues = values + _across(width)[..., None]
    weight = kernel(eigenvalues)
    n = profile(length, extrapolation)
    slope = (2 / (length + 2 * _beyond(extrapolation) - 1)) ** 2
    produced = np.einsum("ia,ja,kla->ijkl", vectors, vectors, slope * weight / eigenvalues, optimize=True)
    local = np.einsum("ia,ja,kla->ijkl", vectors, vectors, weight, optimize=True)
    squares = (n[:, None] ** 2 + n**2) / 2
    return np.fft.ifft2(produced + squares[..., None, None] * local).real


def between_halves(length: int, extrapolation: float, kernel: Kernel, local: bool = True) -> float:
    """Sum of the `coherence_field` over x left and y right of the middle, for each site of the cross-section.

    Only the mode that is uniform across counts. In a long bar of length L: L^3/96 at one energy and pi b L/16 in a wide
    window of bias b. Without the ``local`` part it is what the gradient produces alone, L^3/128 at one energy.

    Examples
    --------
    >>> from anderson_ness.theory.diffuson import at_difference, between_halves
    >>> round(between_halves(200, extrapolation=0.0, kernel=at_difference(0.0)) * 96 / 200**3, 2)
    1.0
    """
    values, vectors = modes(length, extrapolation)
    weight = kernel(values)
    n = profile(length, extrapolation)
    slope = (2 / (length + 2 * _beyond(extrapolation) - 1)) ** 2
    half = length // 2
    field = (vectors * (slope * weight / values)) @ vectors.T
    if local:
        field += (n[:, None] ** 2 + n**2) / 2 * ((vectors * weight) @ vectors.T)
    return float(field[:half, half:].sum())


def diffusion_constant(
    length: float, density_of_states: float, transmission: float, extrapolation: float = 0.0
) -> float:
    """D of a cube from Ohm's law, ``T = 2 pi rho D L0^2/(L0 + 2 extrapolation)``, in (lattice constant)^2 hopping.

    Examples
    --------
    >>> from anderson_ness.theory.diffuson import diffusion_constant
    >>> round(diffusion_constant(12, density_of_states=0.085, transmission=8.0, extrapolation=0.5), 3)
    1.352
    """
    return transmission * (length + 2 * extrapolation) / (2 * np.pi * density_of_states * length**2)


def halves_coherence(
    bias: ArrayLike,
    length: ArrayLike,
    density_of_states: float,
    transmission: ArrayLike,
    extrapolation: float,
    local: bool = True,
) -> NDArray[np.float64]:
    """C_d of the halves of a diffusive cube at any bias, ends and local part included, without a free parameter.

    `energy_window.diffusive_coherence` is what is left of it in a long bar without the local part.

    Parameters
    ----------
    bias, length, transmission
        Bias, edge of the cube and mean transmission; broadcast against each other.
    density_of_states
        Density of states rho at the window's centre, per site and unit of energy.
    extrapolation
        Distance beyond either end of the bar where the density is that of the lead, > -1/2.
    local
        Whether to count the local part besides what the gradient produces.

    Returns
    -------
    ndarray
        Dimensionless.

    Raises
    ------
    ValueError
        If the density of states or a transmission is not positive, or the extrapolation length too short.

    Examples
    --------
    >>> from anderson_ness.theory.diffuson import halves_coherence
    >>> wide, narrow = halves_coherence([1e3, 1e-3], 20, density_of_states=0.085, transmission=6.0, extrapolation=0.0)
    >>> # rho bias L0^3/32 in a wide window, rho bias^2 L0^5/192 pi D in a narrow one; D is half a lattice constant^2.
    >>> round(float(wide / (0.085 * 1e3 * 20**3 / 32)), 2)
    1.0
    >>> D = 6.0 / (2 * 3.14159 * 0.085 * 20)
    >>> round(float(narrow / (0.085 * 1e-6 * 20**5 / (192 * 3.14159 * D))), 2)
    1.0
    """
    biases, lengths, transmissions = np.broadcast_arrays(*(np.asarray(one) for one in (bias, length, transmission)))
    if not (density_of_states > 0 and np.all(transmissions > 0)):
        raise ValueError("density_of_states and transmission must be positive")
    found = np.empty(biases.shape)
    for place in np.ndindex(biases.shape):
        edge = int(lengths[place])
        D = diffusion_constant(edge, density_of_states, float(transmissions[place]), extrapolation)
        sums = between_halves(edge, extrapolation, in_window(float(biases[place]) / D), local)
        # Twice for the order of the halves, the sites of a slice, and the field's unit rho D/4 pi.
        found[place] = 2 * edge**2 * density_of_states * D / (4 * np.pi) * sums
    return found


def _beyond(extrapolation: float) -> float:
    """Distance from the middle of an end slice to where the response vanishes."""
    if not -0.5 < extrapolation < np.inf:
        raise ValueError(f"extrapolation must be a finite number > -1/2, not {extrapolation!r}")
    return extrapolation + 0.5


def _across(width: int) -> NDArray[np.float64]:
    """Eigenvalues of the Laplacian across the bar, shape (width, width); a ring of one site has no bond, of two one."""
    bonds = min(width - 1, 2)
    along = bonds * (1 - np.cos(2 * np.pi * np.arange(width) / width))
    return along[:, None] + along


def _bonds(sites: NDArray[np.intp], axis: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Pairs of neighbours along an axis: open along the first, closed to rings along the others."""
    along = np.moveaxis(sites, axis, 0)
    pairs = list(pairwise(along))
    if axis > 0 and len(along) > 2:
        pairs.append((along[-1], along[0]))
    return [(first.ravel(), second.ravel()) for first, second in pairs]


def _distance(
    sites: NDArray[np.intp], source: Sequence[int], shape: Sequence[int], axis: int | None
) -> NDArray[np.float64]:
    """Distances from the source, around the rings, of sites or of the middles of the bonds that start there."""
    apart = np.array(np.unravel_index(sites, shape), dtype=float) - np.array(source, dtype=float)[:, None]
    if axis is not None:
        apart[axis] += 0.5
    for ring in (1, 2):
        around = np.abs(apart[ring]) % shape[ring]
        apart[ring] = np.minimum(around, shape[ring] - around)
    return np.sqrt((apart**2).sum(axis=0))
