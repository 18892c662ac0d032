"""Integrals of rational functions of the energy: poles in closed form, what is left by interpolation.

Energies are scaled, x = (E - centre) / half_width, so that the window is [-1, 1]. A `Measure` says what is done with
a function of the energy: integrate it over an interval, or take it at a point. Either way it knows the nodes and
weights for smooth functions f, and *pole weights* m with ``measure(f / (x - mu)) = sum_q m_q(mu) f(x_q)``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import ArrayLike, NDArray

# Beyond this Bernstein ellipse a pole is far enough for Gauss-Legendre with _FAR_NODES nodes to be exact to
# rounding (2.2 ** -96 = 1e-33), and too far for the recurrence of Legendre functions, which loses digits there.
_FAR_ELLIPSE = 2.2
_FAR_NODES = 48


# Without comparison by value measures may be keys of what has been made of them.
@dataclass(frozen=True, eq=False)
class Measure:
    """A linear functional of functions of the scaled energy.

    Attributes
    ----------
    nodes, weights
        Real scaled energies x_q and weights: exact for polynomials of degree below 2 len(nodes), shape (n_nodes,).
    start, stop
        Ends of the interval, of positive length, or the point twice.
    filling
        Values at the nodes of a smooth weight function that multiplies every integrand, or the weight of a point.
    """

    nodes: NDArray[np.float64]
    weights: NDArray[np.float64]
    start: float
    stop: float
    filling: NDArray[np.float64]

    @classmethod
    def interval(
        cls, start: float, stop: float, n_nodes: int, filling: Callable[[float], float] | None = None
    ) -> "Measure":
        """Integral over [start, stop] in scaled energy, of functions times a smooth ``filling``.

        Raises
        ------
        ValueError
            If the interval has no length.
        """
        if not stop > start:
            raise ValueError(f"stop must be larger than start, not {stop!r} after {start!r}")
        x, w = _gauss(n_nodes)
        half = (stop - start) / 2
        nodes = (start + stop) / 2 + half * x
        values = np.ones(n_nodes) if filling is None else np.array([filling(node) for node in nodes])
        return cls(nodes, half * w * values, start, stop, values)

    @classmethod
    def point(cls, x: float, weight: float = 1.0) -> "Measure":
        """Value at one scaled energy, times a weight."""
        return cls(np.array([x]), np.array([weight]), x, x, np.array([weight]))

    @property
    def is_point(self) -> bool:
        """Whether this is the value at one energy."""
        return self.start == self.stop

    def jacobian(self, half_width: float) -> float:
        """dE/dx of an integral over a window of that half-width, 1 for a point."""
        return 1.0 if self.is_point else half_width

    def pole_weights(self, poles: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Weights m of shape (n_nodes, n_poles): the measure of f / (x - mu_j) is ``sum_q m[q, j] f(x_q)``.

        Exact for polynomials f of degree below n_nodes; poles lie below the real axis.
        """
        if self.is_point:
            return self.filling[:, None] / (self.nodes[:, None] - poles)
        n = len(self.nodes)
        to_legendre = _gauss_legendre(n, n) * (np.arange(n) + 0.5)
        return self.filling[:, None] * (to_legendre @ legendre_pole_integrals(n, poles, self.start, self.stop))


@cache
def _gauss(n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights of Gauss-Legendre quadrature."""
    x, w = legendre.leggauss(n)
    return x, w


@cache
def _gauss_legendre(n_nodes: int, n: int) -> NDArray[np.float64]:
    """Legendre polynomials of degree below n at the nodes times the nodes' weights, shape (n_nodes, n)."""
    x, w = _gauss(n_nodes)
    return np.asarray(legendre.legvander(x, n - 1) * w[:, None])


def legendre_pole_integrals(n: int, poles: ArrayLike, start: float = -1.0, stop: float = 1.0) -> NDArray[np.complex128]:
    """Integrals of P_k(x) / (x - mu_j) over [-1, 1], k < n, with x and the poles scaled from [start, stop] to there.

    Poles lie below the real axis. The result has shape (n, n_poles).
    """
    poles = np.asarray(poles, dtype=complex)
    half = (stop - start) / 2
    mu = (poles - (start + stop) / 2) / half
    integrals = np.empty((max(n, 2), mu.size), dtype=complex)
    far = np.abs(mu + np.sqrt(mu - 1) * np.sqrt(mu + 1)) > _FAR_ELLIPSE
    near = mu[~far]
    # Separate logarithms are continuous for poles below the axis, however close: the imaginary part is -pi inside.
    # Distances from the ends are taken before scaling, which would round those of poles next to an end.
    rows = [np.log((stop - poles[~far]) / half) - np.log((start - poles[~far]) / half)]
    rows.append(2 + near * rows[0])
    for k in range(1, n - 1):
        rows.append(((2 * k + 1) * near * rows[k] - k * rows[k - 1]) / (k + 1))
    integrals[:, ~far] = rows
    x, _ = _gauss(_FAR_NODES)
    integrals[:, far] = _gauss_legendre(_FAR_NODES, len(integrals)).T @ (1 / (x[:, None] - mu[far]))
    return integrals[:n]


class Interpolation:
    """Lagrange polynomials on complex scaled nodes.

    The remainder without its near poles is analytic around the window, so that it may be sampled anywhere there;
    samples above the real axis keep clear of resonances, where single precision would lose digits.
    """

    def __init__(self, nodes: ArrayLike) -> None:
        self.nodes = np.asarray(nodes, dtype=complex)
        vandermonde = legendre.legvander(self.nodes, len(self.nodes) - 1)
        self._coefficients = np.linalg.inv(vandermonde).T

    def at(self, x: ArrayLike) -> NDArray[np.complex128]:
        """Values l_k(x), shape (n_nodes, n_points)."""
        points = np.atleast_1d(np.asarray(x, dtype=complex))
        return np.asarray(self._coefficients @ legendre.legvander(points, len(self.nodes) - 1).T, dtype=complex)
