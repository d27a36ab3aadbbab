# Everything a checkout can do, on a machine with git, make and Python >= 3.11. `make setup` is called by the others.
PYTHON ?= python3
PORT ?= 8420
BIN := .venv/bin
STAMP := .venv/.ready

.PHONY: setup run test demo contract mutants bench check docs format

setup: $(STAMP)

$(STAMP): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
		{ echo "python3 -m venv failed: on Debian, install python3-venv"; exit 1; }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.11"; rm -rf .venv; exit 1; }
	@echo "Installing into .venv (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

run: setup
	@$(BIN)/sched-emulator serve --port $(PORT)

test: setup
	@$(BIN)/python -m pytest -n auto

demo: setup
	@$(BIN)/sched-emulator demo

contract: setup
	@$(BIN)/sched-emulator contract --target emulator --report-dir reports

mutants: setup
	@$(BIN)/python -m tests.contract.kill_mutants

bench: setup
	@$(BIN)/python -m bench

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m tools.check_openapi
	$(BIN)/python -m tools.write_docs --check

docs: setup
	$(BIN)/python -m tools.write_docs

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
