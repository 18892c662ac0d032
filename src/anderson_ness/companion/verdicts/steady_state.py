"""Scattering states and the state that they fill (Eqs. 2 to 8)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anderson_ness import AndersonBar, mutual_coherence, slice_currents, steady_state
from anderson_ness.analysis.band import over_the_band
from anderson_ness.companion.verdicts.finding import DISAGREES, Finding, compared
from anderson_ness.theory import separable

_SEED = 3


def completeness(data: Path) -> Finding:
    """Eqs. 2, 3 and 7, in a bar that by Gershgorin's circles cannot have a bound state."""
    bar = AndersonBar.random((3, 2, 2), disorder=4.0, seed=_SEED)
    _, steps = over_the_band(bar)
    deviation = float(np.abs(steps.sum(axis=(0, 1)) - np.eye(bar.n_sites)).max())
    return compared("largest deviation from the identity", deviation, 0.0, 0.0, resolution=0.1, tolerance=1e-8)


def equilibrium_real(data: Path) -> Finding:
    """G^s of Eq. 8, as the mean of the states at opposite bias, in bars of three disorder strengths."""
    largest = 0.0
    for disorder in (5.0, 16.5, 33.0):
        bar = AndersonBar.random(4, disorder, _SEED)
        equilibrium = (steady_state(bar, 0.5, -0.5) + steady_state(bar, -0.5, 0.5)) / 2
        largest = max(largest, np.abs(equilibrium.imag).max(), np.abs(slice_currents(bar, equilibrium)).max())
    quantity = "largest imaginary part or current of G^s"
    return compared(quantity, float(largest), 0.0, 0.0, resolution=0.1, tolerance=1e-9)


def separable_zero(data: Path) -> Finding:
    """Eq. 6 in Fock space; pure states that are not separable must show that C is not always zero."""
    rng = np.random.default_rng(_SEED)
    largest = max(_coherence(separable.random_separable(rng)) for _ in range(200))
    least = min(_coherence(separable.random_pure(rng)) for _ in range(200))
    finding = compared("largest C of 200 separable states", largest, 0.0, 0.0, resolution=0.1, tolerance=1e-12)
    return finding if least > 1e-3 else finding._replace(verdict=DISAGREES)


def _coherence(rho: np.ndarray) -> float:
    normal, anomalous = separable.correlations(rho)
    return mutual_coherence(normal, [0, 1], [2, 3], anomalous=anomalous)
