"""Boundary-driven Anderson models: scattering states, window integrals and mutual coherence.

A companion to M. J. Gullans and D. A. Huse, Phys. Rev. Lett. 123, 110601 (2019).
"""

from anderson_ness.information import coherence_density, mutual_coherence
from anderson_ness.leads import Leads
from anderson_ness.model import AndersonBar
from anderson_ness.states import (
    ConvergenceWarning,
    WindowCoherence,
    equilibrium_correlations,
    nonequilibrium_correlations,
    scattering_matrix,
    scattering_states,
    slice_currents,
    steady_state,
    steady_state_information,
    transmission,
    window_coherence,
    window_poles,
)

__version__ = "0.1.0"

__all__ = [
    "AndersonBar",
    "ConvergenceWarning",
    "Leads",
    "WindowCoherence",
    "coherence_density",
    "equilibrium_correlations",
    "mutual_coherence",
    "nonequilibrium_correlations",
    "scattering_matrix",
    "scattering_states",
    "slice_currents",
    "steady_state",
    "steady_state_information",
    "transmission",
    "window_coherence",
    "window_poles",
]
