"""The table of claims in README.md: how many have which verdict, and the numbers behind the main ones.

``make claims`` writes it anew, from the ledger, the stored verdicts and the stored data.
"""

import json
from pathlib import Path

from written_block import WrittenBlock, table

from anderson_ness.companion import claims, ledger
from anderson_ness.companion.verdicts.finding import VERDICTS

ROOT = Path(__file__).parents[1]
VERDICTS_FILE = ROOT / "tests" / "reference" / "verdicts.json"
BLOCK = WrittenBlock(ROOT / "README.md", "claims")
MAIN = (
    "volume-law-diffusive",
    "volume-law-critical",
    "area-law-localized",
    "linear-in-bias",
    "volume-coefficient",
    "alpha-zero",
    "critical-disorder",
    "nu",
    "exponent-b",
    "critical-disorder-transfer",
    "nu-transfer",
    "profile-diffusive",
    "step-width",
    "linear-bound",
)


def block() -> str:
    """Markdown text: a table of all verdicts, then one of the main claims."""
    ledger_ = {claim.id: claim for claim in ledger.load(ROOT)}
    verdicts = json.loads(VERDICTS_FILE.read_text(encoding="utf-8"))
    counted = [["verdict", "claims", "which"], ["---", "---:", "---"]]
    for verdict in VERDICTS:
        ids = [id for id in ledger_ if verdicts.get(id) == verdict]
        if ids:
            counted.append([verdict, str(len(ids)), ", ".join(ids)])
    shown = [["of these", "in the paper", "claimed", "measured", "verdict"], ["---"] * 5]
    for one in claims.evaluate(ROOT, [ledger_[id] for id in MAIN]):
        texts = (one.claim.where, one.claim.claimed, claims.measured(one.finding))
        shown.append([one.claim.id, *(text.replace("|", "\\|") for text in texts), f"**{one.finding.verdict}**"])
    return f"\n{table(counted)}\n\n{table(shown)}\n\n"


def stored() -> str:
    """The block as README.md has it."""
    return BLOCK.read()


if __name__ == "__main__":
    BLOCK.write(block())
