import json
import math
from pathlib import Path

import nbformat
import pytest
import yaml
from click.testing import CliRunner
from companion.tiny_book import code, text

from anderson_ness.companion import claims, claims_command, cli, render
from anderson_ness.companion import ledger as ledger_file
from anderson_ness.companion.ledger import Claim, LedgerError
from anderson_ness.companion.verdicts import finding, readings
from anderson_ness.companion.verdicts.finding import Finding, compared
from anderson_ness.companion.verdicts.shortage import NotEnoughData
from anderson_ness.ensembles import read_table

ROOT = Path(__file__).parents[2]
STRAIGHT = {
    "id": "line-straight",
    "where": "Fig. 1 | S7",
    "claimed": "The line *is* straight, y < x",
    "decides": "its curvature; 0 within 0.1",
    "chapter": "01_one",
    "figure": "fig-line",
    "command": "anderson-ness run 01",
}
LATER = {**STRAIGHT, "id": "later", "chapter": "05_later", "figure": "fig-later", "command": "anderson-ness run 05"}


def write(book, entries, **more):
    content = {"planned": ["05_later"], "claims": entries, **more}
    (book.root / "data" / "claims.yaml").write_text(yaml.safe_dump(content))


def without(entry, key):
    return {name: value for name, value in entry.items() if name != key}


def straight(data):
    return compared("curvature", 0.02, 0.03, 0.0, resolution=0.5)


@pytest.fixture
def ledger(book, monkeypatch):
    write(book, [STRAIGHT, LATER])
    monkeypatch.setattr(claims, "evaluators", lambda: {"line-straight": straight})
    return book


def call(*arguments):
    return CliRunner().invoke(cli.main, ["claims", *arguments])


# The ledger


def test_entries_become_claims_in_their_order(ledger):
    first, second = ledger_file.load(ledger.root)
    assert first == Claim(**STRAIGHT)
    assert second.chapter == "05_later"
    write(ledger, [without(STRAIGHT, "figure")])
    assert ledger_file.load(ledger.root)[0].figure is None


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{**STRAIGHT, "colour": "red"}], "entry 1 (line-straight): key must be one of id, where"),
        ([STRAIGHT, without(LATER, "where")], "entry 2 (later): where must be text and not empty, not None"),
        ([{**STRAIGHT, "claimed": " "}], "claimed must be text and not empty"),
        ([{**STRAIGHT, "decides": 3}], "decides must be text and not empty, not 3"),
        ([{**STRAIGHT, "id": "Line_straight"}], "id must be lower-case words joined by hyphens, not 'Line_straight'"),
        ([without(STRAIGHT, "id")], "entry 1: id must be text"),
        ([STRAIGHT, STRAIGHT], "entry 2 (line-straight): id must be unique"),
        ([{**STRAIGHT, "chapter": "03_none"}], "chapter must be a notebook of book or be listed as planned"),
        ([{**STRAIGHT, "figure": "fig-none"}], "figure must be one of 01_one's, fig-line, not 'fig-none'"),
        ([{**STRAIGHT, "command": "make book"}], "command must start with 'anderson-ness '"),
        (["line-straight"], "entry 1: must be a mapping"),
        ([], "claims must be a list of entries"),
        ("text", "claims must be a list of entries"),
    ],
)
def test_a_broken_entry_is_named_in_one_line(ledger, entries, message):
    write(ledger, entries)
    with pytest.raises(LedgerError, match=r"^data/claims\.yaml"):
        ledger_file.load(ledger.root)
    result = call()
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("claims: [", "is not YAML"),
        ("- id: x", "must hold the key claims"),
        ("claims: []\nother: 1", "must hold the key claims"),
        ("planned: 3\nclaims: []", "planned must be a list"),
    ],
)
def test_a_broken_file_is_named_in_one_line(ledger, content, message):
    (ledger.root / "data" / "claims.yaml").write_text(content)
    result = call()
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_without_a_ledger(ledger):
    (ledger.root / "data" / "claims.yaml").unlink()
    assert "data/claims.yaml cannot be read" in call().stderr


