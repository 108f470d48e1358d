# What can be done here. Every target makes .venv by itself when it is missing or out of date.

PYTHON ?= python3
UV ?= uv
# Processes that share the tests, by file; each has servers of its own.
JOBS ?= 2
# Options for what a target runs: make run ARGS="--port 9000", make test ARGS="-k offers"
ARGS ?=
# How many times as often as usual `make soak` asks.
DEPTH ?= 10
# make check SUITE=no leaves the tests to a `make test` that follows.
SUITE ?= yes

BIN := .venv/bin
INSTALLED := .venv/.installed
COMPILE := $(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header

.DEFAULT_GOAL := help
.PHONY: help install run test soak check check-code check-schema check-migrations check-domain \
	bench fmt schema lock migration

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Make .venv with everything in it

$(INSTALLED): pyproject.toml locks/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Callout needs Python 3.11 or newer, and $(PYTHON) is older or missing." \
			"Name another: make install PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: venv or ensurepip is missing." \
			"On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --editable .
	@touch $@

run: install ## Start everything on this machine (callout dev)
	@$(BIN)/callout dev $(ARGS)

test: install ## Run the tests, on embedded servers unless CALLOUT_TEST_SERVICES=external
	$(BIN)/pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

soak: install ## Ask what is drawn by chance, and what races, many times over: DEPTH=20
	CALLOUT_TEST_DEPTH=$(DEPTH) $(BIN)/pytest --numprocesses $(JOBS) --dist loadfile -m soak $(ARGS)

check: check-code check-schema check-migrations check-domain ## All that must hold, tests included
ifeq ($(SUITE),yes)
	$(MAKE) test
endif

check-code: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports

check-schema: install
	$(BIN)/callout schema --check

check-migrations: install
	$(BIN)/python -m tests.scratch sh -ec '$(BIN)/alembic upgrade head; $(BIN)/alembic check'

check-domain: install
	$(BIN)/coverage run -m pytest --quiet tests/domain
	$(BIN)/coverage report --skip-covered

bench: install ## Measure: a table, and JSON with ARGS="--json FILE"
	$(BIN)/python -m benchmarks $(ARGS)

fmt: install ## Format, and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schema: install ## Write schema.graphql from the code
	$(BIN)/callout schema > schema.graphql.new
	mv schema.graphql.new schema.graphql

migration: install ## Draft the next migration: make migration NAME="Add holds"
	$(BIN)/python -m tests.scratch sh -ec \
		'$(BIN)/alembic upgrade head; $(BIN)/alembic revision --autogenerate -m "$(NAME)"'

lock: ## Choose newer versions of everything and write them to locks/
	$(COMPILE) --upgrade --output-file locks/runtime.txt
	$(COMPILE) --upgrade --extra embedded --group dev --constraint locks/runtime.txt \
		--output-file locks/dev.txt
	echo hatchling==1.33.0 | $(UV) pip compile - --quiet --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --constraint locks/dev.txt \
		--output-file locks/build.txt
