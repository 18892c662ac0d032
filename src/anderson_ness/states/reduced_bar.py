"""A bar's operator on the span of a few real orthonormal fields: a small bar with the same leads."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anderson_ness.states.elimination import OpenBar, flat, real_times, singular_values

# Singular values below this share of the largest are rounding.
_ROUNDED = 1e-15


class ReducedBar(OpenBar):
    """A bar's operator A(E) on the span of real orthonormal fields, with the interface of an `OpenBar` of one slice."""

    def __init__(
        self, open_bar: OpenBar, hamiltonian: NDArray[np.float64], left: NDArray[np.float64], right: NDArray[np.float64]
    ) -> None:
        self.bar, self.length, self.n_slice = open_bar.bar, 1, len(hamiltonian)
        self._hamiltonian, self._left, self._right = hamiltonian, left, right
        self.onsite = np.zeros((1, self.n_slice))

    @classmethod
    def of(cls, open_bar: OpenBar, basis: NDArray[np.floating]) -> ReducedBar:
        """A bar's operator on the span of a basis, (sites, fields)."""
        fields = basis.reshape(open_bar.length, open_bar.n_slice, -1)
        energy = (basis.T @ flat(open_bar.hamiltonian(fields))).astype(float)
        left, right = (end.astype(float, copy=False) for end in open_bar.end_amplitudes(fields))
        return cls(open_bar, (energy + energy.T) / 2, left, right)

    def ends(self, lead: str) -> NDArray[np.float64]:
        """Channel amplitudes of the fields on the slice next to a lead, (channels, fields)."""
        return self._left if lead == "L" else self._right

    def end_amplitudes(self, field: NDArray) -> tuple[NDArray, NDArray]:
        """Channel amplitudes on the bar's first and last slice, each (channels, n_columns)."""
        return real_times(self._left, field[0]), real_times(self._right, field[0])

    def hamiltonian(self, field: NDArray) -> NDArray:
        """H field, without leads."""
        return real_times(self._hamiltonian, field[0])[None]

    def _at_ends(self, function: Any, energies: NDArray, field: NDArray) -> NDArray:
        values = function(energies).T if energies.ndim else function(energies)[:, None]
        left, right = self.end_amplitudes(field)
        return (real_times(self._left.T, values * left) + real_times(self._right.T, values * right))[None]

    def operators(self, energies: NDArray[np.complex128]) -> list[NDArray[np.complex128]]:
        """A(E) as a matrix, at each energy.

        Self-energies hardly vary over a window: a few real mixtures of them are all that is projected.
        """
        sigma = self.self_energy(energies).T
        mixtures, sizes, shares = singular_values(np.concatenate([sigma.real, sigma.imag], axis=1))
        number = np.count_nonzero(sizes > _ROUNDED * sizes[0])
        ends, shares = np.concatenate([self._left, self._right]), sizes[:, None] * shares
        seen = [(ends.T * np.tile(mixture, 2)) @ ends for mixture in mixtures.T[:number]]
        matrices = []
        for energy, real, imag in zip(energies, *np.split(shares[:number].T, 2), strict=True):
            matrix = np.empty((self.n_slice, self.n_slice), dtype=complex)
            matrix.real = -self._hamiltonian - sum(share * part for share, part in zip(real, seen, strict=True))
            matrix.imag = -sum(share * part for share, part in zip(imag, seen, strict=True))
            matrix[np.diag_indices(self.n_slice)] += energy
            matrices.append(matrix)
        return matrices

    def derivative(self, energy: complex) -> NDArray[np.complex128]:
        """A'(E) as a matrix."""
        slope = self.self_energy_derivative(energy)[:, None]
        seen = (real_times(end.T, slope * end) for end in (self._left, self._right))
        return np.eye(self.n_slice) - sum(seen)

    def leading(self, size: int) -> ReducedBar:
        """The same on the first fields of its basis."""
        return ReducedBar(self, self._hamiltonian[:size, :size], self._left[:, :size], self._right[:, :size])

    def restricted(self, basis: NDArray[np.float64]) -> ReducedBar:
        """The same on the span of an orthonormal basis of these fields."""
        return ReducedBar(self, basis.T @ self._hamiltonian @ basis, self._left @ basis, self._right @ basis)
