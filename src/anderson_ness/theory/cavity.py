"""A closed sample between two weakly transmitting mirrors: the paper's model of a localized state (Supplement S2).

Two semi-infinite chains of unit hopping, on sites x <= 0 and x >= L0 + 1, are coupled by t_L and t_R to the ends of a
sample 1, ..., L0 that is known by its eigenpairs (w_n, phi^n). Energies are E = 2 cos k with 0 < k < pi.

With hopping +1 the wave that leaves to the left is e^{ikx}. The paper writes it as e^{-ikx}, so that its S22 to S27 are
the complex conjugates of what is here; no probability and no current's size depends on that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh_tridiagonal

LEADS = ("left", "right")


class Amplitudes(NamedTuple):
    """A state that comes in with unit amplitude, and phase 0 on the end site of its lead (0 or L0 + 1).

    ``left`` and ``right`` are psi_0 and psi_{L0+1}, of the shape of the energies; ``modes`` are the psi_n of the
    sample's eigenstates, one axis more.

    Examples
    --------
    >>> from anderson_ness.theory.cavity import Cavity
    >>> states = Cavity.fabry_perot(4, 0.5, 0.5, 0.9).amplitudes([0.1, 0.2])
    >>> states.modes.shape
    (2, 4)
    """

    left: NDArray[np.complex128]
    right: NDArray[np.complex128]
    modes: NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Cavity:
    """A sample given by its spectrum, between two chains of unit hopping (Eq. S16).

    Parameters
    ----------
    levels
        Energies w_n of the closed sample, distinct, shape (n,), in units of the leads' hopping.
    modes
        Its real orthonormal eigenvectors as columns, shape (L0, n).
    t_left, t_right
        Couplings to the two leads, not 0.

    Raises
    ------
    ValueError
        If shapes do not fit, the modes are not orthonormal, or a coupling is not a finite number other than 0.

    Examples
    --------
    >>> from anderson_ness.theory.cavity import Cavity
    >>> cavity = Cavity.fabry_perot(4, 0.1, 0.1, 0.9)
    >>> cavity.length
    4
    >>> float(cavity.transmission([0.3])[0]) < 0.01
    True
    """

    levels: NDArray[np.float64]
    modes: NDArray[np.float64]
    t_left: float
    t_right: float

    def __post_init__(self) -> None:
        levels, modes = np.asarray(self.levels, dtype=float), np.asarray(self.modes, dtype=float)
        if levels.ndim != 1 or modes.ndim != 2 or modes.shape[1] != levels.size or levels.size == 0:
            raise ValueError(f"modes must have shape (L0, {levels.size}), one column a level, not {modes.shape}")
        if np.abs(modes.T @ modes - np.eye(levels.size)).max() > 1e-10:
            raise ValueError("modes must be orthonormal columns")
        for name in ("t_left", "t_right"):
            if not np.isfinite(getattr(self, name)) or getattr(self, name) == 0:
                raise ValueError(f"{name} must be a finite number other than 0, not {getattr(self, name)!r}")
        object.__setattr__(self, "levels", levels)
        object.__setattr__(self, "modes", modes)

    @classmethod
    def chain(cls, onsite: ArrayLike, t_left: float, t_right: float, hopping: float = 1.0) -> Cavity:
        """A chain with potential ``onsite``, shape (L0,), and uniform hopping; levels in ascending order."""
        onsite = np.asarray(onsite, dtype=float)
        if onsite.ndim != 1 or onsite.size == 0 or not np.all(np.isfinite(onsite)):
            raise ValueError(f"onsite must be a one-dimensional array of finite numbers, not of shape {onsite.shape}")
        if not np.isfinite(hopping) or hopping == 0:
            raise ValueError(f"hopping must be a finite number other than 0, not {hopping!r}")
        levels, modes = eigh_tridiagonal(onsite, np.full(onsite.size - 1, float(hopping)))
        return cls(levels, modes, t_left, t_right)

    @classmethod
    def fabry_perot(cls, length: int, t_left: float, t_right: float, hopping: float = 1.0) -> Cavity:
        """A chain without potential (Eqs. S17 and S18): w_n = 2 t_0 cos(n pi / (L0 + 1)), n = 1, ..., L0."""
        if not isinstance(length, (int, np.integer)) or length < 1:
            raise ValueError(f"length must be a positive integer, not {length!r}")
        n = np.arange(1, length + 1)
        levels = 2 * hopping * np.cos(n * np.pi / (length + 1))
        modes = np.sqrt(2 / (length + 1)) * np.sin(np.outer(n, n) * np.pi / (length + 1))
        return cls(levels, modes, t_left, t_right)

    @property
    def length(self) -> int:
        """Number of sites L0."""
        return self.modes.shape[0]

    @property
    def couplings(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """t_L phi^n_1 and t_R phi^n_L0, each of shape (n,): how each level is coupled to each lead."""
        return self.t_left * self.modes[0], self.t_right * self.modes[-1]

    @property
    def strengths(self) -> NDArray[np.float64]:
        """A_n = (t_L phi^n_1)^2 + (t_R phi^n_L0)^2, shape (n,)."""
        left, right = self.couplings
        return left**2 + right**2

    @property
    def positions(self) -> NDArray[np.float64]:
        """Centres of isolated lines to leading order, w_n + A_n cos k with 2 cos k = w_n; shape (n,)."""
        return self.levels + self.strengths * self._momenta_cos()

    @property
    def half_widths(self) -> NDArray[np.float64]:
        """Half widths at half maximum of isolated lines to leading order, A_n sin k with 2 cos k = w_n; shape (n,).

        It is half of the golden rule's rate 2 pi |V|^2 rho, with V = t_L phi_1 and the density of states
        rho = sin(k) / pi of a chain's end site, summed over both leads. The paper's S28 prints A_n sin^2 k.
        """
        return self.strengths * np.sqrt(1 - self._momenta_cos() ** 2)

    def _momenta_cos(self) -> NDArray[np.float64]:
        """cos k at the levels; beyond the leads' band lines have no width."""
        return np.clip(self.levels / 2, -1, 1)

    def amplitudes(self, energy: ArrayLike, lead: str = "left") -> Amplitudes:
        """Exact solution of S19 to S21 at any energies in the leads' band, on resonance or not.

        The nearest level is kept as an unknown beside psi_0 and psi_{L0+1}, all others are eliminated, so that no
        energy is special.

        Parameters
        ----------
        energy
            Real energies with \\|E\\| < 2, any shape.
        lead
            "left" or "right": where the wave of unit amplitude comes from.

        Raises
        ------
        ValueError
            If an energy lies outside the band, or ``lead`` is neither of the two.
        """
        energy = _in_band(energy)
        if lead not in LEADS:
            raise ValueError(f"lead must be 'left' or 'right', not {lead!r}")
        flat = energy.ravel()
        phase = _phase(flat)
        at_ends = np.array(self.couplings)
        distance = flat[:, None] - self.levels
        nearest = np.abs(distance).argmin(axis=1)
        rows = np.arange(flat.size)
        detuning = distance[rows, nearest]
        distance[rows, nearest] = np.inf
        matrix = np.empty((flat.size, 3, 3), dtype=complex)
        matrix[:, :2, :2] = phase[:, None, None] * np.eye(2) - np.einsum(
            "an,en,bn->eab", at_ends, 1 / distance, at_ends
        )
        matrix[:, 2, :2] = matrix[:, :2, 2] = -at_ends[:, nearest].T
        matrix[:, 2, 2] = detuning
        source = np.zeros((flat.size, 3, 1), dtype=complex)
        source[:, LEADS.index(lead), 0] = 2j * phase.imag
        solution = np.linalg.solve(matrix, source)[..., 0]
        modes: NDArray = solution[:, :2] @ at_ends / distance
        modes[rows, nearest] = solution[:, 2]
        left, right = solution[:, :2].T.reshape(2, *energy.shape)
        return Amplitudes(left, right, modes.reshape(*energy.shape, -1))

    def scattering_states(self, energy: ArrayLike) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
        """States incoming from the left and from the right lead on the sample's sites.

        Returns
        -------
        left, right : ndarray of shape energy.shape + (L0,)
            Normalised to delta(E - E'): a wave of unit amplitude over sqrt(2 pi v), v = 2 sin k.
        """
        energy = _in_band(energy)
        norm = np.sqrt(2 * np.pi * 2 * _phase(energy).imag)[..., None]
        left, right = (self.amplitudes(energy, lead).modes @ self.modes.T / norm for lead in LEADS)
        return left, right

    def transmission(self, energy: ArrayLike) -> NDArray[np.float64]:
        """Transmission probability, of the shape of ``energy``."""
        return np.abs(self.amplitudes(energy, "left").right) ** 2

    def window_nodes(self, start: float, stop: float, n_nodes: int = 128) -> tuple[NDArray, NDArray]:
        """Energies and weights of a quadrature on [start, stop] that resolves every line, however narrow.

        The window is cut half way between lines. On each piece E = c + g sinh(u), with the line's centre c and half
        width g, gives every decade of the distance from the line the same share of ``n_nodes`` Gauss-Legendre nodes in
        u, so that the line and what lies between lines are integrated equally well: with the default to better than
        1e-9, until the line is so narrow that the rounding of energies, 1e-16, is not much less than g.

        Raises
        ------
        ValueError
            If the window is empty or leaves the leads' band.
        """
        if not -2 <= start < stop <= 2:
            raise ValueError(f"start and stop must satisfy -2 <= start < stop <= 2, not {start!r} and {stop!r}")
        order = np.argsort(self.positions)
        # A level on the band's edge has no width, and nothing to resolve.
        centres, widths = self.positions[order], np.maximum(self.half_widths[order], 1e-15)
        cuts = np.concatenate([[start], np.clip((centres[1:] + centres[:-1]) / 2, start, stop), [stop]])
        nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
        first, last = (np.arcsinh((edge - centres) / widths)[:, None] for edge in (cuts[:-1], cuts[1:]))
        u = (first + last) / 2 + (last - first) / 2 * nodes
        energies = centres[:, None] + widths[:, None] * np.sinh(u)
        measure = (last - first) / 2 * weights * widths[:, None] * np.cosh(u)
        used = np.broadcast_to(last > first, u.shape)
        return energies[used], measure[used]

    def window_states(self, start: float, stop: float, n_nodes: int = 128) -> tuple[NDArray, NDArray]:
        """Two-point functions of one lead's states, filled from ``start`` to ``stop`` and empty otherwise.

        Returns
        -------
        left, right : ndarray of shape (L0, L0)
            ``int dE phi_E(x) phi_E(y)^*`` for states from the left and from the right. The driven part G^d at zero
            temperature (Eq. 8) is half their difference.
        """
        energies, weights = self.window_nodes(start, stop, n_nodes)
        left, right = ((states * weights[:, None]).T @ states.conj() for states in self.scattering_states(energies))
        return left, right


