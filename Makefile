# `make up` and `make test` do all the set-up themselves; they need Python >= 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
PYTEST_ARGS ?=
# Three processes on two cores, so that what one waits for overlaps with the others' work; a file stays in one, with its fixtures.
PARALLEL ?= -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: install install-dev up test lint format bench chaos lock docs clean

install: $(VENV)/installed          ## what running needs
install-dev: $(VENV)/installed-dev  ## and what testing needs

$(VENV)/installed: requirements.lock requirements-build.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("newswire needs Python >= 3.11; name one: make PYTHON=python3.11 ...") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked packages into $(VENV) ..."
	@$(PIP) --require-hashes -r requirements-build.lock -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	@echo "installing the locked test packages into $(VENV) ..."
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

up: install                         ## everything on this machine; Ctrl-C ends it
	@$(BIN)/newswire up $(ARGS)

test: install-dev                   ## every test, with the short form of the chaos tests
	@$(BIN)/python -m pytest $(PARALLEL) $(PYTEST_ARGS)

lint: install-dev                   ## style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: install-dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: install-dev                  ## figures, in process CPU and as ratios within one run
	@for bench in tests/bench/bench_*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

chaos: install-dev                  ## the long chaos runs: 60 kills a link; many minutes
	@$(BIN)/python -m pytest tests/chaos --long $(PYTEST_ARGS)

lock:                               ## makes the lock files anew (needs uv)
	@uv pip compile --group build $(LOCK) -o requirements-build.lock
	@uv pip compile pyproject.toml $(LOCK) -o requirements.lock
	@uv pip compile pyproject.toml $(LOCK) $(EXTRAS) -c requirements.lock -o requirements-extras.lock
	@uv pip compile pyproject.toml $(LOCK) --group dev $(EXTRAS) -c requirements-extras.lock -o requirements-dev.lock
EXTRAS := --extra confluent --extra sql --extra parquet --extra plots --extra otel  # not encoder-training: gigabytes
LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet

docs: install-dev                   ## pages, dashboards and manifests that are made from the code
	@$(BIN)/python docs/build.py

clean:
	rm -rf $(VENV) var .pytest_cache .mypy_cache .ruff_cache
