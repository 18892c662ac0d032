"""Scattering states seen through the few fields that matter across a cut.

What a window of energies correlates across a cut, ``measure(Phi_L Phi_L^dag - Phi_R Phi_R^dag)`` between the bar's
parts, is a matrix of low rank: a basis Q of each part, found with random vectors, holds it up to a small rest. The
coherence is a sum of squares, so that this rest enters it squared. In the coordinates Q^dag Phi the states of all
channels are short, and are known at an energy from the fields of sources conj(Q): the Green function is symmetric.

As in ``resonances``, they are a sum over poles, integrated in closed form, and a rest at a few energies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from anderson_ness.states.effort import Effort
from anderson_ness.states.elimination import OpenBar, SliceFactor, flat, real_times
from anderson_ness.states.poles import Poles, Window, find_poles, rounding_mixes
from anderson_ness.states.rational import Interpolation, Measure
from anderson_ness.states.refined_transmission import refined_transmission
from anderson_ness.states.resonances import LEADS, Changes, Coarse, ratio
from anderson_ness.states.segments import segments
from anderson_ness.states.traces import SliceTraces

# Blocks of random vectors with which a part's basis is found, at most.
_MOST_BLOCKS = 40
# Random vectors with which what a basis leaves out is measured.
_TEST_VECTORS = 4
# Directions of a block that together are this share of what may be left out are not taken.
_DROPPED = 0.1
_ROUNDED = 1e-13
# Mixtures of samples with a smaller share than this are rounding.
_ROUNDING = 1e-14
# A unit vector of which less than this is beyond a basis is one of its span, but for rounding.
_NEW_DIRECTION = 0.5
# The coarse result takes poles out only up to this share of the radius: what that changes is what those further off,
# which nobody knows, may be worth.
_INNER = 0.75
# Number of nodes from which on there are some next to the window's ends.
_LOBATTO = 4
# Standard deviations by which the coarse traces are off, and the share of changes of densities that is an error.
_DEVIATIONS = 9.0
_DENSITY_SHARE = 0.2
# Up to this distance from the window, in half-widths, the nodes see nothing of a pole.
_UNSEEN = 0.5
# The transmission's error, as a share of that allowed for poles.
_REFINED = 0.01
# Multiple of what poles that are not known may be worth, as the outer ones tell.
_OUTER_SHARE = 2.4


@dataclass(frozen=True)
class _Weights:
    """What a sum of measures makes of products of a lead's amplitudes.

    Attributes
    ----------
    poles
        Poles with poles, (n_poles, n_poles).
    across
        Poles with the rest's samples, node by node and channel by channel, (n_nodes, n_poles, n_channels).
    shares, mixtures
        The rest's samples with each other: weights (n,), of products of mixtures of the samples, (n, n_nodes).
    """

    poles: NDArray[np.complex128]
    across: NDArray[np.complex128]
    shares: NDArray[np.float64]
    mixtures: NDArray[np.complex128]


@dataclass(frozen=True)
class _States:
    """A lead's scattering states on some rows: on sites, or in the coordinates of a basis.

    Attributes
    ----------
    vectors
        The poles' vectors, (rows, n_poles).
    rest
        The states' rest at the nodes, (n_nodes, rows, n_channels).
    """

    vectors: NDArray[np.complex128]
    rest: NDArray

    def rows(self, chosen: slice) -> _States:
        """The same on some of the rows."""
        return _States(self.vectors[chosen], self.rest[:, chosen])

    def product(self, other: _States, weights: _Weights) -> NDArray[np.complex128]:
        """measure(Phi Phi^dag) between the rows of these states and those of others of the same lead."""
        mixed = np.tensordot(weights.mixtures, self.rest, 1)
        theirs = mixed if other is self else np.tensordot(weights.mixtures, other.rest, 1)
        total = sum(share * (a @ b.conj().T) for share, a, b in zip(weights.shares, mixed, theirs, strict=True))
        onto = weights.poles @ other.vectors.conj().T + self._onto_poles(other, weights)
        return np.asarray(
            total + self.vectors @ onto + other._onto_poles(self, weights).conj().T @ other.vectors.conj().T
        )

    @staticmethod
    def _onto_poles(states: _States, weights: _Weights) -> NDArray[np.complex128]:
        return np.asarray(sum(a @ b.conj().T for a, b in zip(weights.across, states.rest, strict=True)))

    def density(self, weights: _Weights) -> NDArray[np.float64]:
        """measure(sum_n |phi_n|^2) row by row."""
        vectors = self.vectors
        total = _inner_rows(vectors @ weights.poles, vectors)
        for across, rest in zip(weights.across, self.rest, strict=True):
            total += 2 * _inner_rows(vectors @ across, rest)
        for share, mixture in zip(weights.shares, weights.mixtures, strict=True):
            mixed = np.tensordot(mixture, self.rest, 1)
            total += share * _inner_rows(mixed, mixed)
        return total


class CompressedModel:
    """The scattering states of a bar in a window of energies, in the coordinates of a basis of each part.

    Parameters
    ----------
    open_bar
        The operator A(E).
    centre, half_width
        The window, centre ± half_width.
    effort
        Number of energies, what the bases may leave out, and what is spent on poles.
    cuts
        Slices in front of which the bar is cut, besides its middle.
    """

    # Whether `fields` are orthonormal; results with less, from which errors are estimated, the first with densities.
    orthonormal = True
    coarse_results = (Coarse.POLES, Coarse.NODES)

    def __init__(
        self, open_bar: OpenBar, centre: float, half_width: float, effort: Effort, cuts: tuple[int, ...] = ()
    ) -> None:
        self.open_bar, self.effort, self.window = open_bar, effort, Window(centre, half_width)
        self.centre, self.half_width = centre, half_width
        half = open_bar.length // 2
        self._halves = {"L": slice(0, half), "R": slice(half, open_bar.length)}
        self._parts = segments(open_bar.length, tuple(sorted({half, *cuts})))
        nodes = quadrature_nodes(effort.n_nodes, effort.elevation)
        self._interpolation, self._fewer_nodes = Interpolation(nodes), Interpolation(nodes[1:])
        first = self._factor(nodes[0])
        self._poles = find_poles(
            open_bar,
            first,
            self.window,
            effort.radius,
            effort.block,
            effort.steps,
            effort.pole_tolerance,
            effort.broadest,
        )
        known = {nodes[0]: first} | {node: self._factor(node) for node in {nodes[1], nodes[-1]}}
        rounded = [factor.rounded() for factor in known.values()]
        responses: dict[str, list[NDArray]] = {lead: [] for lead in LEADS}
        self._bases = [self._find_basis(part, rounded, responses) for part in self._parts]
        self._channels = {lead: self._choose_channels(lead, responses[lead]) for lead in LEADS}
        del rounded
        sizes = np.cumsum([0, *(basis.shape[1] for basis in self._bases)])
        self._columns = [slice(*ends) for ends in pairwise(sizes)]
        self._vectors = np.concatenate(
            [
                basis.conj().T @ flat(self._poles.vectors[part])
                for basis, part in zip(self._bases, self._parts, strict=True)
            ]
        )
        # Squares of what the bases leave out, and densities that the channels leave out, node by node.
        self._left_out: list[float] = []
        self._left_out_density: list[float] = []
        del first
        projected, far, traces = [], [], []
        for node in nodes:
            factor = known.pop(node, None) or self._factor(node)
            projected.append(self._project(factor))
            far.append({lead: self._far_fields(factor, lead) for lead in LEADS})
            traces.append(factor.slice_traces())
            if node != nodes[0]:
                self._measure_left_out(factor.rounded())
        inner = self.window.distance(self._poles.positions) < _INNER * effort.radius
        everything = np.full(len(inner), True)
        self._known = {Coarse.NOT: everything, Coarse.POLES: inner, Coarse.NODES: everything}
        self._states, self._far = (
            self._with_fewer_poles({lead: np.array([fields[lead] for fields in at_nodes]) for lead in LEADS}, far_only)
            for at_nodes, far_only in ((projected, False), (far, True))
        )
        self._traces = SliceTraces.of(self.window, nodes, np.array(traces), self._poles, effort.radius)
        self._weighed: dict[tuple, _Weights] = {}

    def _with_fewer_poles(self, rest: dict[str, NDArray], far: bool) -> dict[tuple[str, Coarse], _States]:
        """A lead's states with all poles, and with the inner ones alone: the others are then part of the rest."""
        states, outer = {}, ~self._known[Coarse.POLES]
        for lead in LEADS:
            dtype, outside = rest[lead].dtype, []
            vectors = (self._far_vectors(lead) if far else self._vectors).astype(dtype)
            for node in self._interpolation.nodes:
                amplitudes = self._pole_amplitudes(lead, self.window.energy(node), far)
                outside.append(vectors[:, outer] @ amplitudes[outer].astype(dtype))
            states[lead, Coarse.NOT] = states[lead, Coarse.NODES] = _States(vectors, rest[lead])
            states[lead, Coarse.POLES] = _States(vectors[:, ~outer], rest[lead] + outside)
        return states

    @property
    def n_quadrature(self) -> int:
        """Number of Gauss-Legendre nodes with which products of two samples' interpolations are integrated exactly."""
        return max(2 * self.effort.n_nodes, 4)

    # -- building ------------------------------------------------------------------------------------------------

    def _factor(self, node: complex) -> SliceFactor:
        return SliceFactor(self.open_bar, complex(self.window.energy(node)), self.effort.dtype)

    def _find_basis(
        self, part: slice, factors: list[SliceFactor], responses: dict[str, list[NDArray]]
    ) -> NDArray[np.complex128]:
        """Orthonormal basis of what the driven correlations between a part and all others reach in the part.

        Responses at the part's end of the bar to random sources outside are kept on the way.
        """
        share, rng = self.effort.left_out, np.random.default_rng(part.start)
        basis = _leading(self._weighted_poles(part), _DROPPED * share)
        for factor in factors:
            size = 0.0
            for _ in range(_MOST_BLOCKS):
                ends, fields = self._across(factor, part, rng, self.effort.probes)
                for lead, end in ends.items():
                    responses[lead].append(end)
                size = size or float(np.linalg.norm(fields)) ** 2
                new, squares = _beyond(basis, fields)
                # What is taken has to be more than rounding, and more than a share of what may be left out.
                taken = np.cumsum(squares) > max(_DROPPED * share, _ROUNDED) * size
                basis = np.concatenate([basis, new[:, taken]], axis=1)
                # As many directions as weak as the weakest would be left.
                if len(squares) < self.effort.probes or len(squares) * squares[0] <= share * size:
                    break
        return basis

    def _weighted_poles(self, part: slice) -> NDArray[np.complex128]:
        """The poles' vectors in a part, times what they contribute to the correlations with the others."""
        poles = self._poles
        linewidth = self.open_bar.linewidth(self.centre).real
        coupling = linewidth @ (np.abs(poles.left) ** 2 + np.abs(poles.right) ** 2)
        inside = flat(poles.vectors[part])
        outside = np.sqrt(np.maximum(1 - np.sum(np.abs(inside) ** 2, axis=0), 0.0))
        return np.asarray(inside * (np.abs(poles.strengths) ** 2 * coupling * outside * self._resonance))

    @cached_property
    def _resonance(self) -> NDArray[np.float64]:
        """Mean square of each pole's propagator over the window."""
        depth = np.maximum(-self._poles.positions.imag, 1e-12 * self.half_width)
        edges = self.centre + self.half_width * np.array([-1, 1]) - self._poles.positions.real[:, None]
        angle = np.arctan2(edges[:, 1], depth) - np.arctan2(edges[:, 0], depth)
        return np.asarray(angle / (2 * self.half_width * depth))

    def _across(
        self, factor: SliceFactor, part: slice, rng: np.random.Generator, number: int
    ) -> tuple[dict[str, NDArray], NDArray]:
        """What random sources outside a part make, at a factor's energy.

        Returns
        -------
        ends, fields
            Gamma_a^(1/2) times the response's channel amplitudes at each of the bar's ends that is in the part,
            (n_slice, number), and (Phi_L Phi_L^dag - Phi_R Phi_R^dag) of the sources on the part's sites.
        """
        bar = self.open_bar
        sources = rng.standard_normal((bar.length, bar.n_slice, number), dtype=np.float32)
        sources[part] = 0
        first = part.stop if part.start == 0 else 0
        last = part.start if part.stop == bar.length else bar.length
        responses = factor.solve_to_ends(sources[first:last].astype(factor.dtype), first)
        root = np.sqrt(bar.linewidth(factor.energy).real)[:, None].astype(sources.dtype)
        amplitudes = [root * real_times(bar.basis.T, response) for response in responses]
        left, right = (
            sign * real_times(bar.basis, root * end).conj() for sign, end in zip((1, -1), amplitudes, strict=True)
        )
        inside = {"L": part.start == 0, "R": part.stop == bar.length}
        ends = {lead: end for lead, end in zip(LEADS, amplitudes, strict=True) if inside[lead]}
        return ends, flat(factor.solve_from_ends(left, right, part))

    def _project(self, factor: SliceFactor) -> dict[str, NDArray]:
        """The rest of both leads' states at a factor's energy, in the coordinates of the bases, (rows, n_slice)."""
        bar = self.open_bar
        root = np.sqrt(bar.linewidth(factor.energy))
        rows: dict[str, list[NDArray]] = {lead: [] for lead in LEADS}
        for part, basis in zip(self._parts, self._bases, strict=True):
            source = basis.conj().reshape(part.stop - part.start, bar.n_slice, -1).astype(factor.dtype)
            for lead, end in zip(LEADS, factor.solve_to_ends(source, part.start), strict=True):
                rows[lead].append(real_times(bar.basis.T, end).T)
        vectors, root = self._vectors.astype(factor.dtype), root.astype(factor.dtype)
        return {
            lead: np.concatenate(rows[lead]) * root
            - vectors @ self._pole_amplitudes(lead, factor.energy, False).astype(factor.dtype)
            for lead in LEADS
        }

    def _measure_left_out(self, factor: SliceFactor) -> None:
        """Measure what the bases and the channels leave out at a factor's energy."""
        rng = np.random.default_rng(len(self._left_out) + self.open_bar.length)
        squares, density = 0.0, 0.0
        for part, basis in zip(self._parts, self._bases, strict=True):
            ends, fields = self._across(factor, part, rng, _TEST_VECTORS)
            squares += float(np.linalg.norm(fields - basis @ (basis.conj().T @ fields))) ** 2 / _TEST_VECTORS
            for lead, end in ends.items():
                channels, response = self._channels[lead], end.conj()
                density += float(np.linalg.norm(response - channels @ (channels.conj().T @ response))) ** 2
        self._left_out.append(squares)
        self._left_out_density.append(density / _TEST_VECTORS)

    def _amplitudes(self, lead: str) -> NDArray[np.complex128]:
        return self._poles.left if lead == "L" else self._poles.right

    def _choose_channels(self, lead: str, responses: list[NDArray]) -> NDArray[np.complex128]:
        """Orthonormal channels of a lead of which the states in the far half consist, up to a small density."""
        number, poles = sum(response.shape[1] for response in responses), self._poles
        # Each pole at the energy of the window at which it counts most.
        position = np.clip(poles.positions.real, self.centre - self.half_width, self.centre + self.half_width)
        amplitudes = np.sqrt(self.open_bar.linewidth(position).real.T) * self._amplitudes(lead).conj()
        reach = np.linalg.norm(self._far_vectors(lead), axis=0) * np.abs(poles.strengths) * np.sqrt(self._resonance)
        columns = [response.conj() / np.sqrt(number) for response in responses]
        return _leading(
            np.concatenate([*columns, amplitudes * reach], axis=1).astype(complex), self.effort.left_out_density
        )

    def _far_fields(self, factor: SliceFactor, lead: str) -> NDArray:
        """The rest of a lead's states on the sites of the far half, at a factor's energy."""
        bar = self.open_bar
        source = real_times(bar.basis, np.sqrt(bar.linewidth(factor.energy))[:, None] * self._channels[lead])
        far, _ = factor.solve_from_end(0 if lead == "L" else -1, source, source.shape[1])
        amplitudes = self._pole_amplitudes(lead, factor.energy, True)
        return flat(far) - (self._far_vectors(lead) @ amplitudes).astype(factor.dtype)

    def _pole_amplitudes(self, lead: str, energy: complex, far: bool) -> NDArray[np.complex128]:
        """What each pole makes of a lead's channels, or of those that reach the far half, (n_poles, n_channels)."""
        propagator = (self._poles.strengths / (energy - self._poles.positions))[:, None]
        coupled = self._amplitudes(lead).T * np.sqrt(self.open_bar.linewidth(energy))
        return np.asarray(propagator * (coupled @ self._channels[lead] if far else coupled))

    def _far_vectors(self, lead: str) -> NDArray[np.complex128]:
        return flat(self._poles.vectors[self._halves["R" if lead == "L" else "L"]])

    # -- reading -------------------------------------------------------------------------------------------------

    @property
    def poles(self) -> Poles:
        """The bar's poles near the window."""
        return self._poles

    def fields(self, half: str) -> NDArray[np.complex128]:
        """The bases of the parts in one half of the bar, (sites, columns)."""
        return self.fields_on(self._halves[half])[:, self._columns_in(half)]

    def fields_on(self, slices: slice) -> NDArray[np.complex128]:
        """The bases on some slices of the bar, (sites, columns of all parts)."""
        n_slice = self.open_bar.n_slice
        fields = np.zeros((self.open_bar.length * n_slice, self._columns[-1].stop), dtype=complex)
        for part, columns, basis in zip(self._parts, self._columns, self._bases, strict=True):
            fields[part.start * n_slice : part.stop * n_slice, columns] = basis
        return fields[slices.start * n_slice : slices.stop * n_slice]

    def _columns_in(self, half: str) -> slice:
        inside = [
            i for i, part in enumerate(self._parts) if self._halves[half].start <= part.start < self._halves[half].stop
        ]
        return slice(self._columns[inside[0]].start, self._columns[inside[-1]].stop) if inside else slice(0, 0)

    def n_columns(self, half: str) -> int:
        """Size of the bases in a half."""
        columns = self._columns_in(half)
        return columns.stop - columns.start

    def _weights(self, lead: str, measures: tuple[Measure, ...], coarse: Coarse, far: bool) -> _Weights:
        """What measures make of a lead's amplitudes; far: in the channels that reach the far half."""
        key = (lead, measures, coarse, far)
        if key not in self._weighed:
            self._weighed[key] = self._weigh(lead, measures, coarse, far)
        return self._weighed[key]

    def _weigh(self, lead: str, measures: tuple[Measure, ...], coarse: Coarse, far: bool) -> _Weights:
        if far:
            near = self._weights(lead, measures, coarse, False)
            return replace(near, across=near.across @ self._channels[lead].astype(near.across.dtype))
        if coarse is Coarse.POLES:
            every, inner = self._weights(lead, measures, Coarse.NOT, False), self._known[coarse]
            return replace(every, poles=every.poles[np.ix_(inner, inner)], across=every.across[:, inner])
        dtype = self.effort.field_dtype
        h, positions = self.half_width, self._poles.positions
        mu = (positions - self.centre) / h
        across: NDArray = np.zeros((self.effort.n_nodes, len(mu), self.open_bar.n_slice), dtype=complex)
        overlaps = np.zeros((self.effort.n_nodes, self.effort.n_nodes), dtype=complex)
        first, own = np.zeros((len(mu), len(mu)), dtype=complex), np.zeros(len(mu))
        for measure in measures:
            jacobian = measure.jacobian(h)
            values = self._lagrange(measure.nodes, coarse)
            overlaps += (values * (jacobian * measure.weights)) @ values.conj().T
            pole_weights = measure.pole_weights(mu) * (jacobian / h)
            for x, value, weight in zip(measure.nodes, values.T, pole_weights, strict=True):
                amplitudes = self._coupled(lead, x)
                weighted = weight[:, None] * amplitudes
                across += np.multiply.outer(value.conj(), weighted)
                if coarse is Coarse.NOT:
                    first += weighted @ amplitudes.conj().T
                    own += weight.imag * np.sum(np.abs(amplitudes) ** 2, axis=1)
        if coarse is Coarse.NOT:
            # Poles with poles: 1 / (E - E_i) less 1 / (E - conj(E_j)), over their gap. A pole's own is the ratio of
            # small imaginary parts, which the products would round.
            pairs = (first - first.conj().T) / (positions[:, None] - positions.conj())
            np.fill_diagonal(pairs, own / positions.imag)
            pairs = pairs.astype(dtype)
        else:
            pairs = self._weights(lead, measures, Coarse.NOT, False).poles
        shares, mixtures = np.linalg.eigh(overlaps)
        counts = np.abs(shares) > _ROUNDING * np.abs(shares).max(initial=0.0)
        return _Weights(pairs, across.astype(dtype), shares[counts], mixtures.T[counts].astype(dtype))

    def _coupled(self, lead: str, x: float) -> NDArray[np.complex128]:
        """Poles' strengths times their amplitudes in a lead's channels at a scaled energy, (n_poles, n_channels)."""
        root = np.sqrt(self.open_bar.linewidth(self.window.energy(x)).real)
        return np.asarray((self._amplitudes(lead) * self._poles.strengths).T * root)

    def _lagrange(self, x: NDArray[np.float64], coarse: Coarse) -> NDArray[np.complex128]:
        """Values of the nodes' Lagrange polynomials, (n_nodes, n_points)."""
        if coarse is not Coarse.NODES:
            return self._interpolation.at(x)
        return np.concatenate([np.zeros((1, np.size(x))), self._fewer_nodes.at(x)])

    def driven(self, measures: tuple[Measure, ...], coarse: Coarse = Coarse.NOT) -> NDArray[np.complex128]:
        """Matrix T of G's driven part: ``measure(q_LR) = fields("L") T fields("R")^dag`` with q of Eq. 8 at n = 1."""
        return self._driven_between(self._columns_in("L"), self._columns_in("R"), measures, coarse)

    def driven_everywhere(self, measures: tuple[Measure, ...], coarse: Coarse = Coarse.NOT) -> NDArray[np.complex128]:
        """The same between all columns of :meth:`fields_on`; it holds between different parts only."""
        return self._driven_between(slice(None), slice(None), measures, coarse)

    def _driven_between(
        self, rows: slice, columns: slice, measures: tuple[Measure, ...], coarse: Coarse
    ) -> NDArray[np.complex128]:
        left, right = (
            states.rows(rows).product(states.rows(columns), self._weights(lead, measures, coarse, False))
            for lead, states in ((lead, self._states[lead, coarse]) for lead in LEADS)
        )
        return np.asarray((left - right) / (2 * np.pi))

    def block(self, measures: tuple[Measure, ...], coarse: Coarse = Coarse.NOT) -> NDArray[np.complex128]:
        """``measure(q_LR)`` between the sites of the halves."""
        return self.fields("L") @ self.driven(measures, coarse) @ self.fields("R").conj().T

    def far_density(self, lead: str, measures: tuple[Measure, ...], coarse: Coarse = Coarse.NOT) -> NDArray[np.float64]:
        """Slice sums of measure(sum_n |phi^a_n|^2) in the half far from a lead."""
        sites = self._far[lead, coarse].density(self._weights(lead, measures, coarse, True))
        return np.asarray(sites.reshape(-1, self.open_bar.n_slice).sum(axis=1) / (2 * np.pi))

    def spectral_density(self, measures: tuple[Measure, ...], coarse: Coarse = Coarse.NOT) -> NDArray[np.float64]:
        """Slice sums of measure(A_E / (2 pi)), the local density of states, shape (Lx,).

        The coarse result is off by a multiple of the standard deviation.
        """
        density = np.zeros(self.open_bar.length)
        for measure in measures:
            share = measure.jacobian(self.half_width) / np.pi
            density -= self._traces.measured(measure).imag * share
            if coarse is not Coarse.NOT:
                density += _DEVIATIONS * self._traces.deviation(measure) * share
        return density

    def transmission(self, energy: float) -> float:
        """Tr t t^dag at an energy of the window."""
        return refined_transmission(self.open_bar, energy, self.effort.dtype, _REFINED * self.effort.pole_tolerance)

    # -- errors --------------------------------------------------------------------------------------------------

    def mixing(self) -> float:
        """Largest share of a neighbour that rounding mixes into a pole close to the window."""
        shares = rounding_mixes(self.open_bar, self._poles)
        return float(shares[self.window.close(self._poles.positions)].max(initial=0.0))

    def pole_error(self) -> float:
        """Largest relative error of a pole, as far as the nodes do not see what it leaves behind."""
        apart = np.maximum(self.window.distance(self._poles.positions), _UNSEEN)
        unseen = (_UNSEEN / apart) ** (self.effort.n_nodes + 1)
        return float(np.max(self._poles.errors * unseen, initial=0.0))

    def left_out_error(self, width: float, coherence: float, profile: float) -> float:
        """Relative error in a window of that width due to what bases and channels leave out of it.

        Parameters
        ----------
        width, coherence, profile
            The window's width, its coherence, and the largest entry of its profile.
        """
        # As if it were the same at all energies.
        squares = float(np.mean(self._left_out)) * (width / (4 * np.pi)) ** 2
        density = float(np.mean(self._left_out_density)) * width / (2 * np.pi * self.open_bar.n_slice)
        return max(ratio(2 * squares, coherence), ratio(density, profile))

    def error_of_changes(self, changes: dict[Coarse, Changes]) -> float:
        """Relative error from what is less sure with fewer known poles and with one node less.

        The numbers were measured on random bars, where they bound the error with a margin (benchmarks/README.md).
        """
        outer, nodes = changes[Coarse.POLES], changes[Coarse.NODES]
        return self.effort.least_error + max(
            self._outer_share() * max(outer.coherence, outer.parts, outer.slope)
            + self.effort.node_share * max(nodes.coherence, nodes.parts, nodes.slope),
            _DENSITY_SHARE * max(outer.profile, outer.weight),
        )

    def _outer_share(self) -> float:
        """Share of what the outer poles change that is an error: it falls with distance as the power K + 1/2."""
        return float(_OUTER_SHARE / np.sqrt(_INNER ** -(2 * self.effort.n_nodes + 1) - 1))


