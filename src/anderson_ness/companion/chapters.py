"""The book's chapters: which there are, what their runs depend on, and running one by papermill."""

from __future__ import annotations

import ast
import json
import os
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
from ipykernel.kernelspec import write_kernel_spec
from sphinx_external_toc.parsing import MalformedError, parse_toc_yaml
from traitlets.config import Config

from anderson_ness.companion import files, provenance
from anderson_ness.companion.project import ROOT_VARIABLE, RUN_VARIABLE

KERNEL = "python3"
CELL_TIMEOUT = 600  # seconds, as for plain Jupyter Book
ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


@dataclass(frozen=True)
class Failure:
    """Why a chapter stopped: ``cell`` counts the source notebook's cells from 1; None where no cell is to blame."""

    chapter: str
    cell: int | None
    line: str
    error: str

    def __str__(self) -> str:
        where = f"cell {self.cell} ({self.line})" if self.cell else "no cell"
        return f"{self.chapter}, {where}: {self.error}"


def pages(root: Path) -> list[Path]:
    """The files of the book in the order of ``_toc.yml``, relative to ``root``.

    Raises
    ------
    ValueError
        If the table of contents is absent or malformed, or lists a page that has no file.
    """
    try:
        site_map = parse_toc_yaml(root / "_toc.yml")
    except (OSError, MalformedError) as error:
        raise ValueError(f"_toc.yml cannot be read: {error}") from error
    return [_page(root, name) for name in site_map]


def _page(root: Path, name: str) -> Path:
    candidates = [Path(name), Path(f"{name}.ipynb"), Path(f"{name}.md")]
    for page in candidates:
        if (root / page).is_file():
            return page
    raise ValueError(f"_toc.yml lists {name}, but there is no file {name}.ipynb or {name}.md")


def chapters(root: Path) -> list[str]:
    """Names of the chapters, which are the notebooks that ``_toc.yml`` lists in ``book/``."""
    notebooks = [page for page in pages(root) if page.suffix == ".ipynb"]
    for page in notebooks:
        if page.parent != Path("book"):
            raise ValueError(f"_toc.yml lists the notebook {page}, but chapters must lie in book")
    return [page.stem for page in notebooks]


def source(root: Path, chapter: str) -> Path:
    """The chapter's notebook."""
    return root / "book" / f"{chapter}.ipynb"


def find_chapter(root: Path, wanted: str) -> str:
    """The name of the chapter that ``wanted`` names in full or by its number ("1" and "01" are the same).

    Raises
    ------
    ValueError
        If there is no such chapter; the message lists those there are.
    """
    names = chapters(root)
    for name in names:
        number = name.partition("_")[0]
        if wanted == name or (wanted.isdecimal() and number.isdecimal() and int(wanted) == int(number)):
            return name
    raise ValueError(f"CHAPTER must be one of {', '.join(names) or '(none yet)'}, or its number, not {wanted!r}")


def defaults(root: Path, chapter: str) -> dict[str, Any]:
    """Parameters of a chapter and their default values, as papermill finds them; code where not a plain value."""
    found = papermill.inspect_notebook(source(root, chapter))
    return {name: _literal(entry["default"]) for name, entry in found.items()}


def _literal(code: str) -> Any:
    try:
        return ast.literal_eval(code)
    except (ValueError, SyntaxError):
        return code


def parse_value(text: str) -> Any:
    """What papermill's ``-p NAME VALUE`` makes of ``text``: True, False, None, int, float, text; also a list."""
    words = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return _literal(text) if text.startswith("[") else text


