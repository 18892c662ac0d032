"""One sample of an ensemble of the full steady state: what its halves know of each other, and the rows it leaves."""

from __future__ import annotations

import time
import warnings
from typing import NamedTuple

from anderson_ness.ensembles.samples import Point, Task
from anderson_ness.model import AndersonBar
from anderson_ness.states.equilibrium import steady_state_information
from anderson_ness.states.result import ConvergenceWarning


class InformationRow(NamedTuple):
    """One sample at one bias, as stored. The first eight entries are its key.

    What lies between them and ``converged`` is what `steady_state_information` returns: of the state itself, of that
    at the opposite bias (``reversed_``) and of the equilibrium part (``equilibrium_``). ``seconds`` is computing time.

    Examples
    --------
    >>> from anderson_ness.ensembles import Point, Task, compute_sample
    >>> task = Task(Point(4, 16.5, 3.0, 1.0, 3.0), 1e-6, seed=3, biases=(0.4,), quantity="information")
    >>> [row] = compute_sample(task)
    >>> row.mutual_information >= row.coherence_bound > 0
    True
    """

    length: int
    disorder: float
    t_parallel: float
    t_perp: float
    t_contact: float
    rtol: float
    seed: int
    bias: float
    mutual_information: float
    renyi_2_information: float
    negativity: float
    coherence: float
    coherence_bound: float
    density: float
    reversed_mutual_information: float
    reversed_renyi_2_information: float
    reversed_negativity: float
    reversed_coherence: float
    reversed_coherence_bound: float
    reversed_density: float
    equilibrium_mutual_information: float
    equilibrium_renyi_2_information: float
    equilibrium_negativity: float
    equilibrium_coherence: float
    equilibrium_coherence_bound: float
    equilibrium_density: float
    driven_coherence: float
    converged: bool
    seconds: float

    @property
    def point(self) -> Point:
        """The point that the row belongs to."""
        return Point(*self[:5])


MEASURED = InformationRow._fields[8:-2]  # what `steady_state_information` returns


def compute_information(task: Task) -> list[InformationRow]:
    """Compute one sample at all its biases: one row each, in the order of the biases."""
    bar = task.point.bar(task.seed)
    return [_row(bar, task, bias) for bias in task.biases]


def _row(bar: AndersonBar, task: Task, bias: float) -> InformationRow:
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        measured = steady_state_information(bar, bias, rtol=task.rtol)
    seconds = time.perf_counter() - start
    converged = not any(issubclass(one.category, ConvergenceWarning) for one in caught)
    values = [measured[name] for name in MEASURED]
    return InformationRow._make([*task.point, task.rtol, task.seed, bias, *values, converged, seconds])
