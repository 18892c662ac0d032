"""Integrals over the bias window: the non-equilibrium correlations G^d and what is read off them (Eq. 8).

Convention: ``G_xy = sum_n phi_n(x) conj(phi_n(y))``, which is <c_y^dag c_x>, the transpose of the paper's G. No
coherence and no density depends on the choice; the current from x to x + 1 is ``-2 Im G[x + 1, x]``.
"""

import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from anderson_ness import _check
from anderson_ness.model import AndersonBar
from anderson_ness.states import by_quadrature, by_resonances
from anderson_ness.states.drive import Drive
from anderson_ness.states.result import ConvergenceWarning, WindowCoherence
from anderson_ness.states.scattering import transmission

METHODS = ("resonances", "quadrature")
STATES = ("sweep", "kwant")


def nonequilibrium_correlations(
    bar: AndersonBar,
    bias: float,
    temperature: float = 0.0,
    method: str = "resonances",
    states: str = "sweep",
    rtol: float = 1e-6,
    max_energies: int = 20_000,
) -> NDArray[np.complex128]:
    """Non-equilibrium part G^d of the two-point function in the driven steady state (Eq. 8).

    ``G^d = integral dE n^d_E sum_n [phi^L phi^L^dag - phi^R phi^R^dag]``, with n^d half the difference of the leads'
    Fermi functions at mu_L = bias/2, mu_R = -bias/2. Hermitian, zero at zero bias, odd in the bias.

    Parameters
    ----------
    bar
        The bar.
    bias
        Bias mu_L - mu_R around E = 0, in units of the hopping; any sign.
    temperature
        Temperature of both leads, >= 0.
    method
        "resonances": the poles of the open bar near the window in closed form, and the smooth remainder from a few
        energies; exact through resonances of any width. It refuses windows in which a channel opens or closes.
        "quadrature": adaptive Gauss-Kronrod over scattering states, with breakpoints at channel thresholds. Its
        error estimate knows the integrand at its nodes only: a resonance much narrower than their spacing can go
        unseen.
    states
        "sweep" or "kwant": where quadrature takes scattering states from.
    rtol
        Relative tolerance in the Frobenius norm.
    max_energies
        Number of energies after which quadrature gives up, with a `ConvergenceWarning`.

    Returns
    -------
    ndarray of shape (n_sites, n_sites), complex
        ``G[x, y] = <c_y^dag c_x>`` (the paper's matrix transposed), dimensionless, sites in C order of ``bar.onsite``.

    Raises
    ------
    ValueError
        If an argument is not finite or out of range, or no channel of the leads is open in the window.

    Examples
    --------
    >>> from anderson_ness import AndersonBar, nonequilibrium_correlations
    >>> bar = AndersonBar.random(length=4, disorder=16.5, seed=3)
    >>> import numpy as np
    >>> G = nonequilibrium_correlations(bar, bias=0.5)
    >>> G.shape, bool(np.allclose(G, G.conj().T))
    ((64, 64), True)
    >>> same = nonequilibrium_correlations(bar, bias=0.5, method="quadrature")
    >>> bool(np.abs(G - same).max() < 1e-5 * np.abs(G).max())
    True
    """
    drive = Drive(bias, temperature)
    options = _checked_options(method, states, rtol, max_energies)
    if drive.bias == 0:
        return np.zeros((bar.n_sites, bar.n_sites), dtype=complex)
    if method == "resonances":
        correlations, converged = by_resonances.correlations(bar, drive, options["rtol"])
    else:
        correlations, converged = by_quadrature.correlations(bar, drive, **options)
    if not converged:
        warnings.warn(f"G^d did not reach rtol = {rtol:g} by {method}", ConvergenceWarning, stacklevel=2)
    return correlations


