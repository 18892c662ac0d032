"""Random circuit of free fermions between two reservoirs (Fig. 1a of the paper; Gullans & Huse, PRX 9, 021007).

In each time step every bond of a brickwork pattern gets an independent random unitary of two sites, drawn uniformly
(Haar) from U(2), and then the sites of the first and the last slice are reset to the reservoirs' occupations,
uncorrelated with all else. The state stays Gaussian, with G -> U G U^dag. Nothing is conserved in energy and nothing
localizes, so that particles diffuse.

Everything is linear in the difference dn of the reservoirs' occupations. All functions here deal with
``g = (G - 1/2) / dn`` for occupations 1/2 + dn/2 on the left and 1/2 - dn/2 on the right: multiply coherences by dn^2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator, gmres

_RTOL = 1e-12


@dataclass(frozen=True, eq=False)
class Circuit:
    """A brickwork circuit on a chain or on a bar.

    One time step is a layer of gates on the odd and one on the even bonds of each direction, then the reset.

    Parameters
    ----------
    shape
        Lengths, the first along the current: open there, with reservoirs at both ends, periodic in the others.

    Raises
    ------
    ValueError
        If the first length is not an integer >= 2, or another one neither 1 nor a positive even integer, as needed to
        pair all sites around a ring.

    Examples
    --------
    >>> from anderson_ness.theory.circuit import Circuit
    >>> circuit = Circuit((8, 4))
    >>> circuit.n_sites, circuit.n_slice, len(circuit.layers)
    (32, 4, 4)
    """

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        shape = tuple(self.shape) if isinstance(self.shape, Sequence) else (self.shape,)
        if not shape or not all(isinstance(n, (int, np.integer)) and n >= 1 for n in shape) or shape[0] < 2:
            raise ValueError(f"shape must hold positive integers, the first of them >= 2, not {self.shape!r}")
        if any(n > 1 and n % 2 for n in shape[1:]):
            raise ValueError(f"shape must have even lengths (or 1) across the current, not {shape}")
        object.__setattr__(self, "shape", tuple(int(n) for n in shape))

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return int(np.prod(self.shape))

    @property
    def n_slice(self) -> int:
        """Number of sites of a slice."""
        return self.n_sites // self.shape[0]

    @property
    def layers(self) -> list[NDArray[np.intp]]:
        """Bonds of each layer, shape (n_bonds, 2), sites numbered in C order."""
        sites = np.arange(self.n_sites).reshape(self.shape)
        layers = []
        for axis, length in enumerate(self.shape):
            along = np.moveaxis(sites, axis, 0)
            for start in (0, 1):
                if axis == 0:
                    first, second = along[start:-1:2], along[start + 1 :: 2]
                elif length > 2 or (length == 2 and start == 0):
                    first, second = along[start::2], np.roll(along, -1, axis=0)[start::2]
                else:
                    continue
                layers.append(np.stack([first.ravel(), second.ravel()], axis=1))
        return [layer for layer in layers if layer.size]

    @property
    def reservoirs(self) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Sites that are reset, and what g is there: +1/2 on the first slice, -1/2 on the last."""
        sites = np.arange(self.n_sites)
        ends = np.concatenate([sites[: self.n_slice], sites[-self.n_slice :]])
        return ends, np.repeat([0.5, -0.5], self.n_slice)

    @property
    def left_half(self) -> NDArray[np.bool_]:
        """Mask of the first half of the slices; for an odd length the middle one counts to the right."""
        return np.arange(self.n_sites) < self.shape[0] // 2 * self.n_slice


class Averages(NamedTuple):
    """Averages over the gates, all for dn = 1; the diagonals of the last two are the same, E[g_xx^2].

    Attributes
    ----------
    density
        E[g_xx], shape (n_sites,).
    products
        E[g_xx g_yy], shape (n_sites, n_sites).
    coherences
        E[|g_xy|^2], shape (n_sites, n_sites).

    Examples
    --------
    >>> from anderson_ness.theory.circuit import brickwork_averages
    >>> averages = brickwork_averages(8)
    >>> averages.density.shape, averages.coherences.shape
    ((8,), (8, 8))
    """

    density: NDArray[np.float64]
    products: NDArray[np.float64]
    coherences: NDArray[np.float64]