def resonant_solution(cavity: Cavity, n: int) -> Amplitudes:
    """The state incoming from the right with energy E = w_n exactly, in closed form (Eqs. S22 to S24).

    Normalised as the paper does, to psi_0 = 1 instead of a unit incoming amplitude; divide by
    ``2i sin(k) / (...)`` of `incoming_amplitude` to compare with `Cavity.amplitudes`.

    Examples
    --------
    >>> from anderson_ness.theory.cavity import Cavity, resonant_solution
    >>> cavity = Cavity.fabry_perot(4, 0.1, 0.1, 0.9)
    >>> state = resonant_solution(cavity, 1)
    >>> int(abs(state.modes).argmax())
    1
    """
    at_left, at_right = cavity.couplings
    energy = float(_in_band(cavity.levels[n]))
    others = np.arange(cavity.levels.size) != n
    modes = np.zeros(cavity.levels.size, dtype=complex)
    mixed = cavity.modes[0] - cavity.modes[-1] * cavity.modes[0, n] / cavity.modes[-1, n]
    modes[others] = cavity.t_left * mixed[others] / (energy - cavity.levels[others])
    modes[n] = (_phase(energy) / cavity.t_left - cavity.modes[0] @ modes) / cavity.modes[0, n]
    return Amplitudes(np.array(1.0 + 0j), np.array(-at_left[n] / at_right[n] + 0j), modes)


