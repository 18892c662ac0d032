"""What the coherence bounds (Supplement S3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from anderson_ness import AndersonBar, mutual_coherence, steady_state
from anderson_ness.companion.verdicts.finding import DISAGREES, REPRODUCED, Finding, compared
from anderson_ness.information import coherence_bound, entropy, fermionic_negativity, mutual_information
from anderson_ness.information.entropies import relative_entropies

_DRIVE = 1e-3  # in 1/2 + _DRIVE * Q: corrections to the limits are of the order of its square
_LIMIT = 1e-4


def bound(data: Path) -> Finding:
    """S38 in random Gaussian states of all temperatures, and in driven bars."""
    ratios = [coherence_bound(*state) / mutual_information(*state) for state in _random_states(1000)]
    ratios += [coherence_bound(*state) / mutual_information(*state) for state in _driven_bars()]
    largest = float(max(ratios))
    quantity = f"largest S38 over I, {len(ratios)} states; at most 1 (median {np.median(ratios):.2g})"
    return Finding(quantity, largest, 0.0, REPRODUCED if largest <= 1 + 1e-12 else DISAGREES)


def relative_entropy_form(data: Path) -> Finding:
    """S36 in the same states: both sides are computed from different eigenvalue sums."""
    off = 0.0
    for state in [*_random_states(200), *_driven_bars()]:
        information = mutual_information(*state)
        off = max(off, abs(sum(relative_entropies(*state)) / information - 1))
    return compared("largest relative difference of both sides", off, 0.0, 0.0, resolution=0.1, tolerance=1e-8)


def entropy_limit(data: Path) -> Finding:
    """S39: the coefficient of Tr dG^2 over alpha, at the order where it is furthest from 2."""
    coefficients = []
    for alpha in (0.5, 1.0, 2.0, 3.0):
        for Q, _ in _infinite_temperature():
            dG = _DRIVE * Q
            lost = len(Q) * np.log(2) - entropy(np.eye(len(Q)) / 2 + dG, alpha)
            coefficients.append(lost / (alpha * np.trace(dG @ dG).real))
    return _limit("(N log 2 - S)/(alpha Tr dG²), alpha = 1/2 to 3", coefficients)


def information_limit(data: Path) -> Finding:
    """S40."""
    return _limit("I/C near infinite temperature", _over_coherence(mutual_information))


def negativity_limit(data: Path) -> Finding:
    """The sentence after S40."""
    return _limit("negativity over C near infinite temperature", _over_coherence(fermionic_negativity))


def _over_coherence(measure: Callable[..., float]) -> list[float]:
    ratios = []
    for Q, halves in _infinite_temperature():
        G = np.eye(len(Q)) / 2 + _DRIVE * Q
        ratios.append(measure(G, *halves) / mutual_coherence(G, *halves))
    return ratios


def _limit(quantity: str, values: list[float]) -> Finding:
    worst = max(values, key=lambda value: abs(value - 2))
    return compared(quantity, float(worst), 0.0, 2.0, resolution=0.5, tolerance=_LIMIT)


@cache
def _infinite_temperature() -> list[tuple[NDArray, tuple[NDArray, NDArray]]]:
    """Q of G = 1/2 + delta Q, all states from the left less all from the right, in bars of two disorder strengths."""
    found = []
    for disorder in (10.0, 33.0):
        bar = AndersonBar.random((4, 2, 2), disorder, 3)
        # With the states of the left filled and those of the right empty, G = (1 + Q)/2.
        Q = 2 * steady_state(bar, occupations=(1.0, 0.0), rtol=1e-5) - np.eye(bar.n_sites)
        found.append((Q, (bar.left_half, bar.right_half)))
    return found


def _random_states(count: int) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
    """Thermal states of random Hermitian matrices, at temperatures from cold to hot, with their two regions."""
    rng = np.random.default_rng(3)
    for _ in range(count):
        n_sites, temperature = rng.integers(2, 9), 10 ** rng.uniform(-0.3, 1.5)
        matrix = rng.standard_normal((2, n_sites, n_sites))
        energies, vectors = np.linalg.eigh(matrix[0] + matrix[0].T + 1j * (matrix[1] - matrix[1].T))
        occupations = expit((rng.standard_normal() - energies) / temperature)
        sites = rng.permutation(n_sites)
        cut = rng.integers(1, n_sites)
        yield vectors * occupations @ vectors.conj().T, sites[:cut], sites[cut:]


def _driven_bars() -> Iterator[tuple[NDArray, NDArray, NDArray]]:
    for disorder in (5.0, 16.5, 33.0):
        bar = AndersonBar.random(4, disorder, 3)
        yield steady_state(bar, 0.5, -0.5), bar.left_half, bar.right_half
