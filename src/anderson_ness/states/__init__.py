"""Scattering states and what is integrated from them."""

from anderson_ness.states.by_resonances import window_poles
from anderson_ness.states.equilibrium import equilibrium_correlations, steady_state, steady_state_information
from anderson_ness.states.result import ConvergenceWarning, WindowCoherence
from anderson_ness.states.scattering import scattering_matrix, scattering_states, transmission
from anderson_ness.states.window import nonequilibrium_correlations, slice_currents, window_coherence

__all__ = [
    "ConvergenceWarning",
    "WindowCoherence",
    "equilibrium_correlations",
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