def quadrature_nodes(n_nodes: int, elevation: float) -> NDArray[np.complex128]:
    """Scaled energies above the window from which integrals over it follow by interpolation, the innermost first.

    They are zeros of P_K - i c P_{K-1} with Legendre polynomials, of Gauss' kind, or from four nodes on, when a degree
    may be spared, of P_K - P_{K-2} - i c P_{K-1}, of Lobatto's kind: some of these are next to the window's ends, where
    the slope is read. Such a polynomial is orthogonal to all of degree below K - 1 or K - 2, so that the integral is
    exact up to degree 2 K - 2 or 2 K - 3, about one less than on the axis. The constant lifts the lowest node to the
    elevation.
    """
    x, _ = legendre.leggauss(n_nodes)
    series = np.zeros(n_nodes + 1, dtype=complex)
    series[-1] = 1
    if n_nodes < _LOBATTO:
        series[-2] = -1j * elevation * n_nodes / (1 - x[-1] ** 2)
    else:
        series[-2:-4:-1] = -1j * elevation * (2 * n_nodes - 1), -1
    roots = legendre.legroots(series)
    # Symmetric about the imaginary axis: what rounding makes of a zero on it does not decide the order.
    return np.asarray(roots[np.lexsort((roots.real, np.abs(roots.real).round(6)))], dtype=complex)


