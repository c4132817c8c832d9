# Two commands do everything: `make demo` and `make test`. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo serve test check format browser benchmark benchmark-dashboard screenshots lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

demo: $(STAMP) ## Sandbox directory, sample list, first full sync, dashboard; prints its address
	$(BIN)/captrid demo

serve: $(STAMP) ## The dashboard on data/home
	$(BIN)/captrid serve

test: $(STAMP) browser check ## Everything that must hold before a change lands
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(STAMP) ## Format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP) ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

browser: $(STAMP) ## A Chromium for the browser tests, where none is found
	@$(BIN)/python scripts/browser.py

benchmark: $(STAMP) ## The cost of a full sync against the floor, of a delta, of an undo, and of SQL (some minutes)
	PYTHONPATH=. $(BIN)/python benchmarks/full_sync.py --latency --throttle
	PYTHONPATH=. $(BIN)/python benchmarks/delta.py
	PYTHONPATH=. $(BIN)/python benchmarks/undo.py
	PYTHONPATH=. $(BIN)/python benchmarks/sql.py

screenshots: $(STAMP) browser ## Take the pictures in docs/images anew
	PYTHONPATH=. $(BIN)/python scripts/screenshots.py

benchmark-dashboard: $(STAMP) ## What a rerun of a list of a million people costs, and a crowd of visitors (two minutes)
	PYTHONPATH=. $(BIN)/python benchmarks/dashboard.py

lock: $(STAMP) ## Write requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --quiet --output-file requirements.lock

clean: ## Remove the environment and the caches, not the data
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed.")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes --compile-bytecode -r requirements.lock
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable .
	touch $@
