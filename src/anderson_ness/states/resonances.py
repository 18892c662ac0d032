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
from enum import IntEnum

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from anderson_ness.states.effort import Effort
from anderson_ness.states.elimination import OpenBar, SliceFactor, flat, singular_values
from anderson_ness.states.poles import Window, find_poles, rounding_mixes
from anderson_ness.states.rational import Interpolation, Measure

LEADS = ("L", "R")


def ratio(error: float, size: float) -> float:
    """error / size; infinite if there is only an error."""
    if size > 0:
        return float(error / size)
    return float("inf") if error > 0 else 0.0


class Coarse(IntEnum):
    """What a coarse result goes without: nothing, the first node, or the poles further off."""

    NOT = 0
    NODES = 1
    POLES = 2


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


@dataclass(frozen=True)
class _Measured:
    """What a sum of measures makes of the states of both leads; of a pair, the second goes without the first node.

    Attributes
    ----------
    weights, pole_weights
        Weights of the measures' nodes, (n,), and those with ``1 / (E - E_j)``, (n, n_poles), of integrals over E.
    widths
        Linewidths at these nodes, (n, n_slice).
    values
        Values of the Lagrange polynomials there, a pair of (n_nodes, n).
    pole_pole, far_pole
        Contractions over a lead's channels: poles with poles, (n_poles, n_poles), and far fields with poles, a pair of
        (n_nodes, rank, n_poles).
    """

    weights: NDArray[np.float64]
    pole_weights: NDArray[np.complex128]
    widths: NDArray[np.float64]
    values: tuple[NDArray[np.complex128], ...]
    pole_pole: dict[str, NDArray[np.complex128]]
    far_pole: dict[str, tuple[NDArray[np.complex128], ...]]


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

    # Whether `fields` are orthonormal, and results with less from which errors are estimated.
    orthonormal = False
    coarse_results = (Coarse.NODES,)

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
        # Channels of each lead: a basis W of those that reach the far half without a pole, followed by what the poles
        # add to it; the number of the former; the size of what is left out.
        self.channels: dict[str, NDArray] = {}
        self.ranks: dict[str, int] = {}
        self.discarded: dict[str, float] = {}
        outermost = SliceFactor(open_bar, complex(self._energy(self.interpolation.nodes[-1])), effort.dtype)
        for lead in LEADS:
            self._choose_channels([above, outermost], lead)
        self._pole_fields: NDArray = self.poles.vectors.astype(effort.field_dtype)
        # Slice sums of the vectors' squares.
        self._squares = np.einsum("xsp,xsp->xp", self.poles.vectors, self.poles.vectors)
        far: dict[str, list[NDArray]] = {lead: [] for lead in LEADS}
        near: dict[str, list[NDArray]] = {lead: [] for lead in LEADS}
        self.traces: list[NDArray[np.complex128]] = []
        known = {factor.energy: factor for factor in (above, outermost)}
        for node in self.interpolation.nodes:
            energy = complex(self._energy(node))
            self._sample(known.get(energy) or SliceFactor(open_bar, energy, effort.dtype), far, near)
        # The remainder's samples, (n_nodes, sites, columns).
        self._far, self._near = ({lead: np.array(store[lead]) for lead in LEADS} for store in (far, near))
        self._contracted: dict[tuple[Measure, ...], _Measured] = {}
        self._slice_overlaps: dict[str, NDArray] = {}

    def raised(self, effort: Effort) -> WindowModel:
        """The same window with more effort."""
        return WindowModel(self.open_bar, self.centre, self.half_width, effort, self.whole)

    @property
    def n_quadrature(self) -> int:
        """Number of Gauss-Legendre nodes with which products of two samples' interpolations are integrated exactly."""
        return max(2 * self.effort.n_nodes, 4)

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
        amplitudes = self.poles.amplitudes(lead).conj() * reach
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
        return self.poles.amplitudes(lead) @ (self._propagator(energy)[:, None] * overlap)

    def _propagator(self, energy: complex) -> NDArray[np.complex128]:
        return self.poles.strengths / (energy - self.poles.positions)

    def _sample(self, factor: SliceFactor, far: dict[str, list[NDArray]], near: dict[str, list[NDArray]]) -> None:
        """Sample the remainder at a node: far and near fields of both leads, and the slices' traces."""
        width = self.open_bar.linewidth(factor.energy)[:, None]
        propagator = self._propagator(factor.energy)
        for lead in LEADS:
            rank, channels, amplitudes = self.ranks[lead], self.channels[lead], self.poles.amplitudes(lead)
            wanted = channels if self.whole else np.concatenate([channels[:, :rank], width * channels], axis=1)
            overlap = (propagator[:, None] * (amplitudes.T @ wanted)).astype(self.effort.field_dtype)
            beyond, close = self._fields_from_end(factor, lead, self.open_bar.basis @ wanted, rank)
            for store, half, sampled, columns in (
                (far, self.far_half(lead), beyond, overlap[:, :rank]),
                (near, self.near_half(lead), close, overlap[:, rank:]),
            ):
                store[lead].append(flat(sampled).astype(self.effort.field_dtype) - self._poles_in(half) @ columns)
        if not self.whole:
            self.traces.append(factor.slice_traces() - self._squares @ propagator)

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

    def lagrange(self, x: NDArray, coarse: Coarse) -> NDArray:
        """Values of the nodes' Lagrange polynomials, shape (n_nodes, n_points); coarse: without the first node."""
        if not coarse:
            return self.interpolation.at(x)
        return np.concatenate([np.zeros((1, np.size(x))), self._coarse.at(x)])

    def _measured(self, measures: tuple[Measure, ...]) -> _Measured:
        if measures not in self._contracted:
            self._contracted[measures] = self._contract(measures)
        return self._contracted[measures]

    def _contract(self, measures: tuple[Measure, ...]) -> _Measured:
        mu = (self.poles.positions - self.centre) / self.half_width
        jacobians = [measure.jacobian(self.half_width) for measure in measures]
        parts = [
            (measure.nodes, h * measure.weights, h / self.half_width * measure.pole_weights(mu))
            for h, measure in zip(jacobians, measures, strict=True)
        ]
        x, weights, pole_weights = (np.concatenate(some) for some in zip(*parts, strict=True))
        widths = self.open_bar.linewidth(self._energy(x)).real
        values = tuple(self.lagrange(x, coarse) for coarse in (Coarse.NOT, Coarse.NODES))
        pole_pole = {lead: self._pole_pole(lead, pole_weights, widths) for lead in LEADS}
        far_pole = {lead: tuple(self._far_pole(lead, pole_weights, widths, one) for one in values) for lead in LEADS}
        return _Measured(weights, pole_weights, widths, values, pole_pole, far_pole)

    def _pole_pole(self, lead: str, pole_weights: NDArray, widths: NDArray) -> NDArray[np.complex128]:
        """Poles with poles: ``1 / (E - E_i)`` less ``1 / (E - conj(E_j))``, over their gap."""
        s, c, positions = self.poles.strengths, self.poles.amplitudes(lead), self.poles.positions
        first = ((pole_weights.T @ widths) * c.T) @ c.conj()
        product = (first - first.conj().T) / (positions[:, None] - positions.conj())
        # A pole's own is the ratio of small imaginary parts, which the products above would round.
        own = ((pole_weights.imag.T @ widths) * np.abs(c.T) ** 2).sum(axis=1) / positions.imag
        np.fill_diagonal(product, own)
        return np.asarray(product * (s[:, None] * s.conj()))

    def _far_pole(self, lead: str, pole_weights: NDArray, widths: NDArray, values: NDArray) -> NDArray[np.complex128]:
        W = self.channels[lead][:, : self.ranks[lead]]
        in_channels = (values[:, None, :] * widths.T) @ pole_weights.conj()
        return np.asarray(W.conj().T @ (in_channels * (self.poles.amplitudes(lead) * self.poles.strengths).conj()))

    def driven(self, measures: tuple[Measure, ...], coarse: Coarse = Coarse.NOT) -> NDArray[np.complex128]:
        """Matrix T of G's driven part: ``measure(q_LR) = fields("L") T fields("R")^dag`` with q of Eq. 8 at n = 1.

        The measures are added up.
        """
        blocks = {lead: self._far_near(lead, measures, coarse) for lead in LEADS}
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
        return len(self.poles.positions) + self.effort.n_nodes * (self.ranks[other] + self.channels[half].shape[1])

    def _far_near(self, lead: str, measures: tuple[Measure, ...], coarse: Coarse) -> NDArray[np.complex128]:
        """Matrix of measure(Phi_a Phi_a^dag) between [poles, far fields] and [poles, near fields]."""
        r, n = self.ranks[lead], self.channels[lead].shape[1]
        measured = self._measured(measures)
        pole_near, overlaps = self._with_near(lead, measured, coarse)
        far_pole = np.vstack([*measured.far_pole[lead][coarse]])
        far_near = np.kron(overlaps, np.eye(r, n))
        return np.block([[measured.pole_pole[lead], np.hstack([*pole_near])], [far_pole, far_near]])

    def _with_near(self, lead: str, measured: _Measured, coarse: Coarse) -> tuple[NDArray, NDArray]:
        """Poles with near fields, (n_nodes, n_poles, n_channels), and the Lagrange polynomials with each other."""
        values = measured.values[coarse]
        in_channels = self.poles.amplitudes(lead).T @ self.channels[lead]
        with_poles = (values.conj() @ measured.pole_weights) * self.poles.strengths
        return with_poles[:, :, None] * in_channels, (values * measured.weights) @ values.conj().T

    def block(self, measures: tuple[Measure, ...], coarse: Coarse = Coarse.NOT) -> NDArray:
        """``measure(q_LR)`` between the sites of the halves, in the fields' precision.

        That is :meth:`driven` between the fields, without products with its many zeros.
        """
        far_near = self._at_points if all(measure.is_point for measure in measures) else self._integrated
        left, right = (far_near(lead, measures, coarse) for lead in LEADS)
        return np.asarray((left.conj().T - right) / (2 * np.pi))

    def _integrated(self, lead: str, measures: tuple[Measure, ...], coarse: Coarse) -> NDArray:
        """measure(Phi_a Phi_a^dag) from the sites far from a lead to those near it."""
        dtype, far, near = self.effort.field_dtype, self._far[lead], self._near[lead]
        measured = self._measured(measures)
        pole_near, overlaps = self._with_near(lead, measured, coarse)
        near_poles = self._poles_in(self.near_half(lead)).conj().T
        onto_poles = measured.pole_pole[lead].astype(dtype) @ near_poles
        onto_poles += np.tensordot(pole_near.astype(dtype), near.conj(), ((0, 2), (0, 2)))
        # Near fields are combined first: so every node's far fields are multiplied but once.
        combined = np.tensordot(overlaps.conj().astype(dtype), near[:, :, : self.ranks[lead]], 1)
        onto_far = measured.far_pole[lead][coarse].astype(dtype) @ near_poles + combined.conj().transpose(0, 2, 1)
        return self._poles_in(self.far_half(lead)) @ onto_poles + np.tensordot(far, onto_far, ((0, 2), (0, 1)))

    def _at_points(self, lead: str, points: tuple[Measure, ...], coarse: Coarse) -> NDArray:
        """The same at single energies, where it is a product of states."""
        rank = self.ranks[lead]
        channels: NDArray = self.channels[lead].conj().T.astype(self.effort.field_dtype)
        total: NDArray = np.zeros((), dtype=self.effort.field_dtype)
        for point in points:
            energy = self._energy(point.nodes[0])
            values = self.lagrange(point.nodes, coarse)[:, 0]
            amplitudes = self._propagator(energy)[:, None] * self.poles.amplitudes(lead).T
            # Near remainders have the linewidth in them.
            weighted = amplitudes * (point.weights * self.open_bar.linewidth(energy).real)
            far = self._states(self.far_half(lead), amplitudes, values, self._far[lead], channels[:rank])
            near = self._states(self.near_half(lead), weighted, point.weights * values, self._near[lead], channels)
            total = total + far @ near.conj().T
        return total

    def _states(
        self, half: slice, amplitudes: NDArray, values: NDArray, samples: NDArray, channels: NDArray
    ) -> NDArray:
        """A lead's states on the sites of a half, channel by channel: the poles' part and the remainder."""
        remainder = np.tensordot(values.astype(samples.dtype), samples, 1)
        return np.asarray(self._poles_in(half) @ amplitudes.astype(samples.dtype) + remainder @ channels)

    def far_density(self, lead: str, measures: tuple[Measure, ...], coarse: Coarse = Coarse.NOT) -> NDArray[np.float64]:
        """Slice sums of measure(sum_n |phi^a_n|^2) in the half far from a lead."""
        if lead not in self._slice_overlaps:
            self._slice_overlaps[lead] = self._overlaps_in_slices(lead)
        measured, overlaps = self._measured(measures), self._slice_overlaps[lead]
        # Far fields with poles count twice, once for poles with far fields.
        shares = (measured.pole_pole[lead], 2 * measured.far_pole[lead][coarse], self._far_widths(measured, coarse))
        flattened = np.concatenate([share.ravel() for share in shares]).astype(overlaps.dtype)
        return np.asarray((overlaps @ flattened).real / (2 * np.pi), dtype=float)

    def _overlaps_in_slices(self, lead: str) -> NDArray:
        """Overlaps, in each slice far from a lead, of poles and of far fields with poles, and of far fields by channel.

        The channels' linewidths do not mix them.
        """
        n_slice, n_poles, K = self.open_bar.n_slice, len(self.poles.positions), self.effort.n_nodes
        columns = self._far_columns(lead)
        n_slices, n_columns = len(columns) // n_slice, columns.shape[1]
        in_slices = columns.reshape(n_slices, n_slice, n_columns)
        with_poles = in_slices.transpose(0, 2, 1) @ in_slices[:, :, :n_poles].conj()
        W = self.channels[lead][:, : self.ranks[lead]].astype(columns.dtype)
        fields = (self._far[lead] @ W.conj().T).reshape(K, n_slices, n_slice, n_slice)
        in_channels = np.einsum("kxsn,lxsn->xkln", fields, fields.conj())
        parts = with_poles.reshape(n_slices, n_columns * n_poles), in_channels.reshape(n_slices, K * K * n_slice)
        return np.concatenate(parts, axis=1)

    def _far_columns(self, lead: str) -> NDArray:
        """Fields far from a lead, columns: poles, far fields node by node."""
        return np.concatenate([self._poles_in(self.far_half(lead)), *self._far[lead]], axis=1)

    def _far_widths(self, measured: _Measured, coarse: Coarse) -> NDArray[np.complex128]:
        """Measured linewidths between any two Lagrange polynomials, (n_nodes, n_nodes, n_slice)."""
        values = measured.values[coarse]
        return np.asarray(((values * measured.weights)[:, None, :] * values.conj()) @ measured.widths)

    def density_matrix(
        self, lead: str, measures: tuple[Measure, ...], coarse: Coarse = Coarse.NOT
    ) -> NDArray[np.complex128]:
        """measure(sum_n phi^a_n phi^a_n^dag) in the half far from a lead, or everywhere if the model is whole."""
        measured, columns = self._measured(measures), self._far_columns(lead)
        W, far_pole = self.channels[lead][:, : self.ranks[lead]], np.vstack([*measured.far_pole[lead][coarse]])
        far_far = (W.conj().T * self._far_widths(measured, coarse)[:, :, None, :]) @ W
        far_far = far_far.transpose(0, 2, 1, 3).reshape(len(far_pole), len(far_pole))
        matrix = np.block([[measured.pole_pole[lead], far_pole.conj().T], [far_pole, far_far]])
        return (columns @ matrix.astype(columns.dtype)) @ columns.conj().T / (2 * np.pi)

    def spectral_density(self, measures: tuple[Measure, ...], coarse: Coarse = Coarse.NOT) -> NDArray[np.float64]:
        """Slice sums of measure(A_E / (2 pi)), the local density of states, shape (Lx,)."""
        measured = self._measured(measures)
        integral = self._squares @ (self.poles.strengths * measured.pole_weights.sum(axis=0))
        integral += np.tensordot(measured.values[coarse] @ measured.weights, np.array(self.traces), axes=1)
        return -integral.imag / np.pi

    def transmission(self, energy: float) -> float:
        """Tr t t^dag at an energy of the window, from the right lead to the first slice, which it must be far from."""
        values = self.lagrange(np.array([(energy - self.centre) / self.half_width]), Coarse.NOT)[:, 0]
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

    def error_of_changes(self, changes: dict[Coarse, Changes]) -> float:
        """Relative error from what the first node changes."""
        nodes = changes[Coarse.NODES]
        return max(
            _CHANGE_FACTOR * max(nodes.coherence, nodes.parts, nodes.slope),
            _MATRIX_SHARE * max(nodes.matrix, nodes.slope_matrix),
            _DENSITY_SHARE * max(nodes.profile, nodes.weight),
        )

    def left_out_error(self, measures: tuple[Measure, ...], width: float, coherence: float, profile: float) -> float:
        """Relative error in a window of that width from left out channels: a share may show in its coherence."""
        left_out = self.effort.channel_share * max(self.discarded.values()) * np.sqrt(width)
        return ratio(left_out, np.sqrt(coherence))

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
