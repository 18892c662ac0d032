"""What README.md says of the claims is what the ledger and the stored data say."""

import json

import readme_claims

from anderson_ness.companion import ledger
from anderson_ness.companion.verdicts.finding import VERDICTS


def test_table_is_what_the_ledger_and_the_data_give():
    assert readme_claims.stored() == readme_claims.block(), "run make claims, and look at what changed"


def test_counts_add_up_to_the_ledger():
    rows = [line.split("|")[1:-1] for line in readme_claims.stored().splitlines() if line.startswith("|")]
    counts = {row[0].strip(): int(row[1]) for row in rows if row[0].strip() in VERDICTS}
    verdicts = json.loads(readme_claims.VERDICTS_FILE.read_text(encoding="utf-8"))
    assert sum(counts.values()) == len(ledger.load(readme_claims.ROOT))
    assert counts == {verdict: list(verdicts.values()).count(verdict) for verdict in counts}
