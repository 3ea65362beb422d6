# Works on a fresh machine with Python 3.11 to 3.13: each target makes the environment it needs.
# A second call finds the stamps in .venv and starts at once.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
OUT    ?= demo
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.NOTPARALLEL:
.PHONY: help demo test check lint types arrows docs clean

help:
	@echo "make demo    install, find motifs in the shipped example, say where the report is"
	@echo "make test    install, run the tests and the notebooks"
	@echo "make docs    install, build the documentation; a warning is an error"
	@echo "make check   lint, types, arrows, documentation, then the tests"
	@echo "make clean   remove the environment and the demo"

demo: $(VENV)/.installed $(VENV)/.warm
	$(BIN)/nucel-interp motifs nucel_interp/data/gm12878_ctcf_top500.fa -o $(OUT) --force

# two at once, a file at a time, the notebooks first, being the longest
test: $(VENV)/.installed-dev $(VENV)/.warm
	$(BIN)/python -P -m pytest -n 2 --dist loadfile --no-loadscope-reorder --nbmake --nbmake-timeout=900 notebooks tests

check: lint types arrows docs test

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.installed-dev
	$(BIN)/mypy

arrows: $(VENV)/.installed-dev
	$(BIN)/lint-imports

docs: $(VENV)/.installed-dev
	$(BIN)/python -P -m sphinx -W --keep-going -E -q -b html docs build/docs
	@echo "Documentation: build/docs/index.html"

clean:
	rm -rf $(VENV) $(OUT) build/docs

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "error: $$($(PYTHON) --version) found, Python 3.11 to 3.13 needed; give one: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# torch first and alone: it is the large one, and its version decides the others'
$(VENV)/.torch: $(VENV)/.made constraints.txt
	@echo "Installing torch (a large download)"
	$(PIP) torch
	@touch $@

$(VENV)/.installed: $(VENV)/.torch pyproject.toml
	@echo "Installing nucel-interp"
	$(PIP) -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.torch pyproject.toml
	@echo "Installing nucel-interp with what its tests need"
	$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.installed

# order-only: a newer pyproject.toml does not make the compiled code old
$(VENV)/.warm: | $(VENV)/.torch
	@test -e $(VENV)/.installed -o -e $(VENV)/.installed-dev
	@echo "Compiling motif comparison, once in this environment: about 90 seconds"
	$(BIN)/python -c "from nucel_interp.motifs.similarity import warm; warm()"
	@touch $@
