"""Wide and warm windows: ``python -m anderson_ness.ensembles.windows data/windows.toml``.

Windows that reach the mobility edge, and windows of warm leads, are wider than the ensembles'. The specification names
sizes, disorder strengths, biases, temperatures, the leads' hopping along the bar and numbers of samples; samples are
those of the ensembles of equal root seed. The table, ``windows.csv`` beside it, has one row a sample, bias and
temperature, and grows at all points alike: stop the command at any time and give it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from anderson_ness import _check
from anderson_ness.ensembles.csv_table import read_csv
from anderson_ness.ensembles.growing import command, read_points, require_keys
from anderson_ness.ensembles.samples import sample_seed
from anderson_ness.leads import Leads
from anderson_ness.model import AndersonBar
from anderson_ness.states import WindowCoherence, window_coherence
from anderson_ness.states.by_resonances import ChannelThresholdError

KEY = ("length", "disorder", "t_parallel", "bias", "temperature", "sample")
COLUMNS = (*KEY, "coherence", "relative_error", "converged")


class Window(NamedTuple):
    """One sample in one window; all but the root seed and the tolerance is its key."""

    length: int
    disorder: float
    t_parallel: float
    bias: float
    temperature: float
    sample: int
    root_seed: int
    rtol: float

    @property
    def bar(self) -> AndersonBar:
        """The sample."""
        seed = sample_seed(self.root_seed, self.length, self.disorder, self.sample)
        return AndersonBar.random(self.length, self.disorder, seed, leads=Leads(t_parallel=self.t_parallel))


def read_windows(folder: str | Path = "data") -> pd.DataFrame:
    """The table of windows, columns `COLUMNS`; the mean of ``coherence`` at a point is E C_d(L:R).

    Raises
    ------
    TableError
        If there is no such table or it is damaged.

    Examples
    --------
    >>> from anderson_ness.ensembles.windows import read_windows
    >>> windows = read_windows()
    >>> bool((windows["coherence"] > 0).all()), bool((windows["bias"] > 0).all())
    (True, True)
    """
    return read_csv(Path(folder) / "windows.csv", COLUMNS)


def wanted(specification: Path) -> tuple[dict[str, Any], list[Window]]:
    """What a specification says, and its windows in the order of computing: the first sample of every point first.

    Raises
    ------
    SpecificationError
        If the file cannot be read or an entry is not what it must be.
    """
    described, points = read_points(specification, _point)
    return described, list(_windows(described["root_seed"], points))


def coherence_of(bar: AndersonBar, bias: float, temperature: float, rtol: float) -> WindowCoherence:
    """Coherence of any window: from the resonances, or by quadrature where a channel of the leads opens in it."""
    try:
        return window_coherence(bar, bias, temperature=temperature, rtol=rtol)
    except ChannelThresholdError:
        return window_coherence(bar, bias, temperature=temperature, rtol=rtol, method="quadrature")


def compute(window: Window, present: set[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """The row of a window, unless it is present; keys as in `KEY`."""
    key = window[: len(KEY)]
    if key in present:
        return []
    result = coherence_of(window.bar, window.bias, window.temperature, window.rtol)
    values = (float(result.coherence), float(result.relative_error), bool(result.converged))
    return [dict(zip(COLUMNS, (*key, *values), strict=True))]


def _point(entry: dict[str, Any]) -> dict[str, Any]:
    require_keys(entry, ("length", "disorder", "bias", "samples"), optional=("temperature", "t_parallel", "rtol"))
    return {
        "length": _check.positive_integer("length", entry["length"]),
        "disorder": _check.non_negative_number("disorder", entry["disorder"]),
        "t_parallel": _check.nonzero_number("t_parallel", entry.get("t_parallel", 3.0)),
        "bias": [_check.nonzero_number("bias", one) for one in entry["bias"]],
        "temperature": [_check.non_negative_number("temperature", one) for one in entry.get("temperature", [0.0])],
        "samples": _check.positive_integer("samples", entry["samples"]),
        "rtol": _check.tolerance("rtol", entry.get("rtol", 1e-2)),
    }


def _windows(root: int, points: Sequence[dict[str, Any]]) -> Iterator[Window]:
    for index in range(max(point["samples"] for point in points)):
        for point in points:
            if index < point["samples"]:
                for bias, temperature in product(point["bias"], point["temperature"]):
                    bar = (point["length"], point["disorder"], point["t_parallel"])
                    yield Window(*bar, bias, temperature, index, root, point["rtol"])


main = command("windows", wanted, compute, COLUMNS, KEY)

if __name__ == "__main__":
    main()
