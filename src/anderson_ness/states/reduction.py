"""A bar reduced to the few fields that matter in one window of energies: a small bar with the same leads.

Let U be a real orthonormal basis of fields. The bar's operator projected on it,

    U^T A(E) U = E - U^T H U - (leads' self-energies, seen through U on the end slices),

is again an open bar: a real symmetric Hamiltonian, the exact self-energies, currents that are conserved and poles below
the real axis. Galerkin's condition makes it accurate far beyond the fields it is built from. At the energies where
fields are taken from the bar, what the reduced bar lacks of them is known: that is added to its window integrals (a
defect correction), and what a bar reduced to fewer fields lacks there is the measure of the error. `WindowModel` in
``resonances`` interpolates between energies instead; it is slower and has no such limits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from anderson_ness.states.effort import Effort
from anderson_ness.states.elimination import OpenBar, SliceFactor, flat, real_times, sandwiched, singular_values
from anderson_ness.states.poles import Poles, Window, all_poles, find_poles, rounding_mixes, together, with_exact_widths
from anderson_ness.states.rational import Interpolation, Measure
from anderson_ness.states.reduced_bar import ReducedBar
from anderson_ness.states.resonances import LEADS, Changes

# Directions of the poles' span that are weaker than this are rounding.
_POLE_SPAN = 1e-5
# A unit vector whose square beyond the basis is less than this is one of the basis, but for rounding.
_NEW_DIRECTION = 0.25
# Random sources in the far half beyond the number of channels that may be kept, and at an end for transmission.
_SPARE_PROBES = 8
_END_PROBES = 64
# Random mixtures of the channels that are left out, whose density is added up.
_LEFT_OUT_PROBES = 8
# Share of that density which the coarse result lacks.
_LEFT_OUT_SHARE = 0.5
# Directions weaker than this share of the strongest carry no transmission to speak of, and refinement ends with this
# change of what gets through.
_FAINT_DIRECTION = 3e-4
_REFINED = 1e-8
_MOST_REFINEMENTS = 8
_ROUNDING = 1e-12
# Share of the poles' tolerance below which an amplitude does not count.
_NEGLECTED = 1e-2
# Vectors of poles narrower than this, in half-widths, are polished in double precision: their tails decide their
# couplings to the leads.
_NARROW = 1e-3
# A pole of the reduced bar that is no pole of the bar, an accident of the fields, has a residual of many half-widths,
# a true one of a few per cent. Where it would be seen as a resonance (next to the window, and narrower than the effort
# says) its vector is taken out of the basis; broad ones are how the reduced bar represents what is smooth.
_SPURIOUS = 1.0
_PURGED = 1.0
_MOST_PURGES = 8
# Relative error of a vector over its residual in units of the hopping, and distance within which two approximations
# are of the same pole, in half-widths.
_RESIDUAL_SHARE = 0.3
_SAME_POLE = 0.02
# Poles narrower than this, in half-widths, enter the error estimate with their residuals.
_SHARP = 0.1
# Poles of the reduced bar are taken out up to this distance from the window; what is left is sampled at energies above
# the window, so many that the interpolation has no error to speak of.
_RADIUS = 2.5
_ELEVATION = 0.2
# Place of the outermost nodes.
_SIDE_NODES = 0.7
# Poles up to this distance from the window stand for those that are too far off to be known; in the coarse result they
# move the traces by so many standard deviations. Of changes of densities, the error is this share.
_NEIGHBOURS = 2.0
_DEVIATIONS = 9.0
_DENSITY_SHARE = 0.2
# Of the squared changes of matrices, and of what the fields change in a profile, the error is this share.
_MATRIX_SHARE, _SLOPE_MATRIX_SHARE = 0.012, 0.006
_PROFILE_SHARE = 0.05
# Tolerance of the reduced bar's poles, as a share of that of the bar's.
_FIRMER = 1e-2
_BLOCK = 16
# Up to this size all poles of a reduced bar are computed at once.
_ALL_POLES = 500
# Scaled energy from which the reduced bar's poles are sought.
_REDUCED_SHIFT = 0.4j


class _Inverse(SliceFactor):
    """A reduced bar's Green function at one energy, with the interface of a `SliceFactor`."""

    def __init__(self, bar: ReducedBar, energy: complex, operator: NDArray[np.complex128]) -> None:
        self.open_bar, self.energy, self.dtype = bar, energy, np.dtype(complex)
        self._matrix = np.linalg.inv(operator)

    def solve(self, source: NDArray) -> NDArray:
        return (self._matrix @ source[0])[None]


