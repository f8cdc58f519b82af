# Every command here sets up what it needs: `make demo` and `make test` work on a machine with python3 >= 3.11, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .stamps
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

.PHONY: help setup demo test lint types format schema lock bench clean

help: ## What can be made
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/^[^:]*mk://' | sort | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; say which one: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMPS)/run: requirements/run.txt requirements/build.txt pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/build.txt -r requirements/run.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: requirements/dev.txt $(STAMPS)/run
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	@mkdir -p $(STAMPS) && touch $@

demo: $(STAMPS)/run ## Review the bundled example: no key, no network
	@rm -rf demo-report; repository=$$(mktemp -d); trap 'rm -rf "$$repository"' EXIT; \
	$(BIN)/python examples/demo/make_repository.py "$$repository"; \
	cd "$$repository"; "$(CURDIR)/$(BIN)/tta-orchestrate" review --local --base HEAD~1 --output "$(CURDIR)/demo-report"
	@echo "read first: demo-report/summary.md"

setup: $(STAMPS)/dev ## Everything a contributor needs, in .venv

test: $(STAMPS)/dev ## The whole suite with branch coverage
	$(BIN)/python -m pytest -q -n 2

lint: $(STAMPS)/dev ## ruff, formatting and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(STAMPS)/dev ## mypy, strict
	$(BIN)/mypy

format: $(STAMPS)/dev ## Rewrite the sources as the formatter likes them
	$(BIN)/ruff check --fix-only --quiet . || true
	$(BIN)/ruff format .

bench: $(STAMPS)/dev ## The figures of the README, with machine and date
	$(BIN)/python bench/review_scale.py

lock: ## Refresh requirements/*.txt from pyproject.toml (needs uv)
	scripts/lock

# Each area keeps its own targets beside the others: make/*.mk
-include make/*.mk

clean: ## Remove everything that was made
	rm -rf $(VENV) $(STAMPS) .mypy_cache .ruff_cache .pytest_cache .hypothesis demo-report tta-report
