# Two commands from a fresh clone: `make run` and `make test`. Both set up .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
EXAMPLE := example
JOBS ?= 2

# Each process of the tests would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run season check test lint docs mutants soak bench clean pool-up pool-down

help:
	@echo "make run    get two small simulated fills into $(EXAMPLE)/ and run the whole follow-up on them,"
	@echo "            then on ten fills of a season, with the site of them"
	@echo "make season the ten fills of a season alone"
	@echo "make check  lint, types and the fast tests, while you work (under a minute)"
	@echo "make test   lint, types and all tests, with coverage, a pool and the documentation"
	@echo "            JOBS=8: as many processes as that, in place of 2; also for make check"
	@echo "make lint   lint and types alone"
	@echo "make mutants   small changes of physics, instruments and steps that no test notices (hours;"
	@echo "               N=200: of so many at random)"
	@echo "make soak   runs that are killed, crowded, without room: a table of what was lost (MINUTES=60);"
	@echo "            then inputs that are mutated (READERS=5000 read alone, PIPELINE=300 in whole runs)"
	@echo "make docs   the documentation as a web site, in site/"
	@echo "make pool-up, make pool-down   a real HTCondor pool on this machine (as root); to use it:"
	@echo '              eval "$$(make -s pool-up)"'
	@echo "make bench  time every step on full-size simulated fills (some minutes)"
	@echo "make clean  remove the environment, caches and $(EXAMPLE)/"

setup: $(VENV)/installed

$(VENV)/installed: pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "no virtual environment: install Python's venv module (Debian: apt install python3-venv)"; \
	  exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@

# The data are got as at CERN, but from the simulated LHC: first the fills between two times, then
# all data of two fills. In the second one the crossing angle goes from 150 to 140 and 130 microrad.
run: setup $(EXAMPLE)/config.py
	cd $(EXAMPLE) && $(BIN)/python ../Utilities/000_get_fills.py --source simulated \
	  --t-start "2017-06-14 08:00" --t-stop "2017-06-14 09:00"
	cd $(EXAMPLE) && $(BIN)/python ../Utilities/getData.py --source simulated --fill 5845 5848
	cd $(EXAMPLE) && $(BIN)/python ../lumimod.py
	cd $(EXAMPLE) && $(BIN)/python ../lumimod.py --plots
	cd $(EXAMPLE) && $(BIN)/python ../Utilities/plot_extra_data.py --fill 5845 5848
	@echo
	@cd $(EXAMPLE) && $(BIN)/python ../lumimod.py --show 5845 5848
	@echo
	@echo "Results are in $(EXAMPLE)/SB_analysis/, a folder a fill. The picture to open first:"
	@cd $(EXAMPLE) && ls $$PWD/SB_analysis/fill_5848/plots/fill_5848_overview.png
	@echo
	@$(MAKE) --no-print-directory season
	@echo "To go on: . .venv/bin/activate; cd $(EXAMPLE); lumimod --help"

$(EXAMPLE)/config.py: config.py
	mkdir -p $(EXAMPLE)
	cp config.py $@

# Fills of a simulated season, whose bunches follow formulas of their own: faults, machine development,
# archives that are not posted yet, a fill in progress. It is half past nine in the evening of the fourth day.
SEASON := $(EXAMPLE)/season
season: setup
	mkdir -p $(SEASON)
	printf '%s\n' 'data_folder = "data/"' 'doSBModel = True' 'physics = "full"' \
	  'betastar_m = "measured"' 'doOverviewPlots = True' 'doSummaryPlots = True' 'doReport = True' \
	  > $(SEASON)/config.py
	cd $(SEASON) && $(BIN)/python ../../Utilities/simulate_fills.py --folder data --season 10 \
	  --now "2017-05-04 21:30" --bunches 24 --bsrt-period-s 30 --gzip
	cd $(SEASON) && $(BIN)/python ../../lumimod.py --config config.py
	@echo
	@echo "Open $(SEASON)/SB_analysis/report/index.html in a browser."

# Left out: tests marked `slow`, and those on a real pool. A test that takes long and is not marked is
# named at the end. Each process takes whole files, see tests/sharing. Of properties a few examples
# are tried, in `make test` a hundred.
check: lint
	EXAMPLES=quick $(BIN)/python -m pytest --jobs $(JOBS) -q -m "not slow and not htcondor"

test: lint
	$(BIN)/python -m pytest --jobs $(JOBS) -rs --cov --cov-report=term

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# A mutant is a small change of the code. mutation/run.py tells how to go on with those that are listed.
mutants: $(VENV)/mutmut
	CI=1 $(BIN)/python -m mutation.run --jobs $(JOBS) $(if $(N),--sample $(N)) $(ROOMS)

$(VENV)/mutmut: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[mutants]"
	touch $@

soak: setup
	$(BIN)/python -m tests.faults.soak --minutes $(or $(MINUTES),60)
	$(BIN)/python -m tests.faults.fuzz --readers $(or $(READERS),5000) --pipeline $(or $(PIPELINE),300)

docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "open site/index.html"

bench: setup
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/pictures.py
	$(BIN)/python benchmarks/formats.py
	$(BIN)/python benchmarks/real_machine.py

# One pool for the tests is brought up and taken down by themselves; they take this one if it is up.
pool-up: setup
	@$(BIN)/python tests/condor/pool.py up

pool-down: setup
	@$(BIN)/python tests/condor/pool.py down

clean:
	rm -rf $(VENV) $(EXAMPLE) build site mutants *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
	find . -name __pycache__ -prune -exec rm -rf {} +
