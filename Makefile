.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
NEWSLETTER := $(BIN)/newsletter
ISSUE ?= 6
PEOPLE ?= 10000
KILLS ?= 36

.PHONY: help run test torture torture-workers check format preview pictures bench bench-scale lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The sample's links are of 2018, and some of them have died since. Leave this out to look at them.
run: export NEWSLETTER_LINKS__CHECK ?= false
run: .venv/run.stamp ## Check issue 6, compile it, and send it to the sample subscribers in var/outbox/
	$(NEWSLETTER) check $(ISSUE)
	@# The sample holds one malformed and one repeated row on purpose; exit code 1 reports them.
	$(NEWSLETTER) subscribers import subscribers/sample.csv || [ $$? -eq 1 ]
	$(NEWSLETTER) send $(ISSUE) --yes

test: .venv/dev.stamp ## Run all tests
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

torture: .venv/dev.stamp ## Kill a sender over and over, and hold its ledger against the truth (PEOPLE=10000)
	$(BIN)/python -m tests.torture --people $(PEOPLE)

torture-workers: .venv/dev.stamp ## The same with workers on a PostgreSQL that crashes, and with SendGrid (KILLS=36)
	$(BIN)/python -m tests.torture_workers --people $(PEOPLE) --kills $(KILLS)
	$(BIN)/python -m tests.torture_workers --people $(PEOPLE) --kills $(KILLS) --sendgrid
	$(BIN)/python -m tests.sendgrid_torture --people $(PEOPLE) --kills 9 --staged

check: .venv/dev.stamp ## Look the code over: lint, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/dev.stamp ## Bring the code into its one format
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

preview: .venv/run.stamp ## Show an issue in the browser as each reader gets it (ISSUE=6)
	$(NEWSLETTER) preview $(ISSUE)

pictures: .venv/dev.stamp ## Make the README's pictures anew (needs Chromium)
	$(BIN)/python -m tests.pictures

bench: .venv/dev.stamp ## Measure, and print ratios
	$(BIN)/python -m benchmarks

bench-scale: .venv/dev.stamp ## Plan and send a campaign to a million, on both databases (many minutes)
	$(BIN)/python -m benchmarks campaign-scale workers

lock: .venv/dev.stamp ## Choose the newest allowed version of each package, and write the lock files
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --extra build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --extra build --extra dev -c requirements.lock pyproject.toml \
		-o requirements-dev.lock

clean: ## Remove what was installed and made, var/ excepted
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; $(PYTHON) is older. Name one: make PYTHON=…"; exit 2; }
	$(PYTHON) -m venv .venv

.venv/run.stamp: requirements.lock pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: requirements-dev.lock .venv/run.stamp
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