def test_the_projects_ledger_is_complete():
    ledger = ledger_file.load(ROOT)
    assert all(len(entry) > 10 for claim in ledger for entry in (claim.claimed, claim.decides))
    expected = """
    completeness equilibrium-real separable-zero profile-diffusive profile-critical profile-localized step-width
    localized-carriers localized-current volume-law-diffusive volume-law-critical area-law-localized
    coherence-density volume-coefficient alpha-zero linear-in-bias collapse critical-disorder nu localized-tail
    exponent-b field-diffusive field-critical field-localized thouless-diffusive thouless-critical
    thouless-localized field-identity cavity-lineshape cavity-width cavity-current cavity-coherence
    cavity-off-resonance bound relative-entropy-form entropy-limit information-limit information-scaling
    negativity-limit circuit-profile circuit-volume-law
    """
    assert set(expected.split()) <= {claim.id for claim in ledger}


# Evaluation


def test_findings_and_reasons(ledger):
    decided, later = claims.evaluate(ledger.root)
    assert decided.finding == Finding("curvature", 0.02, 0.03, "reproduced")
    assert later.finding.verdict == "not yet evaluated"
    assert later.record()["measured"] is None


@pytest.mark.parametrize("shortage", [NotEnoughData("fig2a has 3 samples; 8 are needed"), None])
def test_missing_data_are_a_reason(ledger, monkeypatch, shortage):
    def decide(data):
        if shortage is None:
            return read_table("fig2a", data)
        raise shortage

    monkeypatch.setattr(claims, "evaluators", lambda: {"line-straight": decide})
    found = claims.evaluate(ledger.root)[0].finding
    assert found.verdict == "not yet evaluated"
    assert "fig2a" in found.quantity
    assert math.isnan(found.value)


@pytest.mark.parametrize("error", [KeyError("length"), ZeroDivisionError(), ValueError("values must be positive")])
def test_other_errors_propagate(ledger, monkeypatch, error):
    def decide(data):
        raise error

    monkeypatch.setattr(claims, "evaluators", lambda: {"line-straight": decide})
    with pytest.raises(type(error)):
        claims.evaluate(ledger.root)


def test_evaluators_take_the_data_folder_alone():
    found = claims.evaluators()
    assert found["cavity-width"].__module__.endswith("verdicts.cavity")
    assert not {"compared", "by-number", "by-misfit"} & set(found)


@pytest.mark.parametrize(
    ("value", "error", "verdict"),
    [
        (1.0, 0.0, finding.ERRATUM),
        (1.3, 0.2, finding.ERRATUM),
        (2.0, 0.0, finding.REPRODUCED),
        (1.5, 0.5, finding.REPRODUCED),
        (4.0, 0.1, finding.DISAGREES),
        (1.5, 0.1, finding.DISAGREES),
    ],
)
def test_a_number_chooses_between_two_readings(value, error, verdict):
    assert readings.by_number("power", value, error, printed=2, corrected=1, tolerance=0.05).verdict == verdict


@pytest.mark.parametrize(
    ("printed", "corrected", "verdict"),
    [(0.7, 1e-6, finding.ERRATUM), (1e-4, 1e-6, finding.REPRODUCED), (0.7, 0.2, finding.DISAGREES)],
)
def test_misfits_choose_between_two_readings(printed, corrected, verdict):
    found = readings.by_misfit("error", printed=printed, corrected=corrected, tolerance=1e-3)
    assert (found.verdict, found.value) == (verdict, printed)


# What is shown


