"""Parts of a Markdown file that a program writes, between two comments."""

import re
from collections.abc import Sequence
from pathlib import Path

from anderson_ness.companion import files


class WrittenBlock:
    """What lies between ``<!-- NAME -->`` and ``<!-- /NAME -->`` in a file."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self._pattern = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)

    def read(self) -> str:
        """The block as the file has it."""
        found = self._pattern.search(self.path.read_text(encoding="utf-8"))
        if found is None:
            name = self.name
            raise ValueError(f"{self.path.name} must have a block between <!-- {name} --> and <!-- /{name} -->")
        return found.group()

    def write(self, text: str) -> None:
        """Put a text in its place."""
        self.read()  # there is a place for it
        files.write(self.path, self._pattern.sub(lambda _: text, self.path.read_text(encoding="utf-8")))


def table(rows: Sequence[Sequence[str]]) -> str:
    """Markdown text of a table, its second row the alignments."""
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
