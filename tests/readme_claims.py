"""The table of claims in README.md: how many have which verdict, and the numbers behind the main ones.

``make claims`` writes it anew, from the ledger, the stored verdicts and the stored data.
"""

import json
import re
from pathlib import Path

from anderson_ness.companion import claims, files, ledger
from anderson_ness.companion.verdicts.finding import VERDICTS

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
VERDICTS_FILE = ROOT / "tests" / "reference" / "verdicts.json"
BLOCK = re.compile(r"(?<=<!-- claims -->\n).*?(?=<!-- /claims -->)", re.DOTALL)
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
    return f"\n{_table(counted)}\n\n{_table(shown)}\n\n"


def _table(rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def stored() -> str:
    """The block as README.md has it."""
    found = BLOCK.search(README.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError("README.md must have a block between <!-- claims --> and <!-- /claims -->")
    return found.group()


if __name__ == "__main__":
    stored()  # there is a place for it
    new = block()
    files.write(README, BLOCK.sub(lambda _: new, README.read_text(encoding="utf-8")))
