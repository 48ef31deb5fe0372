# What people type here. Everything is made in .venv; nothing needs root.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
CLIENTS_PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
PYAIRBYTE := 0.71.3
DLT := 1.31.0
PIP_AUDIT := 2.10.1
BIN := .venv/bin
INSTALLED := .venv/installed
CLIENTS := .venv-clients/airbyte-$(PYAIRBYTE)-dlt-$(DLT)

.DEFAULT_GOAL := help
.PHONY: help demo test test-clients check format lock audit picture clean

help: ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

demo: $(INSTALLED) ## Sync a made-up history and write its report; no account, no key
	@$(BIN)/oneup-pinterest demo
	@echo "(the command is in $(BIN): run . $(BIN)/activate first, or write $(BIN)/oneup-pinterest)"

test: $(INSTALLED) .duckdb15/installed check ## Run every check and the whole test suite
	$(BIN)/python -m pytest -n auto

test-clients: $(INSTALLED) $(CLIENTS) ## Run PyAirbyte, dlt and fresh installations of the wheel (minutes; needs PyPI)
	$(BIN)/python -m pytest -m clients integration_tests/clients

check: $(INSTALLED) ## Check formatting, lint, types and docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m integration_tests.docs --check

format: $(INSTALLED) ## Format the code, mend what lint can, and renew the generated parts of the docs
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m integration_tests.docs

lock: ## Make requirements.lock anew from pyproject.toml
	@test -n "$(PYTHON)" || (echo "No Python 3.11 to 3.13 with venv was found; set PYTHON=/path/to/python" >&2; exit 1)
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet uv
	.venv-lock/bin/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet \
		--no-emit-package source-oneup-pinterest --output-file requirements.lock
	printf 'duckdb>=1.5,<1.6\n' | .venv-lock/bin/uv pip compile - --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet \
		--output-file requirements-duckdb15.lock
	rm -rf .venv-lock

audit: $(INSTALLED) ## Look the locked dependencies up in the database of known vulnerabilities (needs PyPI's advisories)
	@$(BIN)/python -m venv .venv-audit
	@.venv-audit/bin/pip install --quiet --disable-pip-version-check pip-audit==$(PIP_AUDIT)
	@$(BIN)/python -m integration_tests.audit .venv-audit/bin/pip-audit

picture: $(INSTALLED) ## Make docs/report.png and docs/notebook.png anew from the demo (needs chromium)
	$(BIN)/python -m integration_tests.picture

clean: ## Remove what the commands above made
	rm -rf .venv .venv-lock .venv-audit .venv-clients .duckdb15 demo .mypy_cache .pytest_cache .ruff_cache

# PyAirbyte pins an older DuckDB than the kit's and knows no Python 3.13: an environment of its own.
$(CLIENTS):
	@test -n "$(CLIENTS_PYTHON)" || (echo "No Python 3.11 or 3.12 was found; set CLIENTS_PYTHON=/path/to/python" >&2; exit 1)
	@rm -rf .venv-clients && $(CLIENTS_PYTHON) -m venv .venv-clients
	@.venv-clients/bin/pip install --quiet --disable-pip-version-check airbyte==$(PYAIRBYTE) 'dlt[duckdb]==$(DLT)'
	@touch $@

.duckdb15/installed: requirements-duckdb15.lock $(INSTALLED) # the older DuckDB that the kit supports, beside the newer
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --upgrade \
		--target .duckdb15 -r requirements-duckdb15.lock
	@touch $@

$(INSTALLED): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || (echo "No Python 3.11 to 3.13 with venv was found; set PYTHON=/path/to/python" >&2; exit 1)
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the locked dependencies into .venv (once, about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
