# One door for people and for CI; everything else is behind it.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python
ARGS ?=
# What Python has compiled is kept, also where the environment says otherwise: compiling it is most of what a process
# costs at its start, and the tests start a hundred and fifty.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test lint types contracts pytest up down reset bench-engine bench-selection bench-audit bench-votes soak lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

demo: .venv/.runtime ## run a whole rehearsed cycle on servers of its own (ARGS="--nominations 300 --json")
	@$(RUN) starter.py demo $(ARGS)

test: lint types contracts pytest ## everything that CI checks

lint: .venv/.dev ## style of Python, YAML and the Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/yamllint --strict .
	$(BIN)/hadolint docker/Dockerfile

types: .venv/.dev ## mypy, strict
	$(BIN)/mypy -n 2 .

contracts: .venv/.dev ## who may import whom
	$(BIN)/lint-imports

pytest: .venv/.dev ## the tests alone (ARGS="tests/domain -k tie")
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not soak" $(ARGS)

up: .venv/.runtime ## keep the servers, Temporal's UI and a worker running in the foreground
	@$(RUN) -m runtime up

down: .venv/.runtime ## stop what `make up` started elsewhere, and clear what a kill left
	@$(RUN) -m runtime down

reset: .venv/.runtime ## down, and delete the data of `make up`
	@$(RUN) -m runtime reset

bench-engine: .venv/.dev ## measure the engine: a table on stderr, JSON lines on stdout (make -s bench-engine)
	@$(RUN) -m bench.engine $(ARGS)

bench-selection: .venv/.dev ## measure the constrained choice beside CP-SAT and scipy's milp (make -s bench-selection)
	@$(RUN) -m bench.selection $(ARGS)

bench-audit: .venv/.dev ## measure verifying, replaying and what the proof costs (make -s bench-audit)
	@$(RUN) -m bench.audit $(ARGS)

bench-votes: .venv/.dev ## measure the ballot box beside COPY, GROUP BY and signals (make -s bench-votes)
	@$(RUN) -m bench.votes $(ARGS)

soak: .venv/.dev ## the long campaigns that `make test` leaves out
	$(BIN)/pytest -m soak $(ARGS)

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header

lock: .venv/.runtime ## pin the newest allowed versions with their hashes, and no registry's address
	$(COMPILE) --upgrade --group pyproject.toml:bootstrap -o requirements-uv.txt
	$(COMPILE) --upgrade pyproject.toml -o requirements.txt
	$(COMPILE) --upgrade pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt

clean: ## delete the environment and the caches; data stays (make reset)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment is made once, and again only when what it is made of changes. Its words go to stderr, so that
# `make -s bench-engine` prints figures alone.
.venv/.bootstrap: requirements-uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed: make PYTHON=python3.12 … · 需要 Python 3.11 以上" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(MAKE) --no-print-directory .python3-venv >&2
	@echo "making .venv · 建立环境" >&2
	@$(PYTHON) -m venv .venv >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt >&2
	@touch $@

.PHONY: .python3-venv
.python3-venv:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -y -qq python3-venv; \
	else \
		echo "Python's venv module is missing; on Debian: sudo apt-get install python3-venv · 缺少 venv 模块" >&2; exit 1; \
	fi

.venv/.runtime: .venv/.bootstrap requirements.txt
	@$(BIN)/uv pip install --quiet --python $(RUN) --require-hashes -r requirements.txt >&2
	@touch $@

.venv/.dev: .venv/.runtime requirements-dev.txt
	@$(BIN)/uv pip install --quiet --python $(RUN) --require-hashes -r requirements-dev.txt >&2
	@touch $@
