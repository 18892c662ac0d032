"""How much a sweep has left to do, and how long that takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from anderson_ness.ensembles.plan import Group
from anderson_ness.ensembles.running import RunningMean
from anderson_ness.ensembles.samples import Point, Row

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
        nearest = min(self._seconds, key=lambda other: _distance(group.point, other.point))
        return self._seconds[nearest].mean * (group.point.length / nearest.point.length) ** _COST_EXPONENT

    def seconds_left(self) -> float:
        """Time until the end with the present workers; nan if nothing is known."""
        busy = [(group, n_left) for group, n_left in self.left.items() if n_left]
        return sum(n_left * self.cost(group) for group, n_left in busy) / self.n_workers


def _distance(one: Point, other: Point) -> tuple[float, float]:
    return abs(math.log(one.length / other.length)), abs(one.disorder - other.disorder)


Means = dict[tuple[Point, float], RunningMean]


def add_to_means(means: Means, rows: Sequence[Row]) -> None:
    """Add rows to the mean coherence of their points and biases; a coherence that is nan counts for none."""
    for row in rows:
        mean = means.setdefault((row.point, row.bias), RunningMean())
        if not math.isnan(row.coherence):
            mean.add(row.coherence)


def duration(seconds: float) -> str:
    """A time in words, such as ``2 h 10 min``."""
    if math.isnan(seconds):
        return "an unknown time"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
