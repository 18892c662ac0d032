"""Traces of the Green function over slices, integrated over a window of energies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anderson_ness.states.poles import Poles, Window
from anderson_ness.states.rational import Interpolation, Measure

# Poles up to this distance from the window stand for those that are too far off to be known.
_NEIGHBOURS = 2.0


@dataclass(frozen=True)
class SliceTraces:
    """Traces of the Green function over slices: their poles, and what is smooth at a few energies.

    Attributes
    ----------
    window
        The window.
    positions, residues, errors
        Scaled poles mu, slice sums of their residues, (Lx, n_poles), and the relative errors of these.
    nodes, rests
        Scaled energies, and the traces there without the poles' part, (n_nodes, Lx).
    radius
        Distance from the window up to which poles are known, in half-widths.
    """

    window: Window
    positions: NDArray[np.complex128]
    residues: NDArray[np.complex128]
    errors: NDArray[np.float64]
    nodes: NDArray[np.complex128]
    rests: NDArray[np.complex128]
    radius: float

    @classmethod
    def of(cls, window: Window, nodes: NDArray, values: NDArray, poles: Poles, radius: float) -> SliceTraces:
        """From the traces at the nodes, (n_nodes, Lx), and the poles that are known."""
        mu = (poles.positions - window.centre) / window.half_width
        squares = np.einsum("xsp,xsp->xp", poles.vectors, poles.vectors)
        residues = squares * (poles.strengths / window.half_width)
        rests = values - (1 / (nodes[:, None] - mu)) @ residues.T
        return cls(window, mu, residues, poles.errors, nodes, rests, radius)

    def measured(self, measure: Measure) -> NDArray[np.complex128]:
        """Measure of the traces in scaled energy, shape (Lx,)."""
        in_closed_form = self.residues @ measure.pole_weights(self.positions).sum(axis=0)
        return np.asarray(in_closed_form + self._weights(measure) @ self.rests)

    def deviation(self, measure: Measure) -> NDArray[np.float64]:
        """Standard deviation of what the nodes do not see of inexact poles, and of those further off, shape (Lx,).

        These are as many, and as strong, as next to the window: copies of the near ones stand for them.
        """
        variance = np.abs(self.residues) ** 2 @ (self.errors * self._unseen(measure, self.positions)) ** 2
        neighbours = max(_NEIGHBOURS, self.radius - 1.5)
        near = np.abs(self.positions.real) <= 1 + neighbours
        shift = self.radius + 2 + neighbours
        for offset in (shift, -shift, -1j * self.radius):
            unseen = self._unseen(measure, self.positions[near] + offset)
            variance += np.abs(self.residues[:, near]) ** 2 @ unseen**2
        return np.sqrt(variance)

    def _unseen(self, measure: Measure, mu: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Error of the measure of 1 / (x - mu) by its values at the nodes."""
        exact = measure.pole_weights(mu).sum(axis=0)
        return np.abs(exact - self._weights(measure) @ (1 / (self.nodes[:, None] - mu)))

    def _weights(self, measure: Measure) -> NDArray[np.complex128]:
        """Weights of the nodes' values."""
        return np.asarray(Interpolation(self.nodes).at(measure.nodes) @ measure.weights)
