"""What is public: what packages export, what modules of theory and analysis define, and what the reference lists."""

import importlib
import inspect
import pkgutil
import re
from functools import cache
from pathlib import Path

import anderson_ness
from anderson_ness import analysis, ensembles, information, states, theory

EXPORTING = (anderson_ness, ensembles, information, states)
REFERENCE = sorted((Path(__file__).parents[1] / "book").glob("api*.md"))


@cache
def functions_and_classes():
    """Every public object that can have a docstring of its own, by its full name."""
    found = {f"{package.__name__}.{name}": getattr(package, name) for package in EXPORTING for name in package.__all__}
    for module in map(importlib.import_module, modules()):
        found |= {f"{module.__name__}.{name}": getattr(module, name) for name in defined_in(module)}
    for name in listed():
        module, _, last = name.rpartition(".")
        found[name] = getattr(importlib.import_module(module), last)
    return {name: one for name, one in found.items() if callable(one)}


def modules():
    """Names of the modules of which everything without an underscore is public."""
    return [f"{package.__name__}.{one.name}" for package in (theory, analysis) for one in walk(package)]


def walk(package):
    return list(pkgutil.iter_modules(package.__path__))


def defined_in(module):
    """Functions and classes that a module defines itself; a cached function is one, too."""
    members = inspect.getmembers(module, lambda one: inspect.isroutine(inspect.unwrap(one)) or inspect.isclass(one))
    return [name for name, one in members if one.__module__ == module.__name__ and not name.startswith("_")]


def listed():
    """Full names of the functions and classes that the reference lists one by one."""
    found, module = [], "anderson_ness"
    for page in REFERENCE:
        for kind, name in re.findall(r"^\.\. (\w+):: ([\w.]+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
            if kind in ("currentmodule", "automodule"):
                module = name
            elif kind.startswith("auto"):
                found.append(name if name.startswith("anderson_ness.") else f"{module}.{name}")
    return found


def listed_modules():
    """Modules all of whose members the reference lists."""
    pattern = r"^\.\. automodule:: ([\w.]+)\n   :members:"
    return [name for page in REFERENCE for name in re.findall(pattern, page.read_text(encoding="utf-8"), re.MULTILINE)]