def incoming_amplitude(cavity: Cavity, energy: float, state: Amplitudes) -> complex:
    """Amplitude with which a state comes in from the right, phase 0 on site L0 + 1 (Eqs. S21, S25 and S26).

    The paper's transmission coefficient S26 is psi_0 over this amplitude, up to a phase from its choice of origin.

    Examples
    --------
    >>> from anderson_ness.theory.cavity import Cavity, incoming_amplitude, resonant_solution
    >>> cavity = Cavity.fabry_perot(4, 0.1, 0.1, 0.9)
    >>> state = resonant_solution(cavity, 1)
    >>> round(abs(incoming_amplitude(cavity, cavity.levels[1], state)), 6)
    1.040084
    """
    phase = _phase(energy)
    beyond = energy * state.right - cavity.couplings[1] @ state.modes  # psi_{L0+2}
    return complex((state.right - phase * beyond) * phase.conj() / (-2j * phase.imag))


def line_transmission(cavity: Cavity, n: int, energy: ArrayLike, printed: bool = False) -> NDArray[np.float64]:
    """Transmission near the isolated resonance n, to leading order in t_L and t_R (Eq. S27, corrected).

    ``|t|^2 = 4 sin^2(k) (t_L phi_1 t_R phi_L0)^2 / |A + delta e^{-ik}|^2`` with ``A = (t_L phi_1)^2 + (t_R phi_L0)^2``
    and ``delta = w_n - E``: a Lorentzian around ``w_n + A cos k`` of half width ``A sin k``. It holds where t_L, t_R
    and delta are much less than the level spacing.

    Parameters
    ----------
    cavity, n
        The cavity and the index of the level.
    energy
        Energies with \\|E\\| < 2, any shape.
    printed
        Return instead what the paper prints, with the denominator ``A - delta e^{ik}``.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.cavity import Cavity, line_transmission
    >>> cavity = Cavity.fabry_perot(4, 0.01, 0.01, 0.9)
    >>> energy = cavity.positions[1] + cavity.half_widths[1] * np.array([0.0, 1.0])
    >>> line_transmission(cavity, 1, energy).round(3)
    array([1. , 0.5])
    """
    energy = _in_band(energy)
    phase = _phase(energy)
    left, right = (coupling[n] for coupling in cavity.couplings)
    delta = cavity.levels[n] - energy
    denominator = cavity.strengths[n] + (-delta * phase if printed else delta * phase.conj())
    return 4 * phase.imag**2 * (left * right) ** 2 / np.abs(denominator) ** 2