@dataclass(frozen=True)
class Contracted:
    """What a measure makes of the states of both leads, in the basis of a reduced model.

    Attributes
    ----------
    left, right
        Matrices measure(Phi_a Phi_a^dag) / (2 pi), each (d, d).
    """

    left: NDArray[np.complex128]
    right: NDArray[np.complex128]


@dataclass(frozen=True)
class _Traces:
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
    def of(cls, window: Window, nodes: NDArray, values: NDArray, poles: Poles, radius: float) -> _Traces:
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


class _Response:
    """The scattering states of a reduced bar in a window: its poles, and the rest of the states at a few energies.

    Parameters
    ----------
    whole
        The bar on the model's basis.
    bar, lift
        The reduced bar, and its basis in that of the model, or None if it is the same.
    window, channels
        The window, and the channels of each lead that are kept.
    nodes, operators
        Scaled energies for the rest, and the bar's operator there.
    poles
        Poles of the reduced bar.
    precision
        Mixtures of the rest's samples weaker than this are left out.
    """

    def __init__(
        self,
        whole: ReducedBar,
        bar: ReducedBar,
        lift: NDArray[np.float64] | None,
        window: Window,
        channels: dict[str, NDArray],
        nodes: NDArray[np.complex128],
        operators: list[NDArray[np.complex128]],
        poles: Poles,
        precision: float,
    ) -> None:
        self.whole, self.bar, self.lift = whole, bar, lift
        self.window, self.channels, self.poles = window, channels, poles
        self._interpolation = Interpolation(nodes)
        samples: dict[str, list[NDArray]] = {lead: [] for lead in LEADS}
        for node, operator in zip(nodes, operators, strict=True):
            energy = window.energy(node)
            propagator = (poles.strengths / (energy - poles.positions))[:, None]
            weighted = {lead: self.weighted(lead, energy) for lead in LEADS}
            sources = np.concatenate([real_times(bar.ends(lead).T, weighted[lead]) for lead in LEADS], axis=1)
            states = np.split(np.linalg.solve(operator, sources), [weighted["L"].shape[1]], axis=1)
            for lead, part in zip(LEADS, states, strict=True):
                amplitudes = self._amplitudes(lead).T @ weighted[lead]
                samples[lead].append(part - poles.vectors[0] @ (propagator * amplitudes))
        # The rest varies slowly: a few mixtures of its samples hold all of it.
        fields = {lead: np.array(parts) for lead, parts in samples.items()}
        flattened = np.concatenate([parts.reshape(len(nodes), -1) for parts in fields.values()], axis=1)
        shares, directions = np.linalg.eigh(flattened.conj() @ flattened.T)
        self._mixing = directions.conj()[:, shares > precision**2 * shares[-1]]
        self._rest = {
            lead: np.array([self._lifted(part) for part in np.tensordot(self._mixing.conj().T, parts, axes=1)])
            for lead, parts in fields.items()
        }
        self._vectors = self._lifted(poles.vectors[0])

    def _amplitudes(self, lead: str) -> NDArray:
        return self.poles.left if lead == "L" else self.poles.right

    def weighted(self, lead: str, energy: complex) -> NDArray:
        """Gamma^(1/2) W, the kept channels as sources on the end slice."""
        return np.sqrt(self.bar.linewidth(energy))[:, None] * self.channels[lead]

    def _lifted(self, field: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """A field of this bar, its first axis the basis, in the model's basis."""
        return field if self.lift is None else real_times(self.lift, field)

    def states(self, lead: str, energy: complex, operator: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """A lead's states at an energy, in the model's basis, on which the bar's operator there is given."""
        if self.lift is not None:
            operator = self.lift.T @ operator @ self.lift
        sources = real_times(self.bar.ends(lead).T, self.weighted(lead, energy))
        return self._lifted(np.asarray(np.linalg.solve(operator, sources), dtype=complex))

    def density(self, lead: str, measure: Measure) -> NDArray[np.complex128]:
        """measure(Phi Phi^dag) / (2 pi) of one lead's states, in the model's basis."""
        h = self.window.half_width
        m = measure.pole_weights((self.poles.positions - self.window.centre) / h)
        # What the poles make of each channel at the measure's nodes, and the mixtures' amplitudes there.
        kept = [self._amplitudes(lead).T @ self.weighted(lead, self.window.energy(x).real) for x in measure.nodes]
        values = self._mixing.T @ self._interpolation.at(measure.nodes)
        if measure.is_point:
            scale = (self.poles.strengths * m[0] / (h * measure.weights[0]))[:, None]
            states = self._vectors @ (scale * kept[0]) + np.tensordot(values[:, 0], self._rest[lead], axes=1)
            total = measure.weights[0] * (states @ states.conj().T)
        else:
            total = self._integral(lead, measure, m, kept, values) * h
        return np.asarray(total / (2 * np.pi))

    def _integral(
        self, lead: str, measure: Measure, m: NDArray, kept: list[NDArray], values: NDArray
    ) -> NDArray[np.complex128]:
        """The integral of Phi Phi^dag over the scaled energy."""
        h, s, vectors, rest = self.window.half_width, self.poles.strengths, self._vectors, self._rest[lead]
        mu = (self.poles.positions - self.window.centre) / h
        pole_pole = sum((c @ c.conj().T) * (row[:, None] - row.conj()) for row, c in zip(m, kept, strict=True))
        pole_pole = pole_pole * (s[:, None] * s.conj()) / (h**2 * (mu[:, None] - mu.conj()))
        # Half of what the poles have among themselves: the other half is the transpose.
        half = (pole_pole / 2) @ vectors.conj().T
        pole_kept = m[:, :, None] * np.array(kept)
        for amplitudes, part in zip(values, rest, strict=True):
            half += (s[:, None] / h * np.tensordot(amplitudes.conj(), pole_kept, axes=1)) @ part.conj().T
        total = vectors @ half
        total += total.conj().T
        shares, mixtures = np.linalg.eigh((values * measure.weights) @ values.conj().T)
        for share, mixture in zip(shares, mixtures.T, strict=True):
            if abs(share) > _ROUNDING * np.abs(shares).max():
                part = np.tensordot(mixture, rest, axes=1)
                total += share * (part @ part.conj().T)
        return np.asarray(total)


class ReducedModel:
    """The scattering states of a bar in a window of energies, from its reduction; read like a `WindowModel`.

    Parameters
    ----------
    open_bar
        The operator A(E).
    centre, half_width
        The window, centre ± half_width.
    effort
        Number of energies at which fields are taken from the bar, and what is spent on poles and channels.
    cuts
        Slices in front of which the bar may be cut, besides its middle: channels count that reach beyond them.
    """

    def __init__(
        self, open_bar: OpenBar, centre: float, half_width: float, effort: Effort, cuts: tuple[int, ...] = ()
    ) -> None:
        self.open_bar, self.effort, self.window = open_bar, effort, Window(centre, half_width)
        self.centre, self.half_width = centre, half_width
        half = open_bar.length // 2
        self._halves = {"L": slice(0, half), "R": slice(half, open_bar.length)}
        # What lies beyond a lead's first cut.
        self._beyond = {"L": slice(min(half, *cuts, half), open_bar.length), "R": slice(0, max(half, *cuts, half))}
        self._nodes = _choose_nodes(effort.n_nodes, effort.elevation)
        self.discarded: dict[str, float] = {}
        # Slice sums of the density of the channels that are left out, in the half far from their lead, node by node.
        self._left_out: dict[str, list[NDArray[np.float64]]] = {lead: [] for lead in LEADS}
        self.basis, coarse_size, channels, sampled, traces = self._solve_at_nodes()
        rounded: NDArray = self.basis.astype(np.empty(0, effort.field_dtype).real.dtype)
        # Overlaps of the basis slice by slice: a cut anywhere, and densities, are sums of these.
        fields = rounded.reshape(open_bar.length, open_bar.n_slice, -1)
        self.overlaps = np.matmul(fields.transpose(0, 2, 1), fields)
        reduced = ReducedBar.of(open_bar, self.basis)
        scaled = np.concatenate([self._response_nodes(), [_REDUCED_SHIFT], self._nodes[-2:]])
        *operators, before_last, last = reduced.operators(self.window.energy(scaled))
        self._response = self._respond(reduced, operators, channels)
        # What the response lacks of Phi Phi^dag at the last two nodes, in the mean; and what it would lack at the last
        # one without the fields taken there.
        self._lacking, self._lacking_coarse = {}, {}
        energies, coarse = self.window.energy(self._nodes[-2:]), reduced.leading(coarse_size)
        for lead in LEADS:
            exact = [real_times(rounded.T, fields[lead]) for fields in sampled[-2:]]
            states = [
                self._response.states(lead, energy, operator)
                for energy, operator in zip(energies, (before_last, last), strict=True)
            ]
            self._lacking[lead] = (_lacking(exact[0], states[0]) + _lacking(exact[1], states[1])) / 2
            sources = real_times(coarse.ends(lead).T, self._response.weighted(lead, energies[1]))
            known = np.asarray(np.linalg.solve(last[:coarse_size, :coarse_size], sources), dtype=complex)
            self._lacking_coarse[lead] = _lacking(exact[1], known)
        self._traces = _Traces.of(self.window, self._nodes, traces, self._known_poles(), effort.radius)
        self._contracted: dict[tuple, Contracted] = {}

    @property
    def n_quadrature(self) -> int:
        """Number of Gauss-Legendre nodes with which products of two samples' interpolations are integrated exactly."""
        return len(self._response_nodes())

    # -- building ------------------------------------------------------------------------------------------------

    def _choose_channels(self, factor: SliceFactor, lead: str) -> NDArray:
        """Channels of a lead that matter beyond its first cut, strongest first."""
        n_slice, tail, far = self.open_bar.n_slice, self.effort.tail, self._beyond[lead]
        amplitude = np.sqrt(self.open_bar.linewidth(self.centre).real)[:, None]
        n_probes = min(self.effort.rank, n_slice) + _SPARE_PROBES
        shape = (far.stop - far.start, n_slice, n_probes)
        sources = np.random.default_rng(LEADS.index(lead)).standard_normal(shape, dtype=np.float32)
        response = factor.solve_towards_end(0 if lead == "L" else -1, sources.astype(self.effort.dtype))
        responses = real_times(self.open_bar.basis.T, response).conj() / np.sqrt(n_probes)
        # What a pole carries into the far half: channel amplitudes times far field, times the root mean square of its
        # propagator over the window.
        poles = self.found
        # Rough positions may come out on the wrong side of the axis.
        depth = np.maximum(-poles.positions.imag, 1e-12 * self.half_width)
        edges = self.centre + self.half_width * np.array([-1, 1]) - poles.positions.real[:, None]
        angle = np.arctan2(edges[:, 1], depth) - np.arctan2(edges[:, 0], depth)
        propagator = np.sqrt(angle / (2 * self.half_width * depth))
        reach = np.linalg.norm(flat(poles.vectors[far]), axis=0) * np.abs(poles.strengths) * propagator
        ends = poles.left if lead == "L" else poles.right
        columns = amplitude * np.concatenate([responses, ends.conj() * reach], axis=1)
        directions, sizes, _ = singular_values(columns)
        left_out = np.sqrt(np.append(np.cumsum(sizes[::-1] ** 2)[::-1], 0.0))
        number = int(np.argmax(left_out <= tail))
        self.discarded[lead] = float(left_out[number])
        return directions[:, :number]

    def _solve_at_nodes(
        self,
    ) -> tuple[NDArray[np.float64], int, dict[str, NDArray], list[dict[str, NDArray]], NDArray]:
        """Basis of poles and channels' fields, its size before the last node's; channels, fields, and traces.

        One factor at a time is held: they are the most of a large bar's memory.
        """
        sizes, traces = [0], []
        sampled: list[dict[str, NDArray]] = []
        for number, node in enumerate(self._nodes):
            factor = SliceFactor(self.open_bar, complex(self.window.energy(node)), self.effort.dtype)
            traces.append(factor.slice_traces())
            if number == 0:
                self.found = self._find_poles(factor)
                channels = {lead: self._choose_channels(factor, lead) for lead in LEADS}
                inner = self.found.select(self.window.distance(self.found.positions) < _RADIUS)
                basis = orthonormal_beyond(None, flat(inner.vectors), _POLE_SPAN)
                self._n_pole_fields = basis.shape[1]
            # Fields of some nodes make the basis; the others are for the traces.
            if number >= len(self._nodes) - self.effort.field_nodes:
                fields = {lead: self._fields(factor, lead, channels[lead]) for lead in LEADS}
                sampled.append(fields)
                columns = np.concatenate(list(fields.values()), axis=1)
                added = orthonormal_beyond(basis, columns, self.effort.direction_tail)
                basis = np.concatenate([basis, added], axis=1)
                sizes.append(basis.shape[1])
        return basis, sizes[-2], channels, sampled, np.array(traces)

    def _find_poles(self, factor: SliceFactor) -> Poles:
        effort = self.effort
        return find_poles(
            self.open_bar,
            factor,
            self.window,
            effort.radius,
            effort.block,
            effort.steps,
            effort.pole_tolerance,
            _NARROW,
        )

    def _fields(self, factor: SliceFactor, lead: str, channels: NDArray) -> NDArray:
        """Scattering fields of a lead's channels at a factor's energy, shape (n_sites, n_channels).

        What the other channels bring into the far half is sampled on the way.
        """
        amplitude = np.sqrt(self.open_bar.linewidth(factor.energy))[:, None]
        probes = np.random.default_rng(LEADS.index(lead)).standard_normal((len(channels), _LEFT_OUT_PROBES))
        left_out = probes - channels @ (channels.conj().T @ probes)
        source = self.open_bar.basis @ (amplitude * np.concatenate([channels, left_out], axis=1))
        far, near = factor.solve_from_end(0 if lead == "L" else -1, source, source.shape[1], True)
        squares = np.abs(far[:, :, channels.shape[1] :]) ** 2
        self._left_out[lead].append(squares.sum(axis=(1, 2), dtype=float) / _LEFT_OUT_PROBES)
        halves = [near, far] if lead == "L" else [far, near]
        return flat(np.concatenate([half[:, :, : channels.shape[1]] for half in halves]))

    def _response_nodes(self) -> NDArray[np.complex128]:
        """Scaled energies at which a response is sampled."""
        x, _ = legendre.leggauss(4 + int(np.ceil(-np.log10(self.effort.pole_tolerance))))
        return np.asarray(x + 1j * _ELEVATION)

    def _respond(
        self, whole: ReducedBar, operators: list[NDArray[np.complex128]], channels: dict[str, NDArray]
    ) -> _Response:
        """Response of the reduced bar, without spurious poles.

        It is sampled where the operators are given, their last one excepted, which is for its poles.
        """
        bar, at_nodes, lift, purged = whole, operators, None, np.empty((whole.n_slice, 0))
        for last in (False,) * _MOST_PURGES + (True,):
            poles = self._poles_of(bar, at_nodes[-1])
            inner = poles.vectors[0] if lift is None else real_times(lift, poles.vectors[0])
            close = np.flatnonzero(self.window.distance(poles.positions) < _PURGED)
            fields = real_times(self.basis, inner[:, close])
            vectors = fields.reshape(self.open_bar.length, self.open_bar.n_slice, -1)
            residuals = self._residuals(poles.positions[close], vectors)
            narrow = -poles.positions[close].imag < self.effort.purged_width * self.half_width
            spurious = close[(residuals > _SPURIOUS) & narrow]
            if last or not spurious.size:
                break
            # The first fields are those of the bar's own poles, which have to stay.
            added = inner[:, spurious]
            added[: self._n_pole_fields] = 0
            purged = np.concatenate([purged, added.real, added.imag], axis=1)
            lift = _complement(purged)
            bar, at_nodes = whole.restricted(lift), [lift.T @ operator @ lift for operator in operators]
        poles = self._with_exact_couplings(poles, close, vectors)
        true = residuals < _SPURIOUS
        self._close = replace(poles.select(close), vectors=vectors, errors=residuals).select(true)
        self._assess(self._close)
        self._true = np.full(len(poles.positions), True)
        self._true[close] = true
        nodes, precision = self._response_nodes(), _NEGLECTED * self.effort.pole_tolerance
        return _Response(whole, bar, lift, self.window, channels, nodes, at_nodes[:-1], poles, precision)

    def _assess(self, poles: Poles) -> None:
        """Keep what the error estimate has to know of the bar's poles next to the window."""
        near = self.window.close(poles.positions)
        sharp = near & (-poles.positions.imag < _SHARP * self.half_width)
        self._residual = float(poles.errors[sharp].max(initial=0.0))
        self._mixing = float(rounding_mixes(self.open_bar, poles)[near].max(initial=0.0))

    def _known_poles(self) -> Poles:
        """The bar's poles: next to the window as the reduced bar has them, which is better, the others as found."""
        # What an eigenvector lacks lies far off in energy, some hoppings, over which its residual is to be taken.
        close = replace(self._close, errors=_RESIDUAL_SHARE * self.half_width * self._close.errors)
        apart = np.abs(self.found.positions[:, None] - close.positions).min(axis=1, initial=np.inf)
        return together(close, self.found.select(apart > _SAME_POLE * self.half_width))

    def _poles_of(self, bar: ReducedBar, operator: NDArray[np.complex128]) -> Poles:
        """Poles of a reduced bar near the window."""
        shift = complex(self.window.energy(_REDUCED_SHIFT))
        tolerance = self.effort.pole_tolerance
        if bar.n_slice <= _ALL_POLES:
            return all_poles(bar, operator, shift, self.window, _RADIUS)
        inverse = _Inverse(bar, shift, operator)
        wanted = 48 + int(1.5 * np.sum(self.window.distance(self.found.positions) < _RADIUS))
        steps = int(np.ceil(min(bar.n_slice, wanted) / _BLOCK))
        # A step costs little here, and narrow poles need it: their ends are a small part of their vectors.
        return find_poles(bar, inverse, self.window, _RADIUS, _BLOCK, steps, _FIRMER * tolerance)

    def _residuals(self, positions: NDArray[np.complex128], vectors: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Residuals of a reduced bar's poles on the bar itself, in half-widths."""
        return np.linalg.norm(flat(self.open_bar.apply(positions, vectors)), axis=0) / self.half_width

    def _with_exact_couplings(self, poles: Poles, close: NDArray[np.intp], vectors: NDArray[np.complex128]) -> Poles:
        """The poles, those next to the window with the couplings and widths of their fields where these are faint."""
        on_bar = with_exact_widths(self.open_bar, replace(poles.select(close), vectors=vectors))
        positions, left, right = poles.positions.copy(), poles.left.copy(), poles.right.copy()
        positions[close], left[:, close], right[:, close] = on_bar.positions, on_bar.left, on_bar.right
        return replace(poles, positions=positions, left=left, right=right)

    # -- reading -------------------------------------------------------------------------------------------------

    @property
    def poles(self) -> Poles:
        """The bar's poles near the window, as the reduction has them (vectors in its basis)."""
        return self._response.poles.select(self._true)

    def fields(self, half: str) -> NDArray:
        """The basis in one half of the bar, (sites, d)."""
        return self.fields_on(self._halves[half])

    def fields_on(self, slices: slice) -> NDArray:
        """The basis on some slices of the bar, (sites, d)."""
        n_slice = self.open_bar.n_slice
        return self.basis[slices.start * n_slice : slices.stop * n_slice]

    def n_columns(self, half: str) -> int:
        """Size of the basis, the same in both halves."""
        return self.basis.shape[1]

    def contracted(self, measures: tuple[Measure, ...], coarse: bool = False) -> Contracted:
        """What a sum of measures makes of the states of both leads; coarse: less what fewer fields would lack."""
        key = (measures, coarse)
        if key not in self._contracted:
            share = self._weight(measures) / (2 * np.pi)
            if coarse:
                fine, missing = self.contracted(measures), self._lacking_coarse
                totals = {"L": fine.left - share * missing["L"], "R": fine.right - share * missing["R"]}
            else:
                totals = {
                    lead: sum(self._response.density(lead, measure) for measure in measures)
                    + share * self._lacking[lead]
                    for lead in LEADS
                }
            self._contracted[key] = Contracted(totals["L"], totals["R"])
        return self._contracted[key]

    def driven(self, measures: tuple[Measure, ...], coarse: bool = False) -> NDArray[np.complex128]:
        """Matrix T of G's driven part: ``measure(q_LR) = fields("L") T fields("R")^T`` with q of Eq. 8 at n = 1."""
        both = self.contracted(measures, coarse)
        return both.left - both.right

    def block(self, measures: tuple[Measure, ...], coarse: bool = False) -> NDArray[np.complex128]:
        """``measure(q_LR)`` between the sites of the halves."""
        return sandwiched(self.fields("L"), self.driven(measures, coarse), self.fields("R").T)

    def _weight(self, measures: tuple[Measure, ...]) -> float:
        """Measure of 1, in energy."""
        return sum(float(measure.weights.sum()) * measure.jacobian(self.half_width) for measure in measures)

    def far_density(self, lead: str, measures: tuple[Measure, ...], coarse: bool = False) -> NDArray[np.float64]:
        """Slice sums of measure(sum_n |phi^a_n|^2) in the half far from a lead."""
        both = self.contracted(measures, coarse)
        density = both.left if lead == "L" else both.right
        overlaps = self.overlaps[self._halves["R" if lead == "L" else "L"]]
        kept = overlaps.reshape(len(overlaps), -1) @ density.real.ravel()
        left_out = np.array(self._left_out[lead]) * self._weight(measures) / (2 * np.pi)
        return np.asarray(kept + (_LEFT_OUT_SHARE * left_out[0] if coarse else left_out.mean(axis=0)))

    def spectral_density(self, measures: tuple[Measure, ...], coarse: bool = False) -> NDArray[np.float64]:
        """Slice sums of measure(A_E / (2 pi)), the local density of states, shape (Lx,).

        The coarse result is off by a multiple of the standard deviation.
        """
        density = np.zeros(self.open_bar.length)
        for measure in measures:
            share = measure.jacobian(self.half_width) / np.pi
            density -= self._traces.measured(measure).imag * share
            if coarse:
                density += _DEVIATIONS * self._traces.deviation(measure) * share
        return density

    def transmission(self, energy: float) -> float:
        """Tr t t^dag at an energy of the window, by the few channels that get through the bar.

        At a real energy single precision has no height above the axis to round in: its fields are refined.
        """
        for dtype in dict.fromkeys((self.effort.dtype, np.complex128)):
            through = self._through(SliceFactor(self.open_bar, complex(energy), dtype))
            if through is not None:
                break
        return float("nan") if through is None else float(np.linalg.norm(through) ** 2)

    def _through(self, factor: SliceFactor) -> NDArray[np.complex128] | None:
        """Amplitudes at the right end of what gets through the bar from the left; None if refinement fails."""
        bar, n_slice = self.open_bar, self.open_bar.n_slice
        amplitude = np.sqrt(bar.linewidth(factor.energy).real)[:, None]
        probes = np.random.default_rng(0).standard_normal((n_slice, min(_END_PROBES, n_slice)))
        far, _ = factor.solve_from_end(-1, bar.basis @ (amplitude * probes), probes.shape[1])
        reached, sizes, _ = singular_values((amplitude * (bar.basis.T @ far[0])).astype(complex))
        if not sizes[0] > 0:
            return None
        channels = reached[:, sizes > _FAINT_DIRECTION * sizes[0]].conj()
        residual = np.zeros((bar.length, n_slice, channels.shape[1]), dtype=complex)
        residual[0] = bar.basis @ (amplitude * channels)
        end, change = np.zeros_like(residual[0]), float("inf")
        for _ in range(_MOST_REFINEMENTS):
            correction = factor.solve(residual)
            end += correction[-1]
            previous, change = change, float(np.linalg.norm(correction[-1]))
            # What is left falls by the same factor again.
            if np.isfinite(previous) and change * min(1.0, change / previous) <= _REFINED * np.linalg.norm(end):
                return np.asarray(amplitude * (bar.basis.T @ end))
            residual -= bar.apply(factor.energy, correction.astype(complex))
        return None

    # -- errors --------------------------------------------------------------------------------------------------

    def mixing(self) -> float:
        """Largest share of a neighbour that rounding mixes into a pole close to the window."""
        return self._mixing

    def pole_error(self) -> float:
        """Relative error due to poles close to the window, to second order in their residuals."""
        return 0.02 * self._residual**2

    def error_of_changes(self, changes: Changes) -> float:
        """Relative error from what would be lacking without the last node's fields, and from the traces' unseen poles.

        The changes of whole matrices enter to second order: what is left out is nearly orthogonal to the rest. The
        numbers were measured on random bars, where they bound the error with a margin (benchmarks/README.md).
        """
        share = self.effort.change_share
        return self.effort.least_error + max(
            share * max(changes.coherence, changes.parts) + _MATRIX_SHARE * changes.matrix**2,
            share * changes.slope + _SLOPE_MATRIX_SHARE * changes.slope_matrix**2,
            _PROFILE_SHARE * changes.profile + _DENSITY_SHARE * changes.weight,
        )


def _lacking(exact: NDArray[np.complex128], states: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """What states lack of Phi Phi^dag, in a basis of which they have the first fields."""
    lacking = exact @ exact.conj().T
    lacking[: len(states), : len(states)] -= states @ states.conj().T
    return np.asarray(lacking)


def _choose_nodes(n_nodes: int, elevation: float) -> NDArray[np.complex128]:
    """Scaled energies above the window at which the bar is solved, the inner ones first, the outermost two last.

    The integral over the window by interpolation between two nodes is exact for quadratic functions if these are where
    (x - x_1)(x - x_2) has no mean, and next to exact for cubic ones if they are close to the axis. With three nodes,
    of which one is on the axis of symmetry, that one is where (x - x_1)(x - x_2)(x - x_3) has no mean: the integral is
    then exact for cubic functions, as if there were four.
    """
    if n_nodes == 2:
        side = np.sqrt(1 / 3 - elevation**2)
        return np.array([-side + 1j * elevation, side + 1j * elevation])
    if n_nodes == 3:
        middle = 2 * elevation / (3 * (elevation**2 + _SIDE_NODES**2) - 1)
        return np.array([1j * middle, -_SIDE_NODES + 1j * elevation, _SIDE_NODES + 1j * elevation])
    x, _ = legendre.leggauss(n_nodes)
    x = x[np.argsort(np.abs(x))]
    return np.asarray(_SIDE_NODES * x / x[-1] + 1j * elevation)


def orthonormal_beyond(basis: NDArray[np.float64] | None, columns: NDArray, tail: float) -> NDArray[np.float64]:
    """Real orthonormal basis of complex columns beyond the span of another, without directions weaker than a tail."""
    # Which directions are weak may be found in the columns' precision.
    real = np.concatenate([columns.real, columns.imag], axis=1)
    if basis is not None:
        rounded = basis.astype(real.dtype, copy=False)
        real -= rounded @ (rounded.T @ real)
    squares, directions = np.linalg.eigh((real.T @ real).astype(float))
    kept = squares > tail**2
    added = (real @ (directions[:, kept] / np.sqrt(squares[kept])).astype(real.dtype)).astype(float)
    # The Gram matrix knows weak directions to half the digits: once more.
    if basis is not None:
        added -= basis @ (basis.T @ added)
    squares, directions = np.linalg.eigh(added.T @ added)
    new = squares > _NEW_DIRECTION
    return np.asarray(added @ (directions[:, new] / np.sqrt(squares[new])))


def _complement(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthonormal basis of what is orthogonal to the main directions of some vectors."""
    taken, sizes, _ = singular_values(vectors, full_matrices=True)
    return taken[:, np.count_nonzero(sizes > 0.3) :]
