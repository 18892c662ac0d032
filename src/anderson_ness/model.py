"""The boundary-driven Anderson bar: a potential between two leads (Eq. 1 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anderson_ness import _check, _kwant
from anderson_ness.leads import Leads, ring_basis, ring_energies

if TYPE_CHECKING:
    import scipy.sparse


@dataclass(frozen=True, eq=False)
class AndersonBar:
    """A disordered bar between two leads.

    ``H = sum_<xy> c_x^dag c_y + h.c. + sum_x V_x c_x^dag c_x`` on sites x = (x1, x2, x3): open along x1, where the
    leads are attached, periodic along x2 and x3. Hopping 1 is the unit of energy, the lattice constant that of
    length. Neighbours are bound once: a periodic direction of length 2 has one bond a pair, of length 1 none.

    Parameters
    ----------
    onsite
        Real potential V, shape (Lx, Ly, Lz), every length >= 1. A copy is kept, read-only.
    leads
        The two leads, equal on both ends.

    Raises
    ------
    ValueError
        If ``onsite`` is not a three-dimensional array of finite real numbers, or ``leads`` is not a `Leads`.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness import AndersonBar, Leads
    >>> bar = AndersonBar(onsite=np.zeros((6, 4, 4)), leads=Leads(t_contact=1.0))
    >>> bar.n_sites, bar.n_slice
    (96, 16)
    >>> int(bar.left_half.sum())
    48
    """

    onsite: NDArray[np.float64]
    leads: Leads = field(default_factory=Leads)

    def __post_init__(self) -> None:
        onsite = _check.as_array("onsite", self.onsite)
        if onsite.ndim != 3 or 0 in onsite.shape:
            raise ValueError(f"onsite must have shape (Lx, Ly, Lz) with lengths >= 1, not {onsite.shape}")
        onsite = _check.real_array("onsite", onsite)
        if not isinstance(self.leads, Leads):
            raise ValueError(f"leads must be an anderson_ness.Leads, not {type(self.leads).__name__}")
        onsite.flags.writeable = False
        object.__setattr__(self, "onsite", onsite)

    @classmethod
    def random(cls, length: int | Sequence[int], disorder: float, seed: int, leads: Leads | None = None) -> AndersonBar:
        """A bar with independent potentials, uniform on [-disorder/2, disorder/2).

        Parameters
        ----------
        length
            Edge of a cube, or the three lengths (Lx, Ly, Lz).
        disorder
            Disorder strength W >= 0.
        seed
            Seed of ``numpy.random.default_rng``: ``onsite = disorder * (default_rng(seed).random(shape) - 0.5)``.
        leads
            The leads; None: ``Leads()``.

        Raises
        ------
        ValueError
            If a length is not a positive integer, the disorder negative or the seed not an integer >= 0.

        Examples
        --------
        >>> from anderson_ness import AndersonBar
        >>> bar = AndersonBar.random(length=8, disorder=16.5, seed=3)
        >>> bar.shape
        (8, 8, 8)
        >>> bool(abs(bar.onsite).max() <= 16.5 / 2)
        True
        """
        lengths = (length,) * 3 if _check.as_array("length", length).ndim == 0 else tuple(length)  # type: ignore[arg-type]
        if len(lengths) != 3:
            raise ValueError(f"length must be one positive integer or three, not {length!r}")
        shape = tuple(_check.positive_integer("length", edge) for edge in lengths)
        strength = _check.non_negative_number("disorder", disorder)
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
            raise ValueError(f"seed must be an integer >= 0, not {seed!r}")
        onsite = strength * (np.random.default_rng(seed).random(shape) - 0.5)
        return cls(onsite=onsite, leads=Leads() if leads is None else leads)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Lengths (Lx, Ly, Lz) in lattice constants."""
        lx, ly, lz = self.onsite.shape
        return lx, ly, lz

    @property
    def n_sites(self) -> int:
        """Number of sites Lx Ly Lz."""
        return self.onsite.size

    @property
    def n_slice(self) -> int:
        """Number of sites Ly Lz of a slice, which is the number of channels of a lead."""
        return self.onsite[0].size

    @property
    def left_half(self) -> NDArray[np.bool_]:
        """Mask over sites of the first Lx // 2 slices; for odd Lx the middle slice counts to the right half."""
        return np.arange(self.n_sites) < self.shape[0] // 2 * self.n_slice

    @property
    def right_half(self) -> NDArray[np.bool_]:
        """Mask over sites of the half that is not :attr:`left_half`."""
        return ~self.left_half

    def transverse_hopping(self) -> NDArray[np.float64]:
        """Hopping matrix within a slice, shape (Ly Lz, Ly Lz), without the potential."""
        _, ly, lz = self.shape
        return np.kron(_ring(ly), np.eye(lz)) + np.kron(np.eye(ly), _ring(lz))

    def hamiltonian(self) -> scipy.sparse.csr_array:
        """Hamiltonian of the closed sample (no leads), sparse, shape (n_sites, n_sites)."""
        import scipy.sparse as sp

        lx, _, _ = self.shape
        along = sp.diags_array([np.ones(lx - 1), np.ones(lx - 1)], offsets=[-1, 1], shape=(lx, lx))
        across = sp.csr_array(self.transverse_hopping())
        hopping = sp.kron(along, sp.eye_array(self.n_slice)) + sp.kron(sp.eye_array(lx), across)
        return sp.csr_array(hopping + sp.diags_array(self.onsite.ravel()))

    def to_kwant(self) -> Any:
        """The same bar as a finalized Kwant system with two leads (0 = left, 1 = right).

        Where ``t_contact`` differs from ``t_parallel`` a slice of each lead belongs to Kwant's scattering region,
        at x1 = -1 and x1 = Lx, because Kwant attaches a lead by the lead's own hopping.

        Raises
        ------
        ModuleNotFoundError
            If Kwant is not installed.
        """
        leads = self.leads
        return _kwant.build(self.onsite, leads.t_parallel, leads.t_perp, leads.contact)


def _ring(length: int) -> NDArray[np.float64]:
    """Hopping matrix of a ring of unit hopping; see :func:`anderson_ness.leads.ring_energies`."""
    basis = ring_basis(length)
    return np.round(basis * ring_energies(1.0, length) @ basis.T)
