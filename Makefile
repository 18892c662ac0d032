# Two commands matter: `make book` and `make test`. Both set up everything they need in .venv.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
UV := $(shell sed -n 's/^\(uv==[^ ;]*\).*/\1/p' requirements.lock)
EXPORT := --all-extras --all-groups --no-emit-project --no-annotate --no-header
ONE_THREAD := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

.PHONY: book chapter test browser-test check bench claims record setup lock clean
.DEFAULT_GOAL := book

book: $(READY)  ## Execute every chapter that changed, regenerate its figures, render _build/html
	$(BIN)/anderson-ness book

chapter: $(READY)  ## One chapter's page alone, to _build/preview: make chapter NAME=05
	@test -n "$(NAME)" || { echo "Name the chapter: make chapter NAME=05" >&2; exit 2; }
	$(BIN)/anderson-ness book --only "$(NAME)"

test: check  ## All checks, then all tests
	$(ONE_THREAD) $(BIN)/python -m pytest -n 2

browser-test: $(READY)  ## Every built page in a browser without a network; needs chromium and the pages
	$(BIN)/python -m pytest tests/browser

check: $(READY)  ## Lint, format, types, layers, spelling
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

bench: $(READY)  ## Side-by-side timings; see benchmarks/README.md
	$(BIN)/python -m benchmarks

claims: $(READY)  ## Verdicts and the READMEs' tables as the stored data give them now; look at what changed
	$(ONE_THREAD) $(BIN)/python tests/companion/test_verdicts.py
	$(ONE_THREAD) $(BIN)/python tests/readme_claims.py
	$(ONE_THREAD) $(BIN)/python tests/data_progress.py

record: book  ## Store the numbers that the figures plot now, for the tests to compare with, and the README's picture
	$(ONE_THREAD) $(BIN)/python tests/plotted_numbers.py
	cp _build/figures/intro/result.png .github/result.png

setup: $(READY)  ## Only the environment

lock:  ## Resolve the dependencies anew; needs uv
	uv lock --upgrade
	uv export --quiet $(EXPORT) --output-file requirements.lock

clean:  ## Remove everything that can be made again
	rm -rf .venv _build

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' || \
	  { echo "Python 3.11 or 3.12 is needed; name one by: make PYTHON=python3.12" >&2; exit 2; }
	@echo "Installing into .venv; Kwant is compiled from source, which takes a few minutes the first time."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $(UV)
	$(BIN)/uv pip sync --quiet --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@$(BIN)/python -c 'from anderson_ness._kwant import solver_name; print("Kwant solves with", solver_name())' 2>/dev/null
	@touch $@
