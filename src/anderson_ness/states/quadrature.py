"""Adaptive Gauss-Kronrod quadrature of several array-valued quantities at once, each to its own tolerance.

`scipy.integrate.quad_vec` has one norm for the whole integrand; here the coherence, the profile and the spectral
weight of a window are different parts of one integrand, and each has to meet its tolerance on its own scale.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

# Nodes and weights of the 21-point Kronrod rule on [-1, 1], and of the 10-point Gauss rule inside it
# (QUADPACK, routine dqk21): non-negative half, outermost first.
_NODES = (
    (0.995657163025808080735527280689003, 0.011694638867371874278064396062192, 0.0),
    (
        0.973906528517171720077964012084452,
        0.032558162307964727478818972459390,
        0.066671344308688137593568809893332,
    ),
    (0.930157491355708226001207180059508, 0.054755896574351996031381300244580, 0.0),
    (
        0.865063366688984510732096688423493,
        0.075039674810919952767043140916190,
        0.149451349150580593145863397657697,
    ),
    (0.780817726586416897063717578345042, 0.093125454583697605535065465083366, 0.0),
    (
        0.679409568299024406234327365114874,
        0.109387158802297641899210590325805,
        0.219086362515982043995534934228163,
    ),
    (0.562757134668604683339000099272694, 0.123491976262065851077958109585166, 0.0),
    (
        0.433395394129247190799265943165784,
        0.134709217311473325928054001771707,
        0.269266719309996355091226921569469,
    ),
    (0.294392862701460198131126603103866, 0.142775938577060080797094273138717, 0.0),
    (
        0.148874338981631210884826001129720,
        0.147739104901338491374841515972068,
        0.295524224714752870173815619188769,
    ),
    (0.0, 0.149445554002916905664936468389821, 0.0),
)

Values = list[NDArray]


@dataclass(frozen=True)
class Integral:
    """Outcome of :func:`integrate`.

    Attributes
    ----------
    values
        The integrals, one array a quantity.
    errors
        Estimated error of each, in that quantity's norm.
    converged
        Whether every error is within its target.
    n_energies
        Number of evaluations of the integrand.
    """

    values: Values
    errors: NDArray[np.float64]
    converged: bool
    n_energies: int


@dataclass(frozen=True)
class _Panel:
    start: float
    stop: float
    values: Values
    errors: NDArray[np.float64]

    @property
    def resolvable(self) -> bool:
        """Whether the panel can still be halved in double precision."""
        return self.stop - self.start > 64 * np.spacing(max(abs(self.start), abs(self.stop)))


def integrate(
    integrand: Callable[[float], Values],
    breakpoints: Sequence[float],
    targets: Callable[[Values], Sequence[float]],
    norms: Sequence[Callable[[NDArray], float]],
    max_energies: int = 20_000,
) -> Integral:
    """Integrate array-valued quantities over an interval, adaptively.

    Panels of 21 Kronrod nodes are halved until the summed error estimates (QUADPACK's, per quantity) meet the
    targets. The estimate knows the integrand at its nodes alone: a feature that falls between them goes unseen.

    Parameters
    ----------
    integrand
        Returns a list of arrays at an energy; it is never called at a breakpoint.
    breakpoints
        Increasing: both ends of the interval, and energies between them where the integrand is not smooth.
    targets
        Allowed absolute error of each quantity, given the present integrals.
    norms
        Norm of each quantity in which its error counts.
    max_energies
        Where to stop without having converged.

    Returns
    -------
    Integral
    """
    active = [_gauss_kronrod(integrand, norms, a, b) for a, b in pairwise(breakpoints)]
    n_energies = 21 * len(active)
    settled: Values = [np.zeros_like(value) for value in active[0].values]
    settled_errors = np.zeros(len(norms))
    while True:
        values = [sum((panel.values[q] for panel in active), settled[q]) for q in range(len(norms))]
        errors = settled_errors + sum(panel.errors for panel in active)
        goals = np.asarray(targets(values), dtype=float)
        converged = bool(np.all(errors <= goals))
        if converged or not active or n_energies + 42 > max_energies:
            return Integral(values, errors, converged, n_energies)
        done, active = _settle(active, settled_errors, goals)
        # The worst panels come last: where the budget allows no more, only these are halved.
        affordable = (max_energies - n_energies) // 42
        done, active = done + active[:-affordable], active[-affordable:]
        for panel in done:
            for q, value in enumerate(panel.values):
                settled[q] = settled[q] + value
            settled_errors = settled_errors + panel.errors
        halves = []
        for panel in active:
            middle = (panel.start + panel.stop) / 2
            halves += [_gauss_kronrod(integrand, norms, a, b) for a, b in ((panel.start, middle), (middle, panel.stop))]
        n_energies += 21 * len(halves)
        active = halves


def _settle(
    panels: list[_Panel], settled_errors: NDArray[np.float64], goals: NDArray[np.float64]
) -> tuple[list[_Panel], list[_Panel]]:
    """Split panels into those good enough to keep and those to halve.

    The best panels are kept for good, as long as together they use up no more than half of the error that is still
    allowed; what is kept need not be held in memory one by one.
    """
    allowed = np.maximum(goals - settled_errors, 0) / 2
    done, rest = [], []
    with np.errstate(divide="ignore", invalid="ignore"):
        by_share = sorted(panels, key=lambda panel: np.nan_to_num(panel.errors / goals, nan=0.0).max())
    used = np.zeros_like(goals)
    for panel in by_share:
        used = used + panel.errors
        if np.all(used <= allowed) or not panel.resolvable:
            done.append(panel)
        else:
            rest.append(panel)
    return done, rest


def _gauss_kronrod(
    integrand: Callable[[float], Values],
    norms: Sequence[Callable[[NDArray], float]],
    start: float,
    stop: float,
) -> _Panel:
    """One panel's integrals and QUADPACK error estimates."""
    centre, half = (start + stop) / 2, (stop - start) / 2
    samples = [
        (integrand(centre + sign * half * node), kronrod, gauss)
        for node, kronrod, gauss in _NODES
        for sign in ((1, -1) if node else (1,))
    ]
    values: Values = []
    errors = np.empty(len(norms))
    for q, norm in enumerate(norms):
        integral = np.asarray(sum(kronrod * sample[q] for sample, kronrod, _ in samples))
        difference = norm(np.asarray(sum((kronrod - gauss) * sample[q] for sample, kronrod, gauss in samples)))
        mean = integral / 2
        spread = sum(kronrod * norm(sample[q] - mean) for sample, kronrod, _ in samples)
        size = sum(kronrod * norm(sample[q]) for sample, kronrod, _ in samples)
        error = spread * min(1.0, (200 * difference / spread) ** 1.5) if spread else difference
        values.append(half * integral)
        errors[q] = half * max(error, 8 * np.finfo(float).eps * size)
    return _Panel(start, stop, values, errors)
