"""Matrix algebra on a correlation matrix G; it knows nothing of bars or leads."""

from anderson_ness.information.coherence import coherence_density, mutual_coherence

__all__ = ["coherence_density", "mutual_coherence"]
