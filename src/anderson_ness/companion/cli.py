"""The command line: ``anderson-ness``. What a command needs is imported when the command runs."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from anderson_ness.companion.project import ProjectNotFound, project_root

Command = TypeVar("Command", bound=Callable[..., Any])
BOOK_MODULES = (
    "jupyter_book",
    "papermill",
    "ipykernel",
    "matplotlib",
    "nbformat",
    "rich",
    "sphinx_exercise",
    "sphinx_proof",
)


class BadInput(click.ClickException):
    """Something the caller can put right: one line, exit status 2."""

    exit_code = 2


class BuildFailed(click.ClickException):
    """A chapter or the pages did not come out: exit status 1."""

    exit_code = 1


@contextmanager
def _plain_messages() -> Iterator[None]:
    """Turn the package's errors about input, and its warnings, into single lines on standard error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        try:
            yield
        except (ValueError, ProjectNotFound, ModuleNotFoundError) as error:
            raise BadInput(" ".join(str(error).split())) from error
        finally:
            for message in dict.fromkeys(str(warning.message) for warning in caught):
                click.echo(f"Warning: {message}", err=True)


def _require_extra(extra: str, modules: tuple[str, ...]) -> None:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise BadInput(f"this command needs the extra {extra!r}: pip install 'anderson-ness[{extra}]'")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="anderson-ness")
def main() -> None:
    """Boundary-driven Anderson models: samples, chapters and the book.

    \b
    Example:
      anderson-ness sample --length 6 --disorder 16.5 --seed 3 --bias 0.5
    """


def _stop_like_an_interruption() -> None:
    """Let SIGTERM do what Ctrl-C does, which also ends the chapters' processes."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@main.command()
@click.argument("chapter")
@click.option(
    "-p",
    "--parameter",
    "parameters",
    type=(str, str),
    multiple=True,
    metavar="NAME VALUE",
    help="Another value for one of the chapter's parameters; may be repeated.",
)
def run(chapter: str, parameters: tuple[tuple[str, str], ...]) -> None:
    """Execute one chapter, named in full or by its number.

    The executed notebook goes to _build/chapters, its figures to _build/figures; at other parameters than the
    chapter's own, both go to a folder below _build/runs.

    \b
    Example:
      anderson-ness run 1 -p disorder 21 -p seed 7
    """
    _require_extra("book", BOOK_MODULES)
    _stop_like_an_interruption()
    with _plain_messages():
        from anderson_ness.companion import book, chapters

        root = project_root()
        name = chapters.find_chapter(root, chapter)
        chosen = chapters.chosen_parameters(root, name, dict(parameters))
        failures = book.run(root, [(name, chosen)])
        build = chapters.output_folder(root, name, chosen)
    if failures:
        raise BuildFailed(f"{failures[0]}\nThe notebook is kept: {chapters.failed(build, name).relative_to(root)}")
    click.echo(chapters.executed(build, name).relative_to(root))


@main.command()
@click.option("-j", "--workers", type=click.IntRange(min=1), help="Chapters at a time.  [default: one a core]")
@click.option("--force", is_flag=True, help="Run every chapter, changed or not.")
def book(workers: int | None, force: bool) -> None:
    """Run the chapters whose inputs have changed and render the book.

    A chapter's inputs are its notebook, every file of src and data, and requirements.lock. The pages come out in
    _build/html.

    \b
    Example:
      anderson-ness book --workers 2
    """
    _require_extra("book", BOOK_MODULES)
    _stop_like_an_interruption()
    with _plain_messages():
        from anderson_ness.companion import book, render

        root = project_root()
        try:
            failures = book.build(root, workers, force)
        except render.RenderFailed as error:
            raise BuildFailed(f"the pages could not be rendered:\n{error}") from error
    if failures:
        raise BuildFailed("\n".join(["these chapters failed:", *map(str, failures)]))
    click.echo("_build/html/index.html")


def _lead_options(command: Command) -> Command:
    """Options that describe the leads, at `Leads`' own defaults unless given."""
    for name, meaning in (
        ("--t-contact", "Hopping between sample and lead.  [default: that along the leads]"),
        ("--t-perp", "Hopping across the leads.  [default: 1]"),
        ("--t-parallel", "Hopping along the leads.  [default: 3]"),
    ):
        command = click.option(name, type=float, help=meaning)(command)
    return command


@main.command()
@click.option("--length", type=int, required=True, help="Edge of the cube, in lattice constants.")
@click.option("--disorder", type=float, required=True, help="Disorder strength W.")
@click.option("--seed", type=int, required=True, help="Seed of the random potential.")
@click.option("--bias", type=float, required=True, help="Difference of the leads' chemical potentials.")
@_lead_options
@click.option("--temperature", type=float, help="Temperature of both leads.  [default: 0]")
@click.option("--rtol", type=float, help="Relative tolerance.  [default: 1e-6]")
@click.option("--method", help="How to integrate over the window.")
@click.option("--states", help="Where scattering states come from: sweep or kwant.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with every number.")
def sample(length: int, disorder: float, seed: int, bias: float, as_json: bool, **options: float | str | None) -> None:
    """Mutual coherence of one random bar's halves, and what goes with it.

    \b
    Example:
      anderson-ness sample --length 8 --disorder 16.5 --seed 3 --bias 0.3 --json
    """
    given = {name: value for name, value in options.items() if value is not None}
    with _plain_messages():
        from anderson_ness import AndersonBar, Leads, window_coherence

        names = [field.name for field in dataclasses.fields(Leads) if field.name in given]
        leads = Leads(**{name: given.pop(name) for name in names})  # type: ignore[arg-type]
        bar = AndersonBar.random(length=length, disorder=disorder, seed=seed, leads=leads)
        result = window_coherence(bar, bias=bias, **given)
    inputs = {"length": length, "disorder": disorder, "seed": seed, "bias": bias, **dataclasses.asdict(leads), **given}
    click.echo(_as_json(inputs, result) if as_json else _as_table(result))


def _as_json(inputs: dict[str, Any], result: Any) -> str:
    from anderson_ness.companion import files, provenance

    record = {"inputs": inputs, **dataclasses.asdict(result), "versions": provenance.versions()}
    return json.dumps(files.plain(record))


def _as_table(result: Any) -> str:
    rows = [(name.replace("_", " "), _in_words(value)) for name, value in dataclasses.asdict(result).items()]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if hasattr(value, "__iter__"):
        return " ".join(f"{entry:.4g}" for entry in value)
    return f"{value:.8g}" if isinstance(value, float) else str(value)
