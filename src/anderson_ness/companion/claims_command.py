"""``anderson-ness claims``: the verdict on each of the paper's claims."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import click

from anderson_ness.companion.messages import PATIENCE, plain_messages, require_extra
from anderson_ness.companion.project import project_root

if TYPE_CHECKING:
    from anderson_ness.companion.claims import Claim

MODULES = ("yaml", "pyarrow", "pandas", "lmfit")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list with one object a claim.")
def claims(as_json: bool) -> None:
    """Decide every claim of the paper from the stored data.

    What the claims are and what decides them is in data/claims.yaml. The exit status is 0 whatever the verdicts.

    \b
    Example:
      anderson-ness claims --json
    """
    require_extra("ensembles", MODULES)
    with plain_messages():
        from anderson_ness.companion import claims as ledger
        from anderson_ness.companion import files

        root = project_root()
        results = ledger.evaluate(root, tell=_Progress())
        records = [files.plain(one.record()) for one in results]
    click.echo(json.dumps(records, indent=2, ensure_ascii=False) if as_json else ledger.plain_table(results))


class _Progress:
    """Names the claim at hand whenever nothing has been said for a while."""

    def __init__(self) -> None:
        self._spoken = time.perf_counter()

    def __call__(self, claim: Claim) -> None:
        if time.perf_counter() - self._spoken > PATIENCE:
            click.echo(f"deciding {claim.id}", err=True)
            self._spoken = time.perf_counter()
