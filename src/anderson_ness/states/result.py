"""What a window integral returns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


class ConvergenceWarning(UserWarning):
    """A window integral did not reach its tolerance.

    Examples
    --------
    >>> import warnings
    >>> from anderson_ness import AndersonBar, ConvergenceWarning, nonequilibrium_correlations
    >>> bar = AndersonBar.random(length=6, disorder=33.0, seed=3)
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     G = nonequilibrium_correlations(bar, bias=0.5, method="quadrature", rtol=1e-12, max_energies=1)
    ...
    >>> caught[0].category is ConvergenceWarning
    True
    """


@dataclass(frozen=True)
class WindowCoherence:
    """What a bias window holds, summed over both leads' scattering states.

    Attributes
    ----------
    bias, temperature
        Bias mu_L - mu_R and temperature, in units of the sample's hopping.
    coherence
        C_d(L:R) = 2 sum_{x in L, y in R} |G^d_xy|^2, dimensionless; for odd Lx the middle slice counts to R.
    coherence_slope
        Exact derivative dC_d/d(bias), per unit of the hopping.
    coherence_profile
        C_d of every slice with the half of the bar that it is not part of, shape (Lx,): the coherence density, summed
        over slices. Either half of it adds up to ``coherence``.
    density_profile
        Slice means of G^d_xx, shape (Lx,).
    spectral_weight
        Slice means of half the sum of the L and R terms over the window, shape (Lx,). The density profile over it
        tends to +1 and -1 at the ends.
    transmission
        Tr t t^dag at E = 0.
    relative_error
        Estimated error, the largest of: coherence over coherence; slope over max(|slope|, coherence / |bias|);
        profiles, spectral weight and segments' coherence over their largest entry.
    converged
        Whether ``relative_error`` is within the ``rtol`` asked for.
    n_energies
        Number of energies at which scattering states were computed for the integral.
    levels
        Number of resonances that lie in the bias window and are narrower than it; None by quadrature, which does not
        know them.
    narrowest_width
        Width of the narrowest of these, in units of the hopping; NaN if there are none or they are not known.
    segment_coherence
        C_d between the segments into which the cuts that were asked for divide the bar, shape (segments, segments),
        symmetric with a diagonal of zeros; None without cuts.

    Examples
    --------
    >>> from anderson_ness import AndersonBar, window_coherence
    >>> bar = AndersonBar.random(length=4, disorder=16.5, seed=3)
    >>> window = window_coherence(bar, bias=0.5, rtol=1e-6)
    >>> window.bias, window.converged
    (0.5, True)
    >>> window.density_profile.shape
    (4,)
    >>> profile = window.density_profile / window.spectral_weight
    >>> bool(profile[0] > 0 > profile[-1])
    True
    """

    bias: float
    temperature: float
    coherence: float
    coherence_slope: float
    coherence_profile: NDArray[np.float64]
    density_profile: NDArray[np.float64]
    spectral_weight: NDArray[np.float64]
    transmission: float
    relative_error: float
    converged: bool
    n_energies: int
    levels: int | None = None
    narrowest_width: float = float("nan")
    segment_coherence: NDArray[np.float64] | None = None