def test_help_has_an_example():
    assert "Example:\n    anderson-ness claims --json" in call("--help").stdout


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (1.5734, 0.0213, "1.573 ± 0.021"),
        (123.4, 17.0, "123 ± 17"),
        (1234.0, 170.0, "1234 ± 170"),
        (2.00011, 0.000043, "2.000110 ± 0.000043"),
        (-2.17e-5, 8e-6, "-2.2e-05 ± 8.0e-06"),
        (3.38e-11, 0.0, "3.38e-11"),
        (math.nan, math.nan, "–"),
        (2.0, math.inf, "2 ± ?"),
    ],
)
def test_numbers_with_their_errors(value, error, shown):
    assert claims.number(value, error) == shown


def test_missing_extra_is_named(ledger, monkeypatch):
    monkeypatch.setattr(claims_command, "MODULES", ("not_installed_anywhere",))
    assert "pip install 'anderson-ness[ensembles]'" in call().stderr


def test_table_on_the_terminal(ledger):
    result = call()
    assert result.exit_code == 0
    assert result.stderr == ""
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "line-straight reproduced curvature: 0.020 ± 0.030" in lines
    assert lines.index("01_one") < lines.index("05_later")


def test_json(ledger, monkeypatch):
    monkeypatch.setattr(claims_command, "PATIENCE", -1.0)
    result = call("--json")
    assert result.exit_code == 0
    assert "deciding line-straight" in result.stderr
    first, later = json.loads(result.stdout)
    assert {key: first[key] for key in ("id", "where", "claimed", "chapter")} == {
        key: STRAIGHT[key] for key in ("id", "where", "claimed", "chapter")
    }
    assert (first["measured"], first["error"], first["verdict"]) == (0.02, 0.03, "reproduced")
    assert (later["measured"], later["error"], later["verdict"]) == (None, None, "not yet evaluated")


def test_show_asks_for_a_chapter_of_the_ledger(ledger):
    with pytest.raises(ValueError, match="names, 01_one, 05_later, not '7'"):
        claims.show(ledger.root, "7")


def test_figures_lead_to_claims_and_claims_to_figures(ledger, monkeypatch):
    """Both ways through the pages, as Jupyter Book builds them with every warning an error."""
    shown = []
    monkeypatch.setattr(claims, "_display", lambda results, markdown: shown.append(markdown))
    results = claims.evaluate(ledger.root)
    ledger.toc("01_one", "95_claims")
    ledger.notebook("95_claims", [text("# Claims")])
    claims.show(ledger.root, "01_one")
    claims.show_overview(ledger.root, results)
    claims.show_details(ledger.root, results)
    table, overview, details = shown
    caption = {"caption": "The line of {ref}`claim-line-straight`.", "name": "fig-line"}
    figure = code("run.figure()", mystnb={"figure": caption, "image": {"alt": "A line."}})
    figure.outputs = [nbformat.v4.new_output("display_data", {"image/png": PIXEL})]
    ledger.notebook("01_one", [text("# One"), figure, with_markdown("show", table)])
    ledger.notebook("95_claims", [text("# Claims"), with_markdown("all", overview), with_markdown("each", details)])
    config = yaml.safe_load((ledger.root / "_config.yml").read_text()) | {"execute": {"execute_notebooks": "off"}}
    (ledger.root / "_config.yml").write_text(yaml.safe_dump(config))
    pages = render._build(ledger.root) / "book"
    one, page = ((pages / f"{name}.html").read_text() for name in ("01_one", "95_claims"))
    # From the caption and from the table.
    assert one.count('href="95_claims.html#claim-line-straight"') == 2
    assert 'id="claim-line-straight"' in page
    assert 'href="#claim-line-straight"' in page
    assert 'href="01_one.html#fig-line"' in page
    assert 'href="01_one.html"' in page
    # Text is shown as it is written, and a chapter without a page has no link.
    assert "The line *is* straight, y &lt; x" in page
    assert "Fig. 1 | S7" in page
    assert "05_later.html" not in page
    assert "Chapter 5: later" in page


PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def with_markdown(source, markdown):
    cell = code(source)
    cell.outputs = [nbformat.v4.new_output("display_data", {"text/plain": "a table", "text/markdown": markdown})]
    return cell
