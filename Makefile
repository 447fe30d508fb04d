# make demo    installs into .venv and runs the quickstart on a mesh of two kernels
# make test    installs what tests need and runs every check
#              (CORES=1 WORKERS=1: one after the other rather than side by side)
# make lab     opens JupyterLab on the tutorials
# make faults  kills hosts and owners by the hundred, and checks what is promised then
# make pictures  takes the pictures of the documents anew, in a browser
# make docs    builds the site into docs/_build/html, lessons executed
# make bench   what calls, moves, bytes, files and drains cost, beside peers and floors measured in the same run

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
LAB_OPTIONS ?=
BENCH_OPTIONS ?=
CORES := $(shell $(PYTHON) -c "import os; print(min(os.cpu_count() or 1, 8))")
WORKERS ?= $(shell expr $(CORES) + 1)
SIDE_BY_SIDE := --dist loadfile --no-loadscope-reorder -n
APT := DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0

export PIP_NO_INPUT := 1
export PYDEVD_DISABLE_FILE_VALIDATION := 1

.DELETE_ON_ERROR:
.PHONY: help demo test lint types layers unit notebooks browser pictures binder lab docs bench faults clean

help:
	@sed -n 's/^# //p' Makefile

demo: $(VENV)/.demo
	@$(BIN)/python notebooks/run_demo.py

test: lint types layers unit notebooks browser binder

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

layers: $(VENV)/.test
	$(BIN)/lint-imports --no-logo

unit: $(VENV)/.test
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(WORKERS)

notebooks: $(VENV)/.test
	$(BIN)/python -m pytest --nbval --nbval-current-env --nbval-cell-timeout 60 \
	  --nbval-sanitize-with tests/notebooks/sanitize.cfg -p tests.notebooks.own_kernels \
	  -p no:cacheprovider $(SIDE_BY_SIDE) $(CORES) notebooks

browser: $(VENV)/.test $(VENV)/.chromium
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(CORES) tests/browser

pictures: $(VENV)/.test $(VENV)/.chromium
	@rm -rf build/pictures
	PAGLETS_SCREENSHOTS=build/pictures $(BIN)/python -m pytest tests/browser/test_pictures.py
	@mkdir -p docs/pictures
	cp build/pictures/*.png docs/pictures/

binder: $(VENV)/.test
	$(BIN)/python -m pytest tests/binder

lab: $(VENV)/.lab
	$(BIN)/jupyter lab $(AS_ROOT) --LabApp.default_url=/lab/tree/notebooks $(LAB_OPTIONS)

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going -q -c docs -d docs/_build/doctrees . docs/_build/html
	@echo "The site is in docs/_build/html/index.html"

bench: $(VENV)/.bench
	$(BIN)/python -m tests.benchmarks $(BENCH_OPTIONS)

faults: $(VENV)/.test
	$(BIN)/python -m tests.faults.movement
	$(BIN)/python -m tests.faults.messages
	$(BIN)/python -m tests.faults.chain
	$(BIN)/python -m tests.faults.fanout
	$(BIN)/python -m tests.faults.detach

clean:
	rm -rf $(VENV) docs/_build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(BIN)/python:
	@echo "Making $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)

# What is installed is stamped, so that it is done again only when pyproject.toml changed.
$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "Installing paglets_nb and what the demo needs (a minute, the first time)"
	@$(PIP) -e '.[demo]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	@echo "Installing what the tests need (a minute or two, the first time)"
	@$(PIP) -e '.[test,docs,bench]'
	@touch $@

$(VENV)/.lab: pyproject.toml | $(BIN)/python
	@echo "Installing JupyterLab (a minute, the first time)"
	@$(PIP) -e '.[lab]'
	@touch $@

$(VENV)/.docs: pyproject.toml | $(BIN)/python
	@echo "Installing what the site is built with (a minute, the first time)"
	@$(PIP) -e '.[docs]'
	@touch $@

$(VENV)/.bench: pyproject.toml | $(BIN)/python
	@echo "Installing the peers of the benchmarks"
	@$(PIP) -e '.[bench]'
	@touch $@

# A browser for tests that drive the notebook's page; without one they are skipped.
$(VENV)/.chromium: | $(BIN)/python
	@if command -v chromium >/dev/null 2>&1; then :; \
	elif command -v apt-get >/dev/null 2>&1 && [ "$$(id -u)" = 0 ]; then \
	  echo "Installing Chromium"; \
	  $(APT) update && $(APT) install -y --no-install-recommends chromium fonts-dejavu-core >/dev/null \
	    || echo "Chromium could not be installed; tests that need a browser are skipped"; \
	else echo "There is no Chromium; tests that need a browser are skipped"; fi
	@touch $@
