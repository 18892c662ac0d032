"""The random circuit (Fig. 1a)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anderson_ness.analysis.cavity import power_law
from anderson_ness.companion.verdicts.finding import Finding, compared
from anderson_ness.theory.circuit import Circuit, half_coherence, positions, qssep_coherence, steady_averages


def circuit_profile(data: Path) -> Finding:
    """The circuit's exact average field of coherences against the formula of the exclusion process, at large length."""
    lengths = np.array([16, 32, 64])
    misses = [_distance(int(length)) for length in lengths]
    # Sites and bonds are half a lattice constant apart, so that fields at a finite length differ by terms in 1/L.
    (_, limit), covariance = np.polyfit(1 / lengths, misses, 1, cov=True)
    quantity = f"relative distance of the fields for large L (L = 64: {misses[-1]:.3f})"
    return compared(quantity, limit, np.sqrt(covariance[1, 1]), 0.0, resolution=0.1, tolerance=0.005)


def _distance(length: int) -> float:
    measured = steady_averages(Circuit((length,))).coherences
    x = positions(length)
    formula = qssep_coherence(x[:, None], x, length)
    apart = ~np.eye(length, dtype=bool)
    return float(np.linalg.norm((measured - formula)[apart]) / np.linalg.norm(formula[apart]))


def circuit_volume_law(data: Path) -> Finding:
    """Exact averages of chains and of a cube: the power of the number of sites."""
    shapes = [(16,), (32,), (64,), (8, 8, 8)]
    coherences, sites = [], []
    for shape in shapes:
        circuit = Circuit(shape)
        coherences.append(float(half_coherence(circuit, steady_averages(circuit).coherences)))
        sites.append(circuit.n_sites)
    power = power_law(sites, coherences)
    coefficient = 32 * coherences[-1] / sites[-1]
    quantity = f"power of the number of sites in C, chains and a cube (8³: C = {coefficient:.3f} sites/32)"
    return compared(quantity, *power, 1.0, resolution=0.1, tolerance=0.02)
