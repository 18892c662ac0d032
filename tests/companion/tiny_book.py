"""A tiny project with a book of two chapters, in a folder of its own."""

import json
from pathlib import Path

import nbformat

CONFIG = Path(__file__).parents[2] / "_config.yml"
CAPTION = {
    "mystnb": {
        "figure": {"caption": "A straight line, as $y = a x$.", "name": "fig-line"},
        "image": {"alt": "A straight line through the origin."},
    }
}
FIGURE = """
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
ax.plot([0, 1], [0, slope])
run.figure(fig, "line", {"x": [0.0, 1.0], "y": [0.0, slope]})
"""


def code(source: str, **metadata: object) -> nbformat.NotebookNode:
    return nbformat.v4.new_code_cell(source.strip(), metadata=metadata)


def text(source: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_markdown_cell(source.strip())


def begin(name: str) -> list[nbformat.NotebookNode]:
    return [
        text(f"# Chapter {name}"),
        code("slope = 2.0  # of the line\nseed = 3", tags=["parameters"]),
        code(f'from anderson_ness.companion import chapter\nrun = chapter("{name}", slope=slope, seed=seed)'),
    ]


class TinyBook:
    """Writes and changes the files of a small project."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("book", "data", "src"):
            (root / folder).mkdir()
        (root / "data" / "table.csv").write_text("x\n1\n")
        (root / "src" / "module.py").write_text("x = 1\n")
        (root / "requirements.lock").write_text("numpy==2.4.6\n")
        (root / "_config.yml").write_text(CONFIG.read_text())
        (root / "book" / "intro.md").write_text("# Intro\n\n```{bibliography}\n```\n")
        (root / "book" / "references.bib").write_text("@misc{ohm, title={Law}, author={Ohm, G.}, year={1827}}\n")
        self.toc("01_one", "02_two")
        self.notebook("01_one", [*begin("01_one"), code(FIGURE, **CAPTION)])
        self.notebook("02_two", [*begin("02_two"), code("print(slope)")])

    def toc(self, *names: str) -> None:
        entries = "".join(f"  - file: book/{name}\n" for name in names)
        (self.root / "_toc.yml").write_text(f"format: jb-book\nroot: book/intro\nchapters:\n{entries}")

    def notebook(self, name: str, cells: list[nbformat.NotebookNode]) -> None:
        metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
        for number, cell in enumerate(cells):
            cell["id"] = f"cell-{number}"
        (self.root / "book" / f"{name}.ipynb").write_text(nbformat.writes(notebook))

    def json(self, path: str) -> dict:
        return json.loads((self.root / path).read_text())
