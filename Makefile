# Everything a checkout can do, on a machine with git, make and Python >= 3.11. What a command needs is installed when it
# is first asked for: `run` and `demo` need the emulator alone, the others more.
PYTHON ?= python3
PORT ?= 8420
BIN := .venv/bin

# What is in .venv: the emulator, what its contract suite needs too, what its development needs too. Each contains those
# before it, and is complete once its stamp is written.
RUNTIME := .venv/.runtime
CONTRACT := .venv/.contract
DEV := .venv/.dev

.NOTPARALLEL:
.PHONY: setup run test demo contract mutants bench soak dist check audit docs format

setup: $(DEV)

$(RUNTIME): EXTRA =
$(RUNTIME): WHAT = the emulator alone, some ten seconds
$(CONTRACT): EXTRA = [contract]
$(CONTRACT): WHAT = the emulator and what its contract suite needs, up to a minute
$(CONTRACT): LESS = $(RUNTIME)
$(DEV): EXTRA = [dev]
$(DEV): WHAT = the emulator and all that its development needs, a minute or two
$(DEV): LESS = $(RUNTIME) $(CONTRACT)

# pip twice quiet writes errors alone. A venv without pip is one whose making was interrupted.
$(RUNTIME) $(CONTRACT) $(DEV): pyproject.toml
	@$(BIN)/python -c 'import pip' 2>/dev/null || { \
		$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
			{ echo "Python 3.11 or newer is needed: make PYTHON=python3.11"; exit 1; }; \
		echo "Making .venv ..."; \
		$(PYTHON) -m venv --clear .venv || { echo "python3 -m venv failed: on Debian, install python3-venv"; exit 1; }; }
	@echo "Installing into .venv, once: $(WHAT) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.$(EXTRA)'
	@touch $@ $(LESS)

run: $(RUNTIME)
	@$(BIN)/sched-emulator serve --port $(PORT)

demo: $(RUNTIME)
	@$(BIN)/sched-emulator demo

contract: $(CONTRACT)
	@$(BIN)/sched-emulator contract --target emulator --report-dir reports

# The many processes of the suite compile each module once, also where a shell is set to keep nothing compiled.
test: $(DEV)
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto

mutants: $(DEV)
	@$(BIN)/python -m tests.contract.kill_mutants

bench: $(DEV)
	@$(BIN)/python -m bench

soak: $(DEV)
	@$(BIN)/python -m tools.soak

dist: $(DEV)
	@$(BIN)/python -m tools.dist

check: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m tools.check_openapi
	$(BIN)/python -m tools.write_docs --check
	$(BIN)/python -m tools.audit --where-possible

audit: $(DEV)
	@$(BIN)/python -m tools.audit

docs: $(DEV)
	$(BIN)/python -m tools.write_docs

format: $(DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
