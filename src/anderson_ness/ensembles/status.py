"""How far an ensemble has come."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from anderson_ness.ensembles.inventory import opened
from anderson_ness.ensembles.plan import Group, plan
from anderson_ness.ensembles.quantities import AnyRow, followed
from anderson_ness.ensembles.running import RunningMean
from anderson_ness.ensembles.samples import Point
from anderson_ness.ensembles.specification import Specification, Wanted, read_specification


@dataclass(frozen=True)
class PointStatus:
    """One point at one bias.

    Attributes
    ----------
    point, bias, quantity
        Which.
    wanted, done, unconverged
        Samples wanted, stored, and stored without having converged (they are part of ``done``).
    mean, standard_error
        Over the stored samples, without those where it is nan: of C_d, or of what the quantity's `mean_of` says.
    target
        The relative standard error aimed at; None if the specification has none.
    needed
        Samples that reach the target, judged by the spread of the stored ones; None without target or pilot.

    Examples
    --------
    >>> import tempfile
    >>> from anderson_ness.ensembles import status
    >>> point = status("data/ensembles/fig2a.toml", folder=tempfile.mkdtemp())[0]
    >>> point.point.disorder, point.done, point.needed is None
    (10.0, 0, True)
    """

    point: Point
    bias: float
    quantity: str
    wanted: int
    done: int
    unconverged: int
    mean: float
    standard_error: float
    target: float | None
    needed: int | None


def status(specification: Specification | str | Path, folder: str | Path = "data") -> list[PointStatus]:
    """How many samples each point of an ensemble has, and what they say so far.

    Parameters
    ----------
    specification
        The specification, or its file.
    folder
        Where the store and the published tables lie.

    Returns
    -------
    list of PointStatus
        One for each point and bias, sorted.

    Raises
    ------
    SpecificationError, StoreError, TableError
        If one of them cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> from anderson_ness.ensembles import status
    >>> points = status("data/ensembles/fig2a.toml", folder=tempfile.mkdtemp())
    >>> all(point.done == 0 < point.wanted for point in points)
    True
    """
    if not isinstance(specification, Specification):
        specification = read_specification(specification)
    with opened(Path(folder)) as store:
        held = {
            group: {
                (row.seed, row.bias): row
                for row in store.rows(*group)
                if not specification.profiles or getattr(row, "density_profile", None) is not None
            }
            for group in plan([specification])
        }
    return [
        _status(specification, one, held[Group(one.point, specification.rtol, specification.quantity)])
        for one in specification.wanted
    ]


def _status(specification: Specification, wanted: Wanted, held: dict[tuple[int, float], AnyRow]) -> PointStatus:
    keys = [(seed, wanted.bias) for seed in specification.seeds(wanted)]
    rows = [held[key] for key in keys if key in held]
    mean = RunningMean()
    for row in rows:
        if not math.isnan(followed(row)):
            mean.add(followed(row))
    return PointStatus(
        point=wanted.point,
        bias=wanted.bias,
        quantity=specification.quantity,
        wanted=wanted.samples,
        done=len(rows),
        unconverged=sum(not row.converged for row in rows),
        mean=mean.mean,
        standard_error=mean.standard_error,
        target=wanted.target,
        needed=None if wanted.target is None else mean.samples_for(wanted.target),
    )
