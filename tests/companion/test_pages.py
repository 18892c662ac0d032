"""The book's own pages: what they refer to is there."""

import re
from pathlib import Path

import public_names
import pytest
import yaml
from pybtex.database import parse_file

import anderson_ness
from anderson_ness.companion import chapters

ROOT = Path(__file__).parents[2]
REFERENCES = parse_file(ROOT / "book" / "references.bib").entries
PAGES = [ROOT / page for page in chapters.pages(ROOT)]


@pytest.mark.parametrize("key", REFERENCES)
def test_every_reference_can_be_found(key):
    fields = REFERENCES[key].fields
    assert fields.get("doi", "").startswith("10.") or fields.get("eprint"), "needs a DOI, or an arXiv number"
    assert fields["year"].isdecimal()


def test_every_citation_has_an_entry():
    keys = {
        key.strip()
        for page in PAGES
        for group in re.findall(r"\{cite:[tp]\}`([^`]+)`", page.read_text(encoding="utf-8"))
        for key in group.split(",")
    }
    assert keys <= set(REFERENCES)
    assert len(keys) > 5


def test_the_reference_lists_every_public_name():
    names = {name.rpartition(".")[2] for name in public_names.listed()}
    for package in public_names.EXPORTING:
        constants = {name for name in package.__all__ if not callable(getattr(package, name))}
        assert set(package.__all__) - constants <= names, package.__name__
    assert set(public_names.modules()) == set(public_names.listed_modules())


def test_versions_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == anderson_ness.__version__
    assert f"## {anderson_ness.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_notebooks_are_stored_without_outputs():
    for page in PAGES:
        if page.suffix == ".ipynb":
            text = page.read_text(encoding="utf-8")
            assert '"execution_count": null' in text or '"code"' not in text
            assert '"output_type"' not in text, f"{page.name} holds outputs"


def test_what_the_readme_names_is_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (ROOT / link).exists(), f"README.md links {link}"
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
