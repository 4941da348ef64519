# One entrance for everything. `make help` lists what there is.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
MARKER := ---- tests and benchmarks
KERNELS := setup.py $(wildcard analytics_ext/*.pyx)
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup run stop test check format build checked bench bench-quick simulate lock docs clean

help: ## say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys, venv; sys.exit(sys.version_info[:2] not in {(3, 11), (3, 12)})' || \
	  { echo "Python 3.11 with venv is needed: apt-get install python3.11-venv, or make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# What running needs: the lock file down to its marker.
$(VENV)/.runtime: $(VENV)/bin/python requirements.lock
	@echo "installing what the desk needs (about a minute)"
	@sed '/$(MARKER)/,$$d' requirements.lock > $(VENV)/runtime.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(VENV)/runtime.lock
	@touch $@

# What tests and benchmarks need besides.
$(VENV)/.development: $(VENV)/.runtime
	@echo "installing what tests and benchmarks need"
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@touch $@

# The compiler finds Python.h where Python says it is, or where it is unpacked when the machine has none.
HEADERS := $(CURDIR)/$(VENV)/headers/usr/include
export CPATH := $(HEADERS)/python3.11:$(HEADERS)$(if $(CPATH),:$(CPATH))

$(VENV)/.headers: $(VENV)/bin/python
	@$(BIN)/python -c 'import pathlib, sysconfig; exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())' \
	  || deploy/python-headers.sh $(VENV)/headers 3.11
	@touch $@

# The editable install; it builds the kernels in their fast mode.
$(VENV)/.built: $(VENV)/.runtime $(VENV)/.headers pyproject.toml $(KERNELS)
	@echo "building the kernels"
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

setup: $(VENV)/.built ## create .venv, install the locked packages, build the kernels

run: setup ## set up if needed, start the desk, print the addresses, leave it running
	@$(BIN)/zonedesk up --detach

stop: setup ## stop the desk that `make run` started
	@$(BIN)/zonedesk down

build: setup ## build the kernels in their fast mode

test: $(VENV)/.development $(VENV)/.built check ## everything that is checked: both kernel modes, all tests
	$(PYTEST) tests -n 2 -m "not process and not browser" --dist loadscope
	ANALYTICS_CHECKED=1 $(BIN)/python setup.py --quiet build_ext
	$(PYTEST) -p tests.analytics_ext.checked_kernels tests/analytics_ext -n 2
	$(PYTEST) tests -n 2 -m "process and not browser" --dist loadfile
	$(PYTEST) tests -m browser

check: $(VENV)/.development $(VENV)/.built ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.development ## rewrite the code in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.development $(VENV)/.built ## measure the kernels against what one would use instead
	$(BIN)/python benchmarks/kernels.py

SEEDS ?= 20000
simulate: $(VENV)/.development $(VENV)/.built ## run SEEDS simulated sessions of the guardian with faults
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) --processes 2

lock: $(VENV)/.development ## resolve all packages again and write requirements.lock
	$(BIN)/python docs/lock.py

docs: $(VENV)/.development $(VENV)/.built ## draw the diagrams of docs/architecture.md from the code
	$(BIN)/python docs/draw.py --write

clean: ## remove what was built (never data/)
	rm -rf build $(VENV) *.egg-info
	find analytics_ext -name '*.so' -delete
