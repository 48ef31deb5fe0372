# What people type here. Everything is made in .venv; nothing needs root.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv --quiet
PYTEST := $(BIN)/python -m pytest -n auto --durations=20
SEED ?= $(shell date +%Y%m%d)
UPGRADE ?= --upgrade
COMPILE := $(UV) pip compile --universal --python-version 3.11 $(UPGRADE) --generate-hashes --no-emit-index-url --no-emit-find-links --no-header
EXTRAS := analysis forecast notebooks dev docs
PYAIRBYTE := 0.71.3
DLT := 1.31.0
DAGSTER := 1.13.29
PREFECT := 3.9.1
AIRFLOW := 3.3.2
PIPX := 1.18.4
RAY := 2.60.0
KUBERNETES_VALIDATE := 1.37.0
AIRBYTE_API := 1.0.1
PIP_AUDIT := 2.10.1
CLIENTS := airbyte/$(PYAIRBYTE)-dlt-$(DLT) dagster/$(DAGSTER) prefect/$(PREFECT) airflow/$(AIRFLOW) pipx/$(PIPX)
CLIENTS := $(CLIENTS) airbyte-api/$(AIRBYTE_API) ray/$(RAY) kubernetes-validate/$(KUBERNETES_VALIDATE)
CLIENTS := $(addprefix .venv-clients/,$(CLIENTS))

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-all test-clients nightly check format site picture lock audit clean

help: ## Show what there is
	@sed -nE 's/^([a-z-]+):.*## /\1\t/p' Makefile | expand -t 14
demo: .venv/installed ## Sync a made-up history and write its report; no account, no key
	@$(BIN)/oneup-pinterest demo
	@echo "(the command is in $(BIN): run . $(BIN)/activate first, or write $(BIN)/oneup-pinterest)"

test: .venv/installed .duckdb15/installed .lake/installed check ## Run every check and the fast tests
	$(PYTEST) -m 'not (slow or clients or nightly)'
test-slow: .venv/installed .duckdb15/installed .lake/installed ## Run the slow tests: browsers, kernels, faults, kills, long lists of variants
	$(PYTEST) -m 'slow and not (clients or nightly)'
test-all: test test-slow ## Run what `make test` and `make test-slow` run
nightly: .venv/installed .duckdb15/installed .lake/installed ## Run the long simulations and random trials (hours; SEED=N repeats a night)
	ONEUP_PINTEREST_SIMULATION_SCALE=10 ONEUP_PINTEREST_SEED=$(SEED) $(PYTEST) -m nightly
test-clients: .venv/installed $(CLIENTS) ## Run PyAirbyte, dlt, Dagster, Prefect, Airflow, Ray, uvx and pipx with the wheel (minutes; needs PyPI)
	$(BIN)/python -m pytest -m clients integration_tests/clients

check: site ## Check formatting, lint, types, docs and the links of the site
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy
	$(BIN)/python -m tools.docs --check
format: .venv/installed ## Format the code, fix what lint can, and renew the generated parts of the docs
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .
	$(BIN)/python -m tools.docs
site: .venv/installed ## Build the documentation site (seconds; open site/index.html)
	$(BIN)/python -m tools.site
picture: .venv/installed ## Renew docs/report.png and docs/notebook.png from the demo (needs chromium)
	$(BIN)/python -m tools.picture
lock: .venv/installed ## Renew the lock files from pyproject.toml (UPGRADE= keeps what is locked and adds what is new)
	echo uv | $(COMPILE) --no-annotate - --output-file requirements-uv.lock
	$(COMPILE) $(EXTRAS:%=--extra %) --no-emit-package source-oneup-pinterest pyproject.toml --output-file requirements.lock
	echo 'duckdb>=1.5,<1.6' | $(COMPILE) --no-annotate - --output-file requirements-duckdb15.lock
	sed -n '/^lake = /,/^]/s/^    "\(.*[0-9]\)".*/\1/p' pyproject.toml | $(COMPILE) --no-annotate - --output-file requirements-lake.lock
audit: .venv/installed ## Look up known vulnerabilities of the locked dependencies (needs PyPI's advisories)
	@$(UV) run --no-project --isolated --python $(BIN)/python --with pip-audit==$(PIP_AUDIT) python -m tools.audit pip-audit
clean: ## Remove what the commands above made
	rm -rf .venv .venv-clients .duckdb15 .lake .cache build demo site .mypy_cache .pytest_cache .ruff_cache

.venv/installed: requirements.lock requirements-uv.lock pyproject.toml tools/install.py
	@$(PYTHON) tools/install.py && touch $@
.duckdb15/installed: requirements-duckdb15.lock .venv/installed # the older DuckDB that the kit supports, beside the newer
	@$(UV) pip install --python $(BIN)/python --require-hashes --target .duckdb15 -r $< && touch $@
.lake/installed: requirements-lake.lock .venv/installed # DuckLake, which needs one DuckDB exactly
	@$(UV) pip install --python $(BIN)/python --require-hashes --target .lake -r $< && touch $@
$(CLIENTS): # environments of their own: each pins other versions, and PyAirbyte does not support Python 3.13
	@$(UV) venv --clear --python '>=3.11,<3.13' $(@D)
	@$(UV) pip install --python $(@D) $(PACKAGES) && touch $@
.venv-clients/airbyte/%: PACKAGES = airbyte==$(PYAIRBYTE) 'dlt[duckdb]==$(DLT)'
.venv-clients/dagster/%: PACKAGES = dagster==$(DAGSTER)
.venv-clients/prefect/%: PACKAGES = prefect==$(PREFECT)
.venv-clients/airflow/%: PACKAGES = apache-airflow==$(AIRFLOW)
.venv-clients/pipx/%: PACKAGES = pipx==$(PIPX)
.venv-clients/airbyte-api/%: PACKAGES = airbyte-api==$(AIRBYTE_API)
.venv-clients/ray/%: PACKAGES = ray==$(RAY) --editable '.[analysis]'
.venv-clients/kubernetes-validate/%: PACKAGES = kubernetes-validate==$(KUBERNETES_VALIDATE)
