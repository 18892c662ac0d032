"""A sweep: compute what the specifications want and the store lacks, then publish the tables."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anderson_ness.ensembles import inventory
from anderson_ness.ensembles.errors import SpecificationError, SweepError
from anderson_ness.ensembles.plan import ALL, Group, Part, Plan, group_of, missing, plan, selected, still_missing
from anderson_ness.ensembles.quantities import KEY, compute_sample, quantity_of
from anderson_ness.ensembles.samples import Task
from anderson_ness.ensembles.specification import Specification, read_specification
from anderson_ness.ensembles.store import Store
from anderson_ness.ensembles.work import Means, Work, add_to_means, duration

if TYPE_CHECKING:
    from distributed import Client

    from anderson_ness.ensembles.cluster import Compute, Outcome
    from anderson_ness.ensembles.progress import Progress

# The pilot takes one sample of each group, from the smallest on, and begins no more after this time.
_PILOT_SECONDS = 30.0
# Computing time of a batch: long against what a batch costs Dask and the store (a few hundredths of a second), short
# against anybody's patience.
_BATCH_SECONDS = 1.0
_LARGEST_BATCH = 200


@dataclass(frozen=True)
class Summary:
    """What a sweep did.

    Attributes
    ----------
    computed
        Samples computed and stored.
    failures
        Why samples could not be computed, one line each; they are missing from the tables, and the next sweep tries
        again. (A sample that was computed without converging is no failure: its row says so.)
    tables
        The published files.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from anderson_ness.ensembles import sweep
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "toy.toml").write_text("points = [{length = 4, disorder = [10, 25], bias = 0.5, samples = 2}]")
    >>> summary = sweep(folder / "toy.toml", folder, workers=1)
    >>> summary.computed, summary.failures, [path.name for path in summary.tables]
    (4, (), ['toy.parquet'])
    """

    computed: int
    failures: tuple[str, ...]
    tables: tuple[Path, ...]


def sweep(
    specifications: Specification | str | Path | Sequence[Specification | str | Path],
    folder: str | Path = "data",
    *,
    part: Part = ALL,
    workers: int | None = None,
    scheduler: str | None = None,
    memory_limit: str | float | None = "auto",
    origin: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    compute: Compute = compute_sample,
) -> Summary:
    """Compute what is missing of one or several ensembles, and publish their tables.

    Every sample is stored as soon as it is done; a sweep that was interrupted or killed goes on where it stopped.
    Where several ensembles want the same sample, at different biases perhaps, it is computed once. The slowest
    samples come first. Samples of a point come in random order, so that two sweeps at once seldom meet; should they,
    the row stored first stays.

    Parameters
    ----------
    specifications
        One or several, read or as files.
    folder
        Where the published tables and the store lie.
    part
        What of them to compute this time, `Part(first=100, longest=16)`: the tables hold whatever is done, so that an
        ensemble can grow evenly over its points.
    workers
        Processes of the local cluster, one thread each; None: one a core.
    scheduler
        Address of another Dask cluster's scheduler, instead of a local one.
    memory_limit
        Memory of a local worker, as Dask understands it ("4GB"): one that exceeds it is ended and its sample tried
        again, three times. "auto": an equal share of the machine's.
    origin
        What the tables' metadata say of new rows; see `anderson_ness.ensembles.table.publish`.
    progress
        Where it shows how far it is; None: `anderson_ness.ensembles.progress.Progress()`.
    compute
        What computes a task.

    Returns
    -------
    Summary

    Raises
    ------
    SpecificationError, StoreError, TableError, SweepError
        If one of them, or the cluster, cannot be used. What was stored remains.
    KeyboardInterrupt
        On Ctrl-C, after the tables were published as far as they are.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from anderson_ness.ensembles import read_table, sweep
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "toy.toml").write_text("points = [{length = 4, disorder = [10, 25], bias = 0.5, samples = 2}]")
    >>> summary = sweep(folder / "toy.toml", folder, workers=1)
    >>> summary.computed
    4
    >>> read_table("toy", folder)[["length", "disorder"]].value_counts().tolist()
    [2, 2]
    """
    from anderson_ness.ensembles.progress import Progress

    several = [specifications] if isinstance(specifications, (Specification, str, Path)) else list(specifications)
    wanting = [one if isinstance(one, Specification) else read_specification(one) for one in several]
    if len({one.name for one in wanting}) < len(wanting):
        raise SpecificationError("specifications swept together must have different names")
    folder = Path(folder)
    inventory.require_extension(wanting, folder)
    with inventory.opened(folder) as store:
        wanted = plan(wanting, part)
        tasks = missing(wanted, store)
        run = _Run(store, wanted, tasks, progress or Progress(), compute)
        if tasks:
            try:
                run.everything(_means(wanting, store), workers, scheduler, memory_limit)
            except KeyboardInterrupt:
                inventory.publish(wanting, store, folder, origin)
                raise
        tables = inventory.publish(wanting, store, folder, origin)
    return Summary(run.computed, tuple(run.failures), tuple(tables))


def _means(specifications: Sequence[Specification], store: Store) -> Means:
    means: Means = {}
    rows = {(quantity_of(row), *row[: len(KEY)]): row for one in specifications for row in selected(one, store)}
    add_to_means(means, list(rows.values()))
    return means


def _batch_size(cost: float) -> int:
    """Samples in a batch; a cost that is not known counts as high."""
    return int(min(max(_BATCH_SECONDS / cost, 1), _LARGEST_BATCH)) if cost > 0 else 1


class _Run:
    """One sweep's computing."""

    def __init__(
        self, store: Store, wanted: Plan, tasks: dict[Group, list[Task]], progress: Progress, compute: Compute
    ) -> None:
        self.store = store
        self.wanted = wanted
        self.tasks = tasks
        self.progress = progress
        self.compute = compute
        self.work = Work({group: len(some) for group, some in tasks.items()})
        self.computed = 0
        self.failures: list[str] = []
        for some in tasks.values():
            random.shuffle(some)

    def everything(self, means: Means, workers: int | None, scheduler: str | None, memory_limit: Any) -> None:
        from anderson_ness.ensembles.cluster import connected

        with connected(workers, scheduler, memory_limit) as client, self.progress.shown(self.work, means):
            self._through(client, self._pilot())
            if self.failures and not self.computed:
                raise SweepError(f"no sample of the pilot could be computed; the first: {self.failures[0]}")
            if self.work.n_left:
                left, workers = self.work.n_left, self.work.n_workers
                self.progress.say(
                    f"pilot: {self.computed} samples; the {left} left will take about "
                    f"{duration(self.work.seconds_left())} on {workers} worker{'s' * (workers > 1)}"
                )
            self._through(client, self._batches())

    def _through(self, client: Client, batches: Iterator[list[Task]]) -> None:
        from anderson_ness.ensembles.cluster import n_threads, outcomes

        for done in outcomes(client, batches, self.compute):
            self.work.n_workers = max(1, n_threads(client))
            self._take(done)

    def _take(self, outcomes: list[Outcome]) -> None:
        """Store first, then report: a row that was reported is in the store."""
        rows = [row for outcome in outcomes for row in outcome.rows]
        if rows:
            self.store.add(rows)
        for task, results, failure in outcomes:
            group = group_of(task)
            self.work.finished(group)
            if failure is None:
                self.computed += 1
                self.work.computed(group, sum(row.seconds for row in results))
            else:
                self.failures.append(f"{task.point}, seed {task.seed}: {failure}")
                self.progress.say(f"failed: {self.failures[-1]}")
        self.progress.stored(rows)

    def _pilot(self) -> Iterator[list[Task]]:
        start = time.monotonic()
        for group in sorted(self.tasks):
            if time.monotonic() - start > _PILOT_SECONDS:
                return
            yield from self._next(group, 1)

    def _batches(self) -> Iterator[list[Task]]:
        for group in sorted(self.tasks, key=self.work.cost, reverse=True):
            while tasks := self.tasks[group]:
                # Smaller towards the end, so that the workers finish together.
                share = 1 + len(tasks) // (2 * self.work.n_workers)
                yield from self._next(group, min(_batch_size(self.work.cost(group)), share))

    def _next(self, group: Group, size: int) -> Iterator[list[Task]]:
        """The next batch of a group, if another sweep has left something of it."""
        tasks = self.tasks[group]
        chosen = [tasks.pop() for _ in range(min(size, len(tasks)))]
        batch = [left for task in chosen if (left := still_missing(task, self.wanted, self.store)) is not None]
        for _ in range(len(chosen) - len(batch)):
            self.work.finished(group)
        if batch:
            yield batch
