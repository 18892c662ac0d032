"""The command line: ``anderson-ness``. What a command needs is imported when the command runs."""

from __future__ import annotations

import click

from anderson_ness.companion import claims_command, ensemble_commands, sample_command
from anderson_ness.companion.messages import Failed, plain_messages, require_extra, stop_like_an_interruption
from anderson_ness.companion.project import project_root

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


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="anderson-ness")
def main() -> None:
    """Boundary-driven Anderson models: samples, ensembles, chapters and the book.

    \b
    Example:
      anderson-ness sample --length 6 --disorder 16.5 --seed 3 --bias 0.5
    """


main.add_command(sample_command.sample)
main.add_command(ensemble_commands.sweep)
main.add_command(ensemble_commands.status)
main.add_command(claims_command.claims)


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
      anderson-ness run 7 -p widths "[4, 6]"
    """
    require_extra("book", BOOK_MODULES)
    stop_like_an_interruption()
    with plain_messages():
        from anderson_ness.companion import book, chapters

        root = project_root()
        name = chapters.find_chapter(root, chapter)
        chosen = chapters.chosen_parameters(root, name, dict(parameters))
        failures = book.run(root, [(name, chosen)])
        build = chapters.output_folder(root, name, chosen)
    if failures:
        raise Failed(f"{failures[0]}\nThe notebook is kept: {chapters.failed(build, name).relative_to(root)}")
    click.echo(chapters.executed(build, name).relative_to(root))


@main.command()
@click.option("-j", "--workers", type=click.IntRange(min=1), help="Chapters at a time.  [default: one a core]")
@click.option("--force", is_flag=True, help="Run every chapter, changed or not.")
@click.option("--only", metavar="CHAPTER", help="Run and render this chapter alone, to _build/preview.")
def book(workers: int | None, force: bool, only: str | None) -> None:
    """Run the chapters whose inputs have changed and render the book.

    A chapter's inputs are its notebook, every file of src and data, and requirements.lock. The pages come out in
    _build/html.

    \b
    Example:
      anderson-ness book --workers 2
      anderson-ness book --only 05
    """
    require_extra("book", BOOK_MODULES)
    stop_like_an_interruption()
    with plain_messages():
        from anderson_ness.companion import book, render

        root = project_root()
        try:
            failures, page = book.build(root, workers, force, only)
        except render.RenderFailed as error:
            raise Failed(f"the pages could not be rendered:\n{error}") from error
    if failures:
        raise Failed("\n".join(["these chapters failed:", *map(str, failures)]))
    click.echo(page.relative_to(root))
