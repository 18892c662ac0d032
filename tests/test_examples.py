"""Every public name has an example in its docstring, and every example says what happens."""

import doctest
from pathlib import Path

import public_names
import pytest

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("name", public_names.functions_and_classes())
def test_example(name, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[1])
    one = public_names.functions_and_classes()[name]
    found = doctest.DocTestFinder(recurse=True, exclude_empty=True).find(one, name, globs={})
    own = [one for one in found if one.examples]
    assert any(one.name == name for one in own), f"{name} has no example"
    for one in own:
        result = doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(one)
        assert result.failed == 0