def product_state(density: ArrayLike) -> Averages:
    """The averages of the state without correlations whose density is given, shape (n_sites,).

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.circuit import product_state
    >>> product_state([0.5, -0.5]).coherences
    array([[0.25, 0.  ],
           [0.  , 0.25]])
    """
    density = np.asarray(density, dtype=float)
    return Averages(density, np.outer(density, density), np.diag(density**2))


def average_step(circuit: Circuit, averages: Averages) -> Averages:
    """Averages after one time step: exact, and closed in themselves.

    A gate's average over U(2) follows from its moments. It makes both densities of its bond equal. Between sites of
    different bonds the gates are independent, so that both products and coherences are averaged over the bonds' ends.
    Within a bond, with the block M of g, T = tr M and S = tr M^2:

        E|M'_11|^2 = (T^2 + S) / 6,   E[M'_11 M'_22] = T^2/3 - S/6,   E|M'_12|^2 = S/3 - T^2/6.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.circuit import Circuit, average_step, brickwork_averages
    >>> steady = brickwork_averages(8)
    >>> bool(np.allclose(average_step(Circuit((8,)), steady).coherences, steady.coherences))
    True
    """
    for layer in circuit.layers:
        averages = _average_layer(layer, averages)
    return _average_reset(circuit, averages)


def _average_layer(bonds: NDArray[np.intp], averages: Averages) -> Averages:
    a, b = bonds.T
    density, products, coherences = averages
    trace_squared = products[a, a] + products[b, b] + 2 * products[a, b]
    squared_norm = products[a, a] + products[b, b] + 2 * coherences[a, b]
    density, products, coherences = density.copy(), products.copy(), coherences.copy()
    for values in (density, products, products.T, coherences, coherences.T):
        values[a] = values[b] = (values[a] + values[b]) / 2
    for sites in (a, b):
        products[sites, sites] = coherences[sites, sites] = (trace_squared + squared_norm) / 6
    products[a, b] = products[b, a] = trace_squared / 3 - squared_norm / 6
    coherences[a, b] = coherences[b, a] = squared_norm / 3 - trace_squared / 6
    return Averages(density, products, coherences)


def _average_reset(circuit: Circuit, averages: Averages) -> Averages:
    ends, values = circuit.reservoirs
    density, products, coherences = (array.copy() for array in averages)
    density[ends] = values
    products[ends] = np.outer(values, density)
    products[:, ends] = np.outer(density, values)
    coherences[ends] = coherences[:, ends] = 0
    coherences[ends, ends] = values**2
    return Averages(density, products, coherences)


