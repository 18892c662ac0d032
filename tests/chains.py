"""Driven chains (L, 1, 1) in decimal arithmetic: exact through resonances of any width, and slow."""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from anderson_ness import Leads

DIGITS = 90
NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)


@dataclass(frozen=True)
class Number:
    """A complex decimal number."""

    re: Decimal
    im: Decimal = Decimal(0)

    def __add__(self, other: "Number") -> "Number":
        return Number(self.re + other.re, self.im + other.im)

    def __sub__(self, other: "Number") -> "Number":
        return Number(self.re - other.re, self.im - other.im)

    def __mul__(self, other: "Number") -> "Number":
        return Number(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)

    def inverse(self) -> "Number":
        size = self.re * self.re + self.im * self.im
        return Number(self.re / size, -self.im / size)

    def __complex__(self) -> complex:
        return complex(float(self.re), float(self.im))


def driven_chain(onsite: list[float], leads: Leads, bias: float) -> SimpleNamespace:
    """What `window_coherence` returns for a chain, at T = 0, from panels graded towards each resonance."""
    with localcontext() as context:
        context.prec = DIGITS
        chain = _Chain([Decimal(float(v)) for v in onsite], leads)
        edge = Decimal(float(bias)) / 2
        driven, whole = _integral(chain, _panels(chain, edge), len(onsite))
        ends = sum(_difference(*chain.states(sign * edge)) for sign in (-1, 1)) / 4
        left, right = slice(0, len(onsite) // 2), slice(len(onsite) // 2, None)
        block, slope = driven[left, right], ends[left, right]
        transmission = chain.transmission(Decimal(0))
    size = np.abs(block).max()
    return SimpleNamespace(
        bias=bias,
        coherence=2 * (size * np.linalg.norm(block / size)) ** 2,
        coherence_slope=4 * size * np.vdot(block / size, slope).real,
        density_profile=np.diagonal(driven).real,
        spectral_weight=whole,
        transmission=transmission,
        correlations=driven,
    )


def resonances(onsite: list[float], leads: Leads, reach: float) -> list[tuple[float, float]]:
    """Energies and widths of the resonances up to an energy, to leading order of the widths."""
    with localcontext() as context:
        context.prec = DIGITS
        chain = _Chain([Decimal(float(v)) for v in onsite], leads)
        return [(float(energy), float(width)) for energy, width in chain.resonances(Decimal(float(reach)))]


class _Chain:
    def __init__(self, onsite: list[Decimal], leads: Leads) -> None:
        self.onsite, self.leads = onsite, leads

    def self_energy(self, energy: Decimal) -> Number:
        size = Decimal(abs(self.leads.t_parallel))
        z = energy / (2 * size)
        scale = Decimal(self.leads.contact) ** 2 / size
        return Number(scale * z, -scale * (1 - z * z).sqrt())

    def sides(self, energy: Decimal) -> tuple[list[Number], list[Number]]:
        """Self-energies of every site from all that lies left of it, and from all that lies right of it."""
        end = self.self_energy(energy)
        left, right = [end], [end]
        for v in self.onsite[:-1]:
            left.append((Number(energy - v) - left[-1]).inverse())
        for v in self.onsite[:0:-1]:
            right.append((Number(energy - v) - right[-1]).inverse())
        return left, right[::-1]

    def columns(self, energy: Decimal) -> tuple[NDArray, NDArray]:
        """Green function from the first and from the last site to every site."""
        left, right = self.sides(energy)
        last = len(self.onsite) - 1
        first = [(Number(energy - self.onsite[0]) - left[0] - right[0]).inverse()]
        for x in range(1, last + 1):
            first.append(first[-1] * (Number(energy - self.onsite[x]) - right[x]).inverse())
        final = [(Number(energy - self.onsite[last]) - left[last] - right[last]).inverse()]
        for x in range(last - 1, -1, -1):
            final.append(final[-1] * (Number(energy - self.onsite[x]) - left[x]).inverse())
        return np.array([complex(g) for g in first]), np.array([complex(g) for g in final[::-1]])

    def states(self, energy: Decimal) -> tuple[NDArray, NDArray]:
        amplitude = np.sqrt(-2 * float(self.self_energy(energy).im) / (2 * np.pi))
        first, final = self.columns(energy)
        return amplitude * first, amplitude * final

    def transmission(self, energy: Decimal) -> float:
        width = -2 * float(self.self_energy(energy).im)
        return float((width * abs(self.columns(energy)[0][-1])) ** 2)

    def resonances(self, reach: Decimal) -> list[tuple[Decimal, Decimal]]:
        """Zeros of the real part of each level's inverse Green function where it lives, and the widths there."""
        n = len(self.onsite)
        closed = np.diag([float(v) for v in self.onsite]) + np.eye(n, k=1) + np.eye(n, k=-1)
        found = []
        energies, vectors = np.linalg.eigh(closed)
        taken: set[int] = set()
        for start, vector in zip(energies, vectors.T, strict=True):
            if abs(start) > 1.5 * float(reach) + 0.5:
                continue
            site = next(int(x) for x in np.argsort(-np.abs(vector)) if int(x) not in taken)
            taken.add(site)
            energy = Decimal(float(start))
            for _ in range(12):
                inverse, slope = self._inverse(energy, site)
                step = inverse.re / slope
                energy -= step
                if abs(step) < Decimal(10) ** (20 - DIGITS):
                    break
            inverse, slope = self._inverse(energy, site)
            found.append((energy, -2 * inverse.im / slope))
        return found

    def _inverse(self, energy: Decimal, site: int) -> tuple[Number, Decimal]:
        """1 / G at a site, and the energy derivative of its real part."""

        def at(e: Decimal) -> Number:
            left, right = self.sides(e)
            return Number(e - self.onsite[site]) - left[site] - right[site]

        step = Decimal(10) ** (-DIGITS // 2)
        here = at(energy)
        return here, (at(energy + step).re - here.re) / step


def _panels(chain: _Chain, edge: Decimal) -> list[Decimal]:
    points = {-edge, edge}
    for energy, width in chain.resonances(edge):
        points.add(energy)
        step = abs(width) / 2 + Decimal(10) ** (-DIGITS // 2)
        while step < 4 * edge:
            points |= {energy - step, energy + step}
            step *= 4
    return sorted(point for point in points if -edge <= point <= edge)


def _integral(chain: _Chain, points: list[Decimal], n: int) -> tuple[NDArray, NDArray]:
    driven, whole = np.zeros((n, n), dtype=complex), np.zeros(n)
    for a, b in pairwise(points):
        for node, weight in zip(NODES, WEIGHTS, strict=True):
            left, right = chain.states(a + (b - a) * Decimal((1 + node) / 2))
            share = float(b - a) * weight / 4
            driven += share * _difference(left, right)
            whole += share * (np.abs(left) ** 2 + np.abs(right) ** 2)
    return driven, whole


def _difference(left: NDArray, right: NDArray) -> NDArray:
    return np.outer(left, left.conj()) - np.outer(right, right.conj())
