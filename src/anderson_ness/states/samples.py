"""Samples of a bar's scattering states at a few energies, in the coordinates of what is correlated across a cut.

What a window of energies correlates across a cut, ``measure(Phi_L Phi_L^dag - Phi_R Phi_R^dag)`` between the bar's
parts, is a matrix of low rank: a basis Q of each part, found with random vectors, holds it up to a small rest. In the
coordinates Q^dag Phi the states of all channels are short, and are known at an energy from the fields of sources
conj(Q): the Green function is symmetric.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from anderson_ness.states.effort import Effort
from anderson_ness.states.elimination import OpenBar, SliceFactor, flat, real_times
from anderson_ness.states.poles import Poles, Window
from anderson_ness.states.resonances import LEADS
from anderson_ness.states.segments import segments

# Blocks of random vectors with which a part's basis is found, at most.
_MOST_BLOCKS = 40
# Random vectors with which what a basis leaves out is measured.
_TEST_VECTORS = 4
# Directions of a block that together are this share of what may be left out are not taken.
_DROPPED = 0.1
_ROUNDED = 1e-13
# Directions with a smaller share of the squares are not orthogonal to eight digits.
_ROUGH_SQUARES = 1e-8
# A unit vector of which less than this is beyond a basis is one of its span, but for rounding.
_NEW_DIRECTION = 0.5


class Samples:
    """A bar's scattering states at some energies: in the bases of its parts, and far from each lead on all sites.

    Parameters
    ----------
    open_bar
        The operator A(E).
    window
        The window of energies.
    nodes
        Scaled energies.
    first
        The factor at the first of them.
    poles
        Poles near the window, of which bases and channels are made together with random vectors.
    effort
        What the bases and the channels may leave out.
    cuts
        Slices in front of which the bar is cut, besides its middle.

    Attributes
    ----------
    halves
        Slices of the bar's halves.
    parts, bases, columns
        Slices of each part, its basis, (sites, directions), and where its directions are among all.
    channels
        Channels of each lead of which the states in the far half consist, (n_slice, n_channels).
    projected
        Both leads' states in the bases, (n_nodes, directions, n_slice).
    far
        States on the sites of the half far from each lead, (n_nodes, sites, n_channels).
    traces
        Traces of the Green function over slices, (n_nodes, Lx).
    left_out, left_out_density
        Square of what the bases leave out, and density that the channels leave out, node by node.
    """

    def __init__(
        self,
        open_bar: OpenBar,
        window: Window,
        nodes: NDArray[np.complex128],
        first: SliceFactor,
        poles: Poles,
        effort: Effort,
        cuts: tuple[int, ...],
    ) -> None:
        self._open_bar, self._window, self._poles, self._effort = open_bar, window, poles, effort
        half = open_bar.length // 2
        self.halves = {"L": slice(0, half), "R": slice(half, open_bar.length)}
        self.parts = segments(open_bar.length, tuple(sorted({half, *cuts})))
        known = {nodes[0]: first} | {node: self._factor(node) for node in {nodes[1], nodes[-1]}}
        rounded = [factor.rounded() for factor in known.values()]
        responses: dict[str, list[NDArray]] = {lead: [] for lead in LEADS}
        self.bases = [self._find_basis(part, rounded, responses) for part in self.parts]
        self.channels = {lead: self._choose_channels(lead, responses[lead]) for lead in LEADS}
        del rounded, first
        sizes = np.cumsum([0, *(basis.shape[1] for basis in self.bases)])
        self.columns = [slice(*ends) for ends in pairwise(sizes)]
        self.left_out: list[float] = []
        self.left_out_density: list[float] = []
        projected, far, traces = [], [], []
        for node in nodes:
            factor = known.pop(node, None) or self._factor(node)
            projected.append(self._project(factor))
            far.append({lead: self._far_fields(factor, lead) for lead in LEADS})
            traces.append(factor.slice_traces())
            if node != nodes[0]:
                self._measure_left_out(factor.rounded())
        self.projected, self.far = (
            {lead: np.array([at_node[lead] for at_node in fields]) for lead in LEADS} for fields in (projected, far)
        )
        self.traces = np.array(traces)

    def fields_on(self, slices: slice) -> NDArray[np.complex128]:
        """The bases on some slices of the bar, (sites, directions of all parts)."""
        n_slice = self._open_bar.n_slice
        fields = np.zeros((self._open_bar.length * n_slice, self.columns[-1].stop), dtype=complex)
        for part, columns, basis in zip(self.parts, self.columns, self.bases, strict=True):
            fields[part.start * n_slice : part.stop * n_slice, columns] = basis
        return fields[slices.start * n_slice : slices.stop * n_slice]

    def columns_in(self, half: str) -> slice:
        """Where the directions of the parts in a half are among all."""
        within = self.halves[half]
        inside = [
            columns
            for part, columns in zip(self.parts, self.columns, strict=True)
            if within.start <= part.start < within.stop
        ]
        return slice(inside[0].start, inside[-1].stop) if inside else slice(0, 0)

    def in_bases(self, field: NDArray) -> NDArray:
        """Coordinates of fields over the bar in the bases, (directions, columns)."""
        pieces = [basis.conj().T @ flat(field[part]) for basis, part in zip(self.bases, self.parts, strict=True)]
        return np.concatenate(pieces)

    def far_from(self, lead: str, field: NDArray) -> NDArray:
        """Fields over the bar, on the sites of the half far from a lead."""
        return flat(field[self.halves["R" if lead == "L" else "L"]])

    def _factor(self, node: complex) -> SliceFactor:
        return SliceFactor(self._open_bar, complex(self._window.energy(node)), self._effort.dtype)

    def _find_basis(
        self, part: slice, factors: list[SliceFactor], responses: dict[str, list[NDArray]]
    ) -> NDArray[np.complex128]:
        """Orthonormal basis of what the driven correlations between a part and all others reach in the part.

        Responses at the part's end of the bar to random sources outside are kept on the way.
        """
        share, rng = self._effort.left_out, np.random.default_rng(part.start)
        basis = _leading(self._weighted_poles(part), _DROPPED * share)
        for factor in factors:
            size = 0.0
            for _ in range(_MOST_BLOCKS):
                ends, fields = self._across(factor, part, rng, self._effort.probes)
                for lead, end in ends.items():
                    responses[lead].append(end)
                size = size or float(np.linalg.norm(fields)) ** 2
                new, squares = _beyond(basis, fields)
                # What is taken has to be more than rounding, and more than a share of what may be left out.
                taken = np.cumsum(squares) > max(_DROPPED * share, _ROUNDED) * size
                basis = np.concatenate([basis, new[:, taken]], axis=1)
                # As many directions as weak as the weakest would be left.
                if len(squares) < self._effort.probes or len(squares) * squares[0] <= share * size:
                    break
        return basis

    def _weighted_poles(self, part: slice) -> NDArray[np.complex128]:
        """The poles' vectors in a part, times what they contribute to the correlations with the others."""
        poles = self._poles
        linewidth = self._open_bar.linewidth(self._window.centre).real
        coupling = linewidth @ (np.abs(poles.left) ** 2 + np.abs(poles.right) ** 2)
        inside = flat(poles.vectors[part])
        outside = np.sqrt(np.maximum(1 - np.sum(np.abs(inside) ** 2, axis=0), 0.0))
        return np.asarray(inside * (np.abs(poles.strengths) ** 2 * coupling * outside * self._resonance))

    @cached_property
    def _resonance(self) -> NDArray[np.float64]:
        """Mean square of each pole's propagator over the window."""
        width = self._window.half_width
        depth = np.maximum(-self._poles.positions.imag, 1e-12 * width)
        edges = self._window.energy(np.array([-1, 1])) - self._poles.positions.real[:, None]
        angle = np.arctan2(edges[:, 1], depth) - np.arctan2(edges[:, 0], depth)
        return np.asarray(angle / (2 * width * depth))

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
        bar = self._open_bar
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
        """Both leads' states at a factor's energy in the coordinates of the bases, (directions, n_slice)."""
        bar = self._open_bar
        root = np.sqrt(bar.linewidth(factor.energy)).astype(factor.dtype)
        rows: dict[str, list[NDArray]] = {lead: [] for lead in LEADS}
        for part, basis in zip(self.parts, self.bases, strict=True):
            source = basis.conj().reshape(part.stop - part.start, bar.n_slice, -1).astype(factor.dtype)
            for lead, end in zip(LEADS, factor.solve_to_ends(source, part.start), strict=True):
                rows[lead].append(real_times(bar.basis.T, end).T)
        return {lead: np.concatenate(rows[lead]) * root for lead in LEADS}

    def _measure_left_out(self, factor: SliceFactor) -> None:
        """Measure what the bases and the channels leave out at a factor's energy."""
        rng = np.random.default_rng(len(self.left_out) + self._open_bar.length)
        squares, density = 0.0, 0.0
        for part, basis in zip(self.parts, self.bases, strict=True):
            ends, fields = self._across(factor, part, rng, _TEST_VECTORS)
            squares += float(np.linalg.norm(fields - basis @ (basis.conj().T @ fields))) ** 2 / _TEST_VECTORS
            for lead, end in ends.items():
                channels, response = self.channels[lead], end.conj()
                density += float(np.linalg.norm(response - channels @ (channels.conj().T @ response))) ** 2
        self.left_out.append(squares)
        self.left_out_density.append(density / _TEST_VECTORS)

    def _choose_channels(self, lead: str, responses: list[NDArray]) -> NDArray[np.complex128]:
        """Orthonormal channels of a lead of which the states in the far half consist, up to a small density."""
        number, poles = sum(response.shape[1] for response in responses), self._poles
        # Each pole at the energy of the window at which it counts most.
        position = np.clip(poles.positions.real, *self._window.energy(np.array([-1, 1])))
        amplitudes = np.sqrt(self._open_bar.linewidth(position).real.T) * poles.amplitudes(lead).conj()
        far = np.linalg.norm(self.far_from(lead, poles.vectors), axis=0)
        reach = far * np.abs(poles.strengths) * np.sqrt(self._resonance)
        columns = [response.conj() / np.sqrt(number) for response in responses]
        return _leading(
            np.concatenate([*columns, amplitudes * reach], axis=1).astype(complex), self._effort.left_out_density
        )

    def _far_fields(self, factor: SliceFactor, lead: str) -> NDArray:
        """A lead's states on the sites of the far half, at a factor's energy."""
        bar = self._open_bar
        source = real_times(bar.basis, np.sqrt(bar.linewidth(factor.energy))[:, None] * self.channels[lead])
        far, _ = factor.solve_from_end(0 if lead == "L" else -1, source, source.shape[1])
        return flat(far)


def _leading(columns: NDArray[np.complex128], share: float) -> NDArray[np.complex128]:
    """Orthonormal basis of the columns' main directions, which leaves out a share of their squares."""
    squares, mixtures = np.linalg.eigh(columns.conj().T @ columns)
    kept = np.cumsum(squares) > max(share, _ROUNDED) * max(float(squares.sum()), np.finfo(float).tiny)
    basis = np.asarray(columns @ (mixtures[:, kept] / np.sqrt(squares[kept])))
    if share < _ROUGH_SQUARES:
        # Squares round the directions of weak columns: a step towards the nearest orthonormal basis.
        basis = basis @ (1.5 * np.eye(basis.shape[1]) - 0.5 * (basis.conj().T @ basis))
    return basis


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
