"""A mean that grows sample by sample."""

import math
from dataclasses import dataclass


@dataclass
class RunningMean:
    """Mean of the numbers added so far (Welford's recurrence, which does not cancel).

    Examples
    --------
    >>> from anderson_ness.ensembles import RunningMean
    >>> running = RunningMean()
    >>> for number in (1.0, 2.0, 6.0):
    ...     running.add(number)
    ...
    >>> running.mean, running.count
    (3.0, 3)
    """

    count: int = 0
    mean: float = math.nan
    squares: float = 0.0

    def add(self, value: float) -> None:
        """Add one number."""
        self.count += 1
        before = self.mean if self.count > 1 else value
        self.mean = before + (value - before) / self.count
        self.squares += (value - before) * (value - self.mean)

    @property
    def spread(self) -> float:
        """Standard deviation of one sample (unbiased variance); nan below two samples."""
        return math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else math.nan

    @property
    def standard_error(self) -> float:
        """Standard error of the mean; nan below two samples."""
        return self.spread / math.sqrt(self.count) if self.count > 1 else math.nan

    def samples_for(self, relative_error: float) -> int | None:
        """How many samples bring the standard error down to this part of the mean; None where that is unknown."""
        if not (self.spread >= 0 and self.mean != 0):
            return None
        return max(1, math.ceil((self.spread / (relative_error * self.mean)) ** 2))
