"""How much a sweep has left to do, and how long that takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from anderson_ness.ensembles.plan import Group
from anderson_ness.ensembles.quantities import AnyRow, followed, quantity_of
from anderson_ness.ensembles.running import RunningMean
from anderson_ness.ensembles.samples import Point

# Eliminating a bar of L0 slices of L0^2 sites takes L0 (L0^2)^3 steps, but up to L0 = 24 other costs soften that.
_COST_EXPONENT = 5


class Work:
    """Samples left and computing time a sample, group by group.

    Parameters
    ----------
    samples
        Samples left in each group.
    """

    def __init__(self, samples: Mapping[Group, int]) -> None:
        self.left = dict(samples)
        self.total = sum(samples.values())
        self.n_workers = 1
        self._seconds: dict[Group, RunningMean] = {}

    @property
    def n_left(self) -> int:
        """Samples left, all groups together."""
        return sum(self.left.values())

    def computed(self, group: Group, seconds: float) -> None:
        """Note one sample's computing time."""
        self._seconds.setdefault(group, RunningMean()).add(seconds)

    def finished(self, group: Group) -> None:
        """Note that one sample is no longer to be computed."""
        self.left[group] -= 1

    def cost(self, group: Group) -> float:
        """Seconds a sample: the mean so far, or that of the group most like it, scaled; nan if nothing is known."""
        if group in self._seconds:
            return self._seconds[group].mean
        if not self._seconds:
            return math.nan
        nearest = min(self._seconds, key=lambda other: _distance(group, other))
        return self._seconds[nearest].mean * (group.point.length / nearest.point.length) ** _COST_EXPONENT

    def seconds_left(self) -> float:
        """Time until the end with the present workers; nan if nothing is known."""
        busy = [(group, n_left) for group, n_left in self.left.items() if n_left]
        return sum(n_left * self.cost(group) for group, n_left in busy) / self.n_workers


def _distance(one: Group, other: Group) -> tuple[bool, float, float]:
    lengths, disorders = (one.point.length, other.point.length), (one.point.disorder, other.point.disorder)
    return one.quantity != other.quantity, abs(math.log(lengths[0] / lengths[1])), abs(disorders[0] - disorders[1])


class Series(NamedTuple):
    """Rows of which one mean is taken."""

    point: Point
    bias: float
    quantity: str


Means = dict[Series, RunningMean]


def series_of(row: AnyRow) -> Series:
    """The series that a row belongs to."""
    return Series(row.point, row.bias, quantity_of(row))


def add_to_means(means: Means, rows: Sequence[AnyRow]) -> None:
    """Add rows to the means of their series; what is nan counts for none."""
    for row in rows:
        mean = means.setdefault(series_of(row), RunningMean())
        if not math.isnan(followed(row)):
            mean.add(followed(row))


def duration(seconds: float) -> str:
    """A time in words, such as ``2 h 10 min``."""
    if math.isnan(seconds):
        return "an unknown time"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
