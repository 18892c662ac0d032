"""Window integrals through every resonance: poles in closed form, the smooth remainder at a few energies.

Near a window of energies the Green function is a sum over poles and a remainder g that varies slowly,

    G(E) = sum_j s_j v_j v_j^T / (E - lambda_j) + g(E).

Of the scattering states ``G B_a Gamma_a^(1/2)`` of lead a, little reaches the half of the bar far from a: the poles'
part, with the channel amplitudes c_j, and a remainder of low rank, ``g B_a`` = ``g B_a W W^dag`` with an orthonormal
basis W of channels. Contracting channels, only ``g B_a Gamma_a [W, conj(c_j)]`` is needed in the near half. Every
quantity of the window is then a small matrix between these few fields, whose energy integrals are in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from anderson_ness.states.effort import Effort
from anderson_ness.states.elimination import OpenBar, SliceFactor, flat, singular_values
from anderson_ness.states.poles import Window, find_poles, rounding_mixes
from anderson_ness.states.rational import Interpolation, Measure

LEADS = ("L", "R")
# The interpolation's error is estimated from what its first node changes: the change of each quantity, several times,
# and the change of the whole matrix (which cannot vanish by accident), a share of it. These numbers were measured on
# random bars, where they bound the error with a margin (benchmarks/README.md).
_CHANGE_FACTOR = 4.0
_MATRIX_SHARE = 0.05
_DENSITY_SHARE = 0.5
# Random sources on the far end with which the channels that carry transmission are found.
_END_PROBES = 24


@dataclass(frozen=True)
class Changes:
    """What the coarse result of a model changes in the fine one, relative to the size of each quantity."""

    matrix: float
    coherence: float
    parts: float
    slope_matrix: float
    slope: float
    profile: float
    weight: float


class WindowModel:
    """The Green function of a bar around one window of energies, as far as window integrals need it.

    Parameters
    ----------
    open_bar
        The operator A(E).
    centre, half_width
        The window, centre ± half_width.
    effort
        Number of nodes and channels, and what is spent on poles.
    whole
        Keep every channel on the whole bar, for full correlation matrices; what is "far" is then everywhere, and
        nothing is near.
    """

    def __init__(
        self, open_bar: OpenBar, centre: float, half_width: float, effort: Effort, whole: bool = False
    ) -> None:
        self.open_bar, self.centre, self.half_width, self.effort = open_bar, centre, half_width, effort
        x, _ = legendre.leggauss(effort.n_nodes)
        # The node nearest the centre comes first; without it the others give the coarse result of the error estimate.
        self.interpolation = Interpolation(x[np.argsort(np.abs(x))] + 1j * effort.elevation)
        self._coarse = Interpolation(self.interpolation.nodes[1:])
        self.window = Window(centre, half_width)
        above = SliceFactor(open_bar, complex(centre, effort.elevation * half_width), effort.dtype)
        self.poles = find_poles(
            open_bar, above, self.window, effort.radius, effort.block, effort.steps, effort.pole_tolerance
        )
        self.whole = whole
        half = open_bar.length // 2
        self._halves = {"L": slice(0, half), "R": slice(half, open_bar.length)}
        self._amplitudes = {"L": self.poles.left, "R": self.poles.right}
        # Channels of each lead: a basis W of those that reach the far half without a pole, followed by what the poles
        # add to it; the number of the former; the size of what is left out.
        self.channels: dict[str, NDArray] = {}
        self.ranks: dict[str, int] = {}
        self.discarded: dict[str, float] = {}
        outermost = SliceFactor(open_bar, complex(self._energy(self.interpolation.nodes[-1])), effort.dtype)
        for lead in LEADS:
            self._choose_channels([above, outermost], lead)
        self._pole_fields: NDArray = self.poles.vectors.astype(effort.field_dtype)
        self._far: dict[str, list[NDArray]] = {lead: [] for lead in LEADS}
        self._near: dict[str, list[NDArray]] = {lead: [] for lead in LEADS}
        self.traces: list[NDArray[np.complex128]] = []
        known = {factor.energy: factor for factor in (above, outermost)}
        for node in self.interpolation.nodes:
            energy = complex(self._energy(node))
            self._sample(known.get(energy) or SliceFactor(open_bar, energy, effort.dtype))

    # -- building ------------------------------------------------------------------------------------------------

    def _energy(self, x):
        return self.centre + self.half_width * x

    def far_half(self, lead: str) -> slice:
        """Slices of the half of the bar that is far from a lead."""
        return slice(0, self.open_bar.length) if self.whole else self._halves["R" if lead == "L" else "L"]

    def near_half(self, lead: str) -> slice:
        """Slices of the half of the bar next to a lead."""
        return self._halves[lead]

    def _choose_channels(self, factors: list[SliceFactor], lead: str) -> None:
        """Find the channels of a lead that matter in the far half, down to ``effort.tail`` in field amplitude."""
        n_slice, tail = self.open_bar.n_slice, self.effort.tail
        if self.whole:
            self.channels[lead], self.ranks[lead] = np.eye(n_slice, dtype=complex), n_slice
            self.discarded[lead] = 0.0
            return
        far = self.far_half(lead)
        n_probes = min(self.effort.rank, n_slice) + 8
        responses = self._responses(factors, lead, far, n_probes) / np.sqrt(n_probes)
        remainder, lost = _leading_directions(responses, self.effort.rank, tail)
        if lead == "R":
            # Transmission needs those few that reach the other end, however weakly.
            through = self._responses(factors, lead, slice(0, 1), min(_END_PROBES, n_slice))
            least = self.effort.end_tail * float(np.linalg.norm(through))
            left = n_slice - remainder.shape[1]
            added, _ = _leading_directions(_without(remainder, through), min(_END_PROBES, left), least)
            remainder = np.concatenate([remainder, added], axis=1)
        # What a pole carries into the far half: channel amplitudes times far field, over its distance in energy.
        distance = self.half_width * (0.5 + self.window.distance(self.poles.positions))
        reach = np.linalg.norm(flat(self.poles.vectors[far]), axis=0) * np.abs(self.poles.strengths) / distance
        amplitudes = self._amplitudes[lead].conj() * reach
        left = n_slice - remainder.shape[1]
        added, lost_too = _leading_directions(_without(remainder, amplitudes), left, tail)
        self.channels[lead], self.ranks[lead] = np.concatenate([remainder, added], axis=1), remainder.shape[1]
        self.discarded[lead] = float(np.hypot(lost, lost_too))

    def _responses(self, factors: list[SliceFactor], lead: str, part: slice, n_probes: int) -> NDArray:
        """Conjugate channel amplitudes at a lead of the remainder's response to random sources, at each energy.

        One energy is not enough: by symmetry a channel's remainder may vanish there.
        """
        shape = (self.open_bar.length, self.open_bar.n_slice, n_probes)
        source: NDArray = np.zeros(shape, dtype=self.effort.dtype)
        source[part] = np.random.default_rng(LEADS.index(lead)).standard_normal(source[part].shape)
        fields = [
            self._end(lead, factor.solve(source)) - self._end_of_poles(lead, factor.energy, source)
            for factor in factors
        ]
        return np.concatenate(fields, axis=1).conj()

    def _end(self, lead: str, field: NDArray) -> NDArray:
        return self.open_bar.basis.T @ field[0 if lead == "L" else -1]

    def _end_of_poles(self, lead: str, energy: complex, source: NDArray) -> NDArray:
        """Channel amplitudes at a lead of the poles' part of G(E) source, for a source in the far half."""
        far = self.far_half(lead)
        overlap = flat(self.poles.vectors[far]).T @ flat(source[far])
        return self._amplitudes[lead] @ (self._propagator(energy)[:, None] * overlap)

    def _propagator(self, energy: complex) -> NDArray[np.complex128]:
        return self.poles.strengths / (energy - self.poles.positions)

    def _sample(self, factor: SliceFactor) -> None:
        """Sample the remainder at a node: far and near fields of both leads, and the slices' traces."""
        width = self.open_bar.linewidth(factor.energy)[:, None]
        propagator = self._propagator(factor.energy)
        for lead in LEADS:
            rank, channels, amplitudes = self.ranks[lead], self.channels[lead], self._amplitudes[lead]
            wanted = channels if self.whole else np.concatenate([channels[:, :rank], width * channels], axis=1)
            overlap = (propagator[:, None] * (amplitudes.T @ wanted)).astype(self.effort.field_dtype)
            far, near = self._fields_from_end(factor, lead, self.open_bar.basis @ wanted, rank)
            for store, half, sampled, columns in (
                (self._far, self.far_half(lead), far, overlap[:, :rank]),
                (self._near, self.near_half(lead), near, overlap[:, rank:]),
            ):
                store[lead].append(flat(sampled).astype(self.effort.field_dtype) - self._poles_in(half) @ columns)
        if not self.whole:
            squares = np.einsum("xsp,xsp->xp", self.poles.vectors, self.poles.vectors)
            self.traces.append(factor.slice_traces() - squares @ propagator)

    def _fields_from_end(self, factor: SliceFactor, lead: str, source: NDArray, n_far: int) -> tuple[NDArray, NDArray]:
        end = 0 if lead == "L" else -1
        if not self.whole:
            return factor.solve_from_end(end, source, n_far)
        everywhere: NDArray = np.zeros((self.open_bar.length, *source.shape), dtype=self.effort.dtype)
        everywhere[end] = source
        return factor.solve(everywhere), everywhere[self.near_half(lead)][:, :, :0]

    def _poles_in(self, part: slice) -> NDArray:
        return flat(self._pole_fields[part])

    # -- reading -------------------------------------------------------------------------------------------------

    def fields(self, half: str) -> NDArray:
        """Fields in one half, columns: poles, the other lead's far fields, this lead's near fields node by node."""
        other = "R" if half == "L" else "L"
        poles = self._poles_in(self._halves[half])
        return np.concatenate([poles, *self._far[other], *self._near[half]], axis=1)

    def lagrange(self, x: NDArray, coarse: bool) -> NDArray:
        """Values of the nodes' Lagrange polynomials, shape (n_nodes, n_points); coarse: without the first node."""
        if not coarse:
            return self.interpolation.at(x)
        return np.concatenate([np.zeros((1, np.size(x))), self._coarse.at(x)])

    def driven(self, measure: Measure, coarse: bool = False) -> NDArray[np.complex128]:
        """Matrix T of G's driven part: ``measure(q_LR) = fields("L") T fields("R")^dag`` with q of Eq. 8 at n = 1."""
        blocks = {lead: self._far_near(lead, measure, coarse) for lead in LEADS}
        n_left, n_right = self.n_columns("L"), self.n_columns("R")
        n_poles, K = len(self.poles.positions), self.effort.n_nodes
        far_left, far_right = n_poles + K * self.ranks["R"], n_poles + K * self.ranks["L"]
        matrix: NDArray[np.complex128] = np.zeros((n_left, n_right), dtype=complex)
        # Rows far from the right lead, columns near it: -[V, F_R] (...) [V, N_R]^dag; the left lead's likewise.
        columns = np.r_[0:n_poles, far_right:n_right]
        matrix[np.ix_(np.arange(far_left), columns)] -= blocks["R"]
        rows = np.r_[0:n_poles, far_left:n_left]
        matrix[np.ix_(rows, np.arange(far_right))] += blocks["L"].conj().T
        matrix /= 2 * np.pi
        return matrix

    def n_columns(self, half: str) -> int:
        """Number of columns of :meth:`fields`."""
        other = "R" if half == "L" else "L"
        return len(self.poles.positions) + sum(part.shape[1] for part in (*self._far[other], *self._near[half]))

    def _far_near(self, lead: str, measure: Measure, coarse: bool) -> NDArray[np.complex128]:
        """Matrix of measure(Phi_a Phi_a^dag) between [poles, far fields] and [poles, near fields]."""
        p, K, r, n = len(self.poles.positions), self.effort.n_nodes, self.ranks[lead], self.channels[lead].shape[1]
        pole_pole, far_pole, _ = self._contractions(lead, measure, coarse)
        m, values = self._pole_weights(measure), self.lagrange(measure.nodes, coarse)
        h = self._jacobian(measure)
        out = np.zeros((p + K * r, p + K * n), dtype=complex)
        out[:p, :p] = pole_pole
        out[p:, :p] = far_pole
        pole_near = self.poles.strengths[:, None] * (m.T @ values.conj().T) * (h / self.half_width)
        in_channels = self._amplitudes[lead].T @ self.channels[lead]
        out[:p, p:] = (pole_near[:, :, None] * in_channels[:, None, :]).reshape(p, K * n)
        overlaps = np.einsum("kq,q,lq->kl", values, measure.weights, values.conj()) * h
        same = np.arange(r)
        for row in range(K):
            for column in range(K):
                out[p + row * r + same, p + column * n + same] = overlaps[row, column]
        return out

    def _jacobian(self, measure: Measure) -> float:
        """dE/dx of an integral, 1 for a point."""
        return 1.0 if measure.is_point else self.half_width

    def _pole_weights(self, measure: Measure) -> NDArray[np.complex128]:
        return measure.pole_weights((self.poles.positions - self.centre) / self.half_width)

    def _contractions(self, lead: str, measure: Measure, coarse: bool) -> tuple[NDArray, NDArray, NDArray]:
        """Contractions over a lead's channels, measured: poles with poles, far fields with poles, far with far."""
        s, c = self.poles.strengths, self._amplitudes[lead]
        W = self.channels[lead][:, : self.ranks[lead]]
        K, r, p = self.effort.n_nodes, W.shape[1], len(s)
        mu = (self.poles.positions - self.centre) / self.half_width
        m, values = self._pole_weights(measure), self.lagrange(measure.nodes, coarse)
        h = self._jacobian(measure)
        gaps = mu[:, None] - mu.conj()
        pole_pole = np.zeros((p, p), dtype=complex)
        far_pole = np.zeros((K, r, p), dtype=complex)
        far_far = np.zeros((K, r, K, r), dtype=complex)
        for q, x in enumerate(measure.nodes):
            width = self.open_bar.linewidth(self._energy(x)).real
            among_poles = (c.T * width) @ c.conj()
            pole_pole += among_poles * (m[q][:, None] - m[q].conj()) / gaps
            from_far = (W.conj().T * width) @ c.conj()
            far_pole += values[:, q, None, None] * (from_far * m[q].conj())
            among_far = (W.conj().T * width) @ W
            weights = measure.weights[q] * np.outer(values[:, q], values[:, q].conj())
            far_far += weights[:, None, :, None] * among_far[None, :, None, :]
        pole_pole *= (s[:, None] * s.conj()) * (h / self.half_width / self.half_width)
        far_pole = (far_pole * s.conj()).reshape(K * r, p) * (h / self.half_width)
        return pole_pole, far_pole, far_far.reshape(K * r, K * r) * h

    def far_density(self, lead: str, measure: Measure, coarse: bool = False) -> NDArray[np.float64]:
        """Slice sums of measure(sum_n |phi^a_n|^2) in the half far from a lead."""
        matrix, columns = self._far_far(lead, measure, coarse)
        density = np.einsum("xi,xi->x", columns @ matrix, columns.conj()).real
        return density.reshape(-1, self.open_bar.n_slice).sum(axis=1) / (2 * np.pi)

    def density_matrix(self, lead: str, measure: Measure, coarse: bool = False) -> NDArray[np.complex128]:
        """measure(sum_n phi^a_n phi^a_n^dag) in the half far from a lead, or everywhere if the model is whole."""
        matrix, columns = self._far_far(lead, measure, coarse)
        return (columns @ matrix) @ columns.conj().T / (2 * np.pi)

    def _far_far(self, lead: str, measure: Measure, coarse: bool) -> tuple[NDArray, NDArray]:
        """Fields far from a lead, and the matrix of measure(Phi_a Phi_a^dag) between them."""
        pole_pole, far_pole, far_far = self._contractions(lead, measure, coarse)
        matrix = np.block([[pole_pole, far_pole.conj().T], [far_pole, far_far]])
        columns = np.concatenate([self._poles_in(self.far_half(lead)), *self._far[lead]], axis=1)
        return matrix.astype(columns.dtype), columns

    def spectral_density(self, measure: Measure, coarse: bool = False) -> NDArray[np.float64]:
        """Slice sums of measure(A_E / (2 pi)), the local density of states, shape (Lx,)."""
        squares = np.einsum("xsp,xsp->xp", self.poles.vectors, self.poles.vectors)
        m, values = self._pole_weights(measure), self.lagrange(measure.nodes, coarse)
        h = self._jacobian(measure)
        integral = squares @ (self.poles.strengths * m.sum(axis=0)) * (h / self.half_width)
        integral += np.tensordot(values @ measure.weights, np.array(self.traces), axes=1) * h
        return -integral.imag / np.pi

    def transmission(self, energy: float) -> float:
        """Tr t t^dag at an energy of the window, from the right lead to the first slice, which it must be far from."""
        values = self.lagrange(np.array([(energy - self.centre) / self.half_width]), False)[:, 0]
        first_slice = slice(0, self.open_bar.n_slice)
        remainder = sum(value * field[first_slice] for value, field in zip(values, self._far["R"], strict=True))
        poles = (self.poles.left * self._propagator(energy)) @ self.poles.right.T
        amplitude = np.sqrt(self.open_bar.linewidth(energy).real)
        channels = self.channels["R"][:, : self.ranks["R"]]
        propagation = poles + (self.open_bar.basis.T @ remainder) @ channels.conj().T
        return float(np.linalg.norm(amplitude[:, None] * propagation * amplitude) ** 2)

    def mixing(self) -> float:
        """Largest share of a neighbour that rounding mixes into a pole close to the window."""
        shares = rounding_mixes(self.open_bar, self.poles)
        return float(shares[self.window.close(self.poles.positions)].max(initial=0.0))

    def error_of_changes(self, changes: Changes) -> float:
        """Relative error from what the first node changes."""
        return max(
            _CHANGE_FACTOR * max(changes.coherence, changes.parts, changes.slope),
            _MATRIX_SHARE * max(changes.matrix, changes.slope_matrix),
            _DENSITY_SHARE * max(changes.profile, changes.weight),
        )

    def pole_error(self) -> float:
        """Largest relative error of a pole too close to the window for the nodes to see it; at least the tolerance."""
        close = self.window.close(self.poles.positions)
        return float(self.poles.errors[close].max(initial=self.effort.pole_tolerance))


def _without(basis: NDArray, columns: NDArray) -> NDArray:
    """Columns less their projections on an orthonormal basis; twice, so that what is left is orthogonal to it."""
    for _ in range(2):
        columns = columns - basis @ (basis.conj().T @ columns)
    return columns


def _leading_directions(columns: NDArray, most: int, tail: float) -> tuple[NDArray, float]:
    """Orthonormal basis of the columns' span, as small as leaves out no more than ``tail``, and what it leaves out."""
    directions, sizes, _ = singular_values(columns)
    left_out = np.sqrt(np.append(np.cumsum(sizes[::-1] ** 2)[::-1], 0.0))
    number = min(int(np.argmax(left_out <= tail)), most)
    return directions[:, :number], float(left_out[number])
