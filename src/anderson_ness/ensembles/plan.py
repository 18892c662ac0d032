"""What one or several specifications want together, and what of it is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from anderson_ness.ensembles.errors import SpecificationError
from anderson_ness.ensembles.quantities import COHERENCE, AnyRow, quantity_of
from anderson_ness.ensembles.samples import Point, Task
from anderson_ness.ensembles.specification import Specification, Wanted
from anderson_ness.ensembles.store import Store


class Group(NamedTuple):
    """Samples that are computed alike: a point, the tolerance, and what is computed."""

    point: Point
    rtol: float
    quantity: str = COHERENCE

    def task(self, seed: int, biases: Iterable[float]) -> Task:
        """One of the group's samples, at some biases."""
        return Task(self.point, self.rtol, seed, tuple(sorted(biases)), self.quantity)


def group_of(computed: Task) -> Group:
    """The group that a task belongs to."""
    return Group(computed.point, computed.rtol, computed.quantity)


class Part(NamedTuple):
    """A part of an ensemble: the ``first`` samples of each point, at sizes from ``shortest`` to ``longest``.

    Examples
    --------
    >>> from anderson_ness.ensembles import Part
    >>> part = Part(first=100, longest=16)
    >>> part.first, part.longest
    (100, 16)
    """

    first: int | None = None
    shortest: int | None = None
    longest: int | None = None

    def has(self, wanted: Wanted) -> bool:
        length = wanted.point.length
        return (self.shortest or length) <= length <= (self.longest or length)


ALL = Part()

# For each group the (seed, bias) wanted, and whether with profiles.
Plan = Mapping[Group, Mapping[tuple[int, float], bool]]


def plan(specifications: Sequence[Specification], part: Part = ALL) -> Plan:
    """Everything the specifications want, or a part of it, each sample and bias once."""
    wanted: dict[Group, dict[tuple[int, float], bool]] = {}
    for specification in specifications:
        for one in filter(part.has, specification.wanted):
            group = wanted.setdefault(Group(one.point, specification.rtol, specification.quantity), {})
            for seed in specification.seeds(one)[: part.first]:
                group[seed, one.bias] = group.get((seed, one.bias), False) or specification.profiles
    return wanted


def missing(wanted: Plan, store: Store) -> dict[Group, list[Task]]:
    """What the store lacks: one task a sample, with all the biases that it lacks. Complete groups are left out."""
    tasks = {}
    for group, keys in wanted.items():
        present = store.present(*group)
        biases: dict[int, list[float]] = {}
        for (seed, bias), profiles in keys.items():
            if not _serves(present.get((seed, bias)), profiles):
                biases.setdefault(seed, []).append(bias)
        if biases:
            tasks[group] = [group.task(seed, some) for seed, some in biases.items()]
    return tasks


def still_missing(task: Task, wanted: Plan, store: Store) -> Task | None:
    """The task without what another sweep has stored meanwhile; None if nothing is left."""
    group = group_of(task)
    keys = wanted[group]
    present = store.present_of(*group, seed=task.seed)
    left = tuple(bias for bias in task.biases if not _serves(present.get(bias), keys[task.seed, bias]))
    return task._replace(biases=left) if left else None


def _serves(stored: bool | None, profiles: bool) -> bool:
    return stored is not None and (stored or not profiles)


def selected(specification: Specification, store: Store) -> Iterator[AnyRow]:
    """The rows that the store holds of an ensemble, also those whose profiles are still missing."""
    for group, keys in plan([specification]).items():
        for row in store.rows(*group):
            if (row.seed, row.bias) in keys:
                yield row


def require_wanted(rows: Iterable[AnyRow], specification: Specification) -> None:
    """Refuse a specification that does not name every row of its ensemble's table: publishing would lose them.

    Raises
    ------
    SpecificationError
        With the first such row.
    """
    wanted = plan([specification])
    for row in rows:
        if getattr(row, "density_profile", None) is not None and not specification.profiles:
            raise SpecificationError(
                f"{specification.path} must say profiles = true, because the table {specification.name} holds profiles"
            )
        if (row.seed, row.bias) not in wanted.get(Group(row.point, row.rtol, quantity_of(row)), {}):
            raise SpecificationError(
                f"{specification.path} does not ask for a row that the table {specification.name} holds ({row.point}, "
                f"{quantity_of(row)}, bias = {row.bias:g}, rtol = {row.rtol:g}, seed {row.seed}): specifications may "
                "grow, not change; restore it, give it another name, or move the table away"
            )
