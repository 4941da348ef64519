# One entrance for everything. `make help` lists what there is.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
MARKER := ---- tests and benchmarks
KERNELS := setup.py $(wildcard analytics_ext/*.pyx)
CHECKED := build/checked/.built
PYTEST := $(BIN)/python -m pytest
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps
# Two things at once, each telling what it has to say when it is done.
ASIDE := $(MAKE) --no-print-directory --jobs=2 --output-sync=target
stage = @echo "== make test, $(1) of 6: $(2) ($$(date +%H:%M:%S))"

.DEFAULT_GOAL := help
.PHONY: help setup run stop test check formatted linted typed layered checked-kernels browser-desk browser-store format build bench simulate lock docs clean

help: ## say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys, venv; sys.exit(sys.version_info[:2] not in {(3, 11), (3, 12)})' || \
	  { echo "Python 3.11 with venv is needed: apt-get install python3.11-venv, or make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# What running needs: the lock file down to its marker. It is compiled apart from that, with every core; some packages
# carry templates that are no Python, which is nothing to stop for. An environment without pip was stopped while it was made.
$(VENV)/.runtime: $(VENV)/bin/python requirements.lock
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	@echo "installing what the desk needs (about a minute)"
	@sed '/$(MARKER)/,$$d' requirements.lock > $(VENV)/runtime.lock
	@$(PIP) --no-compile --require-hashes -r $(VENV)/runtime.lock
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	@touch $@

# What tests and benchmarks need besides.
$(VENV)/.development: $(VENV)/.runtime
	@echo "installing what tests and benchmarks need"
	@$(PIP) --no-compile --require-hashes -r requirements.lock
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
	@$(PIP) --no-build-isolation --editable .
	@touch $@

# The same kernels with every index checked, for tests alone.
$(CHECKED): $(VENV)/.runtime $(VENV)/.headers $(KERNELS)
	@echo "building the kernels that check every index"
	@ANALYTICS_CHECKED=1 $(BIN)/python setup.py --quiet build_ext
	@touch $@

setup: $(VENV)/.built ## create .venv, install the locked packages, build the kernels

run: setup ## set up if needed, start the desk, print the addresses, leave it running
	@$(BIN)/zonedesk up --detach

stop: setup ## stop the desk that `make run` started
	@$(BIN)/zonedesk down

build: setup ## build the kernels in their fast mode

test: ## everything that is checked: both kernel modes, all tests
	$(call stage,1,packages)
	@$(MAKE) --no-print-directory $(VENV)/.runtime
	$(call stage,2,packages of the tests and kernels in both modes)
	@$(ASIDE) $(VENV)/.development $(VENV)/.built $(CHECKED)
	$(call stage,3,format and lint and types and layers and the checked kernels)
	@$(ASIDE) typed formatted linted layered checked-kernels
	$(call stage,4,tests)
	$(PYTEST) tests -n 2 -m "not process and not browser" --dist worksteal
	$(call stage,5,tests that start processes)
	$(PYTEST) tests -n 3 -m "process and not browser" --dist loadfile --no-loadscope-reorder
	$(call stage,6,tests in a browser)
	@$(ASIDE) browser-desk browser-store

browser-desk: $(VENV)/.development $(VENV)/.built
	$(PYTEST) tests/browser -m "browser and desk"

browser-store: $(VENV)/.development $(VENV)/.built
	$(PYTEST) tests/browser -m "browser and not desk"

check: typed formatted linted layered ## format, lint, types, import contracts

formatted: $(VENV)/.development
	$(BIN)/ruff format --check .

linted: $(VENV)/.development
	$(BIN)/ruff check .

typed: $(VENV)/.development $(VENV)/.built
	$(BIN)/mypy

layered: $(VENV)/.development $(VENV)/.built
	$(BIN)/lint-imports

checked-kernels: $(VENV)/.development $(VENV)/.built $(CHECKED)
	$(PYTEST) -p tests.analytics_ext.checked_kernels tests/analytics_ext

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
