"""Tunnelling as a sum over directed paths: the leading order in hopping over disorder (forward scattering).

Deep in the localized phase the amplitude between two distant sites is a sum over paths that never turn back, each a
product of locators 1/(E - V). The logarithm of such a sum belongs to the universality class of directed polymers in a
random medium (Nguyen, Spivak and Shklovskii, JETP Lett. 41, 42 (1985); Medina and Kardar, PRB 46, 9984 (1992)): its
standard deviation grows as a power of the distance x, which the paper takes to be a = 1/(d + 1) in d dimensions. That
is the conjecture of Kim and Kosterlitz, PRL 62, 2289 (1989); simulations find 0.2415 in three dimensions
(Halpin-Healy, PRE 88, 042118 (2013)). Short paths do not wander; their locators add up as independent numbers:
x^(1/2)."""

import numpy as np
from numpy.typing import NDArray

CONJECTURED_EXPONENT = 0.25
SIMULATED_EXPONENT = 0.2415


def log_tunnelling(
    disorder: float, distance: int, cross_section: int, samples: int, seed: int, energy: float = 0.0
) -> NDArray[np.float64]:
    """Logarithm of the probability to tunnel from a site to a plane, for every distance up to some.

    Paths go from slice to slice, with at most one sideways step in each slice; hopping 1.

    Parameters
    ----------
    disorder
        Width W of the box distribution of potentials.
    distance
        Largest distance x.
    cross_section
        Edge of the slices, periodic; paths wander as far as about x^0.62.
    samples
        Number of independent media.
    seed
        Seed of the random numbers.
    energy
        Energy E in units of the hopping.

    Returns
    -------
    ndarray of shape (distance, samples)
        ``ln sum_y |A_x(y)|^2`` at x = 1, 2, ..., distance.

    Raises
    ------
    ValueError
        If disorder is not positive or a number of something not at least 1.

    Examples
    --------
    >>> from anderson_ness.theory.directed_paths import log_tunnelling
    >>> logs = log_tunnelling(disorder=36.0, distance=12, cross_section=9, samples=200, seed=1)
    >>> logs.shape
    (12, 200)
    >>> # The mean falls with the distance, and the spread grows more slowly than the distance.
    >>> spread = logs.std(axis=1)
    >>> bool(logs[11].mean() < logs[5].mean() < 0), bool(1 < spread[11] / spread[5] < 2)
    (True, True)
    """
    if not disorder > 0:
        raise ValueError(f"disorder must be a positive number, not {disorder!r}")
    if min(distance, cross_section, samples) < 1:
        raise ValueError("distance, cross_section and samples must be at least 1")
    rng = np.random.default_rng(seed)
    amplitude = np.zeros((samples, cross_section, cross_section))
    amplitude[:, 0, 0] = 1
    logarithm, scale = np.empty((distance, samples)), np.zeros(samples)
    for x in range(distance):
        locator = 1 / (energy - disorder * (rng.random(amplitude.shape) - 0.5))
        ahead = locator * amplitude
        sideways = sum(np.roll(ahead, step, axis) for axis in (1, 2) for step in (1, -1))
        amplitude = ahead + locator * sideways
        total = np.sum(amplitude**2, axis=(1, 2))
        scale += np.log(total)
        logarithm[x] = scale
        # Amplitudes fall by orders of magnitude a slice; their size is kept in ``scale``.
        amplitude /= np.sqrt(total)[:, None, None]
    return logarithm
