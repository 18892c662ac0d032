"""Clean semi-infinite leads, solved in closed form.

A lead has the bar's cross-section, hopping ``t_parallel`` along the current and ``t_perp`` across it. It is
translation invariant across, so its channels are the transverse standing waves of :func:`channel_basis`, each an
independent chain with dispersion ``E = eps_k + 2 t_parallel cos k_parallel``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anderson_ness import _check

# How near to 1 a channel's reduced energy counts as its band edge: a few roundings.
_EDGE = 4 * np.finfo(float).eps


def ring_energies(hopping: float, length: int) -> NDArray[np.floating]:
    """Band energies of a ring of ``length`` sites, in the order of :func:`ring_basis`.

    Every pair of neighbours is bound once and no site is its own neighbour. A ring of one site therefore has no
    bond (energy 0) and a ring of two sites a single one (energies +hopping and -hopping), just as Kwant builds
    them when hoppings are set pair by pair; from three sites on it is ``2 hopping cos(2 pi m / length)``.
    """
    bonds = min(length - 1, 2)
    wave_numbers = 2 * np.pi / length * np.arange(length, dtype=float)
    return np.asarray(bonds * hopping * np.cos(wave_numbers), dtype=float)


def ring_basis(length: int) -> NDArray[np.float64]:
    """Real orthonormal eigenvectors of a uniform ring, one a column (the Hartley basis cos + sin).

    Waves k and -k are degenerate, so their real combinations serve as well as plane waves and keep arithmetic real.
    """
    phase = 2 * np.pi * np.outer(np.arange(length), np.arange(length)) / length
    return (np.cos(phase) + np.sin(phase)) / np.sqrt(length)


def channel_basis(width: int, height: int) -> NDArray[np.floating]:
    """Transverse channels of a ``width`` x ``height`` cross-section.

    Returns
    -------
    ndarray of shape (width * height, width * height)
        Real orthogonal; column n is channel n on the slice's sites in C order.
    """
    return np.kron(ring_basis(width), ring_basis(height))


@dataclass(frozen=True)
class Leads:
    """Two equal, clean, semi-infinite leads.

    Parameters
    ----------
    t_parallel, t_perp
        Hopping along and across the lead, in units of the sample's hopping. The paper's numerics use 3 and 1.
        ``t_parallel`` must not be 0.
    t_contact
        Hopping between an end slice of the sample and its lead, not 0. ``None``: ``t_parallel``, as Kwant's
        ``attach_lead`` makes it.

    Raises
    ------
    ValueError
        If a hopping is not a finite number, or ``t_parallel`` or ``t_contact`` is 0.

    Examples
    --------
    >>> from anderson_ness import Leads
    >>> leads = Leads(t_parallel=3.0, t_perp=1.0)
    >>> leads.contact
    3.0
    >>> int(leads.open_channels(0.1, 4, 4).sum())
    16
    >>> round(float(leads.linewidth(0.1, 1, 1)[0].real), 3)
    5.999
    """

    t_parallel: float = 3.0
    t_perp: float = 1.0
    t_contact: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "t_parallel", _check.nonzero_number("t_parallel", self.t_parallel))
        object.__setattr__(self, "t_perp", _check.finite_number("t_perp", self.t_perp))
        if self.t_contact is not None:
            object.__setattr__(self, "t_contact", _check.nonzero_number("t_contact", self.t_contact))

    @property
    def contact(self) -> float:
        """The contact's hopping, resolved to a number."""
        return self.t_parallel if self.t_contact is None else self.t_contact

    def channel_energies(self, width: int, height: int) -> NDArray[np.float64]:
        """Transverse energies eps_k, shape (width * height,), in the order of :func:`channel_basis`."""
        across = ring_energies(self.t_perp, width)[:, None] + ring_energies(self.t_perp, height)[None, :]
        return across.ravel()

    def band_edges(self, width: int, height: int) -> NDArray[np.float64]:
        """Energies at which a channel opens or closes, sorted, each once (up to rounding)."""
        eps = self.channel_energies(width, height)
        edges = np.sort(np.concatenate([eps - 2 * abs(self.t_parallel), eps + 2 * abs(self.t_parallel)]))
        apart = np.diff(edges, prepend=-np.inf) > 1e-9
        return edges[apart]

    def open_channels(self, energy: float, width: int, height: int) -> NDArray[np.bool_]:
        """Which channels propagate at a real energy, boolean, shape (width * height,)."""
        return np.abs(self._reduced(energy, width, height).real) < 1

    def dispersion(self, momentum: ArrayLike, width: int, height: int) -> NDArray[np.float64]:
        """Bands E = eps_k + 2 t_parallel cos(k_parallel).

        Parameters
        ----------
        momentum
            k_parallel in inverse lattice constants, any shape.

        Returns
        -------
        ndarray of shape momentum.shape + (width * height,)
        """
        along = 2 * self.t_parallel * np.cos(np.asarray(momentum, dtype=float))
        return along[..., None] + self.channel_energies(width, height)

    def self_energy(self, energy: ArrayLike, width: int, height: int) -> NDArray[np.complex128]:
        """Retarded self-energy of one lead on its end slice, channel by channel.

        ``Sigma_k(E) = t_contact^2 (z - i sqrt(1 - z^2)) / |t_parallel|`` with ``z = (E - eps_k) / (2 |t_parallel|)``.
        A real energy means E + i0, so that closed channels decay. For Im E < 0 the value is the analytic
        continuation through the real axis, where the poles of the retarded Green function lie.

        Returns
        -------
        ndarray of shape energy.shape + (width * height,), in units of the sample's hopping
        """
        z = self._reduced(energy, width, height)
        return self.contact**2 / abs(self.t_parallel) * _bloch_factor(z)

    def self_energy_derivative(self, energy: ArrayLike, width: int, height: int) -> NDArray[np.complex128]:
        """Energy derivative of :meth:`self_energy`, dimensionless, of the same shape.

        It diverges at a channel's band edge.
        """
        z = self._reduced(energy, width, height)
        return self.contact**2 / (2 * self.t_parallel**2) * 1j * _bloch_factor(z) / _branch_root(z)

    def linewidth(self, energy: ArrayLike, width: int, height: int) -> NDArray[np.complex128]:
        """Linewidth Gamma_k = i (Sigma_k - conj(Sigma_k)) of one lead, of the shape of :meth:`self_energy`.

        Real and >= 0 at real energies, 0 for closed channels; at complex energies its analytic continuation from the
        real axis, ``2 t_contact^2 sqrt(1 - z^2) / |t_parallel|`` in a channel's band and 0 beyond.
        """
        z = self._reduced(energy, width, height)
        gamma = 2 * self.contact**2 / abs(self.t_parallel) * _branch_root(z)
        gamma[np.abs(z.real) >= 1] = 0
        return gamma

    def _reduced(self, energy: ArrayLike, width: int, height: int) -> NDArray[np.complex128]:
        """z, with a channel whose edge lies at the energy (to rounding) put outside its band.

        Exactly at its edge a uniform chain has no Green function, and rounding would open the channel by chance.
        """
        eps = self.channel_energies(width, height)
        z: NDArray = np.asarray(energy, dtype=complex)[..., None] - eps
        z /= 2 * abs(self.t_parallel)
        reach = np.broadcast_to(_EDGE * (1 + np.abs(eps) / abs(self.t_parallel)), z.shape)
        at_edge = (z.imag == 0) & (np.abs(np.abs(z.real) - 1) < reach)
        return np.where(at_edge, np.sign(z.real) * (1 + reach), z)


def _bloch_factor(z: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """w = z - i sqrt(1 - z^2), as 1 / (z + i sqrt(1 - z^2)) where the difference would cancel."""
    root = 1j * _branch_root(z)
    cancels = np.abs(z - root) < 0.5
    return np.where(cancels, 1 / np.where(cancels, z + root, 1), z - root)


def _branch_root(z: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """sqrt(1 - z^2), right above the real axis and continued through it, with cuts straight down from z = -1 and 1.

    In the band that is the principal root. Beyond, the principal root has its cut on the axis, and would turn the
    decaying wave of a closed channel into the growing one below it.
    """
    root = np.sqrt(1 - z * z)
    closed = np.abs(z.real) > 1
    root[closed] = -1j * np.sign(z.real[closed]) * np.sqrt(z[closed] ** 2 - 1)
    return root