def printed_half_width(cavity: Cavity) -> NDArray[np.float64]:
    """Eq. S28 as printed, A_n sin^2 k with 2 cos k = w_n, shape (n,); compare `Cavity.half_widths`.

    Examples
    --------
    >>> from anderson_ness.theory.cavity import Cavity, printed_half_width
    >>> cavity = Cavity.fabry_perot(4, 0.1, 0.1, 0.9)
    >>> bool((printed_half_width(cavity) < cavity.half_widths).all())
    True
    """
    return cavity.strengths * (1 - np.clip(cavity.levels / 2, -1, 1) ** 2)


def isolated_lines(left: ArrayLike, right: ArrayLike, vectors: ArrayLike) -> NDArray:
    """Driven part of the two-point function if every state in the bias window were a cavity of its own.

    An isolated line, however narrow, adds half the difference of its occupation by the two leads to G^d, which is
    ``v v^dag (G_L - G_R) / (2 (G_L + G_R))`` with its partial widths G_L and G_R.

    Parameters
    ----------
    left, right
        Partial widths of the states, shape (n,), not both 0.
    vectors
        Normalised states as columns, shape (n_sites, n).

    Returns
    -------
    ndarray of shape (n_sites, n_sites)

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.cavity import isolated_lines
    >>> isolated_lines([0.2], [0.1], np.array([[0.6], [0.8]])).round(4)
    array([[0.06  , 0.08  ],
           [0.08  , 0.1067]])
    """
    left, right, vectors = np.asarray(left), np.asarray(right), np.asarray(vectors)
    if left.shape != right.shape or left.shape != vectors.shape[1:]:
        raise ValueError(
            f"left, right and the columns of vectors must agree, not {left.shape}, {right.shape}, {vectors.shape}"
        )
    occupation = (left - right) / (2 * (left + right))
    return vectors * occupation @ vectors.conj().T


def _in_band(energy: ArrayLike) -> NDArray[np.float64]:
    energy = np.asarray(energy, dtype=float)
    if not np.all(np.abs(energy) < 2):
        raise ValueError("energy must lie inside the leads' band, |E| < 2")
    return energy


def _phase(energy: ArrayLike) -> NDArray[np.complex128]:
    """e^{ik} with E = 2 cos k and 0 < k < pi."""
    cosine = np.asarray(energy, dtype=float) / 2
    return cosine + 1j * np.sqrt(1 - cosine**2)
