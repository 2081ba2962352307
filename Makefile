# Everything one does with this tree; `make` alone lists it. Component and end-to-end tests, demo and run need root.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/build/tools:$(PATH)
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH DOCKER_HOST DOCKER_CONTEXT WHERRY_FAULTS

# A run that hangs shows where (faulthandler on SIGABRT), then is killed. Tracebacks are Python's own: to shorten them pytest
# parses the source, which in Python 3.11 can fail with a SystemError and hide what has failed.
pytest = timeout --signal=ABRT --kill-after=10s $(1) python -X faulthandler -m pytest -q -rfEsx --tb=native $(2)

SUBJECTS ?= wherry=unix:///run/wherry/wherry.sock
conformance_tests := $(wildcard tests/conformance) tests/unit/cli/test_cli_like_docker.py

.PHONY: help setup demo check test unit component e2e conformance bench gen lock run shell clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what all of this needs (Debian 12, root); quick when nothing is to be done
	@tools/setup

demo: setup ## show the main job in about a dozen seconds
	demo/run

check: setup ## formatting, lint, types, imports
	ruff format --check .
	ruff check .
	mypy
	lint-imports

test: setup ## all that has to pass: check, unit and architecture, component, end to end
	$(MAKE) --no-print-directory check
	$(MAKE) --no-print-directory unit
	$(MAKE) --no-print-directory component
	$(MAKE) --no-print-directory e2e

unit: setup ## tests in memory, and tests of the code's structure
	$(call pytest,300s,tests/unit tests/architecture)

component: setup ## tests of single packages on the real kernel
	$(call pytest,360s,tests/component)

e2e: setup ## tests of a real daemon, from outside
	$(call pytest,420s,tests/e2e)

conformance: setup ## our command line beside Docker's own, on the same requests
	$(call pytest,300s,$(conformance_tests))

bench: setup ## compare running daemons: SUBJECTS="wherry=unix:///a.sock dockerd=unix:///b.sock"
	python tests/perf/bench.py $(SUBJECTS)

gen: setup ## generate the API's types and the list of its operations
	python tools/generate_api.py
	python tools/operations_document.py

lock: setup ## resolve the dependencies anew
	python tools/lock.py

run: setup ## a daemon in the foreground
	wherryd

shell: setup ## a shell that finds wherry, wherryd, docker and the tools
	@DOCKER_HOST=unix:///run/wherry/wherry.sock $${SHELL:-/bin/bash}

clean: ## remove all that was made here
	rm -rf .venv build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests tools -name __pycache__ -prune -exec rm -rf {} +
