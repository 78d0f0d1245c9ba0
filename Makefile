# `make demo` and `make test` are all that a fresh clone needs; each sets up .venv first (git, make, Python 3.11+ with venv and pip).
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
ARGS   ?=
# A file's tests share a process, for the programs that it keeps; files go out in the order of tests/conftest.py.
WORKERS := --numprocesses auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder

.PHONY: demo test lint manual generated clean

demo: $(STAMP)
	$(BIN)/python examples/examples.py

test: $(STAMP)
	$(BIN)/python -m pytest $(WORKERS) $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

manual: $(STAMP)
	$(BIN)/python -m lpuasm.isa.manual
	$(BIN)/python -m lpuasm.asm.catalogue

# What is printed from the specification and the grammar; tests fail where it is stale.
generated: $(STAMP)
	$(BIN)/python -m lpuasm.isa.manual
	$(BIN)/python -m lpuasm.asm.tables
	$(BIN)/python -m lpuasm.isa.snapshot
	$(BIN)/python -m lpuasm.asm.catalogue

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "lpuasm needs Python 3.11 or newer; say which with make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
