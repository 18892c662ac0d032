"""Where numbers come from: versions, commit, machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import threadpoolctl

PACKAGE = "anderson-ness"
REPOSITORY_VARIABLE = "ANDERSON_NESS_REPOSITORY"


def versions() -> dict[str, str]:
    """Versions of Python, this package and those of its direct dependencies that are installed."""
    found = {"python": platform.python_version()}
    requirements = importlib.metadata.requires(PACKAGE) or []
    names = {re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in requirements}
    for name in (PACKAGE, *sorted(names)):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def commit(root: Path) -> dict[str, Any]:
    """The commit checked out in ``root`` and whether files differ from it; both None where git cannot tell."""
    head = _git(root, "rev-parse", "--verify", "HEAD")
    status = _git(root, "status", "--porcelain")
    return {"commit": head, "dirty": None if head is None or status is None else bool(status)}


def short_commit(record: Mapping[str, Any]) -> str:
    """The commit of a record in seven digits, with a word where files differed from it."""
    if not record.get("commit"):
        return "no commit known"
    return f"{record['commit'][:7]}{' with changes' if record['dirty'] else ''}"


def repository(root: Path) -> str | None:
    """``owner/name`` on GitHub, as ANDERSON_NESS_REPOSITORY or the remote ``origin`` says; None if neither does."""
    named = os.environ.get(REPOSITORY_VARIABLE)
    origin = named or _git(root, "remote", "get-url", "origin") or ""
    found = re.fullmatch(r"(?:https://github\.com/|git@github\.com:)?([\w.-]+/[\w.-]+?)(?:\.git)?/?", origin)
    if found is None or (not named and "github.com" not in origin):
        return None
    return found[1]


def _git(root: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def machine() -> dict[str, Any]:
    """Processor, cores and linear algebra: what explains a difference in time or in the last digits, no names."""
    blas = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "blas": [f"{pool['internal_api']} {pool['version']}, {pool['num_threads']} thread(s)" for pool in blas],
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def kwant_solver() -> str | None:
    """The sparse solver Kwant uses in this process; None if nothing here has imported Kwant."""
    if "kwant" not in sys.modules:
        return None
    from anderson_ness import _kwant

    return _kwant.solver_name()


def utc_now() -> str:
    """The time in UTC to the second, as ISO 8601 writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
