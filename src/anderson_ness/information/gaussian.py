"""Gaussian states of fermions, as every measure of this package takes them: by a matrix that conserves particles.

A Gaussian state with conserved particle number is determined by its correlation matrix G, 0 <= G <= 1. A state with
pairing, <c_x c_y> not 0, does not conserve particles. But two copies of it together can be rotated into each other;
that rotation is a symmetry like particle conservation, with twice as many modes. So the pair is determined by a matrix
twice as large, in Nambu's basis (c, c^dag),

    [[G, -F], [F*, 1 - G^T]],    G_xy = <c_y^dag c_x>,  F_xy = <c_x c_y>,

in which site x has rows x and n_sites + x. Entropies, mutual information, negativity and mutual coherence of two
copies are twice those of one, so that one set of formulas serves both kinds of states.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anderson_ness.information.coherence import region_indices, square_matrix

# How far eigenvalues may lie outside [0, 1], as the tolerance of a window integral leaves them; they are clipped.
_SLACK = 1e-3
_ROUNDING = 1e-8


@dataclass(frozen=True)
class GaussianState:
    """A Gaussian state on some sites.

    Attributes
    ----------
    matrix
        Hermitian correlation matrix that conserves particles, shape (copies * n_sites,) * 2.
    copies
        How many copies of the state it describes: 1, or 2 if there is pairing.
    """

    matrix: NDArray
    copies: int

    @classmethod
    def of(cls, G: ArrayLike, anomalous: ArrayLike | None = None) -> GaussianState:
        """The state with given correlations.

        Raises
        ------
        ValueError
            If G is not a finite Hermitian matrix, or ``anomalous`` not an antisymmetric one of the same size.
        """
        correlations = square_matrix("G", G)
        if not np.allclose(correlations, correlations.conj().T, rtol=0, atol=_ROUNDING):
            raise ValueError("G must be Hermitian")
        if anomalous is None:
            return cls(correlations, 1)
        pairing = square_matrix("anomalous", anomalous, len(correlations))
        if not np.allclose(pairing, -pairing.T, rtol=0, atol=_ROUNDING):
            raise ValueError("anomalous must be antisymmetric, since c_x c_y = -c_y c_x")
        holes = np.eye(len(correlations)) - correlations.T
        return cls(np.block([[correlations, -pairing], [pairing.conj(), holes]]), 2)

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return len(self.matrix) // self.copies

    def on(self, sites: NDArray[np.intp]) -> GaussianState:
        """The state on some of the sites, in that order; with pairing, all c come before all c^dag."""
        rows = np.concatenate([sites + copy * self.n_sites for copy in range(self.copies)])
        return GaussianState(self.matrix[np.ix_(rows, rows)], self.copies)

    def occupations(self) -> NDArray[np.float64]:
        """Eigenvalues of the matrix, in [0, 1].

        Raises
        ------
        ValueError
            If one lies outside by more than 1e-3.
        """
        values = np.linalg.eigvalsh(self.matrix)
        if values.size and not -_SLACK <= values[0] <= values[-1] <= 1 + _SLACK:
            raise ValueError(f"G must have eigenvalues between 0 and 1, not {values[0]:.3g} to {values[-1]:.3g}")
        return np.clip(values, 0.0, 1.0)


@dataclass(frozen=True)
class Bipartition:
    """A Gaussian state on two disjoint regions, and on each of them alone."""

    whole: GaussianState
    a: GaussianState
    b: GaussianState
    in_b: NDArray[np.bool_]
    """Which rows of the whole's matrix belong to region B."""

    @classmethod
    def of(
        cls, G: ArrayLike, region_a: ArrayLike, region_b: ArrayLike, anomalous: ArrayLike | None = None
    ) -> Bipartition:
        """The regions' states; raises ValueError as `GaussianState.of`, or if a region does not fit."""
        state = GaussianState.of(G, anomalous)
        a = region_indices("region_a", region_a, state.n_sites)
        b = region_indices("region_b", region_b, state.n_sites)
        if np.intersect1d(a, b).size:
            raise ValueError("region_a and region_b must not share a site")
        in_b = np.tile(np.arange(a.size + b.size) >= a.size, state.copies)
        return cls(state.on(np.concatenate([a, b])), state.on(a), state.on(b), in_b)
