"""The whole book: run the chapters that need it, side by side, then render the pages."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from anderson_ness.companion import chapters, render
from anderson_ness.companion.chapters import Failure
from anderson_ness.companion.messages import waiting


def build(
    root: Path, workers: int | None = None, force: bool = False, only: str | None = None
) -> tuple[list[Failure], Path]:
    """Run every chapter whose inputs have changed, then render the book to ``_build/html``.

    Parameters
    ----------
    root
        The project's folder.
    workers
        How many chapters run at a time, each in a process with one thread; None: one a core.
    force
        Run every chapter.
    only
        The name or number of one chapter: run and render that alone, to ``_build/preview``.

    Returns
    -------
    failures : list of Failure
        The chapters that failed; if there are any, the pages stay as they were.
    page : Path
        Where to begin reading.

    Raises
    ------
    ValueError
        If the table of contents is wrong, or does not list ``only``.
    RenderFailed
        If Jupyter Book warns about anything.
    """
    names = chapters.chapters(root) if only is None else [chapters.find_chapter(root, only)]
    stale = [name for name in names if force or not chapters.is_current(root, name)]
    say(f"{len(names) - len(stale)} of {len(names)} chapters are up to date")
    failures = run(root, [(name, {}) for name in stale], workers)
    page = root / "_build" / "html" / "index.html"
    if failures:
        return failures, page
    start = time.perf_counter()
    with waiting("rendering the pages"):
        if only is None:
            built = render.render(root)
        else:
            page, built = render.preview(root, names[0]), True
    say(f"pages: rendered in {time.perf_counter() - start:.1f} s" if built else "pages: up to date")
    return [], page


def run(root: Path, tasks: Sequence[tuple[str, Mapping[str, Any]]], workers: int | None = None) -> list[Failure]:
    """Execute chapters, each with its parameters, in processes side by side; return the failures."""
    if not tasks:
        return []
    failures = []
    start = time.perf_counter()
    build = root / "_build"
    build.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=build, prefix=".run-") as work,
        _progress(len(tasks)) as advance,
        _processes(min(workers or _cores(), len(tasks))) as pool,
    ):
        futures = {pool.submit(chapters.execute, root, name, values, Path(work)): name for name, values in tasks}
        for future in as_completed(futures):
            failure = _outcome(futures[future], future)
            if failure is not None:
                failures.append(failure)
            state = "failed" if failure else "done"
            advance(f"{futures[future]}: {state} after {time.perf_counter() - start:.1f} s")
    return failures


@contextmanager
def _processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """A fresh interpreter for each task, so that no run can reach the next; none of them outlives an interruption."""
    spawn = multiprocessing.get_context("spawn")
    # In sessions of their own they do not see Ctrl-C, which would make each of them print where it was.
    with ProcessPoolExecutor(count, mp_context=spawn, initializer=os.setsid, max_tasks_per_child=1) as pool:
        try:
            yield pool
        except KeyboardInterrupt:
            for child in multiprocessing.active_children():
                child.kill()
            raise


def _outcome(name: str, future: Future[Failure | None]) -> Failure | None:
    try:
        return future.result()
    except BrokenProcessPool:
        return Failure(name, None, "", "its process was killed (perhaps for want of memory)")


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def say(message: str) -> None:
    """Tell the reader how far things are, on standard error, as standard output belongs to results."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """A progress bar on a terminal, plain lines elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield say
        return
    columns = (SpinnerColumn(), TextColumn("chapters"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("chapters", total=total)

        def advance(message: str) -> None:
            progress.console.print(message, highlight=False)
            progress.advance(task)

        yield advance
