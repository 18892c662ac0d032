"""``anderson-ness sweep`` and ``anderson-ness status``: ensembles of samples."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anderson_ness.companion.messages import Failed, plain_messages, require_extra, stop_like_an_interruption
from anderson_ness.companion.project import project_root

if TYPE_CHECKING:
    from anderson_ness.ensembles import PointStatus

ENSEMBLE_MODULES = ("distributed", "pyarrow", "pandas", "rich")
_specifications = click.argument(
    "specifications", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SPECIFICATION..."
)
_data = click.option(
    "--data", type=click.Path(path_type=Path), help="Folder of the tables and the store.  [default: the project's data]"
)


@contextmanager
def _plain_failures() -> Iterator[None]:
    """What no other input would put right, in one line and with exit status 1."""
    from anderson_ness.ensembles.errors import StoreError, SweepError

    try:
        yield
    except (StoreError, SweepError) as error:
        raise Failed(str(error)) from error


@click.command()
@_specifications
@click.option("-j", "--workers", type=click.IntRange(min=1), help="Local processes.  [default: one a core]")
@click.option(
    "--scheduler", metavar="ADDRESS", help="Scheduler of another Dask cluster to compute on, as tcp://HOST:PORT."
)
@click.option("--memory-limit", default="auto", help='Memory of a local worker, as "4GB".  [default: an equal share]')
@click.option("--first", type=click.IntRange(min=1), metavar="N", help="Only the first N samples of every point.")
@click.option("--shortest", type=click.IntRange(min=1), metavar="L0", help="Only sizes from L0 on.")
@click.option("--longest", type=click.IntRange(min=1), metavar="L0", help="Only sizes up to L0.")
@click.option("-v", "--verbose", is_flag=True, help="Print a line for every sample that was stored.")
@_data
def sweep(
    specifications: Sequence[Path],
    workers: int | None,
    scheduler: str | None,
    memory_limit: str,
    first: int | None,
    shortest: int | None,
    longest: int | None,
    verbose: bool,
    data: Path | None,
) -> None:
    """Compute what is missing of one or several ensembles and publish their tables.

    A SPECIFICATION is a TOML file such as those in data/ensembles. A pilot of a sample a point is timed first, and the
    time for the rest printed. Whatever was computed is kept: stop with Ctrl-C (or by any accident) and give the same
    command again. Several specifications share the samples they have in common. The slowest samples come first; to
    see all points soon, compute a part of each with --first, then more.

    For a cluster under Slurm, start workers with dask-jobqueue and give their scheduler's address (the docstring of
    anderson_ness.ensembles has the lines to do so).

    \b
    Example:
      anderson-ness sweep data/ensembles/fig2a.toml data/ensembles/profiles.toml --workers 2
      anderson-ness sweep data/ensembles/*.toml --first 50 --longest 16
      anderson-ness sweep data/ensembles/fig2b.toml --scheduler tcp://10.0.0.1:8786
    """
    if workers is not None and scheduler is not None:
        raise click.UsageError("--workers is for the local cluster, --scheduler for another: give one of them")
    require_extra("ensembles", ENSEMBLE_MODULES)
    stop_like_an_interruption()
    from anderson_ness import ensembles
    from anderson_ness.ensembles.progress import Progress

    with plain_messages(), _plain_failures():
        folder = _data_folder(data)
        try:
            summary = ensembles.sweep(
                specifications,
                folder,
                part=ensembles.Part(first, shortest, longest),
                workers=workers,
                scheduler=scheduler,
                memory_limit=memory_limit,
                origin=_origin(),
                progress=Progress(verbose=verbose),
            )
        except KeyboardInterrupt as stop:
            raise Failed("stopped; what was computed is stored, and the same command continues") from stop
        points = [point for path in specifications for point in ensembles.status(path, folder)]
    click.echo(_as_tables(points))
    for path in summary.tables:
        click.echo(path)
    if summary.failures:
        n_failed = len(summary.failures)
        raise Failed(f"{n_failed} samples could not be computed (named above); the next sweep tries them again")


@click.command()
@_specifications
@_data
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list with every number.")
def status(specifications: Sequence[Path], data: Path | None, as_json: bool) -> None:
    """Show what ensembles have and what they want, point by point.

    The column "needed" says how many samples bring the relative standard error down to the point's target, judged by
    those that are done. Sample counts are fixed in the specification: stopping when an error looks small biases the
    mean.

    \b
    Example:
      anderson-ness status data/ensembles/fig2a.toml
    """
    require_extra("ensembles", ENSEMBLE_MODULES)
    from anderson_ness import ensembles

    with plain_messages(), _plain_failures():
        folder = _data_folder(data)
        points = [point for path in specifications for point in ensembles.status(path, folder)]
    if as_json:
        from anderson_ness.companion import files

        click.echo(json.dumps(files.plain([_record(point) for point in points])))
        return
    click.echo(_as_tables(points))


def _data_folder(data: Path | None) -> Path:
    return data if data is not None else project_root() / "data"


def _origin() -> dict[str, Any]:
    """What a table says of where its rows come from; the commit is that of the code."""
    from anderson_ness.companion import provenance

    state = provenance.commit(Path(__file__).parent)
    commit = state["commit"] and state["commit"] + ("-dirty" if state["dirty"] else "")
    return {"commit": commit, "versions": provenance.versions()}


def _record(point: PointStatus) -> dict[str, Any]:
    record = dataclasses.asdict(point)
    return {**record.pop("point")._asdict(), **record}


def _as_tables(points: Sequence[PointStatus]) -> str:
    """A table for each quantity, headed by the symbol of what the mean is of."""
    from anderson_ness.ensembles.quantities import QUANTITIES

    groups = [(one.symbol, [point for point in points if point.quantity == name]) for name, one in QUANTITIES.items()]
    return "\n\n".join(_as_table(symbol, some) for symbol, some in groups if some)


def _as_table(symbol: str, points: Sequence[PointStatus]) -> str:
    head = ("L0", "W", "t_contact", "bias", "X", "done", "wanted", "unconverged", symbol, "error", "target", "needed")
    rows = [head, *map(_cells, points)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _cells(point: PointStatus) -> tuple[str, ...]:
    from anderson_ness.ensembles import CRITICAL_DISORDER

    relative = point.standard_error / point.mean if point.mean else math.nan
    return (
        str(point.point.length),
        f"{point.point.disorder:g}",
        f"{point.point.t_contact:.4g}",
        f"{point.bias:.4g}",
        f"{point.bias * point.point.length**3 / CRITICAL_DISORDER:.4g}",
        str(point.done),
        str(point.wanted),
        str(point.unconverged),
        "-" if math.isnan(point.mean) else f"{point.mean:.4g}",
        "-" if math.isnan(relative) else f"{relative:.1%}",
        "-" if point.target is None else f"{point.target:.1%}",
        "-" if point.needed is None else str(point.needed),
    )
