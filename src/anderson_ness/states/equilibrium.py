"""The full steady state G of the bar: its equilibrium part, and what the leads' different fillings add (Eq. 8).

With f_a the occupation of the states that come from lead a,

    G = P(f_R) + integral dE (f_L - f_R) sum_n phi^L phi^L^dag,   P(f) = integral dE f A_E / (2 pi).

P(f) is an equilibrium state. Its Fermi function is replaced by a sum of simple poles above the real axis, which agrees
with it on the whole spectrum; each pole needs one Green function there, where nothing is sharp. The sum over scattering
states is a window integral over real energies, through resonances by `WindowModel`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray
from scipy.special import ellipj, ellipkm1, expit

from anderson_ness import _check
from anderson_ness.information import coherence_bound, fermionic_negativity, mutual_coherence, mutual_information
from anderson_ness.model import AndersonBar
from anderson_ness.states.effort import expected_levels, more_sampled_effort, sampled_effort
from anderson_ness.states.elimination import OpenBar
from anderson_ness.states.quadrature import Values, integrate
from anderson_ness.states.rational import Measure
from anderson_ness.states.resonances import Coarse, WindowModel
from anderson_ness.states.result import ConvergenceWarning
from anderson_ness.states.scattering import scattering_states
from anderson_ness.states.sweep import far_end_green_functions

# Largest error of the sums of poles, anywhere on the spectrum, and the distance from mu below which the one for T = 0
# does not tell an empty level from a full one.
_POLE_SUM_ERROR = 1e-13
_RESOLUTION = 1e-12
# A Green function with a larger residual is computed again with pivoting across slices.
_RESIDUAL_LIMIT = 1e-10
# Thermal occupations are followed to where they have fallen to rounding: exp(-40) = 4e-18.
_THERMAL_REACH = 40.0
# Panels of the window integral: most levels, and half-width over the distance to a channel's threshold, at most.
_LEVELS_A_PANEL = 60
_PANEL_CLEARANCE = 0.5
# Next to a threshold panels would have to become ever smaller: there, quadrature in the root of the distance takes
# over, in a strip of this width at most and of this share of the distance to the next threshold.
_STRIP = 2e-3
_STRIP_SHARE = 0.02
_STRIP_ENERGIES = 4000
_MAX_ROUNDS = 6
_FILLING_NODES = 24
_FILLING_ERROR = 1e-13
_MOST_HALVINGS = 40
# Spectral weight per site that may be missing from the whole band before it counts as missed lines.
_MISSED = 1e-9

Filling = Callable[[float], float]
Term = tuple[str, Filling]


def steady_state(
    bar: AndersonBar,
    mu_left: float = 0.15,
    mu_right: float = -0.15,
    temperature: float = 0.0,
    occupations: tuple[float | Filling, float | Filling] | None = None,
    kinks: Sequence[float] = (),
    rtol: float = 1e-10,
) -> NDArray[np.complex128]:
    """Two-point function G = G^s + G^d of the bar in its steady state (Eq. 8).

    The paper's parts are ``G^s = (G + G') / 2`` and ``G^d = (G - G') / 2``, with G' the same under exchange of the
    leads' fillings; for mu_left = -mu_right, `nonequilibrium_correlations` has the latter.

    Parameters
    ----------
    bar
        The bar.
    mu_left, mu_right
        Chemical potentials of the leads, in units of the hopping.
    temperature
        Temperature of both leads, >= 0; below 1e-12 it counts as 0.
    occupations
        Instead of Fermi functions: the occupations of the states from the left and from the right lead, each a number
        or a function of energy, between 0 and 1. ``mu_left``, ``mu_right`` and ``temperature`` then do not matter. The
        integral runs over all bands of the leads, through every threshold: seconds for 64 sites, half a minute for 216.
    kinks
        Energies at which given occupations jump or have a kink.
    rtol
        Tolerance of each panel of the window integral, in the Frobenius norm and relative to that of the panel.

    Returns
    -------
    ndarray of shape (n_sites, n_sites), complex
        ``G[x, y] = <c_y^dag c_x>``, Hermitian, dimensionless, sites in C order of ``bar.onsite``. Its eigenvalues are
        between 0 and 1, to 1e-10 at the default tolerance.

    Raises
    ------
    ValueError
        If an argument is out of range, or an occupation not between 0 and 1.

    Warns
    -----
    ConvergenceWarning
        If the window integral did not reach ``rtol``, or lines of given occupations' whole band were missed.

    Notes
    -----
    The equilibrium part is exact to 1e-12, but for levels within 1e-12 of mu at T = 0. Levels that no lead reaches, as
    bound states outside the leads' bands, have no filling of their own. Fermi functions fill them by their energy, with
    the lower of the two chemical potentials; given occupations with the mean of the two leads' at the edge of the bands
    next to them, or in the middle of a gap.

    Windows without a channel's threshold inside are exact through resonances of any width. Around a threshold inside,
    a strip of width 2e-3 on either side is integrated by adaptive quadrature, which may miss lines far narrower. For
    given occupations completeness tells whether that has happened.

    Examples
    --------
    >>> from anderson_ness import AndersonBar, steady_state
    >>> bar = AndersonBar.random(length=4, disorder=16.5, seed=3)
    >>> import numpy as np
    >>> G = steady_state(bar, mu_left=0.25, mu_right=-0.25)
    >>> occupations = np.linalg.eigvalsh(G)
    >>> bool(occupations.min() > -1e-7 and occupations.max() < 1 + 1e-7)
    True
    """
    rtol = _check.tolerance("rtol", rtol)
    kinks = [_check.finite_number("kinks", kink) for kink in kinks]
    if occupations is not None:
        correlations, converged = _by_occupations(bar, _checked_occupations(occupations), kinks, rtol)
    else:
        ends = [_check.finite_number(name, mu) for name, mu in (("mu_left", mu_left), ("mu_right", mu_right))]
        filled = "L" if ends[0] > ends[1] else "R"
        low, (driven,), converged = _by_fermi_functions(
            bar, min(ends), max(ends), _temperature(temperature), filled, rtol
        )
        correlations = low + driven
    if not converged:
        warnings.warn(f"the steady state did not reach rtol = {rtol:g}", ConvergenceWarning, stacklevel=2)
    return correlations


def steady_state_information(
    bar: AndersonBar, bias: float, temperature: float = 0.0, rtol: float = 1e-8
) -> dict[str, float]:
    """What the two halves of a driven bar know of each other, measured in several ways.

    Parameters
    ----------
    bar
        The bar, of two slices at least.
    bias
        Bias around E = 0: mu_L = bias / 2 = -mu_R.
    temperature, rtol
        As for `steady_state`.

    Returns
    -------
    dict
        Of the steady state G: ``mutual_information`` (alpha = 1), ``renyi_2_information`` and ``negativity``, in nats;
        ``coherence`` C(L:R); ``coherence_bound`` (S38), in nats; and ``density``, particles per site. The same names
        after ``reversed_`` belong to the opposite bias, after ``equilibrium_`` to the equilibrium part G^s, which is a
        state as well. ``driven_coherence`` is C_d(L:R).

    Raises
    ------
    ValueError
        If an argument is out of range or the bar has one slice only.

    Examples
    --------
    >>> from anderson_ness import AndersonBar, steady_state_information
    >>> bar = AndersonBar.random(length=4, disorder=16.5, seed=3)
    >>> known = steady_state_information(bar, bias=0.5)
    >>> known["mutual_information"] >= known["coherence_bound"] > 0
    True
    """
    rtol = _check.tolerance("rtol", rtol)
    mu = _check.finite_number("bias", bias) / 2
    temperature = _temperature(temperature)
    if bar.shape[0] < 2:
        raise ValueError("bar must have two slices at least, one for each half")
    # First the lead that is filled, then the other one: together they make the equilibrium at the upper potential.
    leads = "LR" if mu > 0 else "RL"
    low, (first, second), converged = _by_fermi_functions(bar, -abs(mu), abs(mu), temperature, leads, rtol)
    if not converged:
        warnings.warn(f"the steady state did not reach rtol = {rtol:g}", ConvergenceWarning, stacklevel=2)
    forward, backward = low + first, low + second
    # Time reversal makes the equilibrium part real.
    symmetric = (forward + backward).real / 2
    states = {"": forward, "reversed_": backward, "equilibrium_": symmetric}
    halves = bar.left_half, bar.right_half
    measured = {f"{prefix}{name}": v for prefix, G in states.items() for name, v in _measures(G, *halves).items()}
    return {**measured, "driven_coherence": mutual_coherence(forward - symmetric, *halves)}


def _measures(G: NDArray, left: NDArray[np.bool_], right: NDArray[np.bool_]) -> dict[str, float]:
    return {
        "mutual_information": mutual_information(G, left, right),
        "renyi_2_information": mutual_information(G, left, right, 2.0),
        "negativity": fermionic_negativity(G, left, right),
        "coherence": mutual_coherence(G, left, right),
        "coherence_bound": coherence_bound(G, left, right),
        "density": float(np.diagonal(G).real.mean()),
    }


def equilibrium_correlations(bar: AndersonBar, mu: float, temperature: float = 0.0) -> NDArray[np.float64]:
    """Two-point function of the bar in equilibrium with its leads, bound states included.

    ``P = integral dE f(E) A_E / (2 pi)``, with the Fermi function f; real, because of time reversal.

    Parameters
    ----------
    bar
        The bar.
    mu, temperature
        Chemical potential and temperature >= 0 of both leads.

    Returns
    -------
    ndarray of shape (n_sites, n_sites)
        Symmetric, with eigenvalues between 0 and 1. Exact to 1e-12, but for levels within 1e-12 of mu at T = 0.

    Raises
    ------
    ValueError
        If mu is not finite or the temperature not >= 0.

    Examples
    --------
    >>> from anderson_ness import AndersonBar, equilibrium_correlations
    >>> bar = AndersonBar.random(length=4, disorder=16.5, seed=3)
    >>> import numpy as np
    >>> P = equilibrium_correlations(bar, mu=0.0)
    >>> P.shape, bool(np.allclose(P, P.T))
    ((64, 64), True)
    >>> bool(0 < np.diag(P).min() and np.diag(P).max() < 1)
    True
    """
    mu = _check.finite_number("mu", mu)
    temperature = _temperature(temperature)
    reach = _spectral_radius(bar) + abs(mu)
    points, weights = _step_poles(reach) if temperature == 0 else _fermi_poles(temperature, reach)
    open_bar = OpenBar(bar)
    correlations = 0.5 * np.eye(bar.n_sites)
    for point, weight in zip(points, weights, strict=True):
        # The Green function is symmetric, so that its Hermitian part is its real part.
        correlations += (weight * _green_function(open_bar, mu + point)).real
    return (correlations + correlations.T) / 2


def _by_fermi_functions(
    bar: AndersonBar, low: float, high: float, temperature: float, leads: str, rtol: float
) -> tuple[NDArray[np.float64], list[NDArray[np.complex128]], bool]:
    """Equilibrium at the lower potential, what each of some leads adds up to the upper one, and if to tolerance."""
    equilibrium = equilibrium_correlations(bar, low, temperature)
    if low == high:
        return equilibrium, [np.zeros_like(equilibrium, dtype=complex) for _ in leads], True

    def excess(energy: float) -> float:
        if temperature == 0:
            return 1.0
        # f_high - f_low without cancellation.
        filled, empty = expit((high - energy) / temperature), expit((energy - low) / temperature)
        return float(-np.expm1((low - high) / temperature) * filled * empty)

    reach = _THERMAL_REACH * temperature
    window = _Window(bar, low - reach, high + reach, [low, high] if temperature else [])
    return equilibrium, *window.integrals([(lead, excess) for lead in leads], rtol)


def _temperature(value: float) -> float:
    """A temperature that is 0 or can be divided by."""
    temperature = _check.non_negative_number("temperature", value)
    return temperature if temperature > _RESOLUTION else 0.0


# -- the Fermi function as a sum of poles ----------------------------------------------------------------------------


def _step_poles(reach: float) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Poles z and weights c with theta(-x) = 1/2 + sum Re[c / (z - x)] for _RESOLUTION < |x| < reach.

    ``theta(-x) = 1/2 - (1/pi) integral_0^inf dw x / (w^2 + x^2)`` by the midpoint rule in v with w = k sc(v): in this
    variable the integrand is periodic, and the rule converges geometrically and uniformly in x (N. Hale, N. J. Higham
    and L. N. Trefethen, SIAM Journal on Numerical Analysis 46, 2505 (2008)). With so many decades between the two
    ends, Jacobi's sc is a hyperbolic sine from either.
    """
    period = np.log(4 * reach / _RESOLUTION)
    number = int(np.ceil(period * np.log(4 / _POLE_SUM_ERROR) / np.pi**2))
    v = (np.arange(number) + 0.5) * period / number
    below = v < period / 2
    from_end = np.where(below, v, period - v)
    w = np.where(below, _RESOLUTION * np.sinh(from_end), reach / np.sinh(from_end))
    slope = w / np.tanh(from_end)
    weights = np.asarray(slope * period / (number * np.pi), dtype=complex)
    return np.asarray(1j * w, dtype=complex), weights


def _fermi_poles(temperature: float, reach: float) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Poles z and weights c with 1 / (1 + exp(x / T)) = 1/2 + sum Re[c / (z - x)] for |x| < reach.

    tanh(x / 2) / x is analytic in x^2 except on (-inf, -pi^2]: Hale, Higham and Trefethen's contour around the
    spectrum (L. Lin et al., J. Phys. Condens. Matter 25, 295501 (2013)). The number of poles grows like log(reach / T).
    """
    edge, reach = np.pi**2, max(reach, temperature)
    root = np.sqrt(1 + (reach / temperature) ** 2 / edge)
    modulus, gap = (root - 1) / (root + 1), 2 / (root + 1)
    complement = gap * (1 + modulus)
    number = int(np.ceil((2 * np.log(root) + 3) * np.log(10 / _POLE_SUM_ERROR) / np.pi**2 / 2)) + 1
    quarter = ellipkm1(complement)
    u = (np.arange(number) + 0.5) * quarter / number
    # The outer half from the far end of the quarter period, where cn and dn are small.
    outer, small = u > quarter / 2, np.sqrt(complement)
    s, c, d, _ = ellipj(np.where(outer, quarter - u, u), 1 - complement)
    s, c, d = np.where(outer, c / d, s), np.where(outer, small * s / d, c), np.where(outer, small / d, d)
    # 1 / modulus + sn, the same with minus and without its cancellation, and the derivative of their ratio: Jacobi's
    # functions at u + i K' / 2 by their addition theorems.
    k, below = np.sqrt(modulus), 1 + modulus * s**2
    rest = c**2 / (1 + s) + s * gap / (1 + k)
    plus = (((1 + k * s) ** 2 - k * s * gap) / k + 1j * c * d) / (k * below)
    minus = ((rest**2 + k * s * gap) / k - 1j * c * d) / (k * below)
    slope = 2 * (1 + modulus) / (k * modulus) * (c - 1j * s * d) * (d - 1j * modulus * s * c) / below**2
    # At -u plus and minus change places, up to conjugation.
    squared = edge * root * np.concatenate([plus / minus, (minus / plus).conj()])
    steps = edge * root * quarter / number * np.concatenate([slope / minus**2, (slope / plus**2).conj()])
    z = np.sqrt(squared - edge)
    c_z = steps * np.tanh(z / 2) / z / (2j * np.pi)
    points = np.concatenate([z, -z.conj()])
    weights = np.concatenate([c_z, c_z.conj()]) / 2
    return np.asarray(temperature * points, dtype=complex), np.asarray(temperature * weights, dtype=complex)


def _spectral_radius(bar: AndersonBar) -> float:
    """A bound of all energies of bar and leads, by Gershgorin's circles."""
    leads = bar.leads
    links = np.array([min(length - 1, 2) for length in bar.shape], dtype=float)
    in_sample = np.abs(bar.onsite).max() + links.sum() + 2 * abs(leads.contact)
    in_lead = (
        abs(leads.t_parallel) + abs(leads.t_perp) * links[1:].sum() + max(abs(leads.t_parallel), abs(leads.contact))
    )
    return float(max(in_sample, in_lead))


def _green_function(open_bar: OpenBar, energy: complex) -> NDArray[np.complex128]:
    """The whole Green function at an energy above the real axis, block row by block row.

    With R_i the Green function of slice i and all beyond it, ``G_ij = R_i G_{i-1,j}`` for j < i, and
    ``G_ii = R_i + G_{i,i-1} R_i``; the rest by symmetry.
    """
    length, n_slice = open_bar.length, open_bar.n_slice
    beyond = far_end_green_functions(open_bar.onsite, open_bar.hopping, open_bar.end_self_energy(energy), energy)
    green = np.empty((length * n_slice,) * 2, dtype=complex)
    green[:n_slice, :n_slice] = beyond[0]
    for i in range(1, length):
        above, here = slice((i - 1) * n_slice, i * n_slice), slice(i * n_slice, (i + 1) * n_slice)
        row = beyond[i] @ green[above, : here.start]
        green[here, : here.start], green[: here.start, here] = row, row.T
        green[here, here] = beyond[i] + row[:, above] @ beyond[i]
    probe = np.random.default_rng(0).standard_normal((length, n_slice, 2))
    solved = (green @ probe.reshape(-1, 2)).reshape(probe.shape)
    if np.linalg.norm(open_bar.apply(energy, solved) - probe) <= _RESIDUAL_LIMIT * np.linalg.norm(probe):
        return green
    # A slice with all beyond it may have a level very near this energy; clean bars at simple energies do.
    identity = np.eye(length * n_slice, dtype=complex).reshape(length, n_slice, -1)
    return np.linalg.inv(open_bar.apply(energy, identity).reshape(length * n_slice, -1))


# -- sums over scattering states -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Piece:
    """Part of the window in one interval between thresholds; ``strip`` is the threshold it touches, if any."""

    start: float
    stop: float
    strip: float | None = None


class _Window:
    """Integrals over scattering states from ``start`` to ``stop``, smooth between thresholds and ``kinks``."""

    def __init__(self, bar: AndersonBar, start: float, stop: float, kinks: Sequence[float]) -> None:
        self.bar, self.open_bar = bar, OpenBar(bar)
        self.thresholds = bar.leads.band_edges(*bar.shape[1:])
        self.kinks = sorted(kinks)
        ends = np.unique([start, stop, *self.thresholds[(self.thresholds > start) & (self.thresholds < stop)]])
        self.pieces: list[_Piece] = []
        for a, b in pairwise(ends.tolist()):
            if bar.leads.open_channels((a + b) / 2, *bar.shape[1:]).any():
                self._cut(a, b)

    def _cut(self, a: float, b: float) -> None:
        """Cut an interval without thresholds inside into strips next to thresholds and panels between them."""
        below = self.thresholds[self.thresholds <= a].max(initial=-np.inf)
        above = self.thresholds[self.thresholds >= b].min(initial=np.inf)
        strip = min(_STRIP, _STRIP_SHARE * (above - below))
        first, last = max(a, below + strip), min(b, above - strip)
        if first >= last:
            middle = (below + above) / 2
            for c, d, edge in ((a, min(b, middle), below), (max(a, middle), b, above)):
                if c < d:
                    self.pieces.append(_Piece(c, d, float(edge)))
            return
        if a < first:
            self.pieces.append(_Piece(a, first, float(below)))
        self._panels(first, last, float(below), float(above))
        if last < b:
            self.pieces.append(_Piece(last, b, float(above)))

    def _panels(self, a: float, b: float, below: float, above: float) -> None:
        """Cover an interval by panels, as long as the nearest threshold and the number of levels allow."""
        most = _LEVELS_A_PANEL / expected_levels(self.bar, 1.0)
        middle = min(max((below + above) / 2, a), b)
        # From the middle, where they may be longest, towards either threshold.
        for end, edge in ((a, below), (b, above)):
            start = middle
            while start != end:
                # A panel of half-width r (clearance of its far end) reaches 2 r / (1 + 2 r) of the way to the edge.
                share = 2 * _PANEL_CLEARANCE / (1 + 2 * _PANEL_CLEARANCE)
                step = min(share * abs(edge - start), most)
                stop = end if abs(end - start) <= 1.05 * step else start + np.sign(end - start) * step
                self.pieces.append(_Piece(float(min(start, stop)), float(max(start, stop))))
                start = stop

    def integrals(self, terms: Sequence[Term], rtol: float) -> tuple[list[NDArray[np.complex128]], bool]:
        """``integral dE filling(E) sum_n phi^a phi^a^dag`` for pairs (lead a, filling), and whether to tolerance."""
        totals: list[NDArray[np.complex128]] = [np.zeros((self.bar.n_sites,) * 2, dtype=complex) for _ in terms]
        converged = True
        for piece in self.pieces:
            values, reached = (self._panel if piece.strip is None else self._strip)(piece, terms, rtol)
            converged = converged and reached
            for total, value in zip(totals, values, strict=True):
                total += value
        return totals, converged

    def _panel(self, piece: _Piece, terms: Sequence[Term], rtol: float) -> tuple[list[NDArray], bool]:
        """Through the poles around the panel."""
        centre, half = (piece.start + piece.stop) / 2, (piece.stop - piece.start) / 2
        effort = sampled_effort(self.bar, [piece.start, piece.stop], rtol)
        effort = replace(effort, dtype=np.complex128, field_dtype=np.complex128)
        for _ in range(_MAX_ROUNDS):
            model = WindowModel(self.open_bar, centre, half, effort, whole=True)
            measured = [(lead, self._fillings(piece, filling, effort.n_nodes)) for lead, filling in terms]
            fine, coarse = (
                [model.density_matrix(lead, measures, rough) for lead, measures in measured]
                for rough in (Coarse.NOT, Coarse.NODES)
            )
            size = max(_frobenius(value) for value in fine)
            change = max(_frobenius(value - rough) for value, rough in zip(fine, coarse, strict=True))
            errors = {
                "interpolation": 0.25 * change / max(size, np.finfo(float).tiny),
                "poles": model.pole_error(),
                "channels": 0.0,
                "rounding": 0.0,
            }
            if sum(errors.values()) <= rtol:
                return fine, True
            effort = more_sampled_effort(effort, errors, rtol)
        return fine, False

    def _fillings(self, piece: _Piece, filling: Filling, n_nodes: int) -> tuple[Measure, ...]:
        """The filling over a panel, in parts on which few nodes describe it."""
        centre, half = (piece.start + piece.stop) / 2, (piece.stop - piece.start) / 2
        apart = 1e-12 * half
        ends = [piece.start]
        for kink in self.kinks:
            if ends[-1] + apart < kink < piece.stop - apart:
                ends.append(kink)
        ends.append(piece.stop)
        measures = []
        for a, b in pairwise(ends):
            for c, d, constant in _resolved(filling, a, b):
                nodes = max(2 * n_nodes, 4) if constant else max(2 * n_nodes, _FILLING_NODES)
                measures.append(
                    Measure.interval(
                        (c - centre) / half, (d - centre) / half, nodes, lambda x: filling(centre + half * x)
                    )
                )
        return tuple(measures)

    def _strip(self, piece: _Piece, terms: Sequence[Term], rtol: float) -> tuple[list[NDArray], bool]:
        """By quadrature in the root of the distance to the threshold, in which the channel opens smoothly."""
        threshold = float(piece.strip)  # type: ignore[arg-type]
        ends = np.array([piece.start, piece.stop]) - threshold
        side = 1.0 if ends.sum() > 0 else -1.0
        roots = np.sort(np.sqrt(np.abs(ends)))

        def integrand(root: float) -> Values:
            energy = threshold + side * root**2
            states = dict(zip("LR", scattering_states(self.bar, energy), strict=True))
            return [2 * root * filling(energy) * (states[lead].T @ states[lead].conj()) for lead, filling in terms]

        distances = [side * (kink - threshold) for kink in self.kinks]
        inside = sorted(np.sqrt(one) for one in distances if roots[0] ** 2 < one < roots[1] ** 2)
        # Strips are short: what counts is their error against the whole, not against themselves.
        goals = [rtol * np.sqrt(self.bar.n_sites)] * len(terms)
        norms = [_frobenius] * len(terms)
        integral = integrate(integrand, [roots[0], *inside, roots[1]], lambda _: goals, norms, _STRIP_ENERGIES)
        return integral.values, integral.converged


def _frobenius(matrix: NDArray) -> float:
    return float(np.linalg.norm(matrix))


def _resolved(filling: Filling, start: float, stop: float, halvings: int = 0) -> list[tuple[float, float, bool]]:
    """Parts of an interval on which the nodes describe the filling to rounding, and whether it is constant there."""
    x, weights = legendre.leggauss(_FILLING_NODES)
    values = np.array([filling((start + stop) / 2 + (stop - start) / 2 * node) for node in x])
    if np.ptp(values) == 0:
        return [(start, stop, True)]
    degrees = np.arange(_FILLING_NODES)
    coefficients = (degrees + 0.5) * (legendre.legvander(x, _FILLING_NODES - 1).T @ (weights * values))
    # Smooth enough if the second half of the coefficients is at rounding: the product with the fields fits as well.
    if halvings >= _MOST_HALVINGS or np.abs(coefficients[_FILLING_NODES // 2 :]).max() <= _FILLING_ERROR:
        return [(start, stop, False)]
    middle = (start + stop) / 2
    return _resolved(filling, start, middle, halvings + 1) + _resolved(filling, middle, stop, halvings + 1)


# -- given occupations -----------------------------------------------------------------------------------------------


def _by_occupations(
    bar: AndersonBar, occupations: Sequence[float | Filling], kinks: Sequence[float], rtol: float
) -> tuple[NDArray[np.complex128], bool]:
    """G for given occupations of the leads' states over all energies, and whether nothing is missing."""
    edges = bar.leads.band_edges(*bar.shape[1:])
    window = _Window(bar, float(edges[0]), float(edges[-1]), kinks)
    constant = [isinstance(one, float) for one in occupations]
    terms: list[tuple[str, Filling]] = [("L", _one), ("R", _one)]
    terms += [(lead, one) for lead, one in zip("LR", occupations, strict=True) if callable(one)]
    (from_left, from_right, *filled), converged = window.integrals(terms, rtol)
    reached = from_left + from_right
    bound = _bound_states(bar)
    missed = bar.n_sites - np.trace(reached).real - sum(np.trace(projector) for _, projector in bound)
    complete = bool(converged and missed <= max(rtol, _MISSED) * bar.n_sites)
    if all(constant):
        # What the integral has missed is then filled as well.
        mean, difference = np.mean(occupations), occupations[0] - occupations[1]  # type: ignore[operator, arg-type]
        return mean * np.eye(bar.n_sites) + difference / 2 * (from_left - from_right), complete
    parts = iter(filled)
    total = np.zeros_like(reached)
    for one, part in zip(occupations, (from_left, from_right), strict=True):
        total += next(parts) if callable(one) else one * part
    for energy, projector in bound:
        total += projector * np.mean([one(energy) if callable(one) else one for one in occupations])
    return total, complete


def _bound_states(bar: AndersonBar) -> list[tuple[float, NDArray[np.float64]]]:
    """Energies at which bound states outside the leads' bands take their filling, and the projectors on them."""
    edges = bar.leads.band_edges(*bar.shape[1:])
    lowest, highest = float(edges[0]), float(edges[-1])
    found = [(lowest, equilibrium_correlations(bar, lowest))]
    for a, b in pairwise(edges.tolist()):
        if not bar.leads.open_channels((a + b) / 2, *bar.shape[1:]).any():
            gap = equilibrium_correlations(bar, b) - equilibrium_correlations(bar, a)
            found.append(((a + b) / 2, gap))
    found.append((highest, np.eye(bar.n_sites) - equilibrium_correlations(bar, highest)))
    return found


def _one(energy: float) -> float:
    return 1.0


def _checked_occupations(occupations: object) -> list[float | Filling]:
    """Two numbers or functions, the functions with their values checked at every call."""
    if not isinstance(occupations, tuple) or len(occupations) != 2:
        raise ValueError("occupations must be a pair: those of the states from the left and from the right lead")
    return [_checked_filling(one) if callable(one) else _occupation(one) for one in occupations]


def _checked_filling(filling: Filling) -> Filling:
    return lambda energy: _occupation(filling(energy))


def _occupation(value: object) -> float:
    number = _check.finite_number("occupations", value, "between 0 and 1, numbers or functions of energy")
    if not 0 <= number <= 1:
        raise ValueError(f"occupations must lie between 0 and 1, not {value!r}")
    return number
