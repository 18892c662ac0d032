"""``anderson-ness sample``: one sample, random or remade from a table's row."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from anderson_ness.companion.messages import Failed, plain_messages, require_extra, waiting
from anderson_ness.companion.project import project_root

Command = TypeVar("Command", bound=Callable[..., Any])
TABLE_MODULES = ("pyarrow",)
_NEEDED = ("length", "disorder", "seed", "bias")


def _lead_options(command: Command) -> Command:
    """Options that describe the leads, at `Leads`' own defaults unless given."""
    for name, meaning in (
        ("--t-contact", "Hopping between sample and lead.  [default: that along the leads]"),
        ("--t-perp", "Hopping across the leads.  [default: 1]"),
        ("--t-parallel", "Hopping along the leads.  [default: 3]"),
    ):
        command = click.option(name, type=float, help=meaning)(command)
    return command


@click.command()
@click.option("--length", type=int, help="Edge of the cube, in lattice constants.")
@click.option("--disorder", type=float, help="Disorder strength W.")
@click.option("--seed", type=int, help="Seed of the random potential.")
@click.option("--bias", type=float, help="Difference of the leads' chemical potentials.")
@_lead_options
@click.option("--temperature", type=float, help="Temperature of both leads.  [default: 0]")
@click.option("--rtol", type=float, help="Relative tolerance.  [default: 1e-6]")
@click.option("--method", help="How to integrate over the window.")
@click.option("--states", help="Where scattering states come from: sweep or kwant.")
@click.option(
    "--from-row",
    type=(str, int),
    metavar="TABLE N",
    help="Instead of all that: compute row N (from 0) of a table, by name or file, again and compare.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with every number.")
def sample(from_row: tuple[str, int] | None, as_json: bool, **options: Any) -> None:
    """Mutual coherence of one random bar's halves, and what goes with it.

    \b
    Example:
      anderson-ness sample --length 8 --disorder 16.5 --seed 3 --bias 0.3 --json
      anderson-ness sample --from-row fig2a 17
    """
    given = {name: value for name, value in options.items() if value is not None}
    if from_row is not None:
        if given:
            raise click.UsageError(f"--from-row stands alone, without --{next(iter(given)).replace('_', '-')}")
        _remake(*from_row, as_json)
        return
    for name in _NEEDED:
        if name not in given:
            raise click.UsageError(f"Missing option '--{name}'.")
    _compute(given, as_json)


def _compute(given: dict[str, Any], as_json: bool) -> None:
    with plain_messages():
        from anderson_ness import AndersonBar, Leads, window_coherence

        length, disorder, seed, bias = (given.pop(name) for name in _NEEDED)
        names = [field.name for field in dataclasses.fields(Leads) if field.name in given]
        leads = Leads(**{name: given.pop(name) for name in names})
        bar = AndersonBar.random(length=length, disorder=disorder, seed=seed, leads=leads)
        with waiting(f"computing a bar of {bar.n_sites} sites"):
            result = window_coherence(bar, bias=bias, **given)
    inputs = {"length": length, "disorder": disorder, "seed": seed, "bias": bias, **dataclasses.asdict(leads), **given}
    if as_json:
        click.echo(_json({"inputs": inputs, **dataclasses.asdict(result)}))
        return
    rows = [(name.replace("_", " "), _in_words(value)) for name, value in dataclasses.asdict(result).items()]
    click.echo(_columns(rows))


def _remake(table: str, number: int, as_json: bool) -> None:
    require_extra("ensembles", TABLE_MODULES)
    with plain_messages():
        from anderson_ness.ensembles.remake import remake
        from anderson_ness.ensembles.table import read_row

        folder = Path() if table.endswith(".parquet") else project_root() / "data"
        row = read_row(table, number, folder)
        with waiting(f"computing row {number} again, a bar of length {row.point.length}"):
            comparisons = remake(row)
    agree = all(one.agrees for one in comparisons)
    inputs = {
        "table": table,
        "row": number,
        **row.point._asdict(),
        "seed": row.seed,
        "bias": row.bias,
        "rtol": row.rtol,
    }
    if as_json:
        compared = {one.quantity: {**dataclasses.asdict(one), "agrees": one.agrees} for one in comparisons}
        click.echo(_json({"inputs": inputs, "agree": agree, "compared": compared}))
    else:
        lines = [(name, _in_words(value)) for name, value in inputs.items()]
        head = ("", "stored", "now", "difference", "allowed")
        compared_lines = [
            (one.quantity.replace("_", " "), *map(_in_words, (one.stored, one.now, one.difference, one.allowed)))
            for one in comparisons
        ]
        click.echo(f"{_columns(lines)}\n\n{_columns([head, *compared_lines])}")
    if not agree:
        raise Failed("the row does not come out as it is stored")


def _json(record: dict[str, Any]) -> str:
    from anderson_ness.companion import files, provenance

    return json.dumps(files.plain({**record, "versions": provenance.versions()}))


def _columns(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(entry.ljust(width) for entry, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if hasattr(value, "__iter__"):
        return " ".join(f"{entry:.4g}" for entry in value)
    return f"{value:.8g}" if isinstance(value, float) else str(value)
