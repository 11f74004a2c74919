# The whole developer interface; `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 2
SERVE ?= yes

.PHONY: help setup demo serve test check fix bench lock clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(STAMP) ## Make the virtual environment, from the lock file

$(STAMP): requirements.lock pyproject.toml
	@echo "Setting up $(VENV) (once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m wijkeconomie.web.compile_translations
	@touch $@

demo: $(STAMP) ## Import a sample city, play a round, serve the site (SERVE=no ends before that)
	@$(BIN)/wijkeconomie demo $(if $(filter no,$(SERVE)),--no-serve,--serve)

serve: $(STAMP) ## Serve the website on this machine
	@$(BIN)/wijkeconomie serve

test: $(STAMP) ## Run all checks and tests
	@$(MAKE) --no-print-directory check
	@$(BIN)/python tests/browser/install_browser.py
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile

check: $(STAMP) ## Style, types, layers and migrations, in under a minute
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/mypy
	@$(BIN)/codespell
	@$(BIN)/djlint --quiet --lint wijkeconomie
	@$(BIN)/wijkeconomie db check

fix: $(STAMP) ## Format, and repair what ruff can repair
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

bench: $(STAMP) ## Measure against raw SQL; prints a table and writes var/bench.json
	@$(BIN)/python -m benchmarks

lock: $(STAMP) ## Renew requirements.lock from pyproject.toml
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile pyproject.toml --extra dev --generate-hashes --no-annotate --no-header --quiet -o requirements.lock

clean: ## Remove what was generated, but not your data in var/
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
