"""Every public name has an example in its docstring, and every example says what happens."""

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

import anderson_ness
from anderson_ness import ensembles, information

THEORY = [
    importlib.import_module(f"anderson_ness.theory.{name}")
    for name in ("cavity", "circuit", "diffusion", "scaling", "transfer")
]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def defined_in(module):
    """Public functions and classes that a module defines itself."""
    members = inspect.getmembers(module, lambda one: inspect.isfunction(one) or inspect.isclass(one))
    return [name for name, one in members if one.__module__ == module.__name__ and not name.startswith("_")]


def public():
    """Every public object that can have a docstring of its own, by the name it is documented under."""
    packages = (anderson_ness, information, ensembles)
    named = {f"{m.__name__}.{name}": getattr(m, name) for m in packages for name in m.__all__}
    named |= {f"{m.__name__}.{name}": getattr(m, name) for m in THEORY for name in defined_in(m)}
    return {name: one for name, one in named.items() if callable(one)}


@pytest.mark.parametrize("name", public())
def test_example(name, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[1])
    found = doctest.DocTestFinder(recurse=True, exclude_empty=True).find(public()[name], name, globs={})
    own = [one for one in found if one.examples]
    assert any(one.name == name for one in own), f"{name} has no example"
    for one in own:
        result = doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(one)
        assert result.failed == 0