def _inner_rows(first: NDArray, second: NDArray) -> NDArray[np.float64]:
    """Real part of the inner product of each row with the other's."""
    return np.asarray(np.einsum("rn,rn->r", first, second.conj()).real, dtype=float)


def _leading(columns: NDArray[np.complex128], share: float) -> NDArray[np.complex128]:
    """Orthonormal basis of the columns' main directions, which leaves out a share of their squares."""
    squares, mixtures = np.linalg.eigh(columns.conj().T @ columns)
    kept = np.cumsum(squares) > max(share, _ROUNDED) * max(float(squares.sum()), np.finfo(float).tiny)
    return np.asarray(columns @ (mixtures[:, kept] / np.sqrt(squares[kept])))


def _beyond(basis: NDArray[np.complex128], columns: NDArray) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Orthonormal directions of columns beyond a basis, the weakest first, and the squares of their sizes."""
    rounded = basis.astype(columns.dtype)
    rest = (columns - rounded @ (rounded.conj().T @ columns)).astype(complex)
    squares, mixtures = np.linalg.eigh(rest.conj().T @ rest)
    directions = rest @ (mixtures / np.sqrt(np.maximum(squares, np.finfo(float).tiny)))
    # Once more, to be orthogonal to rounding. What is lost then was nothing but rounding.
    directions -= basis @ (basis.conj().T @ directions)
    new = np.linalg.norm(directions, axis=0) > _NEW_DIRECTION
    return np.linalg.qr(directions[:, new])[0], squares[new]
