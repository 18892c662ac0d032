"""Integrals over a window of scattering states that are sampled in the coordinates of what matters across a cut.

As in ``resonances``, the states are a sum over poles, integrated in closed form, and a rest at a few energies. The
coherence is a sum of squares, so that what the coordinates of ``samples`` leave out enters it squared.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from anderson_ness.states.effort import Effort
from anderson_ness.states.elimination import OpenBar, SliceFactor
from anderson_ness.states.poles import Poles, Window, find_poles, rounding_mixes
from anderson_ness.states.rational import Interpolation, Measure
from anderson_ness.states.refined_transmission import refined_transmission
from anderson_ness.states.resonances import LEADS, Changes, Coarse, ratio
from anderson_ness.states.samples import Samples
from anderson_ness.states.traces import SliceTraces

# Mixtures of samples with a smaller share than this are rounding.
_ROUNDING = 1e-14
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
# What of an effort is for the search of poles alone.
_OF_POLES = ("radius", "block", "steps", "pole_tolerance", "widened")
# Further off than this, in half-widths, poles with larger errors than this share of what is allowed count as missing,
# in this multiple of their error.
_FAR_OFF, _ROUGH, _DOUBT = 1.0, 0.1, 2.0
# The transmission's error, as a share of that allowed for poles.
_REFINED = 0.01
# Squares that are left out are missing twice in the coherence, and more of them at the window's ends, in the slope.
_LEFT_OUT_SHARE = 3.0
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
    overlaps
        The rest's samples with each other, (n_nodes, n_nodes).
    """

    poles: NDArray[np.complex128]
    across: NDArray[np.complex128]
    overlaps: NDArray[np.complex128]

    @cached_property
    def mixed(self) -> list[tuple[float, NDArray[np.complex128]]]:
        """The overlaps as weights of products of mixtures of the samples with themselves."""
        shares, mixtures = np.linalg.eigh(self.overlaps)
        counts = np.abs(shares) > _ROUNDING * np.abs(shares).max(initial=0.0)
        return list(zip(shares[counts].tolist(), mixtures.T[counts].astype(self.across.dtype), strict=True))


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
        total: NDArray = np.zeros((), dtype=self.rest.dtype)
        for share, mixture in weights.mixed:
            mine = np.tensordot(mixture, self.rest, 1)
            theirs = mine if other is self else np.tensordot(mixture, other.rest, 1)
            total = total + share * (mine @ theirs.conj().T)
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
        for share, mixture in weights.mixed:
            mine = np.tensordot(mixture, self.rest, 1)
            total += share * _inner_rows(mine, mine)
        return total


