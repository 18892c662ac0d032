"""A bar reduced to the few fields that matter in one window of energies: a small bar with the same leads.

Let U be a real orthonormal basis of fields. The bar's operator projected on it,

    U^T A(E) U = E - U^T H U - (leads' self-energies, seen through U on the end slices),

is again an open bar: a real symmetric Hamiltonian, the exact self-energies, currents that are conserved and poles below
the real axis. Galerkin's condition makes it accurate far beyond the fields it is built from. `WindowModel` in
``resonances`` interpolates between energies instead; it is slower and has no such limits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from anderson_ness.states.effort import Effort
from anderson_ness.states.elimination import OpenBar, SliceFactor, flat, real_times, sandwiched, singular_values
from anderson_ness.states.poles import Poles, Window, find_poles, follow_poles, rounding_mixes, with_exact_widths
from anderson_ness.states.rational import Interpolation, Measure
from anderson_ness.states.resonances import LEADS, Changes

# Channels that carry less than this many times the tail are left out of the coarse result.
_CORE = 2.0
# Directions of the poles' span that are weaker than this are rounding.
_POLE_SPAN = 1e-5
# A unit vector whose square beyond the basis is less than this is one of the basis, but for rounding.
_NEW_DIRECTION = 0.25
# Random sources in the far half beyond the number of channels that may be kept, and at an end for transmission.
_SPARE_PROBES = 8
_END_PROBES = 64
_ROUNDING = 1e-12
# Singular values below this share of the largest are rounding.
_ROUNDED = 1e-15
# Share of the poles' tolerance below which an amplitude does not count.
_NEGLECTED = 1e-2
# Vectors of poles narrower than this, in half-widths, are polished in double precision: their tails decide their
# couplings to the leads.
_NARROW = 1e-3
# A pole of the reduced bar that is no pole of the bar, an accident of the fields, has a residual of many half-widths,
# a true one of a few per cent. Where it would be seen as a resonance (next to the window, and narrow) its vector is
# taken out of the basis; broad ones are how the reduced bar represents what is smooth.
_SPURIOUS = 1.0
_PURGED = 1.0
_NARROW_SPURIOUS = 0.3
_MOST_PURGES = 8
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
_DEVIATIONS = 15.0
_DENSITY_SHARE = 0.2
# However little changes, errors of bars of many kinds were up to so large: the fields are those of two energies.
_LEAST_ERROR = 6e-5
# Tolerance of the reduced bar's poles, as a share of that of the bar's.
_FIRMER = 1e-2
_BLOCK = 16


class ReducedBar(OpenBar):
    """A bar's operator A(E) on the span of real orthonormal fields, with the interface of an `OpenBar` of one slice."""

    def __init__(
        self, open_bar: OpenBar, hamiltonian: NDArray[np.float64], left: NDArray[np.float64], right: NDArray[np.float64]
    ) -> None:
        self.bar, self.length, self.n_slice = open_bar.bar, 1, len(hamiltonian)
        self._hamiltonian, self._left, self._right = hamiltonian, left, right
        self.onsite = np.zeros((1, self.n_slice))

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

    def leading(self, size: int) -> ReducedBar:
        """The same on the first fields of its basis."""
        return ReducedBar(self, self._hamiltonian[:size, :size], self._left[:, :size], self._right[:, :size])

    def restricted(self, basis: NDArray[np.float64]) -> ReducedBar:
        """The same on the span of an orthonormal basis of these fields."""
        return ReducedBar(self, basis.T @ self._hamiltonian @ basis, self._left @ basis, self._right @ basis)


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
    bar
        The reduced bar.
    lift
        Its basis in the leading fields of the model's basis, or None if it is these.
    size
        Number of fields of the model's basis.
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
        bar: ReducedBar,
        lift: NDArray[np.float64] | None,
        size: int,
        window: Window,
        channels: dict[str, NDArray],
        nodes: NDArray[np.complex128],
        operators: list[NDArray[np.complex128]],
        poles: Poles,
        precision: float,
    ) -> None:
        self.bar, self.lift, self._size = bar, lift, size
        self.window, self.channels, self.poles = window, channels, poles
        self._interpolation = Interpolation(nodes)
        samples: dict[str, list[NDArray]] = {lead: [] for lead in LEADS}
        for node, operator in zip(nodes, operators, strict=True):
            energy = window.energy(node)
            propagator = (poles.strengths / (energy - poles.positions))[:, None]
            weighted = {lead: self._weighted(lead, energy) for lead in LEADS}
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

    def _weighted(self, lead: str, energy: complex) -> NDArray:
        """Gamma^(1/2) W, the kept channels as sources on the end slice."""
        return np.sqrt(self.bar.linewidth(energy))[:, None] * self.channels[lead]

    def _lifted(self, field: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """A field of this bar, its first axis the basis, in the model's basis."""
        if self.lift is not None:
            field = real_times(self.lift, field)
        return np.pad(field, ((0, self._size - len(field)), (0, 0)))

    def density(self, lead: str, measure: Measure) -> NDArray[np.complex128]:
        """measure(Phi Phi^dag) / (2 pi) of one lead's states, in the model's basis."""
        h = self.window.half_width
        m = measure.pole_weights((self.poles.positions - self.window.centre) / h)
        # What the poles make of each channel at the measure's nodes, and the mixtures' amplitudes there.
        kept = [self._amplitudes(lead).T @ self._weighted(lead, self.window.energy(x).real) for x in measure.nodes]
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
        self.basis, coarse_size, channels, core, traces = self._solve_at_nodes()
        d = self.basis.shape[1]
        fields = self.basis.reshape(open_bar.length, open_bar.n_slice, d)
        # Overlaps of the basis slice by slice: a cut anywhere, and densities, are sums of these.
        self.overlaps = np.matmul(fields.transpose(0, 2, 1), fields)
        energy = self.basis.T @ flat(open_bar.hamiltonian(fields))
        reduced = ReducedBar(open_bar, (energy + energy.T) / 2, *open_bar.end_amplitudes(fields))
        operators = reduced.operators(self.window.energy(np.append(self._response_nodes(), 1j * effort.elevation)))
        fine, vectors = self._respond(reduced, operators, d, channels)
        coarse, _ = self._respond(reduced, operators, coarse_size, core, fine)
        self._responses = (fine, coarse)
        residuals = self._residuals(fine.poles, vectors)
        self._true = residuals < _SPURIOUS
        sharp = -fine.poles.positions.imag < _SHARP * self.half_width
        near = self.window.close(fine.poles.positions)
        self._residual = float(residuals[self._true & sharp & near].max(initial=0.0))
        on_bar = replace(fine.poles, vectors=vectors)
        self._mixing = float(rounding_mixes(open_bar, on_bar)[near].max(initial=0.0))
        self._traces = _Traces.of(self.window, self._nodes, traces, self.found, effort.radius)
        self._contracted: dict[tuple, Contracted] = {}

    # -- building ------------------------------------------------------------------------------------------------

    def _choose_channels(self, factor: SliceFactor, lead: str) -> tuple[NDArray, NDArray]:
        """Channels of a lead that matter beyond its first cut, strongest first, and the strongest of them."""
        n_slice, tail, far = self.open_bar.n_slice, self.effort.tail, self._beyond[lead]
        amplitude = np.sqrt(self.open_bar.linewidth(self.centre).real)[:, None]
        n_probes = min(self.effort.rank, n_slice) + _SPARE_PROBES
        sources: NDArray = np.zeros((self.open_bar.length, n_slice, n_probes), dtype=self.effort.dtype)
        sources[far] = np.random.default_rng(LEADS.index(lead)).standard_normal(sources[far].shape)
        end = 0 if lead == "L" else -1
        responses = (self.open_bar.basis.T @ factor.solve(sources)[end]).conj() / np.sqrt(n_probes)
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
        number, core = (int(np.argmax(left_out <= limit)) for limit in (tail, _CORE * tail))
        self.discarded[lead] = float(left_out[number])
        return directions[:, :number], directions[:, :core]

    def _solve_at_nodes(self) -> tuple[NDArray[np.float64], int, dict[str, NDArray], dict[str, NDArray], NDArray]:
        """Basis of the poles and of the channels' fields, its size before the last node's, channels, and traces.

        One factor at a time is held: they are the most of a large bar's memory.
        """
        sizes, traces = [0], []
        for number, node in enumerate(self._nodes):
            factor = SliceFactor(self.open_bar, complex(self.window.energy(node)), self.effort.dtype)
            traces.append(factor.slice_traces())
            if number == 0:
                self.found = self._find_poles(factor)
                both = {lead: self._choose_channels(factor, lead) for lead in LEADS}
                channels, core = ({lead: pair[which] for lead, pair in both.items()} for which in (0, 1))
                inner = self.found.select(self.window.distance(self.found.positions) < _RADIUS)
                basis = orthonormal_beyond(None, flat(inner.vectors), _POLE_SPAN)
                self._n_pole_fields = basis.shape[1]
            # Fields of two nodes make the basis; the others are for the traces.
            if number >= len(self._nodes) - 2:
                columns = [self._fields(factor, lead, channels[lead]) for lead in LEADS]
                added = orthonormal_beyond(basis, np.concatenate(columns, axis=1), self.effort.tail)
                basis = np.concatenate([basis, added], axis=1)
                sizes.append(basis.shape[1])
        return basis, sizes[-2], channels, core, np.array(traces)

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
        """Scattering fields of a lead's channels at a factor's energy, shape (n_sites, n_channels)."""
        amplitude = np.sqrt(self.open_bar.linewidth(factor.energy))[:, None]
        source = self.open_bar.basis @ (amplitude * channels)
        far, near = factor.solve_from_end(0 if lead == "L" else -1, source, source.shape[1], True)
        return flat(np.concatenate([near, far] if lead == "L" else [far, near]))

    def _response_nodes(self) -> NDArray[np.complex128]:
        """Scaled energies at which a response is sampled."""
        x, _ = legendre.leggauss(4 + int(np.ceil(-np.log10(self.effort.pole_tolerance))))
        return np.asarray(x + 1j * _ELEVATION)

    def _respond(
        self,
        reduced: ReducedBar,
        operators: list[NDArray[np.complex128]],
        size: int,
        channels: dict[str, NDArray],
        known: _Response | None = None,
    ) -> tuple[_Response, NDArray[np.complex128]]:
        """Response of the bar reduced to the first fields, without spurious poles, and the fields of its poles.

        It is sampled where the operators are given, their last one excepted, which is for its poles. With a known
        response to start from, these are followed.
        """
        whole, operators = reduced.leading(size), [operator[:size, :size] for operator in operators]
        bar, at_nodes, lift, purged = whole, operators, None, np.empty((size, 0))
        for _ in range(_MOST_PURGES):
            poles = self._poles_of(bar, at_nodes[-1], known if lift is None else None)
            inner = poles.vectors[0] if lift is None else real_times(lift, poles.vectors[0])
            vectors = real_times(self.basis[:, :size], inner).reshape(self.open_bar.length, self.open_bar.n_slice, -1)
            spurious = self._residuals(poles, vectors) > _SPURIOUS
            spurious &= -poles.positions.imag < _NARROW_SPURIOUS * self.half_width
            spurious &= self.window.distance(poles.positions) < _PURGED
            if not spurious.any():
                break
            # The first fields are those of the bar's own poles, which have to stay.
            added = inner[:, spurious]
            added[: self._n_pole_fields] = 0
            purged = np.concatenate([purged, added.real, added.imag], axis=1)
            lift = _complement(purged)
            bar, at_nodes = whole.restricted(lift), [lift.T @ operator @ lift for operator in operators]
        poles = self._with_exact_couplings(poles, vectors)
        precision = _NEGLECTED * self.effort.pole_tolerance
        response = _Response(
            bar,
            lift,
            self.basis.shape[1],
            self.window,
            channels,
            self._response_nodes(),
            at_nodes[:-1],
            poles,
            precision,
        )
        return response, vectors

    def _poles_of(self, bar: ReducedBar, operator: NDArray[np.complex128], known: _Response | None) -> Poles:
        """Poles of a reduced bar near the window."""
        shift = complex(self.window.energy(1j * self.effort.elevation))
        tolerance = self.effort.pole_tolerance
        inverse = _Inverse(bar, shift, operator)
        if known is not None and known.lift is None:
            return follow_poles(
                bar, inverse, self.window, known.poles, known.poles.vectors[:, : bar.n_slice], tolerance
            )
        wanted = 48 + int(1.5 * np.sum(self.window.distance(self.found.positions) < _RADIUS))
        steps = int(np.ceil(min(bar.n_slice, wanted) / _BLOCK))
        # A step costs little here, and narrow poles need it: their ends are a small part of their vectors.
        return find_poles(bar, inverse, self.window, _RADIUS, _BLOCK, steps, _FIRMER * tolerance)

    def _residuals(self, poles: Poles, vectors: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Residuals of a reduced bar's poles on the bar itself, in half-widths."""
        return np.linalg.norm(flat(self.open_bar.apply(poles.positions, vectors)), axis=0) / self.half_width

    def _with_exact_couplings(self, poles: Poles, vectors: NDArray[np.complex128]) -> Poles:
        """The poles with the couplings and widths of their fields on the bar, where these are faint."""
        on_bar = with_exact_widths(self.open_bar, replace(poles, vectors=vectors))
        return replace(on_bar, vectors=poles.vectors)

    # -- reading -------------------------------------------------------------------------------------------------

    @property
    def poles(self) -> Poles:
        """The bar's poles near the window, as the reduction has them (vectors in its basis)."""
        return self._responses[0].poles.select(self._true)

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
        """What a sum of measures makes of the states of both leads."""
        key = (measures, coarse)
        if key not in self._contracted:
            response = self._responses[int(coarse)]
            totals = (sum(response.density(lead, measure) for measure in measures) for lead in LEADS)
            self._contracted[key] = Contracted(*(np.asarray(total) for total in totals))
        return self._contracted[key]

    def driven(self, measures: tuple[Measure, ...], coarse: bool = False) -> NDArray[np.complex128]:
        """Matrix T of G's driven part: ``measure(q_LR) = fields("L") T fields("R")^T`` with q of Eq. 8 at n = 1."""
        both = self.contracted(measures, coarse)
        return both.left - both.right

    def block(self, measures: tuple[Measure, ...], coarse: bool = False) -> NDArray[np.complex128]:
        """``measure(q_LR)`` between the sites of the halves."""
        return sandwiched(self.fields("L"), self.driven(measures, coarse), self.fields("R").T)

    def far_density(self, lead: str, measures: tuple[Measure, ...], coarse: bool = False) -> NDArray[np.float64]:
        """Slice sums of measure(sum_n |phi^a_n|^2) in the half far from a lead."""
        both = self.contracted(measures, coarse)
        density = both.left if lead == "L" else both.right
        overlaps = self.overlaps[self._halves["R" if lead == "L" else "L"]]
        return np.asarray(overlaps.reshape(len(overlaps), -1) @ density.real.ravel())

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

        In double precision: at a real energy single precision has no height above the axis to round in.
        """
        factor = SliceFactor(self.open_bar, complex(energy))
        amplitude = np.sqrt(self.open_bar.linewidth(energy).real)[:, None]
        basis, n_slice = self.open_bar.basis, self.open_bar.n_slice

        def through(end: int, channels: NDArray) -> NDArray:
            far, _ = factor.solve_from_end(end, basis @ (amplitude * channels), channels.shape[1])
            return np.asarray(amplitude * (basis.T @ far[-1 if end == 0 else 0]), dtype=complex)

        probes = np.random.default_rng(0).standard_normal((n_slice, min(_END_PROBES, n_slice)))
        reached, _ = np.linalg.qr(through(-1, probes))
        return float(np.linalg.norm(through(0, reached.conj())) ** 2)

    # -- errors --------------------------------------------------------------------------------------------------

    def mixing(self) -> float:
        """Largest share of a neighbour that rounding mixes into a pole close to the window."""
        return self._mixing

    def pole_error(self) -> float:
        """Relative error due to poles close to the window, to second order in their residuals."""
        return 0.02 * self._residual**2

    def error_of_changes(self, changes: Changes) -> float:
        """Relative error from what the last node's fields, the weakest channels and unseen poles of the traces change.

        The changes of whole matrices enter to second order: what is left out is nearly orthogonal to the rest. The
        numbers were measured on random bars, where they bound the error with a margin (benchmarks/README.md).
        """
        share = self.effort.change_share
        return _LEAST_ERROR + max(
            share * max(changes.coherence, changes.parts) + 0.05 * changes.matrix**2 + 0.005 * changes.matrix,
            share * changes.slope + 0.02 * changes.slope_matrix**2 + 0.002 * changes.slope_matrix,
            _DENSITY_SHARE * changes.profile,
            _DENSITY_SHARE * changes.weight,
        )


def _choose_nodes(n_nodes: int, elevation: float) -> NDArray[np.complex128]:
    """Scaled energies above the window at which the bar is solved, the inner ones first, the outermost two last.

    With three nodes x, of which one is on the axis of symmetry, that one is where (x - x_1)(x - x_2)(x - x_3) has no
    mean over the window: its integral by their interpolation is then exact for cubic functions, as if there were four.
    """
    if n_nodes == 3:
        middle = 2 * elevation / (3 * (elevation**2 + _SIDE_NODES**2) - 1)
        return np.array([1j * middle, -_SIDE_NODES + 1j * elevation, _SIDE_NODES + 1j * elevation])
    x, _ = legendre.leggauss(n_nodes)
    x = x[np.argsort(np.abs(x))]
    return np.asarray(_SIDE_NODES * x / x[-1] + 1j * elevation)


def orthonormal_beyond(basis: NDArray[np.float64] | None, columns: NDArray, tail: float) -> NDArray[np.float64]:
    """Real orthonormal basis of complex columns beyond the span of another, without directions weaker than a tail."""
    real = np.concatenate([columns.real, columns.imag], axis=1).astype(float)
    if basis is not None:
        real -= basis @ (basis.T @ real)
    squares, directions = np.linalg.eigh(real.T @ real)
    kept = squares > tail**2
    added = real @ (directions[:, kept] / np.sqrt(squares[kept]))
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
