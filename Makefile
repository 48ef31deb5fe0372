# What people type here. Everything is made in .venv; nothing needs root.
find_python = $(shell for p in $(1); do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $(2)))' 2>/dev/null && echo $$p && break; done)
PYTHON ?= $(call find_python,python3 python3.13 python3.12 python3.11,13)
CLIENTS_PYTHON ?= $(call find_python,python3.12 python3.11 python3,12)
PYAIRBYTE := 0.71.3
DLT := 1.31.0
PIP_AUDIT := 2.10.1
BIN := .venv/bin
INSTALLED := .venv/installed
CLIENTS := .venv-clients/airbyte-$(PYAIRBYTE)-dlt-$(DLT)
PIP := pip --quiet --disable-pip-version-check install
UV := $(BIN)/uv --quiet pip
COMPILE := $(UV) compile --universal --python-version 3.11 --upgrade --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-all test-clients check format lock audit picture clean

help: ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

demo: $(INSTALLED) ## Sync a made-up history and write its report; no account, no key
	@$(BIN)/oneup-pinterest demo
	@echo "(the command is in $(BIN): run . $(BIN)/activate first, or write $(BIN)/oneup-pinterest)"

test: $(INSTALLED) .duckdb15/installed check ## Run every check and the fast tests
	$(BIN)/python -m pytest -n auto --durations=20 -m 'not (slow or clients)'

test-all: test test-slow ## Run every check and all tests but those of `make test-clients`

test-slow: $(INSTALLED) .duckdb15/installed ## Run the slow tests: browsers, kernels, simulations, faults, kills, long lists of variants
	$(BIN)/python -m pytest -n auto --durations=20 -m 'slow and not clients'

test-clients: $(INSTALLED) $(CLIENTS) ## Run PyAirbyte, dlt and fresh installations of the wheel (minutes; needs PyPI)
	$(BIN)/python -m pytest -m clients integration_tests/clients

check: $(INSTALLED) ## Check formatting, lint, types and docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m tools.docs --check

format: $(INSTALLED) ## Format the code, fix what lint can, and renew the generated parts of the docs
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m tools.docs

lock: $(INSTALLED) ## Renew the lock files from pyproject.toml
	echo uv | $(COMPILE) --no-annotate - --output-file requirements-uv.lock
	$(COMPILE) --all-extras --no-emit-package source-oneup-pinterest pyproject.toml --output-file requirements.lock
	echo 'duckdb>=1.5,<1.6' | $(COMPILE) --no-annotate - --output-file requirements-duckdb15.lock

audit: $(INSTALLED) ## Look up known vulnerabilities of the locked dependencies (needs PyPI's advisories)
	@$(BIN)/python -m venv .venv-audit
	@.venv-audit/bin/$(PIP) pip-audit==$(PIP_AUDIT)
	@$(BIN)/python -m tools.audit .venv-audit/bin/pip-audit

picture: $(INSTALLED) ## Renew docs/report.png and docs/notebook.png from the demo (needs chromium)
	$(BIN)/python -m tools.picture

clean: ## Remove what the commands above made
	rm -rf .venv .venv-audit .venv-clients .duckdb15 demo .mypy_cache .pytest_cache .ruff_cache

# PyAirbyte pins an older DuckDB than the kit's and does not support Python 3.13: an environment of its own.
$(CLIENTS):
	@test -n "$(CLIENTS_PYTHON)" || (echo "No Python 3.11 or 3.12 was found; set CLIENTS_PYTHON=/path/to/python" >&2; exit 1)
	@rm -rf .venv-clients && $(CLIENTS_PYTHON) -m venv .venv-clients
	@.venv-clients/bin/$(PIP) airbyte==$(PYAIRBYTE) 'dlt[duckdb]==$(DLT)'
	@touch $@

.duckdb15/installed: requirements-duckdb15.lock $(INSTALLED) # the older DuckDB that the kit supports, beside the newer
	@$(UV) install --python $(BIN)/python --require-hashes --target .duckdb15 -r $<
	@touch $@

# uv, installed by hash as everything else, takes seconds where pip takes more than a minute
$(INSTALLED): requirements.lock requirements-uv.lock pyproject.toml
	@test -n "$(PYTHON)" || (echo "No Python 3.11 to 3.13 with venv was found; set PYTHON=/path/to/python" >&2; exit 1)
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the locked dependencies into .venv (once, less than a minute)"
	@$(BIN)/$(PIP) --require-hashes -r requirements-uv.lock
	@$(UV) install --python $(BIN)/python --require-hashes -r requirements.lock
	@$(UV) install --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@
