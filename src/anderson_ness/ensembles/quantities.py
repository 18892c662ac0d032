"""What ensembles may hold, by the name that a specification gives it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anderson_ness.ensembles.information import InformationRow, compute_information
from anderson_ness.ensembles.samples import Row, Task, compute_coherence

AnyRow = Row | InformationRow
COHERENCE = "coherence"
KEY = Row._fields[:8]  # of every type of row: what determines it


@dataclass(frozen=True)
class Quantity:
    """What is computed of each sample, and what is kept of it.

    Attributes
    ----------
    row
        Type of the rows; their first eight fields are `KEY`.
    compute
        What computes a sample's rows.
    store_table
        Where the store keeps them.
    mean_of
        The field whose mean is shown while ensembles grow, and its ``symbol``.
    optional
        Fields that rows may lack, and that tables keep only where an ensemble asks for them.
    """

    row: type[AnyRow]
    compute: Callable[[Task], Sequence[AnyRow]]
    store_table: str
    mean_of: str
    symbol: str
    optional: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields of a row."""
        return self.row._fields


QUANTITIES = {
    COHERENCE: Quantity(
        Row, compute_coherence, "samples", "coherence", "C_d", optional=("density_profile", "spectral_weight")
    ),
    "information": Quantity(InformationRow, compute_information, "information", "mutual_information", "I_1"),
}


def quantity_of(row: AnyRow) -> str:
    """Name of the quantity that a row holds."""
    return next(name for name, quantity in QUANTITIES.items() if isinstance(row, quantity.row))


def followed(row: AnyRow) -> float:
    """The number of a row whose mean is shown while ensembles grow."""
    return float(getattr(row, QUANTITIES[quantity_of(row)].mean_of))


def compute_sample(task: Task) -> list[AnyRow]:
    """Compute one sample at all its biases: one row each, of the quantity that the task names.

    Examples
    --------
    >>> from anderson_ness.ensembles import Point, Task, compute_sample
    >>> [row] = compute_sample(Task(Point(4, 16.5, 3.0, 1.0, 3.0), rtol=1e-3, seed=3, biases=(0.4,)))
    >>> row.converged, row.coherence > 0
    (True, True)
    """
    return list(QUANTITIES[task.quantity].compute(task))
