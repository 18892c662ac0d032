"""How commands speak to their caller: plain single lines, and exit statuses."""

from __future__ import annotations

import importlib.util
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import click

from anderson_ness.companion.project import ProjectNotFound

PATIENCE = 2.0  # seconds without a word


class BadInput(click.ClickException):
    """Something the caller can put right: one line, exit status 2."""

    exit_code = 2


class Failed(click.ClickException):
    """What was asked for did not come out, or not all of it: exit status 1."""

    exit_code = 1


@contextmanager
def plain_messages() -> Iterator[None]:
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


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say after two seconds what is being waited for; on a terminal, also for how long, until it is done."""
    done, start = threading.Event(), time.perf_counter()

    def tell() -> None:
        if done.wait(PATIENCE):
            return
        if not sys.stderr.isatty():
            click.echo(f"{what} ...", err=True)
            return
        line = ""
        while not done.is_set():
            line = f"{what}: {time.perf_counter() - start:.0f} s"
            click.echo(f"\r{line}", err=True, nl=False)
            done.wait(1.0)
        click.echo(f"\r{' ' * len(line)}\r", err=True, nl=False)

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def require_extra(extra: str, modules: tuple[str, ...]) -> None:
    """Name the extra that brings ``modules`` if one of them is not installed."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise BadInput(f"this command needs the extra {extra!r}: pip install 'anderson-ness[{extra}]'")


def stop_like_an_interruption() -> None:
    """Let SIGTERM do what Ctrl-C does, which also ends the processes that a command has started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