def steady_averages(circuit: Circuit) -> Averages:
    """The averages in the steady state, exact to the solver's relative tolerance of 1e-12.

    The fixed point of `average_step`, an affine map of n_sites + 2 n_sites^2 numbers, by GMRES with the map itself
    as the matrix.

    Raises
    ------
    RuntimeError
        If GMRES does not converge.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.circuit import Circuit, brickwork_averages, steady_averages
    >>> bool(np.allclose(steady_averages(Circuit((8,))).coherences, brickwork_averages(8).coherences))
    True
    """
    guess = product_state(_straight_profile(circuit))
    n, shape = circuit.n_sites, (circuit.n_sites, circuit.n_sites)

    def pack(averages: Averages) -> NDArray:
        return np.concatenate([part.ravel() for part in averages])

    def step(vector: NDArray) -> NDArray:
        density, products, coherences = vector[:n], vector[n : n + n * n], vector[n + n * n :]
        return pack(average_step(circuit, Averages(density, products.reshape(shape), coherences.reshape(shape))))

    start = pack(guess)
    constant = step(np.zeros_like(start))
    residual = LinearOperator((start.size,) * 2, matvec=lambda vector: vector - step(vector) + constant, dtype=float)
    restart = int(np.clip(2**27 // start.size, 20, 300))
    solution, failed = gmres(residual, constant, x0=start, rtol=_RTOL, restart=restart, maxiter=50)
    if failed:
        raise RuntimeError(f"the averages of a circuit of shape {circuit.shape} did not converge")
    density, products, coherences = solution[:n], solution[n : n + n * n], solution[n + n * n :]
    return Averages(density, products.reshape(shape), coherences.reshape(shape))


def brickwork_averages(length: int) -> Averages:
    """The steady averages of a chain of even length in closed form.

    With b_x the middle of the last bond that x was on (x = 2j and 2j + 1: b = 2j / length; b = 0 and 1 on the sites
    that are reset), and F_xy = min(b_x, b_y) (1 - max(b_x, b_y)) length / (length^2 - 1),

        E[g_xx] = 1/2 - b_x,   E|g_xy|^2 = F_xy (x != y),   E[g_xx g_yy] = E[g_xx] E[g_yy] + (delta_xy - 1/length) F_xy.

    Found by solving, for this circuit, and proven length by length, since it is a fixed point of `average_step`; for
    large lengths it is `qssep_coherence`. The halves' coherence is length^3 / (32 (length^2 - 1)) where a bond of the
    last layer crosses the cut (length a multiple of 4), and (1 - 4 / length^2)^2 times that otherwise.

    Raises
    ------
    ValueError
        If the length is not an even integer >= 2.

    Examples
    --------
    >>> from anderson_ness.theory.circuit import brickwork_averages
    >>> brickwork_averages(4).density.round(4)
    array([ 0.5,  0. ,  0. , -0.5])
    """
    if not isinstance(length, (int, np.integer)) or length < 2 or length % 2:
        raise ValueError(f"length must be an even integer >= 2, not {length!r}")
    b = 2 * ((np.arange(length) + 1) // 2) / length
    density = 0.5 - b
    F = np.minimum.outer(b, b) * (1 - np.maximum.outer(b, b)) * length / (length**2 - 1)
    products = np.outer(density, density) + (np.eye(length) - 1 / length) * F
    return Averages(density, products, np.where(np.eye(length, dtype=bool), products, F))


def _straight_profile(circuit: Circuit) -> NDArray[np.float64]:
    return np.repeat(0.5 - positions(circuit.shape[0]), circuit.n_slice)


def positions(length: int) -> NDArray[np.float64]:
    """Where the sites of a chain lie between the reservoirs, (n - 1/2) / length for n = 1, ..., length.

    With these the steady density of an even chain is 1/2 - x exactly on every bond's middle.

    Examples
    --------
    >>> from anderson_ness.theory.circuit import positions
    >>> positions(4)
    array([0.125, 0.375, 0.625, 0.875])
    """
    return (np.arange(length) + 0.5) / length


def qssep_coherence(x: ArrayLike, y: ArrayLike, length: int) -> NDArray[np.float64]:
    """E|G_xy|^2 / dn^2 of a long diffusive chain, ``min(x, y) (1 - max(x, y)) / length`` for x != y.

    Bernard & Jin, PRL 123, 080601 (2019), for the quantum symmetric simple exclusion process; x and y in units of the
    length. Corrections are of relative order 1 / length.

    Examples
    --------
    >>> from anderson_ness.theory.circuit import qssep_coherence
    >>> round(float(qssep_coherence(0.25, 0.75, 64)), 6)
    0.000977
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    return np.minimum(x, y) * (1 - np.maximum(x, y)) / length


def volume_law(shape: Sequence[int]) -> float:
    """C(L:R) / dn^2 between the halves of a large diffusive chain or bar: its number of sites over 32.

    Twice the sum of `qssep_coherence` over the halves. Across the current coherences only spread.

    Examples
    --------
    >>> from anderson_ness.theory.circuit import volume_law
    >>> volume_law((8, 8, 8))
    16.0
    """
    return float(np.prod(shape)) / 32


def half_coherence(circuit: Circuit, squares: ArrayLike) -> NDArray[np.float64]:
    """C(L:R) = 2 sum_{x in L, y in R} of squares |g_xy|^2, shape (n_sites, n_sites, ...); shape (...).

    Examples
    --------
    >>> from anderson_ness.theory.circuit import Circuit, brickwork_averages, half_coherence
    >>> circuit = Circuit((64,))
    >>> round(float(half_coherence(circuit, brickwork_averages(64).coherences)), 3)
    2.0
    """
    left = circuit.left_half
    return 2 * np.asarray(squares)[left][:, ~left].sum(axis=(0, 1))


def evolve(
    circuit: Circuit, n_trajectories: int, seed: int, density: ArrayLike | None = None, dtype: type = np.complex128
) -> Iterator[NDArray]:
    """Matrices g of independent trajectories, time step by time step, without end.

    Parameters
    ----------
    circuit
        The circuit.
    n_trajectories
        How many trajectories to evolve side by side.
    seed
        Seed of ``numpy.random.default_rng``.
    density
        The density of the uncorrelated state to start from, shape (n_sites,); None: the straight line between the
        reservoirs.
    dtype
        complex128 or complex64.

    Yields
    ------
    ndarray of shape (n_sites, n_sites, n_trajectories)
        g after 0, 1, 2, ... steps, a new array each time. Gates are drawn from SU(2), and so g is right up to the
        phases ``g_xy -> e^{i (theta_x - theta_y)} g_xy`` that U(2) would add, on which no coherence depends.

    Examples
    --------
    >>> from anderson_ness.theory.circuit import Circuit, evolve
    >>> steps = evolve(Circuit((8,)), n_trajectories=3, seed=1)
    >>> next(steps).shape
    (8, 8, 3)
    """
    if isinstance(n_trajectories, bool) or not isinstance(n_trajectories, (int, np.integer)) or n_trajectories < 1:
        raise ValueError(f"n_trajectories must be a positive integer, not {n_trajectories!r}")
    rng = np.random.default_rng(seed)
    density = _straight_profile(circuit) if density is None else np.asarray(density, dtype=float)
    if density.shape != (circuit.n_sites,):
        raise ValueError(f"density must have shape ({circuit.n_sites},), not {density.shape}")
    g: NDArray = np.zeros((circuit.n_sites, circuit.n_sites, n_trajectories), dtype=dtype)
    g[np.arange(circuit.n_sites), np.arange(circuit.n_sites)] = density[:, None]
    layers, (ends, values) = circuit.layers, circuit.reservoirs
    while True:
        yield g
        for bonds in layers:
            gates = _random_gates(rng, len(bonds), n_trajectories, dtype)
            # U g U^dag = U (U g)^dag for Hermitian g: rows only, and in the end still Hermitian to rounding.
            g = _apply(gates, bonds, _apply(gates, bonds, g).conj().swapaxes(0, 1))
        g[ends] = g[:, ends] = 0
        g[ends, ends] = values[:, None]


def _random_gates(rng: np.random.Generator, n_bonds: int, n: int, dtype: type) -> tuple[NDArray, NDArray]:
    """alpha and beta of uniform gates [[alpha, beta], [-beta*, alpha*]], each (n_bonds, 1, n): unit quaternions."""
    quaternion = rng.standard_normal((4, n_bonds, 1, n))
    quaternion /= np.linalg.norm(quaternion, axis=0)
    alpha, beta = quaternion[0] + 1j * quaternion[1], quaternion[2] + 1j * quaternion[3]
    return alpha.astype(dtype), beta.astype(dtype)


def _apply(gates: tuple[NDArray, NDArray], bonds: NDArray[np.intp], g: NDArray) -> NDArray:
    (alpha, beta), (a, b) = gates, bonds.T
    result = np.array(g, order="C")
    first, second = g[a], g[b]
    result[a] = alpha * first + beta * second
    result[b] = alpha.conj() * second - beta.conj() * first
    return result


class Sample(NamedTuple):
    """What `simulate` measures, for dn = 1.

    Attributes
    ----------
    coherence
        C(L:R) at each measurement of each trajectory, shape (n_measurements, n_trajectories).
    squares
        Mean of |g_xy|^2 over all measurements and trajectories, shape (n_sites, n_sites).
    every
        Time steps between measurements.

    Examples
    --------
    >>> from anderson_ness.theory.circuit import Circuit, simulate
    >>> sample = simulate(Circuit((8,)), n_measurements=5, n_trajectories=3, seed=1)
    >>> sample.coherence.shape, sample.squares.shape
    ((5, 3), (8, 8))
    """

    coherence: NDArray[np.float64]
    squares: NDArray[np.float64]
    every: int


def simulate(
    circuit: Circuit,
    n_measurements: int,
    n_trajectories: int,
    seed: int,
    every: int | None = None,
    warm_up: int | None = None,
) -> Sample:
    """Follow trajectories in the steady state and measure their coherences at regular times.

    Parameters
    ----------
    circuit, n_trajectories, seed
        As for `evolve`; single precision is enough and is used.
    n_measurements
        How often to measure.
    every
        Time steps between measurements; None: a fifth of `relaxation_time`, at least 1.
    warm_up
        Time steps before the first measurement; None: eight relaxation times.

    Returns
    -------
    Sample
        Successive measurements are correlated: take errors from `block_mean`.

    Examples
    --------
    >>> from anderson_ness.theory.circuit import Circuit, simulate, volume_law
    >>> sample = simulate(Circuit((8,)), n_measurements=200, n_trajectories=8, seed=1)
    >>> bool(abs(sample.coherence.mean() / volume_law((8,)) - 1) < 0.15)
    True
    """
    relaxation = relaxation_time(circuit.shape[0])
    every = max(1, round(relaxation / 5)) if every is None else every
    warm_up = int(np.ceil(8 * relaxation)) if warm_up is None else warm_up
    last = warm_up + (n_measurements - 1) * every
    series, squares = [], np.zeros((circuit.n_sites,) * 2)
    for step, g in enumerate(evolve(circuit, n_trajectories, seed, dtype=np.complex64)):
        if step >= warm_up and (step - warm_up) % every == 0:
            measured = np.square(g.real) + np.square(g.imag)
            squares += measured.mean(axis=2)
            series.append(half_coherence(circuit, measured))
        if step >= last:
            break
    return Sample(np.array(series), squares / n_measurements, every)


def relaxation_time(length: int) -> float:
    """Time steps in which the slowest part of E|g_xy|^2 decays by 1/e, ``length^2 / (2 pi^2)``.

    Both ends of a coherence diffuse, each with D = 1 a time step: a gate moves a particle to either site of its bond,
    so that the bond it is on makes an unbiased step of one site in each of the two layers.

    Examples
    --------
    >>> from anderson_ness.theory.circuit import relaxation_time
    >>> round(relaxation_time(64))
    208
    """
    return length**2 / (2 * np.pi**2)


def block_mean(series: ArrayLike, n_block: int) -> tuple[float, float]:
    """Mean of correlated series, with its error from the scatter of block means.

    Parameters
    ----------
    series
        Measurements in the order of time, shape (n,) or (n, n_series) for independent series.
    n_block
        Measurements a block, to be chosen well above the autocorrelation time; what is left over at the beginning is
        not used.

    Returns
    -------
    mean, error
        The error is the standard deviation of the block means over the square root of their number.

    Raises
    ------
    ValueError
        If there are not at least two blocks.

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.circuit import block_mean
    >>> mean, error = block_mean(np.random.default_rng(1).normal(size=(1000, 4)), n_block=10)
    >>> bool(abs(mean) < 4 * error)
    True
    """
    series = np.asarray(series, dtype=float)
    series = series[:, None] if series.ndim == 1 else series
    n_blocks = len(series) // n_block if n_block >= 1 else 0
    if n_blocks * series.shape[1] < 2:
        raise ValueError(f"n_block must leave at least two blocks of {series.shape} measurements, not {n_block!r}")
    blocks = series[len(series) - n_blocks * n_block :].reshape(n_blocks, n_block, -1).mean(axis=1).ravel()
    return float(blocks.mean()), float(blocks.std(ddof=1) / np.sqrt(blocks.size))


def autocorrelation_time(series: ArrayLike) -> float:
    """Integrated autocorrelation time 1/2 + sum_t rho(t), in measurements.

    Averaged over independent series, and summed up to five times its own value (Sokal's window).

    Parameters
    ----------
    series
        Shape (n,) or (n, n_series).

    Examples
    --------
    >>> import numpy as np
    >>> from anderson_ness.theory.circuit import autocorrelation_time
    >>> bool(autocorrelation_time(np.random.default_rng(1).normal(size=(500, 8))) < 1)
    True
    """
    series = np.asarray(series, dtype=float)
    series = series[:, None] if series.ndim == 1 else series
    centred = series - series.mean()
    n = len(series)
    spectrum = np.abs(np.fft.rfft(centred, 2 * n, axis=0)) ** 2
    covariance = np.fft.irfft(spectrum, axis=0)[:n].mean(axis=1) / np.arange(n, 0, -1)
    times = 0.5 + np.concatenate([[0.0], np.cumsum(covariance[1:] / covariance[0])])
    beyond = np.arange(n) >= 5 * times
    return float(times[beyond.argmax() if beyond.any() else -1])
