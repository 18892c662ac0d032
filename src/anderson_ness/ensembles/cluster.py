"""Dask: a cluster of its own or one by address, and batches of samples computed there."""

from __future__ import annotations

import logging
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from typing import NamedTuple

from dask.system import CPU_COUNT
from distributed import Client, Future, KilledWorker, LocalCluster, as_completed
from threadpoolctl import threadpool_limits

from anderson_ness.ensembles.errors import SweepError
from anderson_ness.ensembles.quantities import AnyRow
from anderson_ness.ensembles.samples import Task

Compute = Callable[[Task], Sequence[AnyRow]]
# So many batches are with the cluster for each of its threads: one that is computed, and one that waits there.
_BATCHES_A_THREAD = 2
_CONNECT_SECONDS = 20


class Outcome(NamedTuple):
    """What became of a task: its rows, or why there are none."""

    task: Task
    rows: Sequence[AnyRow]
    failure: str | None


@contextmanager
def connected(
    workers: int | None = None, scheduler: str | None = None, memory_limit: str | float | None = "auto"
) -> Iterator[Client]:
    """A client of the cluster at the address ``scheduler``, or of a local one with a process for each worker.

    Raises
    ------
    SweepError
        If no scheduler answers at the address.
    """
    with ExitStack() as stack:
        if scheduler is None:
            with _interruptions_kept_from_workers():
                cluster = LocalCluster(
                    n_workers=workers or CPU_COUNT,
                    threads_per_worker=1,
                    memory_limit=memory_limit,
                    dashboard_address="127.0.0.1:0",
                    silence_logs=logging.CRITICAL,
                )
            yield stack.enter_context(Client(stack.enter_context(cluster)))
            return
        try:
            client = Client(scheduler, timeout=_CONNECT_SECONDS)
        except (OSError, TimeoutError, ValueError) as error:
            raise SweepError(f"no Dask scheduler answers at {scheduler}") from error
        yield stack.enter_context(client)


@contextmanager
def _interruptions_kept_from_workers() -> Iterator[None]:
    """Let Ctrl-C, which a terminal sends to all processes, reach this one alone; it ends the workers.

    The cluster's thread, begun in here, and the workers that it starts inherit the mask.
    """
    # Starting the tracker, as the first worker would, unblocks the signal.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def outcomes(client: Client, batches: Iterator[list[Task]], compute: Compute) -> Iterator[list[Outcome]]:
    """Compute batches in the order given and yield each one's outcomes as it is done.

    Only a few batches are with the cluster at a time, so that any number of samples fits. What was with a worker that
    died again and again is computed once more at the end, sample by sample with nothing beside it: a sample that
    still kills its workers is an outcome without rows, and its neighbours are not blamed.

    Raises
    ------
    SweepError
        If the cluster loses a batch.
    """
    in_flight: dict[Future, list[Task]] = {}
    suspects: deque[Task] = deque()
    alone: set[Task] = set()
    done = as_completed()

    def submit(batch: list[Task]) -> None:
        future = client.submit(_compute_batch, batch, compute, pure=False)
        in_flight[future] = batch
        done.add(future)

    def refill() -> None:
        most = _BATCHES_A_THREAD * max(1, n_threads(client))
        while len(in_flight) < most and (batch := next(batches, None)) is not None:
            submit(batch)
        if suspects and not in_flight:
            alone.add(suspects[0])
            submit([suspects.popleft()])

    try:
        refill()
        while in_flight:
            future = next(done)
            batch = in_flight.pop(future)
            result = []
            if future.status == "finished":
                result = future.result()
            elif future.status != "error":
                raise SweepError("the Dask cluster lost its tasks; what was stored remains, the same command continues")
            elif isinstance(future.exception(), KilledWorker) and not alone.issuperset(batch):
                suspects.extend(batch)
            else:
                result = [Outcome(task, [], _reason(future.exception())) for task in batch]
            refill()
            yield result
    finally:
        # A sweep that ends early leaves nothing behind on a cluster that goes on.
        client.cancel(list(in_flight), force=True)


def n_threads(client: Client) -> int:
    """Threads of the cluster at present."""
    return sum(client.nthreads().values())


def _compute_batch(batch: list[Task], compute: Compute) -> list[Outcome]:
    """What a worker does. One sample that fails costs none of the others."""
    with threadpool_limits(limits=1, user_api="blas"):
        return [_outcome(task, compute) for task in batch]


def _outcome(task: Task, compute: Compute) -> Outcome:
    try:
        return Outcome(task, compute(task), None)
    except Exception as error:
        return Outcome(task, [], _reason(error))


def _reason(error: BaseException) -> str:
    if isinstance(error, KilledWorker):
        return "the workers that computed it died (out of memory?)"
    if isinstance(error, MemoryError):
        return "out of memory"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
