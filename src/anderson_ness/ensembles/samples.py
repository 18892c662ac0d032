"""One sample of an ensemble: which potential it has, computing its driven coherence, and the rows it leaves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from anderson_ness.leads import Leads
from anderson_ness.model import AndersonBar
from anderson_ness.states import WindowCoherence, window_coherence
from anderson_ness.states.by_resonances import ChannelThresholdError

# Quadrature, where a channel opens in the window, gives up after so many energies; the row says so.
_MOST_ENERGIES = 2000


class Point(NamedTuple):
    """What all samples of a point have in common: size, disorder strength and leads.

    Examples
    --------
    >>> from anderson_ness.ensembles import Point
    >>> point = Point(length=8, disorder=16.5, t_parallel=3.0, t_perp=1.0, t_contact=3.0)
    >>> point.bar(seed=3).shape
    (8, 8, 8)
    """

    length: int
    disorder: float
    t_parallel: float
    t_perp: float
    t_contact: float

    def __str__(self) -> str:
        return f"L0 = {self.length}, W = {self.disorder:g}, t_contact = {self.t_contact:.4g}"

    def bar(self, seed: int) -> AndersonBar:
        """The sample with this seed."""
        leads = Leads(self.t_parallel, self.t_perp, self.t_contact)
        return AndersonBar.random(length=self.length, disorder=self.disorder, seed=seed, leads=leads)


class Task(NamedTuple):
    """One computation: a quantity of a sample, at several biases.

    Examples
    --------
    >>> from anderson_ness.ensembles import Point, Task, compute_sample
    >>> task = Task(Point(4, 16.5, 3.0, 1.0, 3.0), rtol=1e-3, seed=3, biases=(0.2, 0.4))
    >>> [row.bias for row in compute_sample(task)]
    [0.2, 0.4]
    """

    point: Point
    rtol: float
    seed: int
    biases: tuple[float, ...]
    quantity: str = "coherence"


class Row(NamedTuple):
    """One sample at one bias, as stored. The first eight entries are its key.

    ``density_profile`` and ``spectral_weight`` are float32 in little-endian bytes, None where they were not kept.
    ``levels`` and ``narrowest_width`` describe the poles whose real part lies in the window (-2 Im of the narrowest);
    None, and nan, where the window was integrated by quadrature. ``seconds`` is the sample's computing time over the
    number of biases that were computed together, so that the column sums up to the time spent.

    Examples
    --------
    >>> from anderson_ness.ensembles import read_row
    >>> row = read_row("fig2a", 0)
    >>> row.length, row.disorder, row.converged
    (12, 10.0, True)
    """

    length: int
    disorder: float
    t_parallel: float
    t_perp: float
    t_contact: float
    rtol: float
    seed: int
    bias: float
    coherence: float
    coherence_slope: float
    relative_error: float
    converged: bool
    transmission: float
    density_profile: bytes | None
    spectral_weight: bytes | None
    levels: int | None
    narrowest_width: float
    seconds: float

    @property
    def point(self) -> Point:
        """The point that the row belongs to."""
        return Point(*self[:5])


@lru_cache(maxsize=1_000_000)
def sample_seed(root_seed: int, length: int, disorder: float, index: int) -> int:
    """Seed of sample ``index`` of a size and disorder strength, below 2**63.

    It depends on nothing else: more samples, other sizes, biases or leads leave it as it is, and ensembles of equal
    root seed share their samples.

    Examples
    --------
    >>> from anderson_ness.ensembles import sample_seed
    >>> sample_seed(2019, 8, 16.5, 0) == sample_seed(2019, 8, 16.5, 0) != sample_seed(2019, 8, 16.5, 1)
    True
    """
    entropy = [root_seed, length, round(disorder * 1e6), index]
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> np.uint64(1))


def compute_coherence(task: Task) -> list[Row]:
    """Compute one sample at all its biases together: one row each, in the order of the biases.

    Where a channel of the leads opens inside a window, that window is integrated by quadrature.
    """
    bar = task.point.bar(task.seed)
    start = time.perf_counter()
    windows = _windows(bar, task.biases, task.rtol)
    return rows_of(task, windows, time.perf_counter() - start)


def _windows(bar: AndersonBar, biases: Sequence[float], rtol: float) -> list[WindowCoherence]:
    try:
        return window_coherence(bar, list(biases), rtol=rtol)
    except ChannelThresholdError:
        if len(biases) == 1:
            return window_coherence(bar, list(biases), method="quadrature", rtol=rtol, max_energies=_MOST_ENERGIES)
        return [window for bias in biases for window in _windows(bar, [bias], rtol)]


def rows_of(task: Task, windows: Sequence[WindowCoherence], seconds: float) -> list[Row]:
    """What is kept of a sample's results."""
    return [
        Row(
            *task.point,
            rtol=task.rtol,
            seed=task.seed,
            bias=bias,
            coherence=float(window.coherence),
            coherence_slope=float(window.coherence_slope),
            relative_error=float(window.relative_error),
            converged=bool(window.converged),
            transmission=float(window.transmission),
            density_profile=_packed(window.density_profile),
            spectral_weight=_packed(window.spectral_weight),
            levels=window.levels,
            narrowest_width=window.narrowest_width,
            seconds=seconds / len(windows),
        )
        for bias, window in zip(task.biases, windows, strict=True)
    ]


def _packed(profile: ArrayLike) -> bytes:
    return np.asarray(profile, dtype="<f4").tobytes()
