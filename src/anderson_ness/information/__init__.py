"""Matrix algebra on a correlation matrix G; it knows nothing of bars or leads."""

from anderson_ness.information.bounds import coherence_bound, particle_numbers
from anderson_ness.information.coherence import coherence_density, mutual_coherence
from anderson_ness.information.entropies import entropy, mutual_information, relative_entropies
from anderson_ness.information.negativity import fermionic_negativity, renyi_negativity

__all__ = [
    "coherence_bound",
    "coherence_density",
    "entropy",
    "fermionic_negativity",
    "mutual_coherence",
    "mutual_information",
    "particle_numbers",
    "relative_entropies",
    "renyi_negativity",
]
