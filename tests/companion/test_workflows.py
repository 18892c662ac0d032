"""The workflows keep to what they may do: pinned actions, few permissions, and an issue when the weekly run fails."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def jobs(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_with_their_version_beside(path):
    used = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_permissions_are_those_that_a_job_needs(path):
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["permissions"] == {"contents": "read"}
    allowed = {"publish": {"pages": "write", "id-token": "write"}, "report": {"issues": "write"}}
    assert {
        name: job["permissions"] for name, job in jobs(path).items() if "permissions" in job
    }.items() <= allowed.items()
    for job in jobs(path).values():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_the_book_is_published_offered_and_rerun():
    path = ROOT / ".github" / "workflows" / "pages.yml"
    # YAML takes the key "on" for a truth value.
    triggers = yaml.safe_load(path.read_text(encoding="utf-8"))[True]
    assert triggers["push"] == {"branches": ["main"]}
    assert {"pull_request", "schedule"} <= set(triggers)
    steps = {step.get("uses", "").partition("@")[0]: step for step in jobs(path)["build"]["steps"]}
    assert steps["actions/upload-artifact"]["if"] == "github.event_name == 'pull_request'"
    assert steps["actions/upload-artifact"]["with"]["path"] == "_build/html"
    assert jobs(path)["report"]["if"] == "failure() && github.event_name == 'schedule'"
    assert "gh issue create" in jobs(path)["report"]["steps"][0]["run"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_they_run_the_commands_of_the_readme(path):
    runs = [step.get("run", "") for job in jobs(path).values() for step in job["steps"]]
    assert any("bash .ci/run" in run for run in runs)
    commands = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [line for line in commands if line.startswith("make ")] == ["make book", "make test", "make browser-test"]
