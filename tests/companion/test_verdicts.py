"""Every claim's verdict on the stored data, against the verdicts in tests/reference/verdicts.json.

Where a verdict may change, because data have grown or an analysis is better, look at the number and then rewrite them:

    .venv/bin/python tests/companion/test_verdicts.py
"""

import json
from pathlib import Path

import pytest

from anderson_ness.companion import claims, ledger
from anderson_ness.companion.verdicts.finding import VERDICTS

ROOT = Path(__file__).parents[2]
STORED = ROOT / "tests" / "reference" / "verdicts.json"
VERDICT_OF = json.loads(STORED.read_text()) if STORED.is_file() else {}


@pytest.mark.parametrize("id", VERDICT_OF)
def test_verdict(id):
    claim = next(one for one in ledger.load(ROOT) if one.id == id)
    (result,) = claims.evaluate(ROOT, [claim])
    assert result.finding.verdict in VERDICTS
    assert result.finding.verdict == VERDICT_OF[id], claims.measured(result.finding)


def test_every_claim_has_a_stored_verdict():
    assert list(VERDICT_OF) == sorted(claim.id for claim in ledger.load(ROOT))


def test_every_evaluator_decides_a_claim():
    assert set(claims.evaluators()) <= {claim.id for claim in ledger.load(ROOT)}


def rewrite():
    verdicts = {one.claim.id: one.finding.verdict for one in claims.evaluate(ROOT)}
    STORED.write_text(json.dumps(dict(sorted(verdicts.items())), indent=2) + "\n")


if __name__ == "__main__":
    rewrite()
