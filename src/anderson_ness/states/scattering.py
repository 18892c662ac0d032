"""Scattering states of the open bar at one energy (Eqs. 2, 3 and 7), and the scattering matrix."""

import numpy as np
from numpy.typing import NDArray

from anderson_ness import _check, _kwant
from anderson_ness.leads import channel_basis
from anderson_ness.model import AndersonBar
from anderson_ness.states.sweep import end_columns


def scattering_states(
    bar: AndersonBar, energy: float, method: str = "sweep"
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Scattering states coming in from the left and from the right lead, on the sample's sites.

    They are normalised to delta functions in energy, {a, a^dag} = delta(E - E'), so that
    ``sum_n phi_n(x) conj(phi_n(y)) = [G^r Gamma G^a](x, y) / (2 pi)`` for each lead, and the sum over both leads is
    the spectral function over 2 pi. Kwant's own wave functions carry unit current: sqrt(2 pi) times these.

    Parameters
    ----------
    bar
        The bar.
    energy
        Real energy E, in units of the sample's hopping.
    method
        "sweep": block recursion over slices; "kwant": Kwant's modes and wave functions. Channels of equal
        transverse energy mix freely, so that single states of the two differ while sums over channels agree.

    Returns
    -------
    left, right : ndarray of shape (n_channels, n_sites), complex
        n_channels is the number of channels open at E; sites are in C order of ``bar.onsite``.
        Unit: (lattice constant)^(-3/2) (hopping)^(-1/2).

    Raises
    ------
    ValueError
        If the energy is not finite or outside every channel of the leads, or the method is unknown.

    Examples
    --------
    >>> from anderson_ness import AndersonBar, scattering_states
    >>> bar = AndersonBar.random(length=4, disorder=16.5, seed=3)
    >>> left, right = scattering_states(bar, energy=0.1)
    >>> left.shape
    (16, 64)
    >>> kwant_left, _ = scattering_states(bar, energy=0.1, method="kwant")
    >>> # Modes may differ by a unitary; sums over channels do not.
    >>> import numpy as np
    >>> bool(np.allclose(left.T @ left.conj(), kwant_left.T @ kwant_left.conj()))
    True
    """
    method = _check.one_of("method", method, ("sweep", "kwant"))
    energy = _check.finite_number("energy", energy)
    channels = require_open_channels(bar, energy)
    if method == "kwant":
        return _kwant.scattering_states(bar.to_kwant(), energy, bar.shape)
    columns = end_columns(bar, energy, channels)
    amplitude = np.sqrt(_linewidth(bar, energy)[channels] / (2 * np.pi))
    return (columns.left * amplitude).T, (columns.right * amplitude).T


def scattering_matrix(bar: AndersonBar, energy: float) -> NDArray[np.complex128]:
    """Scattering matrix between the open channels of both leads, by the Fisher-Lee relation.

    ``S = -1 + i Gamma^(1/2) G^r Gamma^(1/2)`` in the channel basis; unitary, and symmetric by time reversal.

    Parameters
    ----------
    bar
        The bar.
    energy
        Real energy, inside a channel of the leads.

    Returns
    -------
    ndarray of shape (2 n_channels, 2 n_channels)
        Row: outgoing, column: incoming channel; the left lead's channels come first.

    Raises
    ------
    ValueError
        If the energy is not finite or outside every channel of the leads.

    Examples
    --------
    >>> from anderson_ness import AndersonBar, scattering_matrix
    >>> bar = AndersonBar.random(length=4, disorder=16.5, seed=3)
    >>> import numpy as np
    >>> S = scattering_matrix(bar, energy=0.1)
    >>> S.shape
    (32, 32)
    >>> bool(np.allclose(S.conj().T @ S, np.eye(32)))
    True
    """
    energy = _check.finite_number("energy", energy)
    channels = require_open_channels(bar, energy)
    columns = end_columns(bar, energy, channels)
    basis = channel_basis(*bar.shape[1:])[:, channels]
    root = np.sqrt(_linewidth(bar, energy)[channels])
    first, last = slice(None, bar.n_slice), slice(-bar.n_slice, None)
    blocks = [
        [root[:, None] * (basis.T @ side[end]) * root for side in (columns.left, columns.right)]
        for end in (first, last)
    ]
    return 1j * np.block(blocks) - np.eye(2 * root.size)


def transmission(bar: AndersonBar, energy: float = 0.0) -> float:
    """Total transmission Tr t t^dag from the left to the right lead, dimensionless.

    Parameters
    ----------
    bar
        The bar.
    energy
        Real energy; 0 is returned outside every channel of the leads.

    Raises
    ------
    ValueError
        If the energy is not finite.

    Examples
    --------
    >>> from anderson_ness import AndersonBar, scattering_matrix, transmission
    >>> bar = AndersonBar.random(length=4, disorder=16.5, seed=3)
    >>> import numpy as np
    >>> T = transmission(bar, energy=0.1)
    >>> t = scattering_matrix(bar, energy=0.1)[16:, :16]
    >>> bool(np.isclose(T, np.linalg.norm(t) ** 2))
    True
    """
    energy = _check.finite_number("energy", energy)
    if not bar.leads.open_channels(energy, *bar.shape[1:]).any():
        return 0.0
    matrix = scattering_matrix(bar, energy)
    half = len(matrix) // 2
    return float(np.linalg.norm(matrix[half:, :half]) ** 2)


def require_open_channels(bar: AndersonBar, energy: float) -> NDArray[np.bool_]:
    """Mask of the channels open at an energy, or ValueError if there is none."""
    _, ly, lz = bar.shape
    channels = bar.leads.open_channels(energy, ly, lz)
    if not channels.any():
        edges = bar.leads.band_edges(ly, lz)
        raise ValueError(
            f"energy must lie inside a channel of the leads, between {edges[0]:.6g} and {edges[-1]:.6g}, not {energy:g}"
        )
    return channels


def _linewidth(bar: AndersonBar, energy: float) -> NDArray[np.float64]:
    return bar.leads.linewidth(energy, *bar.shape[1:]).real