@dataclass(frozen=True)
class _Departure:
    """What becomes of measure(Phi Phi^dag) if the states are V e less, with amplitudes e(E).

    Attributes
    ----------
    vectors
        V, (rows, n).
    onto, beyond
        measure(Phi e^dag), (rows, n), and that of the states which are V e less.
    """

    vectors: NDArray
    onto: NDArray
    beyond: NDArray

    def product(self, rows: slice, columns: slice) -> NDArray:
        """What is missing between some rows and others."""
        vectors = self.vectors
        return self.onto[rows] @ vectors[columns].conj().T + vectors[rows] @ self.beyond[columns].conj().T

    def density(self) -> NDArray[np.float64]:
        """What is missing in the rows' squares."""
        return _inner_rows(self.onto, self.vectors) + _inner_rows(self.vectors, self.beyond)


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
        self.open_bar, self.effort, self.window, self._cuts = open_bar, effort, Window(centre, half_width), cuts
        self.centre, self.half_width = centre, half_width
        nodes = quadrature_nodes(effort.n_nodes, effort.elevation)
        self._interpolation, self._fewer_nodes = Interpolation(nodes), Interpolation(nodes[1:])
        first = self._first_factor()
        poles = self._find_poles(first)
        self._samples = Samples(open_bar, self.window, nodes, first, poles, effort, cuts)
        self._take_out(poles)

    def raised(self, effort: Effort) -> CompressedModel:
        """The window with more effort; the samples stay if it is but for poles."""
        if effort != replace(self.effort, **{name: getattr(effort, name) for name in _OF_POLES}):
            return CompressedModel(self.open_bar, self.centre, self.half_width, effort, self._cuts)
        model = copy.copy(self)
        model.effort = effort
        model._take_out(model._find_poles(model._first_factor()))
        return model

    def _first_factor(self) -> SliceFactor:
        energy = complex(self.window.energy(self._interpolation.nodes[0]))
        return SliceFactor(self.open_bar, energy, self.effort.dtype)

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
            effort.broadest,
        )

    def _take_out(self, poles: Poles) -> None:
        """Split the samples into the poles' part and a rest."""
        self._poles, samples = poles, self._samples
        self._doubt = self._doubts(poles)
        vectors = samples.in_bases(poles.vectors)
        self._states = {lead: self._split(lead, vectors, samples.projected[lead], False) for lead in LEADS}
        self._far = {
            lead: self._split(lead, samples.far_from(lead, poles.vectors), samples.far[lead], True) for lead in LEADS
        }
        # Squares of the poles' vectors in each slice of a half, and what the bases leave out of them.
        slices = np.sum(np.abs(poles.vectors) ** 2, axis=1)
        self._inside = {half: slices[part] for half, part in samples.halves.items()}
        self._beyond_bases = {
            half: np.maximum(inside.sum(axis=0) - np.sum(np.abs(vectors[samples.columns_in(half)]) ** 2, axis=0), 0)
            for half, inside in self._inside.items()
        }
        self._traces = SliceTraces.of(self.window, self._interpolation.nodes, samples.traces, poles, self.effort.radius)
        self._weighed: dict[tuple, _Weights] = {}
        self._driven: dict[tuple, NDArray] = {}

    def _doubts(self, poles: Poles) -> NDArray[np.float64]:
        """Shares of the poles that may be missing: all of the outer ones, and of others what their errors tell."""
        distance = self.window.distance(poles.positions)
        rough = (distance > _FAR_OFF) & (poles.errors * self._unseen(poles) > _ROUGH * self.effort.pole_tolerance)
        doubt = np.where(rough, np.minimum(_DOUBT / self._outer_share() * poles.errors, 1.0), 0.0)
        return np.where(self.window.reach(poles.positions) >= _INNER * self.effort.radius, 1.0, doubt)

    def _unseen(self, poles: Poles) -> NDArray[np.float64]:
        """Share of what a pole leaves behind that the nodes do not see."""
        apart = np.maximum(self.window.distance(poles.positions), _UNSEEN)
        return np.asarray((_UNSEEN / apart) ** (self.effort.n_nodes + 1))

    def _split(self, lead: str, vectors: NDArray, samples: NDArray, far: bool) -> _States:
        """A lead's states, from the poles' vectors and samples on the same rows."""
        columns = vectors.astype(samples.dtype)
        poles = (columns @ amplitudes for amplitudes in self._at_nodes(lead, far))
        return _States(columns, np.array([sample - part for sample, part in zip(samples, poles, strict=True)]))

    def _at_nodes(self, lead: str, far: bool) -> Iterator[NDArray]:
        """Poles' amplitudes at each node."""
        for node in self._interpolation.nodes:
            yield self._pole_amplitudes(lead, self.window.energy(node), far).astype(self.effort.field_dtype)

    def _pole_amplitudes(self, lead: str, energy: complex, far: bool) -> NDArray[np.complex128]:
        """What each pole makes of a lead's channels, or of those that reach the far half, (n_poles, n_channels)."""
        coupled = self._coupled(lead, self.open_bar.linewidth(energy))
        amplitudes = coupled @ self._samples.channels[lead] if far else coupled
        return np.asarray(amplitudes / (energy - self._poles.positions)[:, None])

    def _coupled(self, lead: str, linewidth: NDArray) -> NDArray[np.complex128]:
        """Poles' strengths times their amplitudes in a lead's channels, (n_poles, n_channels)."""
        return np.asarray((self._poles.amplitudes(lead) * self._poles.strengths).T * np.sqrt(linewidth))

    @property
    def n_quadrature(self) -> int:
        """Number of Gauss-Legendre nodes with which products of two samples' interpolations are integrated exactly."""
        return max(2 * self.effort.n_nodes, 4)

    @property
    def poles(self) -> Poles:
        """The bar's poles near the window."""
        return self._poles

    def fields(self, half: str) -> NDArray[np.complex128]:
        """The bases of the parts in one half of the bar, (sites, columns)."""
        return self._samples.fields_on(self._samples.halves[half])[:, self._samples.columns_in(half)]

    def fields_on(self, slices: slice) -> NDArray[np.complex128]:
        """The bases on some slices of the bar, (sites, columns of all parts)."""
        return self._samples.fields_on(slices)

    def n_columns(self, half: str) -> int:
        """Size of the bases in a half."""
        columns = self._samples.columns_in(half)
        return columns.stop - columns.start

    def _weights(self, lead: str, measures: tuple[Measure, ...], far: bool) -> _Weights:
        """What measures make of a lead's amplitudes; far: in the channels that reach the far half."""
        key = (lead, measures, far)
        if key not in self._weighed:
            self._weighed[key] = self._weigh(lead, measures, far)
        return self._weighed[key]

    def _weigh(self, lead: str, measures: tuple[Measure, ...], far: bool) -> _Weights:
        dtype, h, positions = self.effort.field_dtype, self.half_width, self._poles.positions
        mu = (positions - self.centre) / h
        channels = self._samples.channels[lead] if far else None
        across: NDArray = np.zeros((self.effort.n_nodes, len(mu), self.open_bar.n_slice), dtype=complex)
        overlaps = np.zeros((self.effort.n_nodes, self.effort.n_nodes), dtype=complex)
        first, own = np.zeros((len(mu), len(mu)), dtype=complex), np.zeros(len(mu))
        for measure in measures:
            jacobian = measure.jacobian(h)
            values = self._interpolation.at(measure.nodes)
            overlaps += (values * (jacobian * measure.weights)) @ values.conj().T
            pole_weights = measure.pole_weights(mu) * (jacobian / h)
            for x, value, weight in zip(measure.nodes, values.T, pole_weights, strict=True):
                amplitudes = self._coupled(lead, self.open_bar.linewidth(self.window.energy(x)).real)
                across += np.multiply.outer(value.conj(), weight[:, None] * amplitudes)
                if channels is not None:
                    # What the samples leave out has to be left out of the poles as well, of which most cancels.
                    amplitudes = amplitudes @ channels
                first += (weight[:, None] * amplitudes) @ amplitudes.conj().T
                own += weight.imag * np.sum(np.abs(amplitudes) ** 2, axis=1)
        # Poles with poles: 1 / (E - E_i) less 1 / (E - conj(E_j)), over their gap. A pole's own is the ratio of small
        # imaginary parts, which the products would round.
        pairs = (first - first.conj().T) / (positions[:, None] - positions.conj())
        np.fill_diagonal(pairs, own / positions.imag)
        across = across if channels is None else across @ channels
        return _Weights(pairs.astype(dtype), across.astype(dtype), overlaps)

    def _departure(self, lead: str, measures: tuple[Measure, ...], coarse: Coarse, far: bool) -> _Departure:
        """What the states of the coarse result have less."""
        states, weights = (self._far if far else self._states)[lead], self._weights(lead, measures, far)
        if coarse is Coarse.POLES:
            return self._of_doubtful_poles(lead, states, weights, far)
        return self._of_first_node(states, weights)

    def _of_doubtful_poles(self, lead: str, states: _States, weights: _Weights, far: bool) -> _Departure:
        """Less what the nodes do not see of those poles, or shares of poles, that may be missing."""
        dtype, doubtful = states.rest.dtype, self._doubt > 0
        overlaps = weights.overlaps.astype(dtype)
        amplitudes = np.array([at_node[doubtful] for at_node in self._at_nodes(lead, far)])
        unseen = weights.poles[:, doubtful] - sum(
            across @ at_node.conj().T for across, at_node in zip(weights.across, amplitudes, strict=True)
        )
        seen = (weights.across[:, doubtful] - np.tensordot(overlaps.conj(), amplitudes, 1)).conj().transpose(0, 2, 1)
        vectors = states.vectors[:, doubtful] * self._doubt[doubtful].astype(dtype)
        onto = states.vectors @ unseen + sum(a @ b for a, b in zip(states.rest, seen, strict=True))
        both = unseen[doubtful] - sum(a @ b for a, b in zip(amplitudes, seen, strict=True))
        return _Departure(vectors, onto, onto - vectors @ both)

    def _of_first_node(self, states: _States, weights: _Weights) -> _Departure:
        """Less what the first node tells beyond the others: that times its Lagrange polynomial."""
        dtype, overlaps = states.rest.dtype, weights.overlaps
        others = self._fewer_nodes.at(self._interpolation.nodes[:1])[:, 0].astype(dtype)
        vectors = states.rest[0] - np.tensordot(others, states.rest[1:], 1)
        onto = states.vectors @ weights.across[0] + np.tensordot(overlaps[:, 0].astype(dtype), states.rest, 1)
        return _Departure(vectors, onto, onto - overlaps[0, 0].astype(dtype) * vectors)

    def driven(self, measures: tuple[Measure, ...], coarse: Coarse = Coarse.NOT) -> NDArray[np.complex128]:
        """Matrix T of G's driven part: ``measure(q_LR) = fields("L") T fields("R")^dag`` with q of Eq. 8 at n = 1."""
        return self._driven_between(self._samples.columns_in("L"), self._samples.columns_in("R"), measures, coarse)

    def driven_everywhere(self, measures: tuple[Measure, ...], coarse: Coarse = Coarse.NOT) -> NDArray[np.complex128]:
        """The same between all columns of :meth:`fields_on`; it holds between different parts only."""
        return self._driven_between(slice(None), slice(None), measures, coarse)

    def _driven_between(
        self, rows: slice, columns: slice, measures: tuple[Measure, ...], coarse: Coarse
    ) -> NDArray[np.complex128]:
        if coarse is not Coarse.NOT:
            left, right = (self._departure(lead, measures, coarse, False).product(rows, columns) for lead in LEADS)
            return self._driven_between(rows, columns, measures, Coarse.NOT) - (left - right) / (2 * np.pi)
        key = (measures, rows.start, columns.start)
        if key not in self._driven:
            left, right = (
                self._states[lead]
                .rows(rows)
                .product(self._states[lead].rows(columns), self._weights(lead, measures, False))
                for lead in LEADS
            )
            self._driven[key] = np.asarray((left - right) / (2 * np.pi), dtype=complex)
        return self._driven[key]

    def block(self, measures: tuple[Measure, ...], coarse: Coarse = Coarse.NOT) -> NDArray[np.complex128]:
        """``measure(q_LR)`` between the sites of the halves."""
        return self.fields("L") @ self.driven(measures, coarse) @ self.fields("R").conj().T

    def far_density(self, lead: str, measures: tuple[Measure, ...], coarse: Coarse = Coarse.NOT) -> NDArray[np.float64]:
        """Slice sums of measure(sum_n |phi^a_n|^2) in the half far from a lead."""
        if coarse is not Coarse.NOT:
            less = self._departure(lead, measures, coarse, True).density()
            return self.far_density(lead, measures) - self._in_slices(less)
        return self._in_slices(self._far[lead].density(self._weights(lead, measures, True)))

    def _in_slices(self, sites: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums over the sites of each slice, over 2 pi."""
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
        """Largest relative error of a pole of which nothing counts as missing, as far as the nodes do not see it."""
        return float(np.max((self._poles.errors * self._unseen(self._poles))[self._doubt == 0], initial=0.0))

    def left_out_error(self, measures: tuple[Measure, ...], width: float, coherence: float, profile: float) -> float:
        """Relative error in a window due to what bases and channels leave out of it.

        Parameters
        ----------
        measures
            Those that fill the window.
        width, coherence, profile
            The window's width, its coherence, and the largest entry of its profile.
        """
        # At the nodes, as if it were the same at all energies; narrow poles hardly show there.
        squares = float(np.mean(self._samples.left_out)) * (width / (4 * np.pi)) ** 2
        density = float(np.mean(self._samples.left_out_density)) * width / (2 * np.pi)
        if measures:
            squares += self._squares_of_poles(measures)
            density += max(self._density_of_poles(lead, measures) for lead in LEADS)
        density /= self.open_bar.n_slice
        return max(ratio(_LEFT_OUT_SHARE * squares, coherence), ratio(density, profile))

    def _squares_of_poles(self, measures: tuple[Measure, ...]) -> float:
        """What the bases leave out of the squares of G's driven part due to each pole that the nodes do not see."""
        left, right = (np.diagonal(self._weights(lead, measures, False).poles).real for lead in LEADS)
        amplitudes = (self._unseen(self._poles) * (left - right) / (4 * np.pi)) ** 2
        pairs = (self._beyond_bases[half] * self._inside[other].sum(axis=0) for half, other in (LEADS, LEADS[::-1]))
        return float(sum(amplitudes @ pair for pair in pairs))

    def _density_of_poles(self, lead: str, measures: tuple[Measure, ...]) -> float:
        """What a lead's channels leave out of the density by poles that the nodes do not see, in the worst slice."""
        every, chosen = (np.diagonal(self._weights(lead, measures, far).poles).real for far in (False, True))
        left_out = self._unseen(self._poles) ** 2 * np.maximum(every - chosen, 0)
        return float(np.max(self._inside["R" if lead == "L" else "L"] @ left_out) / (2 * np.pi))

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
