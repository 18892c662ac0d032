"""Density of states of the infinite Anderson model at E = 0, from closed cubes.

The bias in units of the level spacing is rho |bias| L0^3, where rho falls by two thirds between W = 8 and 36. The
paper's X has W_c in the place of 1/rho, which is the same up to a constant only at one W.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class LevelDensity:
    """A smooth function through densities of states at several disorder strengths.

    Attributes
    ----------
    disorder, density, error
        The data: W, levels per site and unit of energy, and its standard error, each of shape (n,).
    coefficients
        ln(W rho) as a polynomial in ln W, highest power first.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.levels import LevelDensity
    >>> box = LevelDensity(np.array([30.0]), np.array([1 / 30]), np.array([1e-3]), coefficients=np.array([0.0]))
    >>> box([20.0, 40.0])
    array([0.05 , 0.025])
    """

    disorder: NDArray[np.float64]
    density: NDArray[np.float64]
    error: NDArray[np.float64]
    coefficients: NDArray[np.float64]

    def __call__(self, disorder: ArrayLike) -> NDArray[np.float64]:
        """Density of states per site and unit of energy."""
        strength = np.asarray(disorder, dtype=float)
        return np.exp(np.polyval(self.coefficients, np.log(strength))) / strength


def density_of_states(
    disorder: float, length: int = 8, samples: int = 16, half_width: float = 1.0, seed: int = 0
) -> tuple[float, float]:
    """Levels per site and unit of energy in |E| < half_width, of cubes that are periodic in all three directions.

    Parameters
    ----------
    disorder
        Disorder strength W > 0 (box distribution on [-W/2, W/2)).
    length
        Edge of the cube, at least 3, so that every site has six neighbours.
    samples
        Number of cubes, at least 2; cube i has the potential ``W (default_rng([seed, i]).random - 0.5)``.
    half_width
        Half the window, in units of the hopping. At W >= 8 the density is flat within 1 % up to 2.
    seed
        Seed of the potentials.

    Returns
    -------
    tuple of float
        Mean and standard error.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> from anderson_ness.theory.levels import density_of_states
    >>> density, error = density_of_states(disorder=16.5, length=5, samples=8)
    >>> # Rather less than the 1/16.5 of sites without hopping.
    >>> bool(0.04 < density < 1 / 16.5), error < 0.1 * density
    (True, True)
    """
    if not (disorder > 0 and half_width > 0):
        raise ValueError("disorder and half_width must be positive")
    if length < 3 or samples < 2:
        raise ValueError("length must be at least 3 and samples at least 2")
    ring = np.roll(np.eye(length), 1, axis=0) + np.roll(np.eye(length), -1, axis=0)
    one = np.eye(length)
    hopping = sum(np.kron(np.kron(a, b), c) for a, b, c in ((ring, one, one), (one, ring, one), (one, one, ring)))
    counts = []
    for sample in range(samples):
        potential = disorder * (np.random.default_rng([seed, sample]).random(length**3) - 0.5)
        counts.append(np.sum(np.abs(np.linalg.eigvalsh(hopping + np.diag(potential))) < half_width))
    density = np.array(counts) / (2 * half_width * length**3)
    return float(density.mean()), float(density.std(ddof=1) / np.sqrt(samples))


def level_density(disorder: Sequence[float], samples: int = 16, degree: int = 2, seed: int = 0) -> LevelDensity:
    """Densities of states at several W by `density_of_states`, and a polynomial through them.

    Parameters
    ----------
    disorder
        Disorder strengths, more than ``degree`` different ones.
    samples, seed
        As for `density_of_states`.
    degree
        Degree of ln(W rho) in ln W.

    Examples
    --------
    >>> from anderson_ness.theory.levels import level_density
    >>> density = level_density([12.0, 18.0, 25.0, 33.0], samples=2)
    >>> ratio = density(12.0) / density(33.0)
    >>> bool(1 < ratio < 33 / 12)
    True
    """
    strengths = np.unique(np.asarray(disorder, dtype=float))
    if len(strengths) <= degree:
        raise ValueError(f"disorder must hold more than {degree} different strengths")
    density, error = np.array([density_of_states(one, samples=samples, seed=seed) for one in strengths]).T
    weights = density / np.maximum(error, 1e-3 * density)
    coefficients = np.polyfit(np.log(strengths), np.log(strengths * density), degree, w=weights)
    return LevelDensity(strengths, density, error, coefficients)