def chosen_parameters(root: Path, chapter: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Values of the given parameters without those that equal the chapter's defaults.

    Raises
    ------
    ValueError
        If the chapter has no parameter of such a name; the message lists those it has.
    """
    known = defaults(root, chapter)
    for name in given:
        if name not in known:
            raise ValueError(f"parameter of {chapter} must be one of {', '.join(known) or '(none)'}, not {name!r}")
    values = {name: parse_value(text) for name, text in given.items()}
    return {name: value for name, value in values.items() if value != known[name]}


def inputs_digest(root: Path, chapter: str, parameters: Mapping[str, Any]) -> str:
    """Digest of all that a run depends on: notebook, parameters, every file of ``src`` and ``data``, and the lock.

    All of ``data`` counts for every chapter: a list of what each one reads could be wrong without anybody noticing.
    """
    lock = root / "requirements.lock"
    inputs = [source(root, chapter), *files.files_below(root / "src"), *files.files_below(root / "data")]
    inputs += [lock] if lock.is_file() else []
    described = {"parameters": files.plain(parameters), "files": files.digests(inputs, root)}
    return files.digest(json.dumps(described, sort_keys=True).encode())


def output_folder(root: Path, chapter: str, parameters: Mapping[str, Any]) -> Path:
    """Where a run's folders ``chapters`` and ``figures`` go: ``_build``; at other parameters ``_build/runs/...``."""
    if not parameters:
        return root / "_build"
    text = ",".join(f"{name}={value}" for name, value in sorted(parameters.items()))
    readable = re.sub(r"[^\w.,=+-]+", "_", text)[:60]
    return root / "_build" / "runs" / f"{chapter},{readable},{files.digest(text.encode())[:6]}"


def is_current(root: Path, chapter: str) -> bool:
    """Whether the book's run of the chapter is there, unchanged, and made from what its inputs are now."""
    build = root / "_build"
    known = files.read_json(_record_file(build, chapter))
    if known is None or known.get("inputs") != inputs_digest(root, chapter, {}):
        return False
    return files.digests(_outputs(build, chapter), build) == known.get("outputs")


def record(root: Path, chapter: str) -> dict[str, Any]:
    """What is known of the book's run of a chapter: parameters, inputs, time, commit, outputs.

    Raises
    ------
    ValueError
        If the chapter has not been run.
    """
    found = files.read_json(_record_file(root / "_build", chapter))
    if found is None:
        raise ValueError(f"{chapter} has not been run")
    return found


def _outputs(build: Path, chapter: str) -> list[Path]:
    notebooks = [path for path in [executed(build, chapter)] if path.is_file()]
    return [*notebooks, *files.files_below(build / "figures" / chapter)]


def _record_file(build: Path, chapter: str) -> Path:
    return build / "chapters" / f"{chapter}.json"


def executed(build: Path, chapter: str) -> Path:
    """The executed notebook of a chapter in a build folder."""
    return build / "chapters" / f"{chapter}.ipynb"


def failed(build: Path, chapter: str) -> Path:
    """Where the notebook of a run that failed is kept."""
    return build / "chapters" / f"{chapter}.failed.ipynb"


def execute(root: Path, chapter: str, parameters: Mapping[str, Any], work: Path) -> Failure | None:
    """Run a chapter by papermill; to be called in a process of its own, whose environment it changes.

    The executed notebook, its figures and a record of the run (inputs, parameters, wall time, outputs) replace those
    of the previous run when every cell has passed. Otherwise they stay, and the failed notebook is kept beside them.
    Until then everything is in ``work``, a folder for temporary files on the same disk that the caller removes.

    Returns
    -------
    Failure or None
        What went wrong; None if nothing did.
    """
    build = output_folder(root, chapter, parameters)
    executed(build, chapter).parent.mkdir(parents=True, exist_ok=True)
    inputs = inputs_digest(root, chapter, parameters)
    start = time.perf_counter()
    work = work / chapter
    (work / "figures").mkdir(parents=True)
    _set_environment(root, chapter, work, inputs)
    notebook = work / f"{chapter}.ipynb"
    failure = _run_papermill(root, chapter, parameters, notebook)
    if notebook.is_file():
        _without_machine(notebook, root, chapter)
    if failure is not None:
        if notebook.is_file():
            os.replace(notebook, failed(build, chapter))
        return failure
    _publish(build, chapter, notebook, work / "figures")
    facts = {
        "chapter": chapter,
        "parameters": parameters,
        "inputs": inputs,
        "time_utc": provenance.utc_now(),
        "wall_time_s": round(time.perf_counter() - start, 3),
        **provenance.commit(root),
        "outputs": files.digests(_outputs(build, chapter), build),
    }
    files.write_json(_record_file(build, chapter), facts)
    return None


def _set_environment(root: Path, chapter: str, work: Path, inputs: str) -> None:
    """What the kernel inherits: this interpreter, one thread, no personal settings, and what the run is."""
    write_kernel_spec(work / "jupyter" / "kernels" / KERNEL, extra_arguments=["--log-level=CRITICAL"])
    context = {
        "chapter": chapter,
        "parameters": list(defaults(root, chapter)),
        "figures": str(work / "figures"),
        "inputs": inputs,
    }
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    os.environ[ROOT_VARIABLE] = str(root)
    os.environ[RUN_VARIABLE] = json.dumps(context)
    # Jupyter looks here first, so that no kernel of the same name elsewhere can take the place of this interpreter's.
    os.environ["JUPYTER_PATH"] = str(work / "jupyter")
    os.environ["IPYTHONDIR"] = str(work / "ipython")
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"


def _run_papermill(root: Path, chapter: str, parameters: Mapping[str, Any], notebook: Path) -> Failure | None:
    try:
        papermill.execute_notebook(
            source(root, chapter),
            notebook,
            parameters=dict(parameters),
            kernel_name=KERNEL,
            language="python",
            cwd=source(root, chapter).parent,
            progress_bar=False,
            start_timeout=120,
            execution_timeout=CELL_TIMEOUT,
            config=Config(KernelManager={"transport_encryption": "auto"}),
        )
    except papermill.PapermillExecutionError as error:
        return _failure(chapter, notebook, f"{error.ename}: {error.evalue}")
    # Whatever else stops a run (a kernel killed for its memory, a cell that takes too long) is reported like an error
    # of the chapter, so that the other chapters go on.
    except Exception as error:
        return _failure(chapter, notebook, f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}")
    return None


def _failure(chapter: str, notebook: Path, error: str) -> Failure:
    """The failing cell is the last one that started; papermill's own cells do not count."""
    if not notebook.is_file():
        return Failure(chapter, None, "", error)
    added = {"injected-parameters", "papermill-error-cell-tag"}
    cells = [cell for cell in nbformat.read(notebook, 4).cells if added.isdisjoint(cell.metadata.get("tags", []))]
    started = [index for index, cell in enumerate(cells) if cell.metadata.get("papermill", {}).get("start_time")]
    if not started:
        return Failure(chapter, None, "", error)
    lines = [line for line in cells[started[-1]].source.splitlines() if line.strip()]
    return Failure(chapter, started[-1] + 1, lines[0].strip() if lines else "", error)


def _without_machine(path: Path, root: Path, chapter: str) -> None:
    """Take this machine's paths out of an executed notebook; papermill's times stay."""
    notebook = nbformat.read(path, 4)
    notebook.metadata.papermill.input_path = source(root, chapter).relative_to(root).as_posix()
    notebook.metadata.papermill.output_path = path.name
    notebook.metadata.papermill.pop("environment_variables", None)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            _clean_output(output, root)
    files.write(path, nbformat.writes(notebook))


def _clean_output(output: Any, root: Path) -> None:
    if "text" in output:
        output.text = _clean(output.text, root)
    if "traceback" in output:
        output.traceback = [_clean(line, root) for line in output.traceback]
    for kind in {"text/plain", "text/html", "text/markdown"} & set(output.get("data", {})):
        output.data[kind] = _clean(output.data[kind], root)


def _clean(text: str, root: Path) -> str:
    """``text`` with the folders of project and interpreter taken off, and Jupyter's names of cells made plain."""
    text = re.sub(r"\S*/ipykernel_\d+/\d+\.py", "<cell>", text)
    prefixes = {str(root), sys.prefix, sys.base_prefix, str(Path.home())} - {"/", "/usr"}
    for prefix in sorted(prefixes, key=len, reverse=True):
        text = re.sub(rf"(?<![\w./-]){re.escape(prefix)}(/|\b)", "", text)
    return text


def _publish(build: Path, chapter: str, notebook: Path, figures: Path) -> None:
    """Put a good run's files in their places. Without its record the run counts for nothing, so that comes last."""
    _record_file(build, chapter).unlink(missing_ok=True)
    failed(build, chapter).unlink(missing_ok=True)
    files.replace_folder(figures, build / "figures" / chapter)
    os.replace(notebook, executed(build, chapter))
