# The entry point for people and for CI. No logic here beyond paths and flags.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
# Torch first and exactly: any other request may bring a build of several gigabytes with it.
TORCH := torch==2.13.0
# What comes after Datasette 0.65: the pages are tried on it, and it may fail.
NEXT_DATASETTE := datasette==1.0a41

.DEFAULT_GOAL := check
.PHONY: help setup nightly test hostile next check lint types arch fmt slow bench docs serve constraints clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | sort

setup: .venv/ready ## Make .venv with the tested versions

.venv/ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet $(TORCH) --constraint constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable . --group test --group lint
	touch .venv/ready

nightly: setup ## Run the main job on the shipped sample; ends with what to open
	$(BIN)/tapestory nightly tapestory.db --sample
	$(BIN)/tapestory report tapestory.db --out reports --format html,md,pdf,json

test: setup ## Run the tests
	$(BIN)/python -m pytest

hostile: setup ## Run the tests of docs/security.md alone
	$(BIN)/python -m pytest -m hostile

next: setup ## Try the pages on the next Datasette; may fail
	$(BIN)/python -m pip install --quiet --upgrade --target .next $(NEXT_DATASETTE)
	PYTHONPATH=.next $(BIN)/python -m pytest -q --tb=no tests/test_api_browse*.py

check: lint types arch test ## Lint, types, contracts, tests

lint: setup ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## Check types, strictly
	$(BIN)/mypy

arch: setup ## Check who imports whom
	$(BIN)/lint-imports

fmt: setup ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

slow: setup ## Run the simulations that take minutes
	$(BIN)/python -m pytest -m slow

bench: setup ## Measure what docs/benchmarks.md states
	$(BIN)/python -m pytest -m benchmark -s

serve: setup ## Serve the pages of tapestory.db
	$(BIN)/tapestory serve tapestory.db

constraints: setup ## Write the versions of this environment to constraints.txt
	$(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt

docs: setup ## Write the pages that follow from the code
	$(BIN)/python docs/generate.py

clean: ## Remove what make made, the database too
	rm -rf .venv .next tapestory.db tapestory.site.db tapestory.db.lock reports
