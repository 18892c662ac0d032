"""How far an ensemble has come."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from anderson_ness.ensembles.inventory import opened
from anderson_ness.ensembles.plan import Group, plan
from anderson_ness.ensembles.running import RunningMean
from anderson_ness.ensembles.samples import Point, Row
from anderson_ness.ensembles.specification import Specification, Wanted, read_specification


@dataclass(frozen=True)
class PointStatus:
    """One point at one bias.

    Attributes
    ----------
    point, bias
        Which.
    wanted, done, unconverged
        Samples wanted, stored, and stored without having converged (they are part of ``done``).
    mean, standard_error
        Of the coherence C_d over the stored samples, without those whose coherence is nan.
    target
        The relative standard error aimed at; None if the specification has none.
    needed
        Samples that reach the target, judged by the spread of the stored ones; None without target or pilot.
    """

    point: Point
    bias: float
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
    """
    if not isinstance(specification, Specification):
        specification = read_specification(specification)
    with opened(Path(folder)) as store:
        held = {
            group: {
                (row.seed, row.bias): row
                for row in store.rows(*group)
                if row.density_profile is not None or not specification.profiles
            }
            for group in plan([specification])
        }
    return [_status(specification, one, held[Group(one.point, specification.rtol)]) for one in specification.wanted]


def _status(specification: Specification, wanted: Wanted, held: dict[tuple[int, float], Row]) -> PointStatus:
    keys = [(seed, wanted.bias) for seed in specification.seeds(wanted)]
    rows = [held[key] for key in keys if key in held]
    mean = RunningMean()
    for row in rows:
        if not math.isnan(row.coherence):
            mean.add(row.coherence)
    return PointStatus(
        point=wanted.point,
        bias=wanted.bias,
        wanted=wanted.samples,
        done=len(rows),
        unconverged=sum(not row.converged for row in rows),
        mean=mean.mean,
        standard_error=mean.standard_error,
        target=wanted.target,
        needed=None if wanted.target is None else mean.samples_for(wanted.target),
    )
