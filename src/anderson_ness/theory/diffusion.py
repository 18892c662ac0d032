"""Density profiles of the driven bar as steady states of a diffusion equation (Fig. 1b).

``d/dx [D(x) d dn/dx] = 0`` on 0 <= x <= length with dn = +1 at the left end and -1 at the right one; only the shape
of D matters. Slice i = 0, 1, ... of a bar sits at x = i + 1/2.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import quad, solve_bvp
from scipy.special import erf

Diffusion = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def diffusive(x: ArrayLike, length: float) -> NDArray[np.float64]:
    """Diffusion constant of the diffusive phase, 1 everywhere.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.diffusion import diffusive
    >>> diffusive([0.5, 3.5], 4.0)
    array([1., 1.])
    """
    return np.ones_like(_positions(x, length))


def critical(x: ArrayLike, length: float, x_c: float) -> NDArray[np.float64]:
    """Diffusion constant at the critical point, over its value at the ends.

    ``D = 1/(1 + x_B/x_c)`` with x_B the distance to the nearer end.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.diffusion import critical
    >>> critical([0.0, 2.0, 4.0], 4.0, x_c=2.0)
    array([1. , 0.5, 1. ])
    """
    position = _positions(x, length)
    return 1 / (1 + np.minimum(position, length - position) / _positive("x_c", x_c))


def localized(x: ArrayLike, length: float, xi: float, a: float) -> NDArray[np.float64]:
    """Diffusion constant of the localized phase, over its value at the ends.

    ``D = exp[-x (length - x)/w^2]`` with w the `step_width`.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.diffusion import localized
    >>> localized([0.0, 2.0, 4.0], 4.0, xi=2.0, a=0.25).round(4)
    array([1.    , 0.4931, 1.    ])
    """
    position = _positions(x, length)
    return np.exp(-position * (length - position) / step_width(length, xi, a) ** 2)


def step_width(length: ArrayLike, xi: ArrayLike, a: ArrayLike) -> NDArray[np.float64]:
    """Width w = xi^(1 - a) length^a of the step in the localized profile; the paper expects a = 1/(d + 1).

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.diffusion import step_width
    >>> round(float(step_width(16.0, xi=1.0, a=0.25)), 12)
    2.0
    """
    return np.asarray(xi, dtype=float) ** (1 - np.asarray(a)) * np.asarray(length, dtype=float) ** np.asarray(a)


def diffusive_profile(x: ArrayLike, length: float) -> NDArray[np.float64]:
    """Profile for constant D: ``1 - 2 x/length``.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.diffusion import diffusive_profile
    >>> diffusive_profile([0.0, 2.0, 4.0], 4.0)
    array([ 1.,  0., -1.])
    """
    return 1 - 2 * _positions(x, length) / length


def critical_profile(x: ArrayLike, length: float, x_c: float) -> NDArray[np.float64]:
    """Profile for the `critical` D in closed form.

    ``1 - (x + x^2/(2 x_c))/(length/2 + length^2/(8 x_c))`` in the left half, odd about the middle.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.diffusion import critical_profile
    >>> critical_profile([0.0, 1.0, 3.0, 4.0], 4.0, x_c=2.0)
    array([ 1.        ,  0.58333333, -0.58333333, -1.        ])
    """
    position = _positions(x, length)
    scale = 2 * _positive("x_c", x_c)
    near = np.minimum(position, length - position)
    drop = near * (scale + near) / (length / 2 * (scale + length / 2))
    return np.sign(length / 2 - position) * (1 - drop)


def slowed_profile(x: ArrayLike, length: float, slowing: float) -> NDArray[np.float64]:
    """Profile for the `critical` D by its contrast, ``slowing = D(ends)/D(middle) - 1 = length/(2 x_c)``.

    Unlike x_c this is regular where D is constant, ``slowing = 0``, and may be negative.

    Raises
    ------
    ValueError
        If slowing is not a finite number > -1.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.diffusion import critical_profile, slowed_profile
    >>> x = np.linspace(0, 4, 9)
    >>> bool(np.allclose(slowed_profile(x, 4.0, slowing=1.0), critical_profile(x, 4.0, x_c=2.0)))
    True
    """
    position = _positions(x, length)
    contrast = _positive("slowing + 1", slowing + 1) - 1
    near = np.minimum(position, length - position) / (length / 2)
    return np.sign(length / 2 - position) * (1 - near * (2 + contrast * near) / (2 + contrast))


def localized_profile(x: ArrayLike, length: float, width: float) -> NDArray[np.float64]:
    """Profile for the `localized` D in closed form: ``-erf(u/width)/erf(length/(2 width))``, u = x - length/2.

    Far below the length the step has the shape -erf(u/width) alone; the denominator keeps the ends at +1 and -1.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.diffusion import localized_profile
    >>> localized_profile([0.0, 2.0, 4.0], 4.0, width=1.0) + 0.0
    array([ 1.,  0., -1.])
    """
    offset = _positions(x, length) - length / 2
    return -erf(offset / _positive("width", width)) / erf(length / 2 / width)


def density_profile(x: ArrayLike, length: float, diffusion: Diffusion) -> NDArray[np.float64]:
    """Profile for any D, by quadrature: ``dn(x) = 1 - 2 int_0^x ds/D(s) / int_0^length ds/D(s)``.

    Parameters
    ----------
    x
        Positions between 0 and length, in any order.
    length
        Distance between the ends.
    diffusion
        D(x) > 0 for an array of positions.

    Returns
    -------
    ndarray of the shape of x
        Profile, +1 at x = 0 and -1 at x = length, accurate to about 1e-10.

    Raises
    ------
    ValueError
        If a position lies outside the bar, or D is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.diffusion import critical, critical_profile, density_profile
    >>> x = np.linspace(0, 4, 9)
    >>> profile = density_profile(x, 4.0, lambda s: critical(s, 4.0, x_c=2.0))
    >>> bool(np.abs(profile - critical_profile(x, 4.0, x_c=2.0)).max() < 1e-8)
    True
    """
    position = _positions(x, length)
    least = _least(diffusion, length)
    knots = np.unique(np.concatenate([[0, length / 2, length], position.ravel()]))

    def resistance(at: float) -> float:
        return least / float(diffusion(np.array(at)))

    pieces = [quad(resistance, *ends, epsabs=0, epsrel=1e-11)[0] for ends in pairwise(knots)]
    cumulative = np.concatenate([[0], np.cumsum(pieces)])
    return 1 - 2 * cumulative[np.searchsorted(knots, position)] / cumulative[-1]


def boundary_value_profile(x: ArrayLike, length: float, diffusion: Diffusion) -> NDArray[np.float64]:
    """Profile for any D, as the boundary-value problem itself (`scipy.integrate.solve_bvp`).

    Unknowns are dn and the flux D d dn/dx, which is constant. Arguments and returns as `density_profile`.

    Raises
    ------
    RuntimeError
        If the solver gives up.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.diffusion import boundary_value_profile, density_profile
    >>> x = np.linspace(0, 4, 9)
    >>> slower = lambda s: 1 / (1 + s * (4 - s))
    >>> bool(np.abs(boundary_value_profile(x, 4.0, slower) - density_profile(x, 4.0, slower)).max() < 1e-5)
    True
    """
    position = _positions(x, length)
    least = _least(diffusion, length)

    def slopes(at: NDArray[np.float64], unknowns: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([unknowns[1] * least / diffusion(at), np.zeros_like(at)])

    def ends(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([left[0] - 1, right[0] + 1])

    mesh = np.linspace(0, length, 101)
    guess = np.array([1 - 2 * mesh / length, np.full_like(mesh, -2 / length)])
    solution = solve_bvp(slopes, ends, mesh, guess, tol=1e-8, max_nodes=100_000)
    if not solution.success:
        raise RuntimeError(f"the boundary-value problem was not solved: {solution.message}")
    return np.asarray(solution.sol(position)[0])


def _least(diffusion: Diffusion, length: float) -> float:
    """Smallest D on a fine mesh; dividing by it keeps 1/D from overflowing."""
    values = np.asarray(diffusion(np.linspace(0, length, 1001)))
    if not np.all(values > 0):
        raise ValueError("diffusion must be positive everywhere between 0 and length")
    return float(values.min())


def _positions(x: ArrayLike, length: float) -> NDArray[np.float64]:
    position = np.asarray(x, dtype=float)
    _positive("length", length)
    if not np.all((position >= 0) & (position <= length)):
        raise ValueError(f"x must lie between 0 and length = {length:g}")
    return position


def _positive(name: str, value: float) -> float:
    if not 0 < value < np.inf:
        raise ValueError(f"{name} must be a finite number > 0, not {value!r}")
    return value
