# `make help` lists the commands. Set-up is in bootstrap.py; running is in supervisor/.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PY := .venv/bin/python
# Test processes: two keep the machine usable while the servers run beside them.
JOBS ?= 2
# Part of the suite: make test TESTS=tests/supervisor
TESTS ?= tests

.PHONY: help up down test demo bench eval photo-sheet check models portraits lock fmt lint types setup setup-dev clean

help: ## This list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:[^#]*## /\t/' | expand -t 12

up: setup models ## Start everything on http://127.0.0.1:8000 (PORT=… for another port); Ctrl-C stops it
	@exec $(PY) -m supervisor up

down: setup ## Stop what `make up` started in another terminal
	@exec $(PY) -m supervisor down

test: setup-dev models ## Run the whole test suite on real PostgreSQL and Valkey (TESTS=… for a part)
	@exec $(PY) -m pytest -n $(JOBS) $(TESTS)

demo: setup models ## Run the main job once, end to end; files are left in var/demo
	@exec $(PY) -m demo

bench: setup-dev models ## Run the benchmarks and print a table
	@exec $(PY) -m bench

eval: setup models portraits ## Judge the photo checks: labelled pictures in DIR=… (or the own set) in, a table out
	@$(PY) -m evaluation table --portraits var/portraits $(if $(DIR),--dir "$(DIR)") $(if $(STANDARD),--standard $(STANDARD))

photo-sheet: setup models portraits ## Contact sheet of the photo pipeline into OUT=var/photo-sheet; BEFORE=… for an earlier one
	@$(PY) -m evaluation sheet --portraits var/portraits --out "$(or $(OUT),var/photo-sheet)" $(if $(BEFORE),--before "$(BEFORE)")

portraits: setup
	@$(PY) -m backoffice.photos.fetch --portraits var/portraits >/dev/null \
	  || echo "portraits not fetched: only the astronaut's pictures are used" >&2

check: setup-dev ## Lint, format, types, import rules, migration drift, then the tests
	@PY=$(PY) $(SHELL) tools/check.sh
	@$(MAKE) --no-print-directory test

screens: setup-dev ## Every page of the back office as a picture at two widths, in var/screens
	@exec $(PY) -m tests.screens

models: setup ## Fetch and verify the model files
	@$(PY) -m backoffice.photos.fetch

lint: setup-dev ## Ruff's rules
	@$(PY) -m ruff check .

fmt: setup-dev ## Format the code
	@$(PY) -m ruff check --fix-only --quiet . ; $(PY) -m ruff format --quiet .

types: setup-dev ## Types
	@$(PY) -m mypy

lock: setup-dev ## Pin requirements*.in, with hashes and without index addresses
	@for name in requirements requirements-dev; do \
	  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --override requirements-overrides.in \
	    --custom-compile-command 'make lock' $$name.in -o $$name.txt || exit 1; done

clean: ## Remove caches; data (var) and .venv stay
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

setup:
	@$(SHELL) tools/setup.sh

setup-dev:
	@$(SHELL) tools/setup.sh --dev