@overload
def window_coherence(bar: AndersonBar, bias: float, *args: Any, **options: Any) -> WindowCoherence: ...
@overload
def window_coherence(
    bar: AndersonBar, bias: Sequence[float] | NDArray[np.floating], *args: Any, **options: Any
) -> list[WindowCoherence]: ...
def window_coherence(
    bar: AndersonBar,
    bias: float | Sequence[float] | NDArray[np.floating],
    temperature: float = 0.0,
    method: str = "resonances",
    states: str = "sweep",
    rtol: float = 1e-6,
    max_energies: int = 20_000,
    threads: int = 1,
    cuts: Sequence[int] = (),
) -> WindowCoherence | list[WindowCoherence]:
    """Mutual coherence of the bar's halves in the driven steady state, with slope, profile and transmission.

    Parameters
    ----------
    bar
        The bar.
    bias
        Bias mu_L - mu_R around E = 0, in units of the hopping, or a sequence of biases: one result each.
    temperature
        Temperature of both leads, >= 0.
    method, states, max_energies
        As for `nonequilibrium_correlations`; instead of a warning the result has ``converged=False``.
    rtol
        Relative tolerance, in the sense of `WindowCoherence.relative_error`.
    threads
        Threads of the linear algebra. One is best if several samples are computed side by side; two or more pay on
        bars of some thousand sites a slice.
    cuts
        Slices in front of which to cut the bar, each from 1 to Lx - 1, for `WindowCoherence.segment_coherence`. The
        first and the last lead's channels then have to be known where they are strong: the nearer a cut is to a lead,
        the more work; with the last digits of large bars' small segments, that of `nonequilibrium_correlations`.

    Returns
    -------
    WindowCoherence, or a list of them for a sequence of biases

    Raises
    ------
    ValueError
        If an argument is not finite or out of range, or no channel of the leads is open in the window.

    Examples
    --------
    >>> from anderson_ness import AndersonBar, window_coherence
    >>> bar = AndersonBar.random(length=6, disorder=16.5, seed=3)
    >>> narrow, wide = window_coherence(bar, bias=[0.2, 0.4], rtol=1e-6)
    >>> narrow.converged and wide.converged
    True
    >>> bool(wide.coherence > narrow.coherence)
    True
    >>> exact = window_coherence(bar, bias=0.2, method="quadrature", rtol=1e-8)
    >>> bool(abs(narrow.coherence / exact.coherence - 1) < 1e-6)
    True
    """
    options = _checked_options(method, states, rtol, max_energies)
    threads = _check.positive_integer("threads", threads)
    biases = _check.as_array("bias", bias)
    drives = [Drive(one, temperature) for one in np.atleast_1d(biases).tolist()]
    # A coherence, quadratic in the bias, may underflow where the bias does not.
    checked = _checked_cuts(bar, cuts)
    results = {drive: _no_drive(bar, drive, checked) for drive in drives if drive.bias**2 == 0}
    driven = list(dict.fromkeys(drive for drive in drives if drive not in results))
    with _blas().limit(limits=threads, user_api="blas"):
        if driven and method == "resonances":
            results.update(zip(driven, by_resonances.coherence(bar, driven, options["rtol"], checked), strict=True))
        else:
            results.update((drive, by_quadrature.coherence(bar, drive, **options, cuts=checked)) for drive in driven)
    windows = [results[drive] for drive in drives]
    return windows if biases.ndim > 0 else windows[0]


def slice_currents(bar: AndersonBar, correlations: NDArray) -> NDArray[np.float64]:
    """Particle current from each slice to the next, shape (Lx - 1,).

    Parameters
    ----------
    bar
        The bar.
    correlations
        Correlation matrix in this package's convention, ``G[x, y] = <c_y^dag c_x>``.

    Returns
    -------
    ndarray
        ``-2 sum Im G[x + 1, x]`` over the bonds between two slices, particles per unit of inverse energy.

    Examples
    --------
    >>> from anderson_ness import AndersonBar, nonequilibrium_correlations, slice_currents
    >>> bar = AndersonBar.random(length=4, disorder=16.5, seed=3)
    >>> import numpy as np
    >>> currents = slice_currents(bar, nonequilibrium_correlations(bar, bias=0.5))
    >>> currents.shape
    (3,)
    >>> bool(np.allclose(currents, currents[0]))
    True
    """
    step = bar.n_slice
    bonds = np.diagonal(correlations, offset=-step)
    return -2 * bonds.imag.reshape(-1, step).sum(axis=1)


@cache
def _blas() -> ThreadpoolController:
    """The process's linear algebra libraries; looking them up takes longer than a small bar."""
    return ThreadpoolController()


def _no_drive(bar: AndersonBar, drive: Drive, cuts: tuple[int, ...]) -> WindowCoherence:
    zeros = np.zeros(bar.shape[0])
    segments = np.zeros((len(cuts) + 1,) * 2) if cuts else None
    return WindowCoherence(
        bias=drive.bias,
        temperature=drive.temperature,
        coherence=0.0,
        coherence_slope=0.0,
        coherence_profile=zeros,
        density_profile=zeros,
        spectral_weight=zeros,
        transmission=transmission(bar),
        relative_error=0.0,
        converged=True,
        n_energies=0,
        levels=0,
        segment_coherence=segments,
    )


def _checked_cuts(bar: AndersonBar, cuts: Sequence[int]) -> tuple[int, ...]:
    checked = tuple(_check.positive_integer("cuts", cut) for cut in cuts)
    if any(cut >= bar.shape[0] for cut in checked) or len(set(checked)) < len(checked):
        raise ValueError(f"cuts must be different numbers of slices from 1 to {bar.shape[0] - 1}, not {list(cuts)}")
    return tuple(sorted(checked))


def _checked_options(method: str, states: str, rtol: float, max_energies: int) -> dict[str, Any]:
    _check.one_of("method", method, METHODS)
    if method == "resonances" and states == "kwant":
        raise ValueError('states is for method="quadrature"; resonances take their fields from their own factorisation')
    return {
        "states": _check.one_of("states", states, STATES),
        "rtol": _check.tolerance("rtol", rtol),
        "max_energies": _check.positive_integer("max_energies", max_energies),
    }
