# Two commands from a fresh clone: `make run` and `make test`. Both set up .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
EXAMPLE := example

.PHONY: help setup run test lint bench clean

help:
	@echo "make run    simulate two small fills in $(EXAMPLE)/ and run the whole follow-up on them"
	@echo "make test   lint, types and all tests, with coverage"
	@echo "make lint   lint and types alone"
	@echo "make bench  time every step on full-size simulated fills (some minutes)"
	@echo "make clean  remove the environment, caches and $(EXAMPLE)/"

setup: $(VENV)/installed

$(VENV)/installed: pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "no virtual environment: install Python's venv module (Debian: apt install python3-venv)"; \
	  exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@

# The crossing angle of the second fill steps from 150 to 140 and 130 microrad (half angles).
run: setup
	mkdir -p $(EXAMPLE)
	$(BIN)/python Utilities/simulate_fills.py --folder $(EXAMPLE)/data --fill 5845
	$(BIN)/python Utilities/simulate_fills.py --folder $(EXAMPLE)/data --fill 5848 --xing-steps 1.5:140,3:130
	cd $(EXAMPLE) && $(BIN)/python ../lumimod.py --config ../config.py
	@echo
	@echo "Results are in $(EXAMPLE)/SB_analysis/, a folder a fill:"
	@ls -l $(EXAMPLE)/SB_analysis/fill_*/

test: lint
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/pictures.py
	$(BIN)/python benchmarks/formats.py

clean:
	rm -rf $(VENV) $(EXAMPLE) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
	find . -name __pycache__ -prune -exec rm -rf {} +
