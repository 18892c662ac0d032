"""What a sweep shows while it runs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from anderson_ness.ensembles.quantities import QUANTITIES, AnyRow
from anderson_ness.ensembles.work import Means, Series, Work, add_to_means, duration, series_of

_RATE_SECONDS = 60.0


class Progress:
    """A live bar and the running means of the points at work on a terminal, plain lines elsewhere.

    Parameters
    ----------
    console
        Where it goes; standard error by default.
    every
        Seconds between two plain lines.
    verbose
        Also one line for every sample, once it is stored.
    """

    def __init__(self, console: Console | None = None, every: float = 30.0, verbose: bool = False) -> None:
        self.console = console or Console(stderr=True)
        self.every = every
        self.verbose = verbose
        self._work = Work({})
        self._means: Means = {}
        self._latest: dict[Series, None] = {}
        self._times: list[float] = []
        self._next_line = 0.0

    def say(self, line: str) -> None:
        """One line that stays."""
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def shown(self, work: Work, means: Means) -> Iterator[None]:
        """Show the state of ``work`` as long as the block runs; ``means`` is continued by `stored`."""
        self._work, self._means = work, means
        self._next_line = time.monotonic() + self.every
        if not self.console.is_terminal:
            yield
            self.say(self._line())
            return
        with Live(get_renderable=self._picture, console=self.console, refresh_per_second=2, transient=True):
            yield
        self.say(self._line())

    def stored(self, rows: Sequence[AnyRow]) -> None:
        """Take note of rows that are now in the store."""
        add_to_means(self._means, rows)
        now = time.monotonic()
        for row in rows:
            self._latest.pop(series_of(row), None)
            self._latest[series_of(row)] = None
        for point, seed in dict.fromkeys((row.point, row.seed) for row in rows):
            self._times.append(now)
            if self.verbose:
                self.say(f"stored {point.length} {point.disorder:g} {point.t_contact:.6g} {seed}")
        self._times = [then for then in self._times if now - then < _RATE_SECONDS]
        if not self.console.is_terminal and now >= self._next_line:
            self._next_line = now + self.every
            self.say(self._line())

    def _line(self) -> str:
        work = self._work
        line = f"{work.total - work.n_left} of {work.total} samples"
        if len(self._times) > 1 and self._times[-1] > self._times[0]:
            line += f", {(len(self._times) - 1) / (self._times[-1] - self._times[0]):.3g} a second"
        return line + (f", about {duration(work.seconds_left())} left" if work.n_left else "")

    def _picture(self) -> Group:
        work = self._work
        means = Table(
            "L0", "W", "t_contact", "bias", "samples", "", "mean", title="running means", title_justify="left"
        )
        room = max(1, self.console.height - 8)
        for series in sorted(list(self._latest)[-room:]):
            point, bias, quantity = series
            mean = self._means[series]
            value = f"{mean.mean:.4g} ± {mean.standard_error:.1g}" if mean.count > 1 else "-"
            contact = f"{point.t_contact:.4g}"
            symbol = QUANTITIES[quantity].symbol
            means.add_row(
                str(point.length), f"{point.disorder:g}", contact, f"{bias:.4g}", str(mean.count), symbol, value
            )
        bar = ProgressBar(total=work.total, completed=work.total - work.n_left)
        return Group(means, bar, Text(self._line()))
